"""Redemption, holds and the fraud gate of the oracle, against cases worked out by hand from contract §4."""

from typing import Any

import pytest

from .stories import Plain, Story, at, balance, codes, dead, of_type, told

DAY_MS = 86_400_000


def gated(**fraud: Any) -> Story:
    """A story with 1 000 points to redeem and these fraud rules."""
    story = Story(lag_ms=DAY_MS, fraud=fraud)
    story.adjustment(at(), 1_000)
    return story


def velocity(at_most: int, outcome: str = "review") -> list[Plain]:
    return [{"name": "burst", "max_requests": at_most, "window_minutes": 60, "outcome": outcome}]


def last_codes(story: Story) -> list[str]:
    return codes(of_type(story.decide(), "redemption.decided")[-1])


def test_a_hold_moves_points_a_commit_spends_them_and_the_reward_is_issued() -> None:
    story = gated()
    story.request(at(1), "r", 100)
    committed = story.commit(at(1, minutes=29), "r")
    result = story.decide()
    assert told(result)[1:] == [
        ("redemption.decided", "approved"),
        ("redemption.settled", -100),
        ("reward.issued",),
    ]
    decided, settled, issued = result.decisions[1:]
    assert codes(decided) == ["approved"]
    assert (decided["balance"]["available"], decided["balance"]["held"]) == (900, 100)
    assert decided["rules"] == {"redemption": 1, "fraud": 1, "reward/r100": 1}
    assert (codes(settled), codes(issued)) == (["committed"], ["redeemed"])
    assert settled["cause"]["event_id"] == issued["cause"]["event_id"] == committed["event_id"]
    for one in (decided, settled, issued):
        assert (one["member_id"], one["subject"]) == ("m", {"redemption_id": "r", "reward_id": "r100"})


def test_a_hold_ends_at_its_very_millisecond_so_that_a_commit_then_comes_too_late() -> None:
    story = gated()
    story.request(at(1), "r", 100)
    story.commit(at(1, minutes=30), "r")
    result = story.decide()
    assert told(result)[2:] == [("redemption.released", "hold")]
    assert codes(result.decisions[2]) == ["hold_expired"]
    assert dead(result) == ["no_hold"]
    assert balance(result)["available"] == 1_000


def test_a_review_holds_for_its_own_time() -> None:
    story = gated(velocity=velocity(0))
    story.request(at(1), "r", 100)
    story.commit(at(1, minutes=60, ms=-1), "r")
    assert told(story.decide())[1:] == [
        ("redemption.decided", "review"),
        ("redemption.settled", -100),
        ("reward.issued",),
    ]


def test_a_hold_protects_its_points_from_expiry_until_it_ends() -> None:
    story = Story(earning={"expiry_days": 1})
    story.adjustment(at(), 100)
    story.request(at(1, minutes=-10), "r", 20)
    story.adjustment(at(2), 1)
    result = story.decide()
    assert told(result)[1:] == [
        ("redemption.decided", "approved"),
        ("points.expired", -80, "expiry"),
        ("redemption.released", "hold"),
        ("points.expired", -20, "hold"),
        ("points.adjusted", 1),
    ]


def test_a_hold_that_ends_with_its_lot_gives_back_first_and_the_lot_expires_by_itself() -> None:
    story = Story(earning={"expiry_days": 1})
    story.adjustment(at(), 100)
    story.request(at(1, minutes=-30), "r", 20)
    story.adjustment(at(2), 1)
    assert told(story.decide())[2:4] == [("redemption.released", "hold"), ("points.expired", -100, "expiry")]


def test_cancelling_gives_a_held_redemption_back_and_revokes_a_committed_one() -> None:
    story = gated()
    story.request(at(1), "held", 100)
    story.cancel(at(1), "held")
    story.request(at(1), "spent", 100)
    story.commit(at(1), "spent")
    story.cancel(at(2), "spent")
    result = story.decide()
    assert told(result)[1:] == [
        ("redemption.decided", "approved"),
        ("redemption.released",),
        ("redemption.decided", "approved"),
        ("redemption.settled", -100),
        ("reward.issued",),
        ("redemption.released", 100),
        ("reward.revoked",),
    ]
    assert codes(result.decisions[-1]) == ["redemption_cancelled"]


def test_a_commit_or_cancellation_finds_no_hold_where_none_is() -> None:
    story = gated()
    story.request(at(1), "denied", 19, reward_id="r20")
    story.commit(at(1), "denied")
    story.request(at(1), "twice", 20)
    story.commit(at(1), "twice")
    story.commit(at(1), "twice")
    story.request(at(1), "back", 20)
    story.cancel(at(1), "back")
    story.cancel(at(1), "back")
    story.cancel(at(1), "never")
    assert dead(story.decide()) == ["no_hold", "no_hold", "no_hold", "unknown_redemption"]


def test_a_redemption_is_known_until_cancel_days_have_passed_and_its_id_is_free_then() -> None:
    story = gated()
    story.request(at(1), "r", 20)
    story.commit(at(1), "r")
    story.request(at(21, ms=-1), "r", 20)
    story.cancel(at(21), "r")
    story.request(at(21), "r", 20)
    result = story.decide()
    assert dead(result) == ["duplicate_redemption", "unknown_redemption"]
    assert told(result)[-1] == ("redemption.decided", "approved")


def test_a_held_redemption_is_known_for_as_long_as_it_is_held() -> None:
    story = Story(redemption={"cancel_days": 1, "hold_minutes": 3 * 24 * 60})
    story.adjustment(at(), 100)
    story.request(at(1), "r", 20)
    story.request(at(3), "r", 20)
    story.cancel(at(3), "r")
    story.cancel(at(3), "r")
    result = story.decide()
    assert dead(result) == ["duplicate_redemption", "unknown_redemption"]
    assert told(result)[-1] == ("redemption.released",)


def test_all_reasons_are_listed_in_the_contracts_order_and_the_first_decides() -> None:
    story = Story(
        redemption={"min_points": 50},
        fraud={
            "velocity": [
                {"name": "slow", "max_requests": 0, "window_minutes": 60, "outcome": "review"},
                {"name": "stop", "max_requests": 0, "window_minutes": 60, "outcome": "deny"},
            ],
            "engagement_within_minutes": 60,
            "no_engagement_outcome": "review",
            "unknown_device_outcome": "deny",
        },
    )
    story.signal(95, at(), at(9), "takeover")
    story.signal(60, at(), at(9), "bot")
    story.request(at(1), "r", 21, reward_id="r20", channel="web")
    decided = story.decide().decisions[0]
    assert decided["outcome"] == "denied"
    assert [tuple(reason.values()) for reason in decided["reasons"]] == [
        ("reward_unavailable", 21, 20),
        ("below_minimum", 21, 50),
        ("fraud_signal", 95, 80),
        ("velocity:stop", 1, 0),
        ("unknown_device", None, None),
        ("insufficient_points", 0, 21),
        ("fraud_signal", 60, 50),
        ("velocity:slow", 1, 0),
        ("no_engagement", None, None),
    ]


@pytest.mark.parametrize(("reward_id", "points"), [("r21", 21), ("off", 20), ("r20", 19), ("tomorrow", 20)], ids=str)
def test_a_reward_is_unavailable_when_unknown_inactive_at_another_price_or_not_yet_there(
    reward_id: str, points: int
) -> None:
    story = gated()
    story.document("reward/off", {"points": 20, "active": False}, effective_from=at(-1))
    story.document("reward/tomorrow", {"points": 20, "active": True}, effective_from=at(1, ms=1))
    story.request(at(1), "r", points, reward_id=reward_id)
    assert last_codes(story) == ["reward_unavailable"]


def test_points_that_are_held_or_pending_cannot_be_redeemed() -> None:
    story = Story(earning={"pending_days": 5})
    story.purchase(at(), "o1", 100)
    story.adjustment(at(), 30)
    story.request(at(1), "r1", 20)
    story.request(at(1), "r2", 20)
    decided = of_type(story.decide(), "redemption.decided")[-1]
    assert decided["outcome"] == "denied"
    assert decided["reasons"] == [{"code": "insufficient_points", "actual": 10, "threshold": 20}]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (at(2, ms=-1), "approved"),
        (at(2), "fraud_signal"),
        (at(3, ms=-1), "fraud_signal"),
        (at(3), "approved"),
    ],
)
def test_a_signal_is_live_from_its_start_up_to_not_including_its_end(moment: int, expected: str) -> None:
    story = gated()
    story.signal(80, at(2), at(3))
    story.request(moment, "r", 20)
    assert last_codes(story) == [expected]


def test_a_signal_counts_once_by_its_highest_live_score() -> None:
    story = gated()
    story.signal(70, at(), at(9))
    story.signal(55, at(), at(9))
    story.signal(99, at(5), at(9))
    story.request(at(1), "r", 20)
    decided = of_type(story.decide(), "redemption.decided")[-1]
    assert decided["outcome"] == "review"
    assert decided["reasons"] == [{"code": "fraud_signal", "actual": 70, "threshold": 50}]


@pytest.mark.parametrize(("apart_ms", "expected"), [(3_600_000, "approved"), (3_599_999, "velocity:burst")])
def test_velocity_does_not_count_the_request_at_the_very_start_of_its_window(apart_ms: int, expected: str) -> None:
    story = gated(velocity=velocity(1))
    story.request(at(1), "r1", 20)
    story.request(at(1, ms=apart_ms), "r2", 20)
    assert last_codes(story) == [expected]


def test_velocity_counts_denied_requests_but_none_behind_the_requests_own_time() -> None:
    story = gated(velocity=velocity(2, "deny"))
    story.request(at(1), "r1", 1)  # denied
    story.request(at(1, minutes=10), "r2", 20)
    story.request(at(1, minutes=5), "r3", 20)  # only r1 and itself
    story.request(at(1, minutes=20), "r4", 20)  # all four
    decided = of_type(story.decide(), "redemption.decided")
    assert [codes(one) for one in decided] == [["reward_unavailable"], ["approved"], ["approved"], ["velocity:burst"]]
    assert decided[-1]["reasons"][0]["actual"] == 4


def test_velocity_remembers_a_request_for_35_days_of_the_accounts_time_this_request_included() -> None:
    wide = [{"name": "burst", "max_requests": 1, "window_minutes": 90 * 24 * 60, "outcome": "review"}]
    for later, expected in ((at(36, ms=-1), ["velocity:burst"]), (at(36), ["approved"])):
        story = gated(velocity=wide)
        story.request(at(1), "r1", 20)
        story.request(later, "r2", 20)
        assert last_codes(story) == expected


def test_a_request_from_before_the_accounts_time_is_remembered_from_that_time_on() -> None:
    wide = [{"name": "burst", "max_requests": 1, "window_minutes": 90 * 24 * 60, "outcome": "review"}]
    for later, expected in ((at(36, hours=10, ms=-1), ["velocity:burst"]), (at(36, hours=10), ["approved"])):
        story = gated(velocity=wide)
        story.adjustment(at(1, hours=10), 1)
        story.request(at(1), "r1", 20)
        story.request(later, "r2", 20)
        assert last_codes(story) == expected


def test_a_request_from_before_the_accounts_time_counts_what_is_remembered_at_that_time() -> None:
    wide = [{"name": "burst", "max_requests": 1, "window_minutes": 90 * 24 * 60, "outcome": "review"}]
    for time, expected in ((at(36, ms=-1), ["velocity:burst"]), (at(36), ["approved"])):
        story = gated(velocity=wide)
        story.request(at(1), "r1", 20)
        story.adjustment(time, 1)
        story.request(at(35, hours=10), "r2", 20)
        assert last_codes(story) == expected


@pytest.mark.parametrize(
    ("engaged_at", "expected"),
    [
        (at(1, minutes=-60), "approved"),
        (at(1, minutes=-60, ms=-1), "no_engagement"),
        (at(1, minutes=5), "approved"),
        (None, "no_engagement"),
    ],
)
def test_engagement_is_asked_for_within_its_minutes(engaged_at: int | None, expected: str) -> None:
    story = gated(engagement_within_minutes=60)
    if engaged_at is not None:
        story.context(engaged_at)
    story.request(at(1), "r", 20, channel="app")
    assert last_codes(story) == [expected]


@pytest.mark.parametrize(
    ("device_id", "expected"),
    [("of-profile", "approved"), ("of-context", "approved"), ("strange", "unknown_device"), (None, "unknown_device")],
)
def test_a_device_is_known_by_the_members_profile_or_the_engagement_context(
    device_id: str | None, expected: str
) -> None:
    story = gated(unknown_device_outcome="deny")
    story.profile("of-profile")
    story.context(at(), "of-context")
    story.request(at(1), "r", 20, channel="web", device_id=device_id)
    assert last_codes(story) == [expected]


@pytest.mark.parametrize("channel", ["store", "partner"])
def test_engagement_and_device_are_not_asked_for_off_line(channel: str) -> None:
    story = gated(engagement_within_minutes=60, unknown_device_outcome="deny")
    story.request(at(1), "r", 20, channel=channel)
    assert last_codes(story) == ["approved"]
