"""Taking up an offer, and what undoes it (contract §4, *Offers*)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loyalty.decider import Decider, Delivery
from loyalty.records import Record
from loyalty.state.codec import DictEntries
from loyalty.times import format_time
from loyalty.wire.decisions import parse_decision
from loyalty.wire.json import to_json
from tests.domain.story import Story, at, codes, summary


def a_story(**earning: Any) -> Story:
    """Points stay pending unless `earning` says otherwise."""
    return Story(earning={"pending_days": 99, **earning}, redemption={"min_points": 1})


def story_with_an_offer(**earning: Any) -> Story:
    """50 points for a purchase of 10.00 within 7 days of day 1."""
    story = a_story(**earning)
    story.campaign()
    story.offered("d1", at(1))
    return story


def test_a_purchase_takes_up_an_offer_and_decides_in_the_contracts_order() -> None:
    story = story_with_an_offer(pending_days=2, expiry_days=30)
    decisions = story.buys("o1", 10_000, at(2))
    assert summary(decisions) == [
        ("points.earned", "posted", 100),
        ("points.earned", "posted", 50),
        ("tier.changed", "silver", 0),
        ("reward.issued", "posted", 0),
    ]
    bonus, reward = decisions[1], decisions[3]
    assert (codes(bonus), codes(reward)) == (["offer_bonus"], ["offer_taken"])
    assert bonus["subject"] == reward["subject"] == {"order_id": "o1", "offer_id": "offer-spring"}
    assert bonus["member_id"] == reward["member_id"] == "mia"
    assert (bonus["balance"]["pending"], bonus["balance"]["qualifying"]) == (150, 100)
    assert bonus["rules"] == {"earning": 1, "campaign/spring": 1}
    assert bonus["evidence"]["offer"] == {
        "decision_id": "d1",
        "campaign_id": "spring",
        "offer_id": "offer-spring",
        "made_at": format_time(at(1)),
    }
    assert bonus["evidence"]["amount"] == 10_000
    assert len({decision["decision_id"] for decision in decisions}) == 4


def test_a_bonus_is_released_and_expires_with_the_order() -> None:
    story = story_with_an_offer(pending_days=2, expiry_days=30)
    story.buys("o1", 1_000, at(2))
    released = [one for one in story.another_account_is_active(at(5)) if one["type"] == "points.released"]
    assert [(one["occurred_at"], one["reasons"][0]["actual"], "offer_id" in one["subject"]) for one in released] == [
        (format_time(at(4)), 10, False),
        (format_time(at(4)), 50, True),
    ]
    expired = [one for one in story.another_account_is_active(at(33)) if one["type"] == "points.expired"]
    assert [(one["occurred_at"], one["points"]) for one in expired] == [
        (format_time(at(32)), -10),
        (format_time(at(32)), -50),
    ]
    assert len({one["decision_id"] for one in story.decisions}) == len(story.decisions)


@pytest.mark.parametrize(
    ("bought_at", "lines", "taken"),
    [
        (at(1), [(1_000, 1)], True),
        (at(1, ms=-1), [(1_000, 1)], False),
        (at(8, ms=-1), [(1_000, 1)], True),
        (at(8), [(1_000, 1)], False),
        (at(2), [(999, 1)], False),
        (at(2), [(400, 2), (600, 1)], True),
    ],
)
def test_an_offer_is_open_for_its_days_and_for_an_amount(
    bought_at: int, lines: list[tuple[int, int]], taken: bool
) -> None:
    story = story_with_an_offer()
    story.buys("early", 0, at())
    decisions = story.buys_lines("o1", bought_at, lines)
    assert ("offer_bonus" in [codes(one)[0] for one in decisions]) == taken


def test_only_the_first_purchase_that_is_large_enough_takes_an_offer_up() -> None:
    story = story_with_an_offer()
    story.buys("small", 999, at(2))
    assert "offer_bonus" in [codes(one)[0] for one in story.buys("first", 1_000, at(3))]
    story.offered("d1", at(1))  # after a crash of the job that made it
    assert "offer_bonus" not in [codes(one)[0] for one in story.buys("second", 1_000, at(4))]


def test_an_offer_is_its_members_only_and_counts_from_when_it_arrives() -> None:
    story = a_story()
    story.campaign()
    assert len(story.buys("before", 1_000, at(2))) == 1
    story.offered("d1", at(1))
    assert len(story.buys("another's", 1_000, at(3), member_id="max")) == 1
    assert len(story.buys("hers", 1_000, at(4))) == 3


def test_one_purchase_may_take_up_several_offers_the_oldest_first() -> None:
    story = a_story()
    story.campaign("spring", bonus_points=1)
    story.campaign("summer", bonus_points=2)
    story.campaign("autumn", bonus_points=4, min_amount=5_000)
    story.offered("d2", at(2), campaign="campaign/spring")
    story.offered("d1", at(2), campaign="campaign/summer")
    story.offered("d0", at(2), campaign="campaign/autumn")
    story.offered("d3", at(1), campaign="campaign/summer")
    decisions = story.buys("o1", 1_000, at(3))
    assert [(one["type"], one["points"]) for one in decisions] == [
        *[("points.earned", points) for points in (10, 2, 2, 1)],
        *[("reward.issued", 0)] * 3,
    ]
    assert [one["evidence"]["offer"]["decision_id"] for one in decisions[4:]] == ["d3", "d1", "d2"]
    assert len({one["decision_id"] for one in decisions}) == 7
    assert [one["points"] for one in story.buys("o2", 5_000, at(4)) if codes(one) == ["offer_bonus"]] == [4]


def test_the_terms_are_those_of_the_version_that_made_the_offer() -> None:
    story = story_with_an_offer()
    story.campaign(version=2, bonus_points=9, valid_days=1)
    assert [one["points"] for one in story.buys("o1", 1_000, at(7))][:2] == [10, 50]


def test_an_offer_of_a_version_that_is_not_known_waits_for_it() -> None:
    story = a_story()
    story.offered("d1", at(1))
    assert len(story.buys("o1", 1_000, at(2))) == 1
    story.campaign()
    assert len(story.buys("o2", 1_000, at(3))) == 3


# What undoes it


def test_a_refund_below_the_amount_takes_all_of_the_bonus_back() -> None:
    story = story_with_an_offer()
    story.buys_lines("o1", at(2), [(10_000, 10), (100, 1)])
    assert summary(story.refunds("o1", at(3), ("1", 9))) == [
        ("points.reversed", "posted", -90),
        ("tier.changed", "base", 0),
    ]
    decisions = story.refunds("o1", at(4), ("2", 1), ("1", 1))
    assert summary(decisions) == [
        ("points.reversed", "posted", -11),
        ("points.reversed", "posted", -50),
        ("reward.revoked", "posted", 0),
    ]
    assert [codes(one) for one in decisions] == [["refund"], ["refund"], ["order_reversed"]]
    assert [one["subject"] for one in decisions[1:]] == [{"order_id": "o1", "offer_id": "offer-spring"}] * 2
    assert (story.balance["pending"], story.balance["available"]) == (0, 0)


def test_what_is_left_of_an_order_is_counted_line_by_line_rounded_down() -> None:
    story = story_with_an_offer()
    story.buys_lines("o1", at(2), [(1_001, 2), (500, 1)])
    assert len(story.refunds("o1", at(3), ("1", 1))) == 1  # 500 and 500 are left
    story = story_with_an_offer()
    story.buys_lines("o1", at(2), [(999, 2), (500, 1)])
    assert len(story.refunds("o1", at(3), ("1", 1))) == 3  # 499 and 500


def test_a_cancellation_takes_the_bonus_back_once_whatever_amount_it_asked_for() -> None:
    story = a_story()
    story.campaign(min_amount=0)
    story.offered("d1", at(1))
    story.buys("o1", 1_000, at(2))
    assert len(story.refunds("o1", at(3))) == 1  # nothing is left, which is not below 0
    assert summary(story.cancels_order("o1", at(4))) == [
        ("points.reversed", "posted", 0),
        ("points.reversed", "posted", -50),
        ("reward.revoked", "posted", 0),
    ]
    assert summary(story.cancels_order("o1", at(5))) == [("points.reversed", "posted", 0)]


def test_all_that_is_decided_about_a_bonus_is_what_the_wire_says() -> None:
    story = story_with_an_offer(pending_days=1, expiry_days=20)
    story.buys("o1", 1_000, at(2))
    story.cancels_order("o1", at(5))
    story.offered("d2", at(5))
    story.buys("o2", 1_000, at(6))
    story.another_account_is_active(at(40))
    about_bonuses = [one for one in story.decisions if "offer_id" in one["subject"]]
    assert len({one["type"] for one in about_bonuses}) == 6
    for decision in about_bonuses:
        parse_decision(to_json({**decision, "decided_at": decision["occurred_at"]}))


def test_an_offer_that_was_taken_up_does_not_open_again() -> None:
    story = story_with_an_offer()
    story.buys("o1", 1_000, at(2))
    story.cancels_order("o1", at(3))
    assert len(story.buys("o2", 1_000, at(4))) == 1


def test_a_bonus_that_was_spent_is_owed_and_what_of_it_expired_is_forgiven() -> None:
    story = story_with_an_offer(pending_days=0, expiry_days=10)
    story.reward("mug", 60)
    story.reward("pen", 20)
    story.buys("o1", 1_000, at(2))
    story.requests("r1", 20, at(3), "pen")
    story.commits("r1", at(3))  # the order's 10 points and 10 of the bonus
    story.buys("later", 0, at(13))
    decisions = story.cancels_order("o1", at(14))
    assert [one["points"] for one in decisions[:2]] == [-10, -10]
    assert decisions[1]["evidence"]["taken"] == {"own_lot": 0, "forgiven": 40, "other_lots": 0, "debt": 10}
    assert story.balance["debt"] == 20


def test_a_refund_that_waited_for_its_order_undoes_the_bonus_right_behind_it() -> None:
    story = story_with_an_offer()
    story.refunds("o1", at(2))
    decisions = story.buys("o1", 1_000, at(2, hours=1))
    assert [one["type"] for one in decisions] == [
        *("points.earned", "points.earned", "reward.issued"),
        *("points.reversed", "points.reversed", "reward.revoked"),
    ]
    assert (story.balance["pending"], story.balance["available"]) == (0, 0)


@pytest.mark.parametrize("hours", [0, 12, 24, 36])
def test_an_order_id_that_is_bought_again_has_nothing_to_do_with_the_bonus_of_the_first(hours: int) -> None:
    story = story_with_an_offer(refund_days=5)
    story.buys("o1", 1_000, at(2))
    story.buys("o1", 1_000, at(7, hours=hours))
    story.buys("o2", 0, at(9))  # by now the first is forgotten, the second is not
    assert summary(story.cancels_order("o1", at(10))) == [("points.reversed", "posted", -10)]


# Facts


def test_decisions_that_are_no_made_offers_are_no_facts_and_no_dead_letters() -> None:
    story = a_story()
    story.campaign()
    story.offered("d1", at(1), outcome="suppressed")
    story.offered("d2", at(1), stream="ledger", type="reward.revoked")
    story.buys("o1", 1_000, at(2))
    assert (len(story.decisions), story.refusals) == (1, [])


@pytest.mark.parametrize(
    "changes",
    [{"member_id": None}, {"subject": {}}, {"rules": {"tiers": 1}}, {"balance": {}}, {"sequence": 0}],
)
def test_an_offer_that_does_not_say_what_it_is_is_refused(changes: dict[str, Any]) -> None:
    story = a_story()
    story.offered("d1", at(1), **changes)
    assert story.refusals == ["schema_violation"]


def test_offers_are_kept_until_35_days_after_their_end() -> None:
    story = story_with_an_offer()
    story.buys("o1", 0, at(43, ms=-1))
    assert "offers/mia" in story.entries
    story.offered("d2", at(1, ms=-1))  # over already
    story.buys("o2", 0, at(43))
    assert "offers/mia" not in story.entries


def test_what_a_purchase_took_up_is_forgotten_with_the_order() -> None:
    story = story_with_an_offer()
    story.buys("o1", 1_000, at(2))
    story.buys("o2", 0, at(33, ms=-1))
    assert "bonus/o1" in story.entries
    story.buys("o3", 0, at(33))
    assert not any(name.startswith("bonus/") for name in story.entries)


def test_a_purchase_of_a_member_without_offers_looks_for_none() -> None:
    asked: list[str] = []

    class Noting(DictEntries):
        def get(self, name: str) -> bytes | None:
            asked.append(name)
            return super().get(name)

    story = story_with_an_offer()
    story.buys("o1", 0, at(2), member_id="max")
    decider = Decider()
    decider.program = story.program
    entries = Noting(story.entries)
    purchase = json.dumps(story.purchase("o2", at(3), [(1_000, 1)], member_id="max")).encode()
    decider.receive("acc", entries, Delivery(Record("loyalty.transactions", 0, 9, at(4), b"acc", purchase)))
    assert not [name for name in asked if name.startswith(("offers/", "bonus/"))]
    assert "core" in asked


# Partners


@pytest.mark.parametrize(("earn_bp", "points", "share"), [(15_000, 14, 4), (5_000, 4, -6), (10_000, 10, 0)])
def test_the_evidence_of_a_purchase_says_what_its_partner_added(earn_bp: int, points: int, share: int) -> None:
    story = a_story()
    story.document("partner/fuel", 1, {"earn_bp": earn_bp, "active": True})
    (earned,) = story.buys_lines("o1", at(1), [(300, 1), (700, 1)], partner_id="fuel", channel="partner")
    evidence = earned["evidence"]
    assert (earned["points"], evidence["points_without_partner"], evidence["partner_share"]) == (points, 10, share)
    assert (evidence["partner_id"], evidence["partner_bp"]) == ("fuel", earn_bp)


def test_a_purchase_without_a_partner_has_no_share() -> None:
    (earned,) = a_story().buys("o1", 1_000, at(1))
    assert earned["evidence"]["partner_id"] is None
    assert "partner_share" not in earned["evidence"]
