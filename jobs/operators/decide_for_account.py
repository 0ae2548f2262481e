"""The operator that decides: loads an account's state entries, asks the domain, keeps what they became, is woken in
time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pyflink.datastream import RuntimeContext, TimeDomain

from jobs.operators.adapters import decided, delivery_in, in_place_of, refused_record, wall_clock_ms
from jobs.operators.document_barrier import DocumentBarrier
from jobs.operators.parking import attempt
from jobs.runtime.events_on_their_way import ON_THEIR_WAY
from jobs.runtime.names import ACCOUNT_ENTRIES
from jobs.runtime.outputs import Sent
from jobs.runtime.packing import Envelope, unpack_envelope
from jobs.runtime.state_entries import FlinkEntries, from_flink
from jobs.runtime.virtual_time import AccountTimers, exact
from loyalty.decider import Delivery, Verdict
from loyalty.records import Record, Refused
from loyalty.state.codec import StateEntries
from loyalty.timers import NOTHING_DUE
from loyalty.validation import Watermark
from loyalty.wire.events import Transaction
from loyalty.wire.program import ProgramDocument

FIRE_AGAIN_MS = 60_000
_BEFORE_ALL_THAT_IS_DUE = Watermark(0, NOTHING_DUE)


class Decider(Protocol):
    """`loyalty.decider.Decider`, or what a test puts in its place. One instance an operator instance, one set of state
    entries an account."""

    def learn(self, document: ProgramDocument, /) -> None:
        """A programme document, in the order of acceptance; after a restart all of them again."""
        ...

    def receive(
        self, account_id: str, entries: StateEntries, delivery: Delivery, event: Transaction | None = None, /
    ) -> Verdict:
        """Judge what the intake passed on."""
        ...

    def fire(self, account_id: str, entries: StateEntries, watermark_ms: int, /) -> Verdict:
        """Do what is due at or before `watermark_ms`. May be called when nothing is."""
        ...


class DecideForAccount:
    """Any number of instances, each with the programme and its share of the accounts.

    An account whose envelopes wait for documents does nothing else meanwhile; when the last of them is done, it makes
    up for what has fallen due.
    """

    def __init__(self, decider: Decider, now: Callable[[], int] = wall_clock_ms) -> None:
        self._decider = decider
        self._now = now

    def open(self, runtime_context: RuntimeContext) -> None:
        self._entries = FlinkEntries(runtime_context, ACCOUNT_ENTRIES)
        self._barrier = DocumentBarrier(self._entries, self)
        self._timers = AccountTimers()

    def process_broadcast_element(self, value: bytes, ctx: Any) -> Sent:
        self._barrier.learn(value, ctx)
        return ()

    def process_element(self, value: bytes, ctx: Any) -> Sent:
        if not value:
            return ()
        envelope = unpack_envelope(value)
        if self._barrier.lets_pass(envelope, ctx):
            return self._barrier.open(envelope, value, ctx)
        return self._barrier.in_turn(envelope, value, ctx)

    def on_timer(self, timestamp: int, ctx: Any) -> Sent:
        self._barrier.known_documents(ctx)
        account_id = from_flink(ctx.get_current_key())
        if ctx.time_domain() == TimeDomain.PROCESSING_TIME:
            # Something waits for a document, failed when it was due, or was due when the input ended before this start.
            return self._barrier.look_again(account_id, ctx)
        self._timers.has_fired(account_id, timestamp)
        if self._barrier.has_waiting(account_id):
            return ()
        watermark = self._timers.passed(timestamp, ctx.timer_service())
        return () if watermark is None else self._fire(account_id, watermark, ctx)

    def learn(self, document: ProgramDocument) -> None:
        self._decider.learn(document)

    def open_envelope(self, envelope: Envelope, ctx: Any) -> Sent:
        delivery = delivery_in(envelope)
        value = delivery.record.value
        event = None if value is None else ON_THEIR_WAY.take(value)
        verdict = self._decider.receive(envelope.account_id, self._entries, delivery, event)
        return self._settle(envelope.account_id, verdict, envelope.epoch, ctx)

    def record_in(self, envelope: Envelope) -> Record:
        return delivery_in(envelope).record

    def in_place_of(self, first: Envelope, again: Envelope) -> Envelope:
        return in_place_of(first, again)

    def refuse(self, record: Record, refused: Refused) -> Sent:
        return (refused_record(record, refused),)

    def caught_up(self, account_id: str, ctx: Any) -> Sent:
        """What has fallen due is done, and the timer is set for what will."""
        watermark = exact(ctx.timer_service().current_watermark())
        return self._fire(account_id, _BEFORE_ALL_THAT_IS_DUE if watermark is None else watermark, ctx)

    def _fire(self, account_id: str, watermark: Watermark, ctx: Any) -> Sent:
        """What is due is done. If the domain fails, it is tried again before long, and before the account's next record
        is decided: if it still fails then, that record parks the account."""
        made = attempt(self._entries, account_id, self._due, account_id, watermark, ctx)
        if not isinstance(made, Exception):
            return made
        timers = ctx.timer_service()
        timers.register_processing_time_timer(timers.current_processing_time() + FIRE_AGAIN_MS)
        return ()

    def _due(self, account_id: str, watermark: Watermark, ctx: Any) -> Sent:
        verdict = self._decider.fire(account_id, self._entries, watermark.ms)
        if verdict.next_due_ms is not None and verdict.next_due_ms <= watermark.ms:
            # Flink would call again at once, for ever.
            raise RuntimeError(f"{account_id}: what is due at {verdict.next_due_ms} was not done at {watermark.ms}")
        return self._settle(account_id, verdict, watermark.epoch, ctx)

    def _settle(self, account_id: str, verdict: Verdict, epoch: int, ctx: Any) -> Sent:
        outputs = decided(account_id, verdict, self._now())
        if verdict.next_due_ms is not None:
            self._timers.wake_at(account_id, Watermark(epoch, verdict.next_due_ms), ctx.timer_service())
        return outputs
