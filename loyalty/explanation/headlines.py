"""What was decided, in one sentence, whatever the reason."""

from __future__ import annotations

from loyalty.rules.words import moment, points
from loyalty.times import parse_time
from loyalty.wire.decisions import Plain

_REDEMPTION = {"approved": "was approved", "review": "was put to review", "denied": "was denied"}
_POINTS = {
    "points.earned": "earned",
    "points.released": "became available",
    "points.reversed": "taken back",
    "points.adjusted": "adjusted",
    "points.expired": "expired",
}


def headline(decision: Plain) -> str:
    """`20 January 2026, 10:00 UTC: redemption r1 of reward mug was denied.`"""
    return f"{moment(parse_time(decision['occurred_at']))}: {_said(decision)}."


def _said(decision: Plain) -> str:
    kind, outcome, subject = decision["type"], decision["outcome"], decision["subject"]
    if kind in _POINTS:
        number = decision["reasons"][0]["actual"] if kind == "points.released" else abs(decision["points"])
        order = f" (order {subject['order_id']})" if "order_id" in subject else ""
        offer = f" (offer {subject['offer_id']})" if "offer_id" in subject else ""
        return f"{points(number)} {_POINTS[kind]}{order}{offer}"
    if kind == "tier.changed":
        return f"the tier became {outcome}, and had been {decision['evidence'].get('tier_before', 'another')}"
    if kind == "tier.grace":
        return f"the grace period of tier {decision['balance']['tier']} {outcome}"
    if kind == "offer.decided":
        verb = "was made" if outcome == "made" else "was not made"
        return f"offer {subject.get('offer_id')} to member {decision['member_id']} {verb}"
    if kind == "redemption.decided":
        return f"redemption {subject.get('redemption_id')} of reward {subject.get('reward_id')} {_REDEMPTION[outcome]}"
    if kind == "redemption.settled":
        return f"redemption {subject.get('redemption_id')} was committed"
    if kind == "redemption.released":
        return f"redemption {subject.get('redemption_id')} ended, and its points went back"
    what = f"reward {subject['reward_id']}" if "reward_id" in subject else f"offer {subject.get('offer_id')}"
    return f"{what} was {'issued' if kind == 'reward.issued' else 'revoked'}"
