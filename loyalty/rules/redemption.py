"""Redemption: the fraud-gated decision, and the hold that it begins (contract §4, *Redemption*)."""

from __future__ import annotations

from typing import Any

from loyalty.program import InForce
from loyalty.records import Refused
from loyalty.rules import gate, holds
from loyalty.rules import request_sentences as sentences
from loyalty.rules.case import About, Case, Decided, Rules
from loyalty.state import retention
from loyalty.wire.decisions import ReasonFields, reason
from loyalty.wire.events import RedemptionRequested
from loyalty.wire.evidence import RedemptionFacts
from loyalty.wire.program import RewardBody


def decide(facts: RedemptionFacts, rules: Rules) -> Decided:
    """`approved`, `review` or `denied`, with every reason that applies, the deciding one first."""
    points, available, minimum = facts["points"], facts["available"], rules.redemption.min_points
    reward = rules.reward(facts["reward_id"])
    denials: list[ReasonFields] = []
    if reward is None or not reward.active or reward.points != points:
        denials.append(_unavailable(reward, points))
    if points < minimum:
        denials.append(reason("below_minimum", sentences.below_minimum(points, minimum), points, minimum))
    found = gate.findings(facts, rules.fraud)
    denials += [finding.reason for finding in found if finding.outcome == "deny"]
    if available < points:
        said = sentences.insufficient_points(available, points)
        denials.append(reason("insufficient_points", said, available, points))
    reviews = [finding.reason for finding in found if finding.outcome == "review"]
    if denials:
        return Decided(denials + reviews, outcome="denied")
    if reviews:
        return Decided(reviews, outcome="review")
    approved = reason("approved", sentences.approved(points, available), available, points)
    return Decided([approved], outcome="approved")


def _unavailable(reward: RewardBody | None, points: int) -> ReasonFields:
    if reward is None:
        return reason("reward_unavailable", sentences.reward_unknown(), points)
    if not reward.active:
        return reason("reward_unavailable", sentences.reward_inactive(), points, reward.points)
    return reason("reward_unavailable", sentences.reward_price(reward.points, points), points, reward.points)


def check(case: Case, event: RedemptionRequested) -> None:
    """Raises Refused `duplicate_redemption` where the redemption is known."""
    known = case.account.known_redemption(event.redemption_id)
    if known is not None:
        raise Refused(
            "duplicate_redemption",
            f"Redemption {event.redemption_id} was requested already, by event {known.cause.event_id}.",
        )


def request(case: Case, event: RedemptionRequested) -> None:
    """Decide a request that passed `check`, and hold its points unless it is denied."""
    account, program, at = case.account, case.program, case.at
    documents: dict[str, InForce[Any]] = {"redemption": program.redemption(at), "fraud": program.fraud(at)}
    reward = program.reward(event.reward_id, at)
    if reward is not None:
        documents[f"reward/{event.reward_id}"] = reward
    rules = Rules(documents)
    account.add_request(at, case.cause.number)
    assert account.core.time is not None
    retention.forget(account, account.core.time)  # requests are forgotten to the millisecond
    facts = gate.gather(account, event, rules.fraud)
    decided = decide(facts, rules)
    holds.begin(case, event, rules.documents["redemption"], decided.outcome)
    subject = {"redemption_id": event.redemption_id, "reward_id": event.reward_id}
    case.post("redemption.decided", facts, decided, About(rules, subject, event.member_id))
