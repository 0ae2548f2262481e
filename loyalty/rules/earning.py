"""What a purchase earns (contract §4, *Earning*)."""

from __future__ import annotations

from typing import Any, NamedTuple

from loyalty.program import InForce
from loyalty.records import Refused
from loyalty.rules import ledger, sentences
from loyalty.rules.case import About, Case, Decided, Rules
from loyalty.state.entries import Lot, Order, OrderLine
from loyalty.times import DAY_MS
from loyalty.wire.decisions import reason
from loyalty.wire.events import Purchase
from loyalty.wire.evidence import PurchaseFacts, PurchaseFigures
from loyalty.wire.program import TiersBody

ONE_BP = 10_000


class Rates(NamedTuple):
    """All that multiplies an amount, as exact integers."""

    points: int
    per_minor: int
    category_bp: dict[str, int]
    tier_bp: int
    partner_bp: int


def line_points(category: str, amount: int, rates: Rates) -> tuple[int, int]:
    """Points and qualifying points of one line of `amount` minor units: one floor division each, exact."""
    base = amount * rates.points * rates.category_bp.get(category, ONE_BP)
    # The contract's division with 10 000² taken out of both sides.
    qualifying = base // (rates.per_minor * ONE_BP)
    if rates.tier_bp == ONE_BP and rates.partner_bp == ONE_BP:
        return qualifying, qualifying
    return base * rates.tier_bp * rates.partner_bp // (rates.per_minor * ONE_BP**3), qualifying


def tier_rate(tiers: TiersBody, tier: str | None) -> int:
    """`earn_bp` of the tier held; an account that holds none yet is in the first level."""
    for level in tiers.levels:
        if level.tier == tier:
            return level.earn_bp
    return tiers.levels[0].earn_bp


def decide(facts: PurchaseFacts, rules: Rules) -> Decided:
    """What each line earns, and all of it together."""
    rates = _rates(facts, rules)
    earned: list[int] = []
    counted: list[int] = []
    for line in facts["lines"]:
        points, qualifying = line_points(line["category"], line["amount"], rates)
        earned.append(points)
        counted.append(qualifying)
    total = sum(earned)
    figures: PurchaseFigures = {"line_points": earned, "line_qualifying": counted}
    if facts["partner_id"] is not None:
        plain = rates._replace(partner_bp=ONE_BP)
        without = sum(line_points(line["category"], line["amount"], plain)[0] for line in facts["lines"])
        figures["partner_bp"] = rates.partner_bp
        figures["points_without_partner"] = without
        figures["partner_share"] = total - without
    detail = sentences.purchase(facts["order_id"], total)
    return Decided([reason("purchase", detail, total)], total, figures=figures)


def _rates(facts: PurchaseFacts, rules: Rules) -> Rates:
    earning = rules.earning
    currency = earning.currencies[facts["currency"]]
    partner_id = facts["partner_id"]
    return Rates(
        currency.points,
        currency.per_minor,
        earning.category_bp,
        tier_rate(rules.tiers, facts["tier"]),
        ONE_BP if partner_id is None else rules.partner(partner_id).earn_bp,
    )


def check(case: Case, event: Purchase) -> Rules:
    """The documents that a purchase is decided by.

    Raises Refused `unknown_currency`, `unknown_partner` or `duplicate_order`, checked in this order.
    """
    at, program = event.occurred_at, case.program
    earning = program.earning(at)
    if event.currency not in earning.body.currencies:
        raise Refused(
            "unknown_currency", f"The earning rules, version {earning.version}, have no rate for {event.currency}."
        )
    documents: dict[str, InForce[Any]] = {"earning": earning, "tiers": program.tiers(at)}
    if event.partner_id is not None:
        partner = program.partner(event.partner_id, at)
        if partner is None or not partner.body.active:
            state = "unknown" if partner is None else "not active"
            raise Refused("unknown_partner", f"Partner {event.partner_id} is {state} at the time of the purchase.")
        documents[f"partner/{event.partner_id}"] = partner
    known = case.account.orders.known(event.order_id)
    if known is not None:
        raise Refused("duplicate_order", f"Order {event.order_id} was bought already, by event {known.cause.event_id}.")
    return Rules(documents)


def earn(case: Case, event: Purchase, rules: Rules) -> Order:
    """Decide a purchase that passed `check`, and open its lot and its order."""
    facts: PurchaseFacts = {
        "order_id": event.order_id,
        "currency": event.currency,
        "tier": case.account.core.tier or rules.tiers.levels[0].tier,
        "partner_id": event.partner_id,
        "lines": [
            {
                "line_id": line.line_id,
                "category": line.category,
                "quantity": line.quantity,
                "amount": line.amount,
            }
            for line in event.lines
        ],
    }
    decided = decide(facts, rules)
    order = _open(case, event, rules, decided)
    case.post("points.earned", facts, decided, About(rules, {"order_id": event.order_id}, event.member_id))
    return order


def _open(case: Case, event: Purchase, rules: Rules, decided: Decided) -> Order:
    account, cause, body = case.account, case.cause, rules.earning
    known_until = event.occurred_at + body.refund_days * DAY_MS
    lot = Lot(
        number=account.next_number(),
        cause=cause,
        order_id=event.order_id,
        offer_id=None,
        member_id=event.member_id,
        earning_version=rules.documents["earning"].version,
        releases_at=event.occurred_at + body.pending_days * DAY_MS,
        expires_at=None if body.expiry_days is None else event.occurred_at + body.expiry_days * DAY_MS,
        keep_until=known_until,
    )
    ledger.open_pending(account, lot, decided.points)
    figures: PurchaseFigures = decided.figures
    counted = figures["line_qualifying"]
    earned = zip(event.lines, figures["line_points"], counted, strict=True)
    lines = [OrderLine(line.line_id, line.quantity, points, qualifying) for line, points, qualifying in earned]
    order = Order(cause, event.member_id, lot.number, known_until, lines)
    account.orders.add(event.order_id, order)
    account.window.add(case.program, cause, sum(counted))
    return order
