"""What a purchase earns (contract §4, *Earning*)."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from loyalty.program import InForce, Program
from loyalty.records import Refused
from loyalty.rules.decision_log import DecisionLog, reason
from loyalty.rules.ledger import new_lot, open_pending
from loyalty.rules.tiers import qualify
from loyalty.state.account import Account, Cause, Order, OrderLine
from loyalty.state.retention import forget
from loyalty.times import DAY_MS
from loyalty.wire.events import Purchase
from loyalty.wire.program import EarningBody, PartnerBody, TiersBody

ONE_BP = 10_000


class Rates(NamedTuple):
    """All that multiplies an amount, as exact integers."""

    points: int
    per_minor: int
    category_bp: dict[str, int]
    tier_bp: int
    partner_bp: int


class PricedLine(Protocol):
    """What a line earns by."""

    @property
    def category(self) -> str: ...

    @property
    def amount(self) -> int:
        """Of the whole line, in minor units."""
        ...


def line_points(line: PricedLine, rates: Rates) -> tuple[int, int]:
    """Points and qualifying points of one line: one floor division each, exact."""
    base = line.amount * rates.points * rates.category_bp.get(line.category, ONE_BP)
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


def purchase(
    account: Account,
    program: Program,
    event: Purchase,
    cause: Cause,
    window: InForce[TiersBody],
    log: DecisionLog,
) -> None:
    """Open the lot and the order of a purchase; `window` is the tiers document that its qualifying points are counted
    by.

    Raises Refused `unknown_currency`, `unknown_partner` or `duplicate_order`, checked in this order.
    """
    earning = program.earning(event.occurred_at)
    currency = earning.body.currencies.get(event.currency)
    if currency is None:
        raise Refused(
            "unknown_currency", f"The earning rules, version {earning.version}, have no rate for {event.currency}."
        )
    partner = _partner(program, event)
    known = known_order(account, event.order_id)
    if known is not None:
        raise Refused("duplicate_order", f"Order {event.order_id} was bought already, by event {known.cause.event_id}.")
    _forget_namesake(account, event.order_id)
    tiers = program.tiers(event.occurred_at)
    tier = account.core.tier
    rates = Rates(
        currency.points,
        currency.per_minor,
        earning.body.category_bp,
        tier_rate(tiers.body, tier),
        ONE_BP if partner is None else partner.body.earn_bp,
    )
    lines, evidence = [], []
    total = total_qualifying = 0
    for line in event.lines:
        points, qualifying = line_points(line, rates)
        total += points
        total_qualifying += qualifying
        lines.append(OrderLine(line.line_id, line.quantity, points, qualifying))
        evidence.append(
            {
                "line_id": line.line_id,
                "category": line.category,
                "amount": line.amount,
                "quantity": line.quantity,
                "points": points,
                "qualifying": qualifying,
            }
        )
    _open(account, earning, event, cause, lines, total)
    qualify(account, program, window, cause, total_qualifying)
    rules = {"earning": earning.version, "tiers": tiers.version}
    if partner is not None:
        rules[f"partner/{event.partner_id}"] = partner.version
    log.post(
        "points.earned",
        cause=cause,
        occurred_at=event.occurred_at,
        member_id=event.member_id,
        subject={"order_id": event.order_id},
        points=total,
        reasons=[reason("purchase", f"Order {event.order_id} earned {total} points.", total)],
        rules=rules,
        evidence={
            "tier": tier,
            "currency": event.currency,
            "partner_id": event.partner_id,
            **_partner_share(event, rates, total),
            "lines": evidence,
        },
    )


def known_order(account: Account, order_id: str) -> Order | None:
    """The order, while the account's time is earlier than its purchase + `refund_days`."""
    if not account.may_have_order(order_id):
        return None
    order = account.orders.get(order_id)
    time = account.core.time
    return order if order is not None and time is not None and time < order.known_until else None


def _forget_namesake(account: Account, order_id: str) -> None:
    """An order of this id that is known no longer is forgotten now, lest its bonuses be taken for this one's."""
    time = account.core.time
    if time is not None and account.orders.was_found(order_id):
        forget(account, time)


def _partner(program: Program, event: Purchase) -> InForce[PartnerBody] | None:
    if event.partner_id is None:
        return None
    partner = program.partner(event.partner_id, event.occurred_at)
    if partner is None or not partner.body.active:
        state = "unknown" if partner is None else "not active"
        raise Refused("unknown_partner", f"Partner {event.partner_id} is {state} at the time of the purchase.")
    return partner


def _partner_share(event: Purchase, rates: Rates, points: int) -> dict[str, int]:
    """What a partner adds to a purchase (or takes, below 10 000): the settlement with it is by this."""
    if event.partner_id is None:
        return {}
    plain = rates._replace(partner_bp=ONE_BP)
    without = sum(line_points(line, plain)[0] for line in event.lines)
    return {"partner_bp": rates.partner_bp, "points_without_partner": without, "partner_share": points - without}


def _open(
    account: Account,
    earning: InForce[EarningBody],
    event: Purchase,
    cause: Cause,
    lines: list[OrderLine],
    points: int,
) -> None:
    body = earning.body
    known_until = event.occurred_at + body.refund_days * DAY_MS
    lot = new_lot(
        account,
        cause,
        earning_version=earning.version,
        releases_at=event.occurred_at + body.pending_days * DAY_MS,
        expires_at=None if body.expiry_days is None else event.occurred_at + body.expiry_days * DAY_MS,
        order_id=event.order_id,
        member_id=event.member_id,
        keep_until=known_until,
    )
    open_pending(account, lot, points)
    account.orders.put(event.order_id, Order(cause, event.member_id, lot.number, known_until, lines))
    account.note_order(event.order_id)
    account.keep.add((known_until, f"order/{event.order_id}"))
