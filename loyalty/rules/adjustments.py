"""What an operator gives or takes (contract §4, *Adjustments*)."""

from __future__ import annotations

from typing import Any

from loyalty.program import InForce
from loyalty.rules import ledger, sentences, taking
from loyalty.rules.case import About, Case, Decided, Rules
from loyalty.state.entries import Lot
from loyalty.times import DAY_MS
from loyalty.wire.decisions import reason
from loyalty.wire.events import Adjustment
from loyalty.wire.evidence import AdjustmentFacts, PaidFigures, TakingFacts
from loyalty.wire.program import EarningBody


def decide(facts: AdjustmentFacts, rules: Rules) -> Decided:
    """Points that are added pay what is owed first; points that are taken are taken like those of a refund that has no
    lot of its own."""
    points = facts["points"]
    if points > 0:
        paid: PaidFigures = {"paid_debt": min(points, facts["debt"])}
        detail = sentences.credited(points, facts["reason"]) + sentences.paid_debt(paid["paid_debt"])
        return Decided([reason("adjustment", detail, points)], points, figures=paid)
    there: TakingFacts = {
        "own_pending": 0,
        "own_available": 0,
        "own_expired": 0,
        "available": facts["available"],
        "held": facts["held"],
        "debt": facts["debt"],
    }
    taken = taking.decide(-points, there, rules.redemption.negative_balance)
    detail = sentences.debited(-points, facts["reason"]) + taking.rest_of_sentence(taken)
    return Decided([reason("adjustment", detail, points)], taking.change(taken), figures=taken)


def adjust(case: Case, event: Adjustment) -> None:
    """Credit a lot that is available at once, or take points."""
    account, program = case.account, case.program
    credit = event.points > 0
    document: InForce[Any] = program.earning(case.at) if credit else program.redemption(case.at)
    rules = Rules({"earning" if credit else "redemption": document})
    facts: AdjustmentFacts = {
        "points": event.points,
        "reason": event.reason,
        "qualifying": event.qualifying,
        "available": account.core.available,
        "held": account.core.held,
        "debt": account.core.debt,
    }
    decided = decide(facts, rules)
    if credit:
        ledger.open_available(account, _lot(case, document), event.points)
    else:
        taking.apply(account, None, decided.figures)
    case.post("points.adjusted", facts, decided, About(rules, {}))


def _lot(case: Case, earning: InForce[EarningBody]) -> Lot:
    expiry_days = earning.body.expiry_days
    return Lot(
        number=case.account.next_number(),
        cause=case.cause,
        order_id=None,
        offer_id=None,
        member_id=None,
        earning_version=earning.version,
        releases_at=case.at,
        expires_at=None if expiry_days is None else case.at + expiry_days * DAY_MS,
    )
