from __future__ import annotations

from tests.domain.story import EARNING, Story, at, codes, summary


def test_points_become_available_at_the_exact_millisecond() -> None:
    story = Story(earning={"pending_days": 2})
    story.buys("o1", 1_000, at())
    story.buys("o2", 0, at(2, ms=-1))
    assert story.balance["pending"] == 10
    released, _ = story.buys("o3", 0, at(2))
    assert (released["type"], released["occurred_at"]) == ("points.released", "2025-01-03T00:00:00.000Z")
    assert (released["points"], released["reasons"][0]["actual"]) == (0, 10)
    assert released["cause"]["event_id"] == "e5"
    assert released["cause"]["timer"] == "release"


def test_a_quiet_account_is_served_by_the_watermark() -> None:
    story = Story(earning={"pending_days": 2})
    story.buys("o1", 1_000, at())
    assert story.another_account_is_active(at(2, minutes=10, ms=-1)) == []
    assert summary(story.another_account_is_active(at(2, minutes=10))) == [("points.released", "posted", 0)]


def test_points_expire_at_the_exact_millisecond() -> None:
    story = Story(earning={"expiry_days": 3})
    story.buys("o1", 1_000, at())
    assert story.buys("o2", 0, at(3, ms=-1))[0]["type"] == "points.earned"
    expired = story.buys("o3", 0, at(3))[0]
    assert (expired["type"], expired["points"], expired["subject"]) == ("points.expired", -10, {"order_id": "o1"})


def test_with_no_pending_days_the_release_comes_right_behind_the_purchase() -> None:
    story = Story()
    assert summary(story.buys("o1", 1_000, at())) == [("points.earned", "posted", 10), ("points.released", "posted", 0)]


def test_the_soonest_expiry_is_spent_first_and_never_expiring_points_last() -> None:
    story = Story(earning={"expiry_days": None})
    story.reward("mug", 10)
    story.buys("never", 1_000, at())
    story.document("earning", 2, {**EARNING, "expiry_days": 20}, since=at(1))
    story.buys("later", 1_000, at(2))
    story.document("earning", 3, {**EARNING, "expiry_days": 5}, since=at(3))
    story.buys("sooner", 1_000, at(4))
    for redemption_id in ("r1", "r2"):
        story.requests(redemption_id, 10, at(4, hours=1))
        story.commits(redemption_id, at(4, hours=1))
    expired = [d for d in story.buys("end", 0, at(30)) if d["type"] == "points.expired"]
    assert expired == []
    assert story.balance["available"] == 10


def test_a_hold_protects_points_from_expiry_until_it_ends() -> None:
    story = Story(earning={"expiry_days": 3})
    story.reward("mug", 10)
    story.buys("o1", 1_000, at())
    story.requests("r1", 10, at(3, minutes=-5))
    decisions = story.buys("o2", 0, at(4))
    assert summary(decisions)[:2] == [("redemption.released", "posted", 0), ("points.expired", "posted", -10)]
    assert [decision["occurred_at"] for decision in decisions[:2]] == ["2025-01-04T00:10:00.000Z"] * 2
    assert [decision["cause"].get("timer") for decision in decisions[:2]] == ["hold", "hold"]


def test_whatever_makes_points_available_pays_debt_first() -> None:
    story = Story(earning={"pending_days": 1})
    story.adjusts(-30, at())
    assert story.balance["debt"] == 30
    story.adjusts(10, at(minutes=1))
    assert (story.balance["debt"], story.balance["available"]) == (20, 0)
    story.buys("o1", 5_000, at(minutes=2))
    assert (story.balance["debt"], story.balance["pending"]) == (20, 50)
    released = story.buys("o2", 0, at(2))[0]
    assert (released["balance"]["debt"], released["balance"]["available"]) == (0, 30)


def test_an_adjustment_expires_like_a_purchase() -> None:
    story = Story(earning={"expiry_days": 3})
    story.adjusts(10, at())
    expired = story.another_account_is_active(at(4))[0]
    assert (expired["type"], expired["points"], expired["subject"], codes(expired)) == (
        "points.expired",
        -10,
        {},
        ["lot_expired"],
    )


def test_an_adjustment_that_never_expires_leaves_the_expiry_of_others_alone() -> None:
    story = Story()
    story.document("earning", 2, {**EARNING, "expiry_days": 2}, since=at(1))
    story.adjusts(5, at())
    story.adjusts(10, at(1))
    story.adjusts(20, at(2))
    assert summary(story.buys("end", 0, at(9)))[:2] == [
        ("points.expired", "posted", -10),
        ("points.expired", "posted", -20),
    ]
    assert story.balance["available"] == 5
