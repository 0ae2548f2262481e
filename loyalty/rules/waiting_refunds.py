"""Refunds and cancellations whose order is not known yet (contract §4, *Refund and cancellation*).

They wait for it until 24 hours after their own `occurred_at`. When the purchase comes in time they follow right behind
it, in the order of their arrival; else they are dead letters (`unknown_order`).
"""

from __future__ import annotations

from collections.abc import Iterator

from loyalty.records import Record, Refused
from loyalty.rules import duplicates
from loyalty.state.account import Account
from loyalty.state.entries import Cause, Waiting
from loyalty.times import HOUR_MS

WAIT_MS = 24 * HOUR_MS
"""How long a refund waits, from its own `occurred_at`."""


def wait(account: Account, order_id: str, cause: Cause, record: Record) -> None:
    """This refund waits for its order, exactly as it came."""
    assert record.value is not None
    due_at = cause.occurred_at + WAIT_MS
    waiting = Waiting(cause, order_id, due_at, record.topic, record.timestamp_ms, record.key, record.value)
    account.waiting.add(waiting)


def take_those_for(account: Account, order_id: str) -> Iterator[Waiting]:
    """Those that waited for an order that is known now, in the order in which they came; they wait no longer."""
    if account.orders.known(order_id) is None:
        return
    for event_id in account.waiting.for_order(order_id):
        waiting = account.waiting.known(event_id)
        account.waiting.remove(waiting)
        yield waiting


def give_up(account: Account, event_id: str) -> tuple[Record, Refused]:
    """The time of this refund is over: the record that it was, and why it is refused."""
    waiting = account.waiting.known(event_id)
    account.waiting.remove(waiting)
    duplicates.forget(account, event_id)
    detail = f"Order {waiting.order_id} did not come within 24 hours of the refund."
    return record_of(waiting), Refused("unknown_order", detail)


def record_of(waiting: Waiting) -> Record:
    """As it came."""
    cause = waiting.cause
    return Record(waiting.topic, cause.partition, cause.offset, waiting.timestamp_ms, waiting.key, waiting.value)
