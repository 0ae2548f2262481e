"""An explanation says why: the lots, the rules and thresholds, what led to it, and what would have changed it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loyalty.decided_again import DECIDE
from loyalty.explanation.conditions import of_campaigns, of_offer, of_redemption, of_tier
from loyalty.explanation.explanation import Explanation, explain
from loyalty.explanation.headlines import headline
from loyalty.explanation.search import Change, smallest
from loyalty.explanation.what_if import to_reach
from loyalty.rules import redemption
from loyalty.rules.case import Rules
from loyalty.wire.decisions import Plain
from loyalty.wire.json import to_json
from tests.domain.offer_story import OfferStory
from tests.domain.story import Story, at

VELOCITY = [{"name": "burst", "max_requests": 2, "window_minutes": 10, "outcome": "deny"}]


def published(decisions: list[Plain]) -> list[Plain]:
    return [json.loads(to_json(decision)) for decision in decisions]


def explained(story: Story, number: int = -1, **only: str) -> Explanation:
    """The last decision of the story, or that with this place among those of a type."""
    history = published(story.decisions)
    decision = [one for one in history if all(one[name] == value for name, value in only.items())][number]
    return explain(decision, history, [], story.program)


def said(changes: list[Change]) -> list[str]:
    return [f"{one.reason}: {one.outcome} {one.sentence}" for one in changes]


def with_fraud(**fraud: Any) -> Story:
    story = Story(fraud=fraud)
    story.reward("mug", 50)
    story.reward("pin", 20)
    story.buys("o1", 6_000, at())
    return story


# -- lots and balances


def test_a_redemption_shows_the_lots_that_it_held_points_of_soonest_expiry_first() -> None:
    story = Story(earning={"expiry_days": 100})
    story.reward("mug", 50)
    story.buys("o1", 3_000, at())
    story.buys("o2", 4_000, at(1))
    story.requests("r1", 50, at(2))
    why = explained(story)
    assert why.lots is not None
    assert [(lot.order_id, lot.before.available, lot.after.available, lot.after.held) for lot in why.lots] == [
        ("o1", 30, 0, 30),
        ("o2", 40, 20, 20),
    ]
    assert why.balance_before is not None
    assert (why.balance_before["available"], why.decision["balance"]["available"]) == (70, 20)


def test_lots_are_not_told_where_the_ledger_is_not_there_from_its_beginning() -> None:
    story = Story()
    story.buys("o1", 3_000, at())
    story.adjusts(5, at(1))
    history = published(story.decisions)[1:]
    assert explain(history[-1], history, [], story.program).lots is None


# -- rules and what led to it


def test_a_tier_names_its_threshold_and_the_purchases_that_count() -> None:
    story = Story()
    story.buys("old", 9_000, at())
    story.buys("o1", 6_000, at(11))
    story.buys("o2", 5_000, at(12))
    why = explained(story, type="tier.changed")
    assert [(rule.document, rule.version, rule.value) for rule in why.rules] == [("tiers", 1, 100)]
    assert [(link.decision["subject"]["order_id"], link.counts) for link in why.chain.links] == [("o1", 60), ("o2", 50)]
    assert why.chain.said == "110 qualifying points of the last 10 days come from 2 decisions."
    assert said(why.changes) == ["threshold_reached: no change with 11 fewer qualifying points (99)"]


def test_what_became_of_a_redemption_stands_behind_its_end() -> None:
    story = with_fraud()
    story.requests("r1", 50, at(1))
    story.commits("r1", at(1, minutes=5))
    why = explained(story, type="reward.issued")
    assert [link.decision["type"] for link in why.chain.links] == ["redemption.decided", "redemption.settled"]
    assert headline(why.decision) == "2 January 2025, 00:05 UTC: reward mug was issued."


def test_a_decision_that_its_evidence_does_not_lead_to_says_so() -> None:
    story = with_fraud()
    story.requests("r1", 70, at(1))
    history = published(story.decisions)
    forged = history[-1] | {"outcome": "approved"}
    why = explain(forged, history, [], story.program)
    assert why.decided_otherwise is not None
    assert why.changes == []


# -- what would have changed it


def test_too_few_points_say_how_many_more_and_which_cheaper_reward() -> None:
    story = Story()
    story.reward("mug", 50)
    story.reward("pin", 20)
    story.reward("pen", 15)
    story.buys("o1", 3_000, at())
    story.requests("r1", 50, at(1))
    why = explained(story)
    assert said(why.changes) == [
        "insufficient_points: approved with 20 more points available (50)",
        "insufficient_points: approved if the request had been 30 points lower: reward pin for 20",
    ]


def test_a_velocity_rule_says_how_many_fewer_and_how_much_later() -> None:
    story = with_fraud(velocity=VELOCITY)
    for number in range(3):
        story.requests(f"r{number}", 20, at(1, minutes=number), reward_id="pin")
    why = explained(story)
    assert why.decision["outcome"] == "denied"
    assert said(why.changes) == [
        "velocity:burst: approved with 1 fewer request in that time (2)",
        "velocity:burst: approved if the request had come 8 minutes later",
    ]
    assert len(why.chain.links) == 2
    assert why.rules[1].field == "velocity, burst: max_requests"


def test_a_fraud_signal_an_unknown_device_and_an_old_engagement_say_what_each_would_have_to_be() -> None:
    story = with_fraud(
        unknown_device_outcome="review", engagement_within_minutes=30, no_engagement_outcome="review", review_score=50
    )
    story.signal(70, at(), at(9))
    story.engaged(at(1))
    story.requests("r1", 50, at(1, minutes=36), channel="web")
    why = explained(story)
    signal = "if stolen_password had scored 21 lower (49)"
    engaged = "if the last engagement had been 6 minutes later"
    device = "from a device that is known"
    assert said(why.changes) == [
        f"fraud_signal: review {signal}",
        f"no_engagement: review {engaged}",
        f"unknown_device: review {device}",
        f"all: approved {signal} and {engaged} and {device}",
    ]


def test_where_no_change_helps_that_is_said() -> None:
    story = with_fraud()
    story.requests("r1", 50, at(1), reward_id="yacht")
    why = explained(story)
    assert [(one.outcome, one.reason) for one in why.changes] == [(None, "reward_unavailable"), (None, "all")]


def test_every_change_that_is_claimed_is_proven_by_the_rule_itself() -> None:
    story = with_fraud(velocity=VELOCITY, unknown_device_outcome="review")
    story.signal(95, at(), at(9))
    for number in range(4):
        story.requests(f"r{number}", 50, at(1, minutes=number), channel="web")
    tried = 0
    for decision in published(story.decisions):
        if decision["type"] == "redemption.decided":
            why = explain(decision, published(story.decisions), [], story.program)
            rules = Rules({name: story.program.version(name, number) for name, number in decision["rules"].items()})
            for change in why.changes:
                if change.facts is not None:
                    decided: Any = redemption.decide(change.facts, rules)  # type: ignore[arg-type]
                    assert decided.outcome == change.outcome
                    assert change.reason not in {reason["code"] for reason in decided.reasons}
                    tried += 1
    assert tried > 10


@pytest.mark.parametrize(("first", "farthest"), [(1, 5), (7, 1 << 60), (1_000_003, 1 << 60), (5, 5)])
def test_the_search_finds_the_first_number_that_does(first: int, farthest: int) -> None:
    assert smallest(lambda number: number >= first, farthest) == first


def test_the_search_says_where_none_does_and_trusts_no_number_that_only_seems_to() -> None:
    assert smallest(lambda number: False, 1_000) is None
    assert smallest(lambda number: number == 64) in (None, 64)


# -- why not


def test_why_not_a_redemption_lists_every_condition_with_its_document() -> None:
    story = with_fraud(velocity=VELOCITY)
    story.requests("r1", 70, at(1))
    found = of_redemption(published(story.decisions)[-1], story.program)
    assert [(one.met, one.actual, one.threshold, one.document) for one in found] == [
        (False, 70, 50, "reward/mug@1"),
        (True, 70, 10, "redemption@1"),
        (True, None, 50, "fraud@1"),
        (True, 1, 2, "fraud@1"),
        (False, 60, 70, "request"),
    ]


def test_why_not_a_tier_says_what_is_missing() -> None:
    story = Story()
    story.buys("o1", 12_000, at())
    latest = published(story.decisions)[-1]
    found = of_tier(latest, story.program, "gold", at(1))
    assert [(one.met, one.actual, one.threshold, one.document) for one in found] == [
        (False, 120, 300, "tiers@1"),
        (False, "silver", "gold", "tiers@1"),
    ]
    change = to_reach(latest, story.program, "gold", at(1))
    assert said([change]) == ["threshold_reached: gold with 180 more qualifying points (300)"]
    with pytest.raises(LookupError, match="has no tier ruby"):
        of_tier(latest, story.program, "ruby", at(1))


def test_why_not_an_offer_names_the_first_condition_that_failed_and_what_would_have_done() -> None:
    story = OfferStory()
    story.campaign(max_per_member=1)
    decisions = published([*story.clicks(at()), *story.clicks(at(1))])
    found = of_offer(decisions[-1], story.program)
    assert [one.what for one in found if not one.met] == ["offers of the campaign within 10 days, this one apart"]
    why = explain(decisions[-1], [], decisions, story.program)
    assert said(why.changes) == ["cap_reached: made with 1 fewer offer in that time"]
    assert [link.why for link in why.chain.links] == ["an offer of the campaign that counts for the cap"]


def test_why_not_an_offer_that_nothing_was_decided_about_says_what_its_campaign_asks_for() -> None:
    story = OfferStory()
    story.campaign(tiers=["gold"])
    assert story.clicks(at()) == []
    found = of_campaigns("bonus", story.program, at(1), "base")
    assert [(one.met, one.threshold) for one in found] == [(True, None), (False, "gold"), (False, "click")]
    assert of_campaigns("other", story.program, at(1), "base") == []


def test_every_type_of_decision_has_a_headline() -> None:
    decision: Plain = {
        "outcome": "approved",
        "occurred_at": "2026-01-01T00:00:00.000Z",
        "points": 5,
        "subject": {"order_id": "o"},
        "member_id": "m",
        "reasons": [{"actual": 5}],
        "balance": {"tier": "base"},
        "evidence": {"tier_before": "base"},
    }
    headlines = {headline(decision | {"type": kind}) for kind in DECIDE}
    assert len(headlines) == len(DECIDE)
    assert all(one.startswith("1 January 2026, 00:00 UTC: ") and one.endswith(".") for one in headlines)
