from __future__ import annotations

import json

import pytest

from loyalty.decider import Decider, Delivery
from loyalty.records import Record
from loyalty.state.codec import DictEntries
from loyalty.times import DAY_MS, LAST_MS
from tests.domain.story import Story, at, summary


def test_an_event_used_before_changes_nothing_its_time_included() -> None:
    story = Story()
    story.buys("o1", 1_000, at(), event_id="once")
    assert story.buys("o1", 1_000, at(), event_id="once") == []
    assert story.fate(1) == "duplicate"
    assert story.balance["available"] == 10


def test_the_same_id_with_other_content_is_a_dead_letter() -> None:
    story = Story()
    story.buys("o1", 1_000, at(), event_id="once")
    story.buys("o1", 1_001, at(), event_id="once")
    assert story.refusals == ["conflicting_duplicate"]


def test_an_event_id_is_remembered_for_35_days_of_the_accounts_time_exactly() -> None:
    story = Story(earning={"refund_days": 1})
    story.buys("o1", 1_000, at(), event_id="once")
    story.buys("o2", 0, at(35, ms=-1))
    assert story.buys("o1", 1_000, at(), event_id="once") == []
    story.buys("o3", 0, at(35))
    again = story.buys("o1", 1_000, at(), event_id="once")
    assert summary(again)[0] == ("points.earned", "posted", 10)
    assert len({decision["decision_id"] for decision in story.decisions}) == len(story.decisions)


def test_a_refused_event_may_come_again_and_still_moves_the_accounts_time() -> None:
    story = Story(earning={"pending_days": 1})
    story.buys("o1", 1_000, at())
    assert summary(story.commits("nothing", at(2))) == [("points.released", "posted", 0)]
    assert story.refusals == ["unknown_redemption"]


@pytest.mark.parametrize("timers_come_by", [True, False])
def test_the_id_of_a_refund_that_the_watermark_gave_up_may_come_again(timers_come_by: bool) -> None:
    story = Story(eager=timers_come_by)
    story.refunds("missing", at(), event_id="same")
    story.another_account_is_active(at(3))
    assert summary(story.buys("o1", 1_000, at(3, hours=1), event_id="same"))[0] == ("points.earned", "posted", 10)
    assert story.refusals == ["unknown_order"]


def test_events_before_the_first_programme_are_refused() -> None:
    story = Story()
    story.buys("o1", 1_000, at(ms=-1))
    assert story.refusals == ["no_programme"]


def test_an_event_out_of_order_is_judged_by_its_own_time_and_counted_by_the_accounts() -> None:
    story = Story(earning={"pending_days": 1})
    story.buys("o1", 1_000, at(2))
    earned, released = story.buys("o2", 1_000, at(1, minutes=-5))
    assert earned["occurred_at"] < "2025-01-02"
    assert (released["type"], released["occurred_at"]) == ("points.released", "2025-01-02T23:55:00.000Z")


def test_due_things_of_one_millisecond_come_in_the_contracts_order() -> None:
    story = Story(
        earning={"pending_days": 3, "expiry_days": 10}, redemption={"hold_minutes": 60}, tiers={"window_days": 3}
    )
    story.reward("mug", 50)
    story.adjusts(60, at(-0))
    story.buys("o1", 10_000, at(7))
    story.requests("r1", 50, at(9, hours=23))
    decisions = story.another_account_is_active(at(10, minutes=10))
    assert [(d["type"], d["outcome"]) for d in decisions] == [
        ("redemption.released", "posted"),
        ("points.released", "posted"),
        ("points.expired", "posted"),
        ("tier.grace", "started"),
    ]
    assert len({decision["occurred_at"] for decision in decisions}) == 1


def test_sequences_have_no_gap() -> None:
    story = Story()
    for day in range(20):
        story.buys(f"o{day}", 3_000, at(day))
    assert [d["sequence"] for d in story.decisions] == list(range(1, len(story.decisions) + 1))


def test_an_event_further_behind_than_the_lag_is_marked_late() -> None:
    story = Story()
    story.buys("o1", 0, at(1))
    on_time = story.buys("o2", 0, at(1, minutes=-10))[0]
    late = story.buys("o3", 0, at(1, minutes=-10, ms=-1))[0]
    assert (on_time["evidence"]["late"], late["evidence"]["late"]) == (False, True)


def test_a_leap_day_is_a_day_like_any_other() -> None:
    story = Story(since=at(-400), earning={"pending_days": 2})
    story.buys("o1", 1_000, at(-308))
    released = story.another_account_is_active(at(-300))[0]
    assert story.decisions[0]["occurred_at"] == "2024-02-28T00:00:00.000Z"
    assert released["occurred_at"] == "2024-03-01T00:00:00.000Z"


@pytest.mark.parametrize(("beyond_ms", "is_ever_due"), [(0, True), (1, False)])
def test_what_is_due_at_the_last_moment_that_can_be_written_is_due_and_what_is_later_never(
    beyond_ms: int, is_ever_due: bool
) -> None:
    decider, story = Decider(), Story(earning={"expiry_days": 1})
    decider.program = story.program
    event = {**story.purchase("o1", LAST_MS - DAY_MS + beyond_ms, [(1_000, 1)]), "account_id": "acc"}
    record = Record("loyalty.transactions", 0, 0, LAST_MS, b"acc", json.dumps(event).encode())
    verdict = decider.receive("acc", DictEntries(), Delivery(record))
    assert verdict.next_due_ms == (LAST_MS if is_ever_due else None)
