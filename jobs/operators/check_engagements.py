"""The operator that checks every record of the offers job once, and sends each where it belongs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pyflink.common import Types
from pyflink.datastream import OutputTag, RuntimeContext

from jobs.operators.check_records import REFUSED
from jobs.operators.make_offers import GO, PUBLISHED, TO_MAKER, numbered, to_maker
from jobs.operators.parking import Unchecked, checked
from jobs.operators.start_barrier import StartBarrier, StartOffsets
from jobs.runtime.names import INTAKE_ENTRIES
from jobs.runtime.outputs import MAIN, Sent
from jobs.runtime.packing import pack_document, pack_envelope
from jobs.runtime.state_entries import FlinkEntries, to_flink
from jobs.topics import ENGAGEMENTS
from loyalty.offers.validation import DeadLetter, Document, ForAccount, Passed, Published
from loyalty.records import Record
from loyalty.state.codec import StateEntries
from loyalty.wire.json import to_json

WAKE_MS = 1_000

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
FOR_ACCOUNTS = Types.ROW([Types.STRING(), _BYTES])
DOCUMENTS = OutputTag("programme-documents", _BYTES)
PAST_OFFERS = OutputTag("past-offers", TO_MAKER)
SIDES = (DOCUMENTS, PAST_OFFERS, REFUSED)
TO_DOCUMENTS, TO_PAST_OFFERS, TO_REFUSED = 1, 2, 3


class EngagementValidator(Protocol):
    """`loyalty.offers.validation.EngagementValidator`, or what a test puts in its place. One instance, one set of state
    entries."""

    def take(self, entries: StateEntries, record: Record, /) -> Passed | None:
        """What becomes of a record. Engagements come only after all reference records that there were at the start."""
        ...


class CheckEngagements:
    """Runs once, under one constant key: what has been published must be known before the first engagement goes on.

    A restart goes back to the last checkpoint, and offers made since are on their topic already. So the end of each
    reference topic, that of the decisions above all, is asked for at every start, Flink's own restarts included;
    engagements wait until all of it has been taken. Then `make-offers` is told to go: behind the published offers, on
    the same output.
    """

    def __init__(self, validator: EngagementValidator, start_offsets: Callable[[], StartOffsets]) -> None:
        self._validator = validator
        self._start_offsets = start_offsets
        self._barrier: StartBarrier | None = None
        self._has_said_go = False

    def open(self, runtime_context: RuntimeContext) -> None:
        self._entries = FlinkEntries(runtime_context, INTAKE_ENTRIES)

    def process_element(self, value: bytes, ctx: Any) -> Sent:
        if self._barrier is None:
            yield from self._begin(ctx)
        assert self._barrier is not None
        for record in self._barrier.admit(value):
            yield from self._check(record)
        yield from self._go()

    def on_timer(self, timestamp: int, ctx: Any) -> Sent:
        """Wakes this operator after a restart, when no record may ever come to do so."""
        if self._barrier is None:
            yield from self._begin(ctx)
        else:
            self._wake_later(ctx)

    def _begin(self, ctx: Any) -> Sent:
        """What a restart needs cannot be done in `open`, where Flink is at no key yet."""
        self._barrier = StartBarrier(self._entries, self._start_offsets(), ENGAGEMENTS)
        self._wake_later(ctx)
        yield from self._go()
        for record in self._barrier.release():
            yield from self._check(record)

    def _go(self) -> Sent:
        assert self._barrier is not None
        if self._barrier.is_open and not self._has_said_go:
            self._has_said_go = True
            yield TO_PAST_OFFERS, to_maker(GO)

    def _wake_later(self, ctx: Any) -> None:
        timers = ctx.timer_service()
        timers.register_processing_time_timer((timers.current_processing_time() // WAKE_MS + 1) * WAKE_MS)

    def _check(self, record: Record) -> Sent:
        passed = checked(self._validator.take, self._entries, record)
        if isinstance(passed, ForAccount):
            envelope = pack_envelope(passed.account_id, passed.documents, 0, numbered(passed.published, passed.payload))
            return ((MAIN, (to_flink(passed.account_id), envelope)),)
        if isinstance(passed, Published):
            return ((TO_PAST_OFFERS, to_maker(PUBLISHED, passed.value)),)
        if isinstance(passed, Document):
            return ((TO_DOCUMENTS, pack_document(passed.position, passed.value)),)
        if isinstance(passed, DeadLetter):
            return ((TO_REFUSED, (passed.key, to_json(passed.content))),)
        if isinstance(passed, Unchecked):
            return ((TO_REFUSED, (passed.key, passed.value)),)
        return ()
