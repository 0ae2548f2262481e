"""What comes back: refunds, cancellations and adjustments (contract §4)."""

from __future__ import annotations

from typing import Any

from loyalty.program import Program
from loyalty.records import Refused
from loyalty.rules.decision_log import DecisionLog, reason
from loyalty.rules.ledger import Taken, new_lot, open_available, take
from loyalty.rules.tiers import disqualify
from loyalty.state.account import Account, Cause, Order, OrderLine
from loyalty.times import DAY_MS
from loyalty.wire.events import Adjustment, Cancellation, Refund


def kept(line_value: int, quantity: int, returned: int) -> int:
    """What a line keeps of its points after `returned` of its `quantity` units are back."""
    return line_value * (quantity - returned) // quantity


def refund(account: Account, program: Program, event: Refund, order: Order, cause: Cause, log: DecisionLog) -> None:
    """Take back what the returned units earned. Raises Refused `over_refund`; then nothing has changed."""
    units: dict[str, int] = {}
    for asked in event.lines:
        units[asked.line_id] = units.get(asked.line_id, 0) + asked.quantity
    by_id = {line.line_id: line for line in order.lines}
    for line_id, quantity in units.items():
        line = by_id.get(line_id)
        left = 0 if line is None else line.quantity - line.returned
        if quantity > left:
            raise Refused(
                "over_refund",
                f"Line {line_id} of order {event.order_id} has {left} units left, {quantity} were to come back.",
            )
    returned = [(by_id[line_id], quantity) for line_id, quantity in units.items()]
    _reverse(account, program, event.order_id, order, returned, cause, log, "refund")


def cancel(
    account: Account, program: Program, event: Cancellation, order: Order, cause: Cause, log: DecisionLog
) -> None:
    """Take back all that is left of an order; an order with nothing left takes 0."""
    returned = [(line, line.quantity - line.returned) for line in order.lines if line.returned < line.quantity]
    _reverse(account, program, event.order_id, order, returned, cause, log, "cancellation")


def _reverse(
    account: Account,
    program: Program,
    order_id: str,
    order: Order,
    returned: list[tuple[OrderLine, int]],
    cause: Cause,
    log: DecisionLog,
    code: str,
) -> None:
    points = qualifying = 0
    lines = []
    for line, quantity in returned:
        after = line.returned + quantity
        lost = kept(line.points, line.quantity, line.returned) - kept(line.points, line.quantity, after)
        points += lost
        qualifying += kept(line.qualifying, line.quantity, line.returned) - kept(line.qualifying, line.quantity, after)
        lines.append(
            {
                "line_id": line.line_id,
                "quantity": line.quantity,
                "returned_before": line.returned,
                "returned": after,
                "line_points": line.points,
                "line_qualifying": line.qualifying,
            }
        )
        line.returned = after
    account.orders.put(order_id, order)
    rules = program.redemption(cause.occurred_at)
    lot = account.lot(order.lot)
    before = {"own_pending": lot.pending, "own_available": lot.available, "own_expired": lot.expired - lot.forgiven}
    before["available"] = account.core.available
    taken = take(account, points, lot, floor=rules.body.negative_balance == "floor")
    disqualify(account, order.cause, qualifying)
    what = "cancelled" if code == "cancellation" else "refunded"
    log.post(
        "points.reversed",
        cause=cause,
        occurred_at=cause.occurred_at,
        member_id=order.member_id,
        subject={"order_id": order_id},
        points=taken.change,
        reasons=[
            reason(
                code, f"Order {order_id} was {what}: {points} points are no longer earned.{taken_rest(taken)}", points
            )
        ],
        rules={"redemption": rules.version},
        evidence={
            "lines": lines,
            "qualifying_lost": qualifying,
            **before,
            **taken_evidence(taken, rules.body.negative_balance),
        },
    )


def adjust(account: Account, program: Program, event: Adjustment, cause: Cause, log: DecisionLog) -> None:
    """Credit an available lot at once, or take points like a refund that has no lot of its own."""
    if event.points > 0:
        earning = program.earning(event.occurred_at)
        expiry = earning.body.expiry_days
        lot = new_lot(
            account,
            cause,
            earning_version=earning.version,
            releases_at=event.occurred_at,
            expires_at=None if expiry is None else event.occurred_at + expiry * DAY_MS,
        )
        debt = account.core.debt
        paid = open_available(account, lot, event.points)
        change, rules = event.points, {"earning": earning.version}
        evidence: dict[str, Any] = {"debt": debt, "paid_debt": paid}
        rest = f" {paid} of them paid debt." if paid else ""
        detail = f"{event.operator} added {event.points} points: {event.reason}.{rest}"
    else:
        redemption = program.redemption(event.occurred_at)
        floor = redemption.body.negative_balance == "floor"
        available = account.core.available
        taken = take(account, -event.points, None, floor=floor)
        change, rules = taken.change, {"redemption": redemption.version}
        evidence = {"available": available, **taken_evidence(taken, redemption.body.negative_balance)}
        detail = f"{event.operator} took {-event.points} points: {event.reason}.{taken_rest(taken)}"
    log.post(
        "points.adjusted",
        cause=cause,
        occurred_at=event.occurred_at,
        points=change,
        reasons=[reason("adjustment", detail, event.points)],
        rules=rules,
        evidence={"points": event.points, "qualifying": event.qualifying, **evidence},
    )


def taken_evidence(taken: Taken, negative_balance: str) -> dict[str, Any]:
    """What the evidence says of points that were taken."""
    evidence: dict[str, Any] = {"negative_balance": negative_balance}
    evidence["taken"] = {
        "own_lot": taken.own_lot,
        "forgiven": taken.forgiven,
        "other_lots": taken.other_lots,
        "debt": taken.debt,
    }
    evidence["written_off"] = taken.written_off
    return evidence


def taken_rest(taken: Taken) -> str:
    """The end of a reason's sentence about points that were taken."""
    parts = []
    if taken.forgiven:
        parts.append(f" {taken.forgiven} had expired already and are forgiven.")
    if taken.debt:
        parts.append(f" {taken.debt} could not be taken and are owed.")
    if taken.written_off:
        parts.append(f" {taken.written_off} could not be taken and are written off.")
    return "".join(parts)
