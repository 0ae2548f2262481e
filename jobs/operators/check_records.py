"""The operator that checks every record once, keeps the watermark, and sends each record where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from pyflink.common import Types
from pyflink.datastream import OutputTag, RuntimeContext

from jobs.operators.adapters import in_an_envelope
from jobs.operators.parking import Unchecked, checked
from jobs.operators.start_barrier import StartBarrier, StartOffsets, taken
from jobs.runtime.events_on_their_way import ON_THEIR_WAY
from jobs.runtime.names import INTAKE_ENTRIES
from jobs.runtime.outputs import MAIN, Sent
from jobs.runtime.packing import pack_document
from jobs.runtime.start_offsets import Taken, may_be_made_offer
from jobs.runtime.state_entries import FlinkEntries, to_flink
from jobs.runtime.virtual_time import BEYOND, timestamp
from jobs.topics import DECISIONS, TRANSACTIONS
from loyalty.records import Record
from loyalty.state.codec import StateEntries
from loyalty.validation import DeadLetter, Document, ForAccount, Passed, Watermark
from loyalty.wire.json import to_json

TICK_MS = 1_000
NOBODY = ""
"""The key of an element that only carries the watermark. No account has an empty id (contract §1)."""

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
FOR_ACCOUNTS = Types.TUPLE([Types.ROW([Types.STRING(), _BYTES]), Types.LONG()])
"""((Flink key, envelope), timestamp): the JVM makes the watermark of the timestamp and takes it off."""
DOCUMENTS = OutputTag("programme-documents", Types.TUPLE([_BYTES, Types.LONG()]))
REFUSED = OutputTag("refused", Types.ROW_NAMED(["key", "value"], [_BYTES, _BYTES]))

SIDES = (DOCUMENTS, REFUSED)
TO_DOCUMENTS, TO_REFUSED = 1, 2

_HELLO = (TO_DOCUMENTS, (b"", BEYOND))
_NOTHING = (NOBODY, b"")


class Validator(Protocol):
    """`loyalty.validation.Validator`, or what a test puts in its place. One instance, one set of state entries."""

    def take(self, entries: StateEntries, record: Record, /) -> Passed:
        """What becomes of a record. Transactions come only after all reference records that there were at the start."""
        ...

    def watermark(self, entries: StateEntries, /) -> Watermark | None:
        """Asked for after a restart, when no record may ever come to carry it."""
        ...


MakeValidator = Callable[[Mapping[int, int]], Validator]
"""Makes the validator of one start. It is told which partitions of the transactions held records at the start that have
not been taken yet, each with the offset of the last of them: the watermark waits for these."""


class CheckRecords:
    """Runs once, under one constant key: the watermark is the least over all partitions, which one place has to
    know."""

    def __init__(
        self,
        make_validator: MakeValidator,
        start_offsets: Callable[[], StartOffsets],
        last_offers: Callable[[Taken], StartOffsets],
    ) -> None:
        """At each start, Flink's own restarts included, `start_offsets` is asked for the ends of the topics of that
        moment, and `last_offers` for the last offers."""
        self._make_validator = make_validator
        self._start_offsets = start_offsets
        self._last_offers = last_offers
        self._barrier: StartBarrier | None = None
        self._carried: Watermark | None = None
        self._timestamp = timestamp(None)

    def open(self, runtime_context: RuntimeContext) -> None:
        self._entries = FlinkEntries(runtime_context, INTAKE_ENTRIES)

    def process_element(self, value: bytes, ctx: Any) -> Sent:
        barrier = self._barrier
        if barrier is None:
            return self._first(value, ctx)
        record = barrier.pass_on(value)
        if record is not None:
            return self._check(record)
        return self._admit(barrier, value)

    def _first(self, value: bytes, ctx: Any) -> Sent:
        yield from self._begin(ctx)
        assert self._barrier is not None
        yield from self._admit(self._barrier, value)

    def _admit(self, barrier: StartBarrier, value: bytes) -> Sent:
        for record in barrier.admit(value):
            yield from self._check(record)

    def on_timer(self, timestamp: int, ctx: Any) -> Sent:
        """Once a second, so that a watermark which no record carries is known all the same: after a restart, above
        all."""
        if self._barrier is None:
            yield from self._begin(ctx)
        else:
            self._wake_later(ctx)
            yield from self._tick()

    def _begin(self, ctx: Any) -> Sent:
        """What a restart needs cannot be done in `open`, where Flink is at no key yet."""
        last_offers = self._last_offers(partial(taken, self._entries))
        self._barrier = StartBarrier(self._entries, {**self._start_offsets(), **last_offers}, TRANSACTIONS)
        self._validator = self._make_validator(self._barrier.unread())
        self._wake_later(ctx)
        # The broadcast has a watermark of its own, which is in no savepoint: it must be sent before anything is
        # decided.
        yield _HELLO
        for record in self._barrier.release():
            yield from self._check(record)
        yield from self._tick()

    def _wake_later(self, ctx: Any) -> None:
        # At whole seconds, so that a timer from before a restart and one from after it are the same one.
        timers = ctx.timer_service()
        timers.register_processing_time_timer((timers.current_processing_time() // TICK_MS + 1) * TICK_MS)

    def _check(self, record: Record) -> Sent:
        if record.topic == DECISIONS and not may_be_made_offer(record.value):
            return ()
        passed = checked(self._validator.take, self._entries, record)
        if isinstance(passed, ForAccount):
            return (self._for_account(passed),)
        if isinstance(passed, Document):
            return ((TO_DOCUMENTS, (pack_document(passed.position, passed.value), BEYOND)),)
        if isinstance(passed, DeadLetter):
            return ((TO_REFUSED, (passed.key, to_json(passed.content))), *self._tick())
        if isinstance(passed, Unchecked):
            return ((TO_REFUSED, (passed.key, passed.value)),)
        return ()

    def _for_account(self, passed: ForAccount) -> tuple[int, Any]:
        if passed.watermark != self._carried:
            self._carry(passed.watermark)
        if passed.event is not None:
            value = passed.delivery.record.value
            assert value is not None
            ON_THEIR_WAY.put(value, passed.event)
        return MAIN, ((to_flink(passed.account_id), in_an_envelope(passed)), self._timestamp)

    def _tick(self) -> Sent:
        """The watermark alone, if it has moved since an element last carried it."""
        watermark = self._validator.watermark(self._entries)
        if watermark == self._carried:
            return ()
        self._carry(watermark)
        return ((MAIN, (_NOTHING, self._timestamp)),)

    def _carry(self, watermark: Watermark | None) -> None:
        self._carried, self._timestamp = watermark, timestamp(watermark)
