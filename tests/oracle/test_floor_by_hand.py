"""`negative_balance: floor` of the oracle: what holds may give back is owed, the rest is written off. By hand, §4."""

from typing import Any

import pytest

from .oracle import Result
from .stories import Plain, Story, at, balance, dead, of_type, told

FLOOR: Plain = {"negative_balance": "floor", "hold_minutes": 24 * 60}


def floor_story(points: int = 100, **redemption: Any) -> Story:
    """A story under `floor`, with so many points available."""
    story = Story(redemption={**FLOOR, **redemption})
    story.adjustment(at(), points)
    return story


def books(result: Result) -> list[tuple[int, int, int, int, int]]:
    """Points, available, held, debt and what was written off, of each decision behind the first."""
    return [
        (
            one["points"],
            one["balance"]["available"],
            one["balance"]["held"],
            one["balance"]["debt"],
            one["evidence"].get("written_off", 0),
        )
        for one in result.decisions[1:]
        if one["type"] != "reward.issued"
    ]


def test_who_returns_everything_while_points_are_held_and_cancels_the_request_keeps_none() -> None:
    story = Story(
        earning={"currencies": {"EUR": {"points": 1, "per_minor": 10}}},
        tiers={"levels": [{"tier": "basic", "threshold": 0, "earn_bp": 10_000}]},
        redemption=FLOOR,
    )
    story.new_version("reward/r9000", at(-1), version=1, points=9_000, active=True)
    story.purchase(at(), "o1", 100_000)
    story.request(at(1), "r", 9_000)
    story.cancellation(at(1), "o1")
    story.cancel(at(1), "r")
    result = story.decide()
    assert told(result) == [
        ("points.earned", 10_000),
        ("points.released", "release"),
        ("redemption.decided", "approved"),
        ("points.reversed", -10_000),
        ("redemption.released",),
    ]
    assert [(one["balance"]["held"], one["balance"]["debt"]) for one in result.decisions[3:]] == [
        (9_000, 9_000),
        (0, 0),
    ]
    assert all("written_off" not in one["evidence"] for one in result.decisions)
    assert balance(result)["available"] == 0


def test_debt_grows_to_what_all_live_holds_hold_and_the_rest_is_written_off() -> None:
    story = floor_story(30)
    story.request(at(1), "r1", 10)
    story.request(at(1), "r2", 15)
    story.adjustment(at(1), -20)  # 5 taken, 15 owed
    story.adjustment(at(1), -20)  # 10 owed, so that 25 are, and 10 written off
    story.adjustment(at(1), -20)
    assert books(story.decide())[2:] == [(-20, 0, 25, 15, 0), (-10, 0, 25, 25, 10), (0, 0, 25, 25, 20)]


def test_holds_that_have_ended_let_nothing_be_owed() -> None:
    story = floor_story(35)
    story.request(at(1), "cancelled", 10)
    story.cancel(at(1), "cancelled")
    story.request(at(1), "committed", 15)
    story.commit(at(1), "committed")
    story.request(at(1), "over", 20)
    story.adjustment(at(2), -50)  # the hold ends at this very moment, first
    assert books(story.decide())[-1] == (-20, 0, 0, 0, 30)


def test_a_commit_writes_off_debt_up_to_the_points_that_it_spends() -> None:
    story = floor_story(35)
    story.request(at(1), "r1", 20)
    story.request(at(1), "r2", 15)
    story.adjustment(at(1), -30)
    story.commit(at(1), "r1")  # -20 + 20
    story.commit(at(1), "r2")  # -15 + 10
    result = story.decide()
    assert books(result)[2:] == [(-30, 0, 35, 30, 0), (0, 0, 15, 10, 20), (-5, 0, 0, 0, 10)]
    assert [one["evidence"] for one in of_type(result, "redemption.settled")] == [
        {"late": False, "written_off": 20},
        {"late": False, "written_off": 10},
    ]


def test_a_commit_with_nothing_owed_writes_nothing_off() -> None:
    story = floor_story()
    story.request(at(1), "r", 20)
    story.commit(at(1), "r")
    assert books(story.decide())[-1] == (-20, 80, 0, 0, 0)


@pytest.mark.parametrize(("policy", "settled"), [("debt", (-20, 0, 0, 20, 0)), ("floor", (0, 0, 0, 0, 20))])
def test_the_document_in_force_at_the_commit_says_whether_debt_is_written_off(policy: str, settled: Any) -> None:
    story = floor_story(20, negative_balance="debt" if policy == "floor" else "floor")
    story.new_version(
        "redemption",
        at(1),
        **{**FLOOR, "negative_balance": policy, "min_points": 1},
        review_hold_minutes=1,
        cancel_days=20,
    )
    story.request(at(0, hours=23), "r", 20)
    story.adjustment(at(1, ms=-1), -20)
    story.commit(at(1), "r")
    assert books(story.decide())[1:] == [(-20, 0, 20, 20, 0), settled]


def test_debt_from_before_the_floor_stays_and_lets_no_more_be_owed() -> None:
    story = Story(redemption={**FLOOR, "negative_balance": "debt"})
    story.adjustment(at(), 20)
    story.request(at(0, hours=23), "r", 20)
    story.adjustment(at(0, hours=23), -50)
    story.new_version("redemption", at(1), **FLOOR, min_points=1, review_hold_minutes=1, cancel_days=20)
    story.adjustment(at(1), -5)
    story.commit(at(1), "r")
    assert books(story.decide())[1:] == [(-50, 0, 20, 50, 0), (0, 0, 20, 50, 5), (0, 0, 0, 30, 20)]


def test_what_a_hold_gives_back_pays_what_was_owed_for_it() -> None:
    story = floor_story()
    story.request(at(1), "r", 100)
    story.adjustment(at(1), -30)
    story.adjustment(at(3), 1)
    result = story.decide()
    assert told(result)[-2:] == [("redemption.released", "hold"), ("points.adjusted", 1)]
    assert balance(result) == {**balance(result), "available": 71, "held": 0, "debt": 0}


def test_a_committed_redemption_that_is_cancelled_gives_all_its_points_back_whatever_was_written_off() -> None:
    story = floor_story(20)
    story.request(at(1), "r", 20)
    story.adjustment(at(1), -15)
    story.commit(at(1), "r")
    story.cancel(at(2), "r")
    result = story.decide()
    assert told(result)[-4:] == [
        ("redemption.settled", -5),
        ("reward.issued",),
        ("redemption.released", 20),
        ("reward.revoked",),
    ]
    assert (balance(result)["available"], dead(result)) == (20, [])
