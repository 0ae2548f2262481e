from __future__ import annotations

from typing import Any

import pytest

from tests.domain.story import Story, at, codes, summary


def _rich(**bodies: Any) -> Story:
    story = Story(**bodies)
    story.reward("mug", 50)
    story.adjusts(200, at(-0))
    return story


def _outcome(decisions: list[dict[str, Any]]) -> tuple[str, list[str]]:
    decided = next(decision for decision in decisions if decision["type"] == "redemption.decided")
    return decided["outcome"], codes(decided)


def test_an_approved_request_holds_the_points_and_changes_no_sum() -> None:
    story = _rich()
    assert _outcome(story.requests("r1", 50, at(1))) == ("approved", ["approved"])
    assert story.decisions[-1]["points"] == 0
    assert (story.balance["available"], story.balance["held"]) == (150, 50)


def test_a_commit_spends_the_hold_and_issues_the_reward() -> None:
    story = _rich()
    story.requests("r1", 50, at(1))
    committed = story.commits("r1", at(1, minutes=1))
    assert summary(committed) == [("redemption.settled", "posted", -50), ("reward.issued", "posted", 0)]
    assert committed[1]["subject"] == {"redemption_id": "r1", "reward_id": "mug"}


def test_a_hold_ends_at_the_exact_millisecond() -> None:
    story = _rich()
    story.requests("r1", 50, at(1))
    assert story.commits("r1", at(1, minutes=15, ms=-1)) != []
    story.requests("r2", 50, at(2))
    assert summary(story.commits("r2", at(2, minutes=15))) == [("redemption.released", "posted", 0)]
    assert story.refusals == ["no_hold"]


def test_a_cancelled_hold_gives_the_points_back() -> None:
    story = _rich()
    story.requests("r1", 50, at(1))
    assert summary(story.cancels("r1", at(1, minutes=1))) == [("redemption.released", "posted", 0)]
    assert (story.balance["available"], story.balance["held"]) == (200, 0)
    story.another_account_is_active(at(2))
    assert story.decisions[-1]["type"] == "redemption.released"


def test_a_cancelled_commitment_gives_back_and_revokes_the_reward() -> None:
    story = _rich()
    story.requests("r1", 50, at(1))
    story.commits("r1", at(1, minutes=1))
    assert summary(story.cancels("r1", at(2))) == [
        ("redemption.released", "posted", 50),
        ("reward.revoked", "posted", 0),
    ]


def test_points_given_back_to_an_expired_lot_pay_debt_then_expire_before_the_reward_is_revoked() -> None:
    story = Story(earning={"expiry_days": 3})
    story.reward("mug", 50)
    story.adjusts(50, at())
    story.requests("r1", 50, at(2))
    story.commits("r1", at(2, minutes=1))
    story.adjusts(-20, at(2, minutes=2))
    cancelled = story.cancels("r1", at(4))
    assert summary(cancelled) == [
        ("redemption.released", "posted", 50),
        ("points.expired", "posted", -30),
        ("reward.revoked", "posted", 0),
    ]
    assert cancelled[0]["balance"]["debt"] == 0
    assert cancelled[1]["cause"] == cancelled[0]["cause"]


def test_a_redemption_is_known_for_cancel_days_and_while_it_is_held() -> None:
    story = _rich(redemption={"hold_minutes": 20 * 24 * 60})
    story.requests("r1", 50, at(1))
    story.requests("r2", 50, at(1))
    story.commits("r1", at(2))
    story.cancels("r1", at(6))
    assert story.refusals == ["unknown_redemption"]
    assert summary(story.cancels("r2", at(7))) == [("redemption.released", "posted", 0)]


def test_a_second_request_and_a_commit_of_what_is_not_held_are_refused() -> None:
    story = _rich()
    story.requests("r1", 500, at(1))
    story.requests("r1", 50, at(1))
    story.commits("r1", at(1))
    story.commits("r2", at(1))
    assert story.refusals == ["duplicate_redemption", "no_hold", "unknown_redemption"]


def test_a_committed_redemption_is_not_committed_again() -> None:
    story = _rich()
    story.requests("r1", 50, at(1))
    story.commits("r1", at(1))
    story.commits("r1", at(1))
    assert story.refusals == ["no_hold"]


@pytest.mark.parametrize(
    ("reward_id", "points"), [("nothing", 50), ("retired", 50), ("mug", 40)], ids=["unknown", "inactive", "other price"]
)
def test_a_reward_must_be_there_active_and_at_its_price(reward_id: str, points: int) -> None:
    story = _rich()
    story.reward("retired", 50, active=False)
    assert _outcome(story.requests("r1", points, at(1), reward_id=reward_id)) == ("denied", ["reward_unavailable"])


def test_everything_that_applies_is_listed_in_order() -> None:
    story = Story(
        redemption={"min_points": 100},
        fraud={
            "velocity": [
                {"name": "burst", "max_requests": 0, "window_minutes": 5, "outcome": "review"},
                {"name": "flood", "max_requests": 0, "window_minutes": 5, "outcome": "deny"},
            ],
            "engagement_within_minutes": 30,
            "no_engagement_outcome": "review",
            "unknown_device_outcome": "deny",
        },
    )
    story.signal(95, at(), at(2))
    story.signal(60, at(), at(2), signal="odd_address")
    decision = story.requests("r1", 50, at(1), channel="app")
    assert _outcome(decision) == (
        "denied",
        [
            "reward_unavailable",
            "below_minimum",
            "fraud_signal",
            "velocity:flood",
            "unknown_device",
            "insufficient_points",
            "fraud_signal",
            "velocity:burst",
            "no_engagement",
        ],
    )


def test_a_review_holds_for_its_own_time() -> None:
    story = _rich()
    story.signal(60, at(), at(9))
    assert _outcome(story.requests("r1", 50, at(1))) == ("review", ["fraud_signal"])
    assert story.balance["held"] == 50
    assert story.commits("r1", at(1, minutes=60, ms=-1)) != []


@pytest.mark.parametrize(
    ("score", "review_score", "outcome"),
    [(89, 50, "review"), (90, 50, "denied"), (49, 50, "approved"), (50, 50, "review"), (0, 1, "approved")],
)
def test_a_score_that_a_rule_starts_at_is_enough_for_it(score: int, review_score: int, outcome: str) -> None:
    story = _rich(fraud={"review_score": review_score})
    story.signal(score, at(), at(9))
    assert _outcome(story.requests("r1", 50, at(1)))[0] == outcome


def test_signals_of_one_score_are_listed_by_their_names() -> None:
    story = _rich()
    for signal in ("new_address", "bot", "stolen_password"):
        story.signal(95, at(), at(9), signal)
    details = [reason["detail"] for reason in story.requests("r1", 50, at(1))[-1]["reasons"]]
    assert [name in detail for name, detail in zip(("bot", "new", "stolen"), details, strict=True)] == [True] * 3


def test_a_signal_is_live_from_its_start_up_to_but_not_including_its_end() -> None:
    story = _rich()
    story.signal(95, at(1), at(2))
    outcomes = [
        _outcome(story.requests(f"r{number}", 50, when))[0]
        for number, when in enumerate([at(1, ms=-1), at(1), at(2, ms=-1), at(2)])
    ]
    assert outcomes == ["approved", "denied", "denied", "approved"]


def test_a_signal_is_listed_once_by_its_highest_live_score() -> None:
    story = _rich()
    story.signal(60, at(), at(9))
    story.signal(95, at(), at(9))
    story.signal(99, at(5), at(9))
    decided = story.requests("r1", 50, at(1))[-1]
    assert [(reason["actual"], reason["threshold"]) for reason in decided["reasons"]] == [(95, 90)]


def test_velocity_counts_requests_whatever_their_outcome_with_an_open_start_of_the_window() -> None:
    rule = {"name": "burst", "max_requests": 2, "window_minutes": 10, "outcome": "deny"}
    story = _rich(fraud={"velocity": [rule]})
    story.requests("r1", 9_999, at(1))
    story.requests("r2", 9_999, at(1, minutes=1))
    assert _outcome(story.requests("r3", 50, at(1, minutes=10, ms=-1))) == ("denied", ["velocity:burst"])
    assert _outcome(story.requests("r4", 50, at(1, minutes=11)))[0] == "approved"


def test_a_request_counts_for_35_days_of_the_accounts_time_also_for_one_that_comes_out_of_order() -> None:
    rule = {"name": "burst", "max_requests": 1, "window_minutes": 60 * 24 * 60, "outcome": "deny"}
    for time, codes_of_the_next in ((at(36, ms=-1), ["velocity:burst"]), (at(36), ["approved"])):
        story = _rich(fraud={"velocity": [rule]})
        story.requests("r1", 50, at(1))
        story.adjusts(1, time)
        assert _outcome(story.requests("r2", 50, at(35, hours=23)))[1] == codes_of_the_next


def test_a_request_that_came_out_of_order_counts_for_35_days_from_when_it_was_decided() -> None:
    rule = {"name": "burst", "max_requests": 1, "window_minutes": 60 * 24 * 60, "outcome": "deny"}
    story = _rich(fraud={"velocity": [rule]})
    story.adjusts(1, at(15))
    story.requests("r1", 50, at(1))
    story.adjusts(1, at(45))
    assert _outcome(story.requests("r2", 50, at(46)))[1] == ["velocity:burst"]


def test_velocity_does_not_count_what_was_requested_a_millisecond_later() -> None:
    rule = {"name": "burst", "max_requests": 1, "window_minutes": 10, "outcome": "deny"}
    story = _rich(fraud={"velocity": [rule]})
    story.requests("r1", 50, at(1, ms=1))
    assert _outcome(story.requests("r2", 50, at(1)))[1] == ["approved"]


@pytest.mark.parametrize(("minutes", "outcome"), [(30, "approved"), (30.001, "review")])
def test_no_engagement_means_longer_ago_than_the_rule_says(minutes: float, outcome: str) -> None:
    story = _rich(fraud={"engagement_within_minutes": 30, "no_engagement_outcome": "review"})
    story.engaged(at(1))
    assert _outcome(story.requests("r1", 50, at(1, minutes=minutes), channel="web"))[0] == outcome
    assert _outcome(story.requests("r2", 50, at(2), channel="store"))[0] == "approved"


def test_a_device_is_known_from_the_members_profile_or_from_recent_engagement() -> None:
    story = _rich(fraud={"unknown_device_outcome": "review"})
    story.profile("phone")
    story.engaged(at(1), tablet=at(1))
    outcomes = [
        _outcome(story.requests(f"r{number}", 50, at(1), channel="app", **device))[0]
        for number, device in enumerate([{"device_id": "phone"}, {"device_id": "tablet"}, {"device_id": "x"}, {}])
    ]
    assert outcomes == ["approved", "approved", "review", "review"]


def test_held_points_cannot_be_held_again() -> None:
    story = _rich()
    for number in range(5):
        story.requests(f"r{number}", 50, at(1, minutes=number))
    assert [d["outcome"] for d in story.decisions if d["type"] == "redemption.decided"] == [*["approved"] * 4, "denied"]
    assert (story.balance["available"], story.balance["held"]) == (0, 200)


def test_a_redemption_id_that_comes_again_is_held_for_its_own_time() -> None:
    story = _rich(redemption={"cancel_days": 1, "hold_minutes": 3 * 24 * 60})
    story.requests("r1", 50, at(1))
    story.commits("r1", at(1, minutes=1))
    story.requests("r1", 50, at(2))
    assert story.another_account_is_active(at(5, minutes=10, ms=-1)) == []
    assert summary(story.another_account_is_active(at(5, minutes=10))) == [("redemption.released", "posted", 0)]
