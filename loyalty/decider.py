"""The decider: where an account's events and timers are decided, one at a time.

Live, replay, tests and audits all come through `Decider`. For an event (contract §4, *Time*):

1. a known duplicate ends here (what the watermark has given up before is not known);
2. everything due at or before its `occurred_at` (or done by the watermark before it came) is done;
3. the account's time moves on; the event is judged, and makes its decisions or a dead letter;
4. a purchase is followed by the refunds that waited for it;
5. what is due by now, because the event itself set it, is done.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from loyalty import timers
from loyalty.program import Program
from loyalty.records import Record, Refused
from loyalty.rules import (
    adjustments,
    bonuses,
    duplicates,
    earning,
    holds,
    redemption,
    reversals,
    tiers,
    waiting_refunds,
)
from loyalty.rules.case import Case
from loyalty.state.codec import StateEntries
from loyalty.state.entries import COMMITTED, HELD, Cause
from loyalty.state.facts import REFERENCE_TOPICS, learn_fact
from loyalty.state.retention import tidy, tidy_lots
from loyalty.times import LAST_MS, format_time
from loyalty.wire.content import content_digest
from loyalty.wire.decisions import Plain
from loyalty.wire.events import (
    Adjustment,
    Cancellation,
    Purchase,
    RedemptionCancelled,
    RedemptionCommitted,
    RedemptionRequested,
    Refund,
    Transaction,
    read_again,
)
from loyalty.wire.evidence import Reversal
from loyalty.wire.json import to_json
from loyalty.wire.program import ProgramDocument

_decided_at = lru_cache(maxsize=16)(format_time)
"""Many decisions are made within one millisecond."""


class Delivery(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A record that passed the checks up to `too_early`, on its way to its account."""

    record: Record
    late: bool = False
    """Further behind the latest event of its own partition than the watermark lag."""
    watermark_ms: int | None = None
    """The exact watermark just behind this record, ms; None before there is one."""
    watermark_before_ms: int | None = None
    """The one just before it."""
    digest: bytes = b""
    """`content_digest` of the record's value; empty where it has not been taken."""


class Verdict(msgspec.Struct, gc=False):
    """What the decider made of one delivery or timer."""

    decisions: list[Plain]
    dead_letters: list[tuple[bytes | None, dict[str, Any]]]
    next_due_ms: int | None
    """The next moment at which something is due for this account."""
    fate: str
    """`used`, `duplicate`, `dead_letter`, `waiting`, `reference` or `timer`."""

    def encode(self, decided_at_ms: int) -> list[bytes]:
        """Each decision as the JSON of contract §5; `decided_at` is the caller's wall clock."""
        decided_at = _decided_at(decided_at_ms)
        for decision in self.decisions:
            decision["decided_at"] = decided_at
        return [to_json(decision) for decision in self.decisions]


class Decider:
    """Decides for accounts by the programme it has learnt. Holds no state of any account."""

    def __init__(self) -> None:
        self.program = Program()
        self._case: Case | None = None
        """Made when it is needed: a decider travels to the workers pickled."""

    def learn(self, document: ProgramDocument) -> None:
        """A programme document counts from now on."""
        self.program.learn(document)

    def receive(
        self, account_id: str, entries: StateEntries, delivery: Delivery, event: Transaction | None = None
    ) -> Verdict:
        """Decide one record of the account: a transaction, or a reference fact about it.

        `event` is the transaction in the record's value, where it has been read already.
        """
        record = delivery.record
        case = self._turn_to(account_id, entries)
        if record.topic in REFERENCE_TOPICS:
            learn_fact(case.account, record, self.program)
            timers.fire(case, timers.NOTHING_DUE)
            return _verdict(case, "reference")
        assert record.value is not None
        fate = _receive(case, event or read_again(record.value), delivery)
        tidy(case.account, self.program)
        case.account.save()
        return _verdict(case, fate)

    def fire(self, account_id: str, entries: StateEntries, watermark_ms: int) -> Verdict:
        """Do everything that is due at or before the watermark, for an account that is quiet."""
        case = self._turn_to(account_id, entries)
        if timers.fire(case, watermark_ms):
            tidy_lots(case.account)
            case.account.save()
        return _verdict(case, "timer")

    def _turn_to(self, account_id: str, entries: StateEntries) -> Case:
        case = self._case
        if case is None:
            case = self._case = Case()
        case.turn_to(account_id, entries, self.program)
        return case


def _verdict(case: Case, fate: str) -> Verdict:
    at = case.next_due_ms
    return Verdict(case.log.decisions, case.dead_letters, None if at > LAST_MS else at, fate)


def _receive(case: Case, event: Transaction, delivery: Delivery) -> str:
    account, record, before = case.account, delivery.record, delivery.watermark_before_ms
    if account.core.waiting != 0 and before is not None:
        # A refund that was given up by then has not been used, whether or not its timer has come by yet.
        timers.fire(case, before)
    digest, key = _digest(delivery), duplicates.key_of(event.event_id)
    try:
        if duplicates.is_duplicate(account, event.event_id, key, digest):
            timers.fire(case, timers.NOTHING_DUE)
            return "duplicate"
        cause = _used_now(case, event, delivery)
        waits_for = _judge(case, event, cause)
    except Refused as refused:
        case.refuse(record, refused)
        timers.fire(case, timers.NOTHING_DUE)
        return "dead_letter"
    duplicates.remember(account, key, digest)
    if waits_for is not None:
        waiting_refunds.wait(account, waits_for, cause, record)
    elif isinstance(event, Purchase) and account.core.waiting != 0:
        _follow(case, event.order_id)
    assert account.core.time is not None
    timers.fire(case, _later(account.core.time, delivery.watermark_ms))
    return "used" if waits_for is None else "waiting"


def _used_now(case: Case, event: Transaction, delivery: Delivery) -> Cause:
    """What is due before the event is done, and the account's time moves on to it."""
    core, record, at = case.account.core, delivery.record, event.occurred_at
    timers.fire(case, _later(at, delivery.watermark_ms))
    if core.time is None or core.time < at:
        core.time = at
    core.arrivals += 1
    return Cause(
        event.event_id,
        record.partition,
        record.offset,
        at,
        core.time,
        core.arrivals,
        delivery.late,
    )


def _later(moment: int, other: int | None) -> int:
    return moment if other is None or other < moment else other


def _digest(delivery: Delivery) -> bytes:
    if delivery.digest:
        return delivery.digest
    assert delivery.record.value is not None
    return content_digest(delivery.record.value)


def _follow(case: Case, order_id: str) -> None:
    """The refunds that waited for this order follow right behind it."""
    for waiting in waiting_refunds.take_those_for(case.account, order_id):
        try:
            _judge(case, read_again(waiting.value), waiting.cause)
        except Refused as refused:
            duplicates.forget(case.account, waiting.cause.event_id)
            case.refuse(waiting_refunds.record_of(waiting), refused)


def _judge(case: Case, event: Transaction, cause: Cause) -> str | None:
    """Decide an event; raises Refused. Returns the order that a refund or cancellation has to wait for, if it has
    to.

    One event gives its decisions in one order: `points.*`, then `tier.*`, then the rest.
    """
    missing = case.program.missing(event.occurred_at)
    if missing is not None:
        at = format_time(event.occurred_at)
        raise Refused("no_programme", f"No version of the {missing} document is in force at {at}.")
    case.concern(cause, event.occurred_at)
    return _JUDGE[type(event)](case, event)


def _purchase(case: Case, event: Purchase) -> None:
    rules = earning.check(case, event)
    before = tiers.advance(case)
    order = earning.earn(case, event, rules)
    taken_up = bonuses.take_up(case, event, order)
    tiers.judge(case, before, "event")
    bonuses.issue(case, event, taken_up)


def _reversal(case: Case, event: Refund | Cancellation) -> str | None:
    order = case.account.orders.known(event.order_id)
    if order is None:
        return event.order_id
    returned = reversals.returned_units(event, order)
    before = tiers.advance(case)
    how: Reversal = "cancellation" if isinstance(event, Cancellation) else "refund"
    reversals.reverse(case, event, order, returned)
    undone = bonuses.undo(case, event.order_id, order, how)
    tiers.judge(case, before, "reversal")
    bonuses.revoke(case, event.order_id, order, undone)
    return None


def _adjustment(case: Case, event: Adjustment) -> None:
    before = tiers.advance(case)
    if event.qualifying:
        case.account.window.add(case.program, case.cause, event.points)
    adjustments.adjust(case, event)
    tiers.judge(case, before, "reversal" if event.points < 0 else "event")


def _request(case: Case, event: RedemptionRequested) -> None:
    redemption.check(case, event)
    tiers.notice_rules(case)
    redemption.request(case, event)


def _commit(case: Case, event: RedemptionCommitted) -> None:
    found = holds.standing(case, event.redemption_id, HELD)
    tiers.notice_rules(case)
    holds.commit(case, event.redemption_id, found)


def _cancel(case: Case, event: RedemptionCancelled) -> None:
    found = holds.standing(case, event.redemption_id, HELD, COMMITTED)
    tiers.notice_rules(case)
    holds.cancel(case, event.redemption_id, found)


_JUDGE: dict[type, Callable[[Case, Any], str | None]] = {
    Purchase: _purchase,
    Refund: _reversal,
    Cancellation: _reversal,
    Adjustment: _adjustment,
    RedemptionRequested: _request,
    RedemptionCommitted: _commit,
    RedemptionCancelled: _cancel,
}
