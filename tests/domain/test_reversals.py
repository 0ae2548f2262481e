from __future__ import annotations

import pytest

from loyalty.state.account import Account
from loyalty.state.codec import DictEntries
from tests.domain.story import Story, at, codes, summary


def test_a_refund_takes_back_only_the_returned_units() -> None:
    story = Story()
    story.buys_lines("o1", at(), [(1_000, 3), (500, 1)])
    # 10 points on three units: two left keep 6, one left keeps 3, none keeps 0.
    assert summary(story.refunds("o1", at(1), ("1", 1))) == [("points.reversed", "posted", -4)]
    assert summary(story.refunds("o1", at(2), ("1", 1))) == [("points.reversed", "posted", -3)]
    assert summary(story.refunds("o1", at(3), ("1", 1))) == [("points.reversed", "posted", -3)]
    assert story.balance["available"] == 5


def test_a_line_named_twice_adds_up() -> None:
    story = Story()
    story.buys_lines("o1", at(), [(1_000, 2)])
    story.refunds("o1", at(1), ("1", 1), ("1", 2))
    assert story.refusals == ["over_refund"]
    assert summary(story.refunds("o1", at(1), ("1", 1), ("1", 1))) == [("points.reversed", "posted", -10)]


def test_an_unknown_line_has_no_units_left() -> None:
    story = Story()
    story.buys("o1", 1_000, at())
    story.refunds("o1", at(1), ("9", 1))
    assert story.refusals == ["over_refund"]
    assert story.balance["available"] == 10


def test_a_cancellation_takes_what_is_left_and_then_nothing() -> None:
    story = Story()
    story.buys_lines("o1", at(), [(1_000, 3)])
    story.refunds("o1", at(1), ("1", 2))
    cancelled = story.cancels_order("o1", at(2))
    assert summary(cancelled) == [("points.reversed", "posted", -3)]
    assert codes(cancelled[0]) == ["cancellation"]
    assert summary(story.cancels_order("o1", at(3))) == [("points.reversed", "posted", 0)]


def test_spent_points_become_debt() -> None:
    story = Story()
    story.reward("mug", 10)
    story.buys("o1", 1_000, at())
    story.requests("r1", 10, at(minutes=1))
    story.commits("r1", at(minutes=2))
    (reversed_,) = story.refunds("o1", at(1))
    assert (reversed_["points"], reversed_["balance"]["debt"]) == (-10, 10)


def test_with_floor_spent_points_are_written_off_and_the_decision_says_how_many() -> None:
    story = Story(redemption={"negative_balance": "floor"})
    story.reward("mug", 10)
    story.buys("o1", 1_000, at())
    story.requests("r1", 10, at(minutes=1))
    story.commits("r1", at(minutes=2))
    (reversed_,) = story.refunds("o1", at(1))
    assert (reversed_["points"], reversed_["balance"]["debt"]) == (0, 0)
    assert reversed_["evidence"]["written_off"] == 10


def story_under_floor() -> Story:
    """1,000 points were earned and 900 of them are held."""
    story = Story(redemption={"negative_balance": "floor"})
    story.reward("bike", 900)
    story.reward("mug", 100)
    story.buys("o1", 100_000, at())
    story.requests("r1", 900, at(minutes=1), reward_id="bike")
    return story


def test_under_floor_an_account_owes_what_its_holds_may_give_back_so_nothing_stays_of_an_order_that_came_back() -> None:
    story = story_under_floor()
    reversed_, *_ = story.refunds("o1", at(minutes=2))
    assert (reversed_["points"], reversed_["balance"]["debt"], reversed_["evidence"]["written_off"]) == (-1_000, 900, 0)
    (released,) = story.cancels("r1", at(minutes=3))
    assert (released["points"], released["evidence"]["paid_debt"]) == (0, 900)
    assert (story.balance["available"], story.balance["held"], story.balance["debt"]) == (0, 0, 0)


def test_under_floor_a_commit_writes_off_what_is_owed_up_to_the_points_that_it_spends() -> None:
    story = story_under_floor()
    story.refunds("o1", at(minutes=2))
    settled, _ = story.commits("r1", at(minutes=3))
    assert (settled["points"], settled["evidence"]["written_off"]) == (0, 900)
    assert (story.balance["held"], story.balance["debt"]) == (0, 0)
    assert "900 points that the account owed were written off" in settled["reasons"][0]["detail"]


def test_under_floor_what_no_hold_can_give_back_is_written_off() -> None:
    story = story_under_floor()
    story.requests("r2", 100, at(minutes=1), reward_id="mug")
    story.commits("r2", at(minutes=2))
    reversed_, *_ = story.refunds("o1", at(minutes=3))
    assert (reversed_["balance"]["debt"], reversed_["evidence"]["written_off"]) == (900, 100)
    (taken,) = story.adjusts(-50, at(minutes=4))
    assert (taken["points"], taken["balance"]["debt"], taken["evidence"]["written_off"]) == (0, 900, 50)


def test_where_debt_is_owed_a_commit_writes_nothing_off() -> None:
    story = Story()
    story.reward("bike", 900)
    story.buys("o1", 100_000, at())
    story.requests("r1", 900, at(minutes=1), reward_id="bike")
    story.refunds("o1", at(minutes=2))
    settled, _ = story.commits("r1", at(minutes=3))
    assert (settled["points"], settled["evidence"]["written_off"], story.balance["debt"]) == (-900, 0, 900)


def test_each_expired_point_is_forgiven_once() -> None:
    story = Story(earning={"expiry_days": 2})
    story.buys_lines("o1", at(), [(1_000, 1), (1_000, 1)])
    story.adjusts(5, at(1))
    assert summary(story.refunds("o1", at(2, hours=1), ("1", 1))) == [
        ("points.expired", "posted", -20),
        ("points.reversed", "posted", 0),
    ]
    assert story.decisions[-1]["evidence"]["taken"] == {"own_lot": 0, "forgiven": 10, "other_lots": 0, "debt": 0}
    assert summary(story.refunds("o1", at(2, hours=2), ("2", 1))) == [("points.reversed", "posted", 0)]


def test_what_was_spent_before_the_rest_expired_is_owed_though_the_rest_is_forgiven() -> None:
    story = Story(earning={"expiry_days": 2})
    story.reward("mug", 40)
    story.buys_lines("o1", at(), [(5_000, 1), (5_000, 1)])
    story.requests("r1", 40, at(1))
    story.commits("r1", at(1, minutes=1))
    story.buys("o2", 0, at(3))
    assert summary(story.refunds("o1", at(3), ("1", 1)))[0] == ("points.reversed", "posted", 0)
    assert summary(story.refunds("o1", at(3), ("2", 1)))[0] == ("points.reversed", "posted", -40)
    assert story.balance["debt"] == 40


def test_points_that_came_back_to_a_lot_behind_its_end_are_forgiven_too() -> None:
    story = Story(earning={"expiry_days": 2}, redemption={"hold_minutes": 3 * 24 * 60})
    story.reward("mug", 40)
    story.buys("o1", 10_000, at())
    story.requests("r1", 40, at(1))
    story.cancels("r1", at(3))
    assert summary(story.decisions[-2:]) == [("redemption.released", "posted", 0), ("points.expired", "posted", -40)]
    assert summary(story.cancels_order("o1", at(4)))[0] == ("points.reversed", "posted", 0)
    assert story.balance["debt"] == 0


def test_pending_points_of_the_own_lot_are_taken_before_other_lots() -> None:
    story = Story(earning={"pending_days": 2})
    story.adjusts(10, at())
    story.buys("o1", 1_000, at())
    story.refunds("o1", at(1))
    assert (story.balance["pending"], story.balance["available"]) == (0, 10)


def test_a_refund_waits_for_its_order_and_follows_right_behind_it() -> None:
    story = Story()
    assert story.refunds("o1", at(hours=1)) == []
    assert story.fate(0) == "waiting"
    decisions = story.buys("o1", 1_000, at(minutes=55))
    assert [decision["type"] for decision in decisions] == ["points.earned", "points.reversed", "points.released"][:2]
    assert decisions[1]["points"] == -10
    assert decisions[1]["cause"]["offset"] == 0


def test_a_refund_stops_waiting_after_24_hours_exactly() -> None:
    story = Story()
    story.refunds("o1", at())
    story.buys("o2", 0, at(1, ms=-1))
    assert story.refusals == []
    story.buys("o3", 0, at(1))
    assert story.refusals == ["unknown_order"]


def test_refunds_that_wait_for_different_orders_follow_each_its_own_and_none_is_left() -> None:
    story = Story()
    story.refunds("o1", at())
    story.refunds("o2", at())
    for order_id in ("o1", "o2"):
        assert [decision["type"] for decision in story.buys(order_id, 1_000, at())][:2] == [
            *("points.earned", "points.reversed")
        ]
    assert Account("acc", DictEntries(story.entries)).core.waiting == 0


def test_a_refund_does_not_follow_an_order_that_comes_when_it_can_be_refunded_no_longer() -> None:
    story = Story(earning={"refund_days": 1})
    story.refunds("o1", at(5))
    assert [decision["type"] for decision in story.buys("o1", 1_000, at(4))] == ["points.earned", "points.released"]
    story.buys("o2", 0, at(6))
    assert story.refusals == ["unknown_order"]


def test_a_refund_that_became_a_dead_letter_may_come_again() -> None:
    story = Story()
    story.refunds("o1", at(), event_id="back")
    story.buys("o2", 0, at(2))
    story.buys("o1", 1_000, at(2))
    assert story.refusals == ["unknown_order"]
    assert story.refunds("o1", at(2), event_id="back") != []


def test_an_order_is_known_for_refund_days_to_the_millisecond() -> None:
    story = Story(earning={"refund_days": 2})
    story.buys("o1", 1_000, at())
    assert story.refunds("o1", at(2), event_id="late") == []
    other = Story(earning={"refund_days": 2})
    other.buys("o1", 1_000, at())
    assert summary(other.refunds("o1", at(2, ms=-1))) == [("points.reversed", "posted", -10)]


@pytest.mark.parametrize(("points", "expected"), [(7, 7), (-7, -7)])
def test_an_adjustment_counts_as_qualifying_only_where_it_says_so(points: int, expected: int) -> None:
    story = Story()
    story.buys("o1", 5_000, at())
    story.adjusts(points, at(1))
    assert story.balance["qualifying"] == 50
    story.adjusts(points, at(2), qualifying=True)
    assert story.balance["qualifying"] == 50 + expected
    assert story.decisions[-1]["member_id"] is None
