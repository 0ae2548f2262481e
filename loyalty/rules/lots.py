"""A lot's release and its expiry (contract §4, *Lots*)."""

from __future__ import annotations

from loyalty.rules import ledger, sentences
from loyalty.rules.case import About, Case, Decided, Rules
from loyalty.state.entries import Lot
from loyalty.times import format_time
from loyalty.wire.decisions import reason
from loyalty.wire.evidence import ExpiryFacts, PaidFigures, ReleaseFacts


def decide_release(facts: ReleaseFacts, rules: Rules) -> Decided:
    """All that is pending in the lot becomes available, and pays what is owed first."""
    pending = facts["pending"]
    figures: PaidFigures = {"paid_debt": min(pending, facts["debt"])}
    detail = sentences.return_window_ended(pending, figures["paid_debt"])
    return Decided([reason("return_window_ended", detail, pending)], figures=figures)


def release(case: Case, lot: Lot) -> None:
    """The lot's release is due, and points of it are pending."""
    facts: ReleaseFacts = {
        "opened_by": lot.cause.event_id,
        "releases_at": format_time(lot.releases_at),
        "pending": lot.pending,
        "debt": case.account.core.debt,
    }
    about = _about(case, lot)
    decided = decide_release(facts, about.rules)
    ledger.release(case.account, lot)
    case.post("points.released", facts, decided, about)


def decide_expiry(facts: ExpiryFacts, rules: Rules) -> Decided:
    """All that is pending or available in the lot expires."""
    points = facts["pending"] + facts["available"]
    return Decided([reason("lot_expired", sentences.lot_expired(points), points)], -points)


def expire(case: Case, lot: Lot) -> bool:
    """The lot's expiry is due, or points came back to it behind that; says whether anything expired."""
    facts: ExpiryFacts = {
        "opened_by": lot.cause.event_id,
        "expires_at": None if lot.expires_at is None else format_time(lot.expires_at),
        "pending": lot.pending,
        "available": lot.available,
    }
    about = _about(case, lot)
    decided = decide_expiry(facts, about.rules)
    ledger.expire(case.account, lot)
    if not decided.points:
        return False
    case.post("points.expired", facts, decided, about)
    return True


def _about(case: Case, lot: Lot) -> About:
    rules = Rules({"earning": case.program.version("earning", lot.earning_version)})
    return About(rules, lot.subject, lot.member_id)
