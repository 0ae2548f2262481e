from __future__ import annotations

import json

from loyalty.decider import Decider, Delivery
from loyalty.records import Record
from loyalty.state.account import Account
from loyalty.state.codec import DictEntries
from tests.domain.story import TIERS, Story, at, codes, summary


def _tier_decisions(story: Story) -> list[tuple[str, str, list[str], str]]:
    return [
        (decision["type"], decision["outcome"], codes(decision), decision["occurred_at"])
        for decision in story.decisions
        if decision["type"].startswith("tier.")
    ]


def test_a_threshold_reached_lifts_the_tier_at_once() -> None:
    story = Story()
    story.buys("o1", 9_900, at())
    assert _tier_decisions(story) == []
    story.buys("o2", 100, at(1))
    assert _tier_decisions(story) == [("tier.changed", "silver", ["threshold_reached"], "2025-01-02T00:00:00.000Z")]


def test_a_tier_may_be_leapt_over() -> None:
    story = Story()
    story.buys("o1", 30_000, at())
    assert _tier_decisions(story) == [("tier.changed", "gold", ["threshold_reached"], "2025-01-01T00:00:00.000Z")]


def test_a_purchase_leaves_the_window_at_the_exact_millisecond_and_grace_starts() -> None:
    story = Story()
    story.buys("o1", 10_000, at())
    story.buys("o2", 0, at(10, ms=-1))
    assert story.balance["qualifying"] == 100
    started = story.buys("o3", 0, at(10))[0]
    assert (started["type"], started["outcome"], codes(started)) == ("tier.grace", "started", ["window_slid"])
    assert (started["cause"]["event_id"], started["cause"]["timer"]) == ("e5", "slide")
    assert story.balance == {**story.balance, "qualifying": 0, "tier": "silver"}


def test_the_tier_falls_when_the_grace_is_over_to_the_millisecond() -> None:
    story = Story()
    story.buys("o1", 10_000, at())
    story.buys("o2", 0, at(13, ms=-1))
    assert story.balance["tier"] == "silver"
    fallen = story.buys("o3", 0, at(13))[0]
    assert (fallen["type"], fallen["outcome"], codes(fallen)) == ("tier.changed", "base", ["grace_ended"])
    assert fallen["cause"]["timer"] == "grace"


def test_a_tier_regained_in_time_ends_the_grace() -> None:
    story = Story()
    story.buys("o1", 10_000, at())
    story.buys("o2", 10_000, at(12))
    assert [entry[:3] for entry in _tier_decisions(story)] == [
        ("tier.changed", "silver", ["threshold_reached"]),
        ("tier.grace", "started", ["window_slid"]),
        ("tier.grace", "ended", ["threshold_reached"]),
    ]
    story.buys("o3", 0, at(14))
    assert story.balance["tier"] == "silver"


def test_from_grace_straight_to_a_higher_level_the_grace_ends_first() -> None:
    story = Story()
    story.buys("o1", 10_000, at())
    story.buys("o2", 30_000, at(12))
    assert [entry[:2] for entry in _tier_decisions(story)[-2:]] == [("tier.grace", "ended"), ("tier.changed", "gold")]


def test_a_refund_below_the_threshold_takes_the_tier_at_once() -> None:
    story = Story()
    story.buys("o1", 10_000, at())
    decisions = story.refunds("o1", at(1))
    assert summary(decisions) == [("points.reversed", "posted", -100), ("tier.changed", "base", 0)]
    assert codes(decisions[1]) == ["points_reversed"]


def test_an_account_in_grace_stays_in_it_whatever_is_taken() -> None:
    story = Story()
    story.buys("o1", 10_000, at())
    story.buys("o2", 5_000, at(9))
    story.refunds("o2", at(11))
    assert (story.balance["tier"], story.balance["qualifying"]) == ("silver", 0)


def test_another_tiers_document_is_noticed_behind_the_points_of_the_next_event() -> None:
    story = Story()
    story.document("tiers", 2, {**TIERS, "levels": _levels(silver=200)}, since=at(1))
    story.buys("o1", 10_000, at())
    decisions = story.buys("o2", 1_000, at(2))
    assert [decision["type"] for decision in decisions] == ["points.earned", "tier.grace", "points.released"]
    assert codes(decisions[1]) == ["rules_changed"]
    assert decisions[1]["rules"] == {"tiers": 2}


def test_a_slide_that_is_the_first_to_notice_another_tiers_document_gives_that_as_the_reason() -> None:
    story = Story()
    story.buys("o1", 10_000, at())
    story.document("tiers", 2, {**TIERS, "levels": _levels(silver=200)}, since=at(5))
    story.another_account_is_active(at(10, minutes=10))
    assert [entry[:3] for entry in _tier_decisions(story)[1:]] == [("tier.grace", "started", ["rules_changed"])]


def test_what_a_shorter_window_takes_is_no_reversal_also_where_one_point_is_enough_for_the_tier() -> None:
    story = Story(tiers={"levels": _levels(silver=1)})
    story.document("tiers", 2, {**TIERS, "levels": _levels(silver=1), "window_days": 1}, since=at(3))
    story.buys("o1", 1_000, at())
    decisions = story.adjusts(-1, at(4), qualifying=True)
    assert [decision["type"] for decision in decisions] == ["points.adjusted", "tier.grace"]
    assert codes(decisions[1]) == ["rules_changed"]


def test_a_longer_window_counts_older_purchases_again() -> None:
    story = Story()
    story.document("tiers", 2, {**TIERS, "window_days": 30}, since=at(15))
    story.buys("o1", 5_000, at())
    story.buys("o2", 0, at(12))
    assert story.balance["qualifying"] == 0
    story.buys("o3", 0, at(15))
    assert story.balance["qualifying"] == 50


def test_what_is_due_as_a_shorter_window_begins_shows_what_slides_at_that_moment_and_nothing_older() -> None:
    for earned, shown in ((at(3), 60), (at(3, ms=-1), 10)):
        story = Story()
        story.document("tiers", 2, {**TIERS, "window_days": 2}, since=at(5))
        story.reward("mug", 10)
        story.adjusts(50, earned, qualifying=True)
        story.adjusts(10, at(4), qualifying=True)
        story.requests("r1", 10, at(5, minutes=-15))
        story.another_account_is_active(at(5, minutes=10))
        released = next(one for one in story.decisions if one["type"] == "redemption.released")
        assert released["balance"]["qualifying"] == shown


def test_points_that_leave_in_the_very_millisecond_in_which_a_shorter_window_begins_are_due_then() -> None:
    story = Story()
    story.document("tiers", 2, {**TIERS, "window_days": 2}, since=at(5))
    story.adjusts(1, at(2))
    story.adjusts(100, at(3), qualifying=True)
    story.another_account_is_active(at(5, minutes=10))
    assert _tier_decisions(story)[1:] == [("tier.grace", "started", ["window_slid"], "2025-01-06T00:00:00.000Z")]


def test_points_that_a_shorter_window_left_out_do_not_slide_as_a_longer_one_begins_that_just_misses_them() -> None:
    story = Story(tiers={"window_days": 2, "grace_days": 0})
    story.document("tiers", 2, {**TIERS, "window_days": 1, "grace_days": 0}, since=at(2))
    story.document("tiers", 3, {**TIERS, "window_days": 3, "grace_days": 0}, since=at(3))
    story.buys("o1", 20_000, at())
    story.another_account_is_active(at(9))
    assert [decision["type"] for decision in story.decisions if decision["cause"].get("timer") == "slide"] == []


def test_an_order_that_came_back_leaves_nothing_to_slide() -> None:
    story, decider, entries = Story(), Decider(), DictEntries()
    decider.program = story.program
    purchase = story.purchase("o1", at(1), [(1_000, 1)])
    cancellation = {**story.purchase("o1", at(2), []), "type": "cancellation"}
    due = []
    for offset, event in enumerate((purchase, cancellation)):
        record = Record("loyalty.transactions", 0, offset, at(3), b"acc", json.dumps(event).encode())
        due.append(decider.receive("acc", entries, Delivery(record)).next_due_ms)
    assert due == [at(11), None]


def test_points_that_left_the_window_long_ago_are_forgotten_and_what_a_longer_window_may_count_is_not() -> None:
    story = Story(since=at(-900))
    story.document("tiers", 2, {**TIERS, "window_days": 30}, since=at(15))
    story.adjusts(70, at(-800), qualifying=True)
    story.adjusts(50, at(), qualifying=True)
    story.adjusts(1, at(12))
    assert Account("acc", DictEntries(dict(story.entries))).core.slid.first == at()
    story.adjusts(1, at(16))
    assert story.balance["qualifying"] == 50


def test_a_tier_that_a_later_document_does_not_name_counts_as_the_first_level() -> None:
    story = Story()
    first, _, highest = _levels(silver=100)
    story.document("tiers", 2, {**TIERS, "levels": [first, highest]}, since=at(1))
    story.buys("o1", 10_000, at())
    assert story.balance["tier"] == "silver"
    decided = summary(story.buys("o2", 20_000, at(2)))
    assert decided[:2] == [
        ("points.earned", "posted", 200),
        ("tier.changed", "gold", 0),
    ]


def test_the_sum_is_never_shown_below_zero() -> None:
    story = Story()
    story.adjusts(-50, at(), qualifying=True)
    assert story.balance["qualifying"] == 0
    story.adjusts(60, at(1), qualifying=True)
    assert story.balance["qualifying"] == 10


def test_negative_points_that_leave_the_window_lift_the_tier() -> None:
    story = Story()
    story.adjusts(-50, at(), qualifying=True)
    story.adjusts(120, at(5), qualifying=True)
    assert story.balance["tier"] == "base"
    story.another_account_is_active(at(10, minutes=10))
    assert _tier_decisions(story) == [("tier.changed", "silver", ["threshold_reached"], "2025-01-11T00:00:00.000Z")]


def test_a_purchase_from_the_far_past_qualifies_nothing_now() -> None:
    story = Story(since=at(-100))
    story.buys("o1", 0, at(50))
    story.buys("o2", 10_000, at(-50))
    assert story.balance["qualifying"] == 0
    assert _tier_decisions(story) == []


def _levels(silver: int) -> list[dict[str, object]]:
    return [
        {"tier": "base", "threshold": 0, "earn_bp": 10_000},
        {"tier": "silver", "threshold": silver, "earn_bp": 15_000},
        {"tier": "gold", "threshold": 300, "earn_bp": 20_000},
    ]
