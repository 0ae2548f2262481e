"""Whether a campaign's offer is made to a member who was engaged (contract §4, *Offers*)."""

from __future__ import annotations

from typing import NamedTuple

from loyalty.rules import sentences
from loyalty.rules.case import Decided
from loyalty.wire.decisions import ReasonFields, reason
from loyalty.wire.evidence import OfferFacts
from loyalty.wire.program import CampaignBody

OFFERED, NO_CONSENT, CAP_REACHED = "offered", "no_consent", "cap_reached"
BUDGET_EXHAUSTED, LOWER_PRIORITY = "budget_exhausted", "lower_priority"


class Limits(NamedTuple):
    """What of a campaign's version decides."""

    max_per_member: int
    window_days: int
    bonus_points: int
    budget_points: int


def limits_of(campaign: CampaignBody) -> Limits:
    cap, offer = campaign.cap, campaign.offer
    return Limits(cap.max_per_member, cap.window_days, offer.bonus_points, campaign.budget_points)


def decide(facts: OfferFacts, limits: Limits) -> Decided:
    """`made`, or `suppressed` with the reason why.

    A campaign that could not be made for a reason of its own says that one, also behind the one that was made.
    """
    why = _reason(facts, limits)
    return Decided([why], outcome="made" if why["code"] == OFFERED else "suppressed")


def _reason(facts: OfferFacts, limits: Limits) -> ReasonFields:
    agreed, had, used = facts["offers_agreed"], facts["in_window"], facts["used_points"]
    if not agreed:
        return reason(NO_CONSENT, sentences.no_consent(agreed))
    if had >= limits.max_per_member:
        detail = sentences.cap_reached(had, limits.window_days, limits.max_per_member)
        return reason(CAP_REACHED, detail, had, limits.max_per_member)
    if used + limits.bonus_points > limits.budget_points:
        detail = sentences.budget_exhausted(used, limits.bonus_points, limits.budget_points)
        return reason(BUDGET_EXHAUSTED, detail, used, limits.budget_points)
    if facts["made_instead"] is not None:
        return reason(LOWER_PRIORITY, sentences.lower_priority(facts["made_instead"]))
    return reason(OFFERED, sentences.offered(limits.bonus_points), limits.bonus_points)
