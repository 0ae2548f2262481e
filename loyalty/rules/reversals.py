"""What comes back: refunds and cancellations (contract §4, *Refund and cancellation*)."""

from __future__ import annotations

from loyalty.records import Refused
from loyalty.rules import sentences, taking
from loyalty.rules.case import About, Case, Decided, Rules
from loyalty.state.entries import Order, OrderLine
from loyalty.wire.decisions import reason
from loyalty.wire.events import Cancellation, Refund
from loyalty.wire.evidence import OrderReversalFacts, OrderReversalFigures, ReturnedLine, Reversal

Returned = list[tuple[OrderLine, int]]
"""Lines of an order, and how many units of each come back."""


def kept(line_value: int, quantity: int, returned: int) -> int:
    """What a line keeps of its points after `returned` of its `quantity` units are back."""
    return line_value * (quantity - returned) // quantity


def decide(facts: OrderReversalFacts, rules: Rules) -> Decided:
    """What the returned units had earned is taken back."""
    lost = sum(_lost(line, line["points"]) for line in facts["lines"])
    taken = taking.decide(lost, facts, rules.redemption.negative_balance)
    figures: OrderReversalFigures = {
        "lost": lost,
        "qualifying_lost": sum(_lost(line, line["qualifying"]) for line in facts["lines"]),
        **taken,
    }
    detail = sentences.order_reversed(facts["order_id"], facts["how"], lost) + taking.rest_of_sentence(taken)
    return Decided([reason(facts["how"], detail, lost)], taking.change(taken), figures=figures)


def _lost(line: ReturnedLine, value: int) -> int:
    before = line["returned_before"]
    after = before + line["returning"]
    return kept(value, line["quantity"], before) - kept(value, line["quantity"], after)


def returned_units(event: Refund | Cancellation, order: Order) -> Returned:
    """What of the order comes back: of a cancellation all that is left.

    Raises Refused `over_refund` where a line has fewer units left than are to come back; an unknown line has none, a
    line named twice adds up.
    """
    if isinstance(event, Cancellation):
        return [(line, line.quantity - line.returned) for line in order.lines if line.returned < line.quantity]
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
    return [(by_id[line_id], quantity) for line_id, quantity in units.items()]


def reverse(case: Case, event: Refund | Cancellation, order: Order, returned: Returned) -> None:
    """Take back what the returned units had earned, and lower the qualifying points as of the purchase."""
    account = case.account
    redemption = case.program.redemption(case.at)
    lot = account.lots.known(order.lot)
    how: Reversal = "cancellation" if isinstance(event, Cancellation) else "refund"
    facts: OrderReversalFacts = {
        "order_id": event.order_id,
        "how": how,
        "lines": [
            {
                "line_id": line.line_id,
                "quantity": line.quantity,
                "returned_before": line.returned,
                "returning": quantity,
                "points": line.points,
                "qualifying": line.qualifying,
            }
            for line, quantity in returned
        ],
        **taking.gather(account, lot),
    }
    rules = Rules({"redemption": redemption})
    decided = decide(facts, rules)
    for line, quantity in returned:
        line.returned += quantity
    account.orders.put(event.order_id, order)
    taking.apply(account, lot, decided.figures)
    account.window.lower(order.cause, decided.figures["qualifying_lost"])
    case.post("points.reversed", facts, decided, About(rules, {"order_id": event.order_id}, order.member_id))
