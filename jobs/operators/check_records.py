"""The operator that checks every record once, keeps the exact clock, and sends each record where it belongs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pyflink.common import Types
from pyflink.datastream import OutputTag, RuntimeContext

from jobs.domain import DeadLetter, Document, ForAccount, Record, Validator, Watermark
from jobs.operators.start_barrier import Gate, LastOffsets, taken
from jobs.runtime.names import INTAKE_PAGES
from jobs.runtime.outputs import MAIN, Sent
from jobs.runtime.packing import pack_document, pack_envelope
from jobs.runtime.start_offsets import Taken, is_made_offer
from jobs.runtime.state_entries import FlinkEntries, to_flink
from jobs.runtime.virtual_time import BEYOND, timestamp
from jobs.topics import DECISIONS, TRANSACTIONS

TICK_MS = 1_000
NOBODY = ""
"""The key of an element that only carries the clock. No account has an empty id (contract §1)."""

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
FOR_ACCOUNTS = Types.TUPLE([Types.ROW([Types.STRING(), _BYTES]), Types.LONG()])
"""((Flink key, envelope), timestamp): the JVM makes the watermark of the timestamp and takes it off."""
DOCUMENTS = OutputTag("programme-documents", Types.TUPLE([_BYTES, Types.LONG()]))
REFUSED = OutputTag("refused", Types.ROW_NAMED(["key", "value"], [_BYTES, _BYTES]))

SIDES = (DOCUMENTS, REFUSED)
TO_DOCUMENTS, TO_REFUSED = 1, 2

_HELLO = (TO_DOCUMENTS, (b"", BEYOND))
_NOTHING = (NOBODY, b"")


class CheckRecords:
    """Runs once, under one constant key: the clock is the least over all partitions, which one place has to know."""

    def __init__(
        self, intake: Validator, last_at_start: LastOffsets, last_offers: Callable[[Taken], LastOffsets]
    ) -> None:
        """`last_offers` is asked at each start, Flink's own restarts included, for the last offers of that moment."""
        self._intake = intake
        self._last_at_start = last_at_start
        self._last_offers = last_offers
        self._gate: Gate | None = None
        self._carried: Watermark | None = None
        self._timestamp = timestamp(None)

    def open(self, runtime_context: RuntimeContext) -> None:
        self._pages = FlinkEntries(runtime_context, INTAKE_PAGES)

    def process_element(self, value: bytes, ctx: Any) -> Sent:
        gate = self._gate
        if gate is None:
            return self._first(value, ctx)
        record = gate.pass_on(value)
        if record is not None:
            return self._check(record)
        return self._admit(gate, value)

    def _first(self, value: bytes, ctx: Any) -> Sent:
        yield from self._begin(ctx)
        assert self._gate is not None
        yield from self._admit(self._gate, value)

    def _admit(self, gate: Gate, value: bytes) -> Sent:
        for record in gate.admit(value):
            yield from self._check(record)

    def on_timer(self, timestamp: int, ctx: Any) -> Sent:
        """Once a second, so that a clock which no record carries is known all the same: after a restart, above all."""
        if self._gate is None:
            yield from self._begin(ctx)
        else:
            self._wake_later(ctx)
            yield from self._tick()

    def _begin(self, ctx: Any) -> Sent:
        """What a restart needs cannot be done in `open`, where Flink is at no key yet."""
        last_offers = self._last_offers(partial(taken, self._pages))
        self._gate = Gate(self._pages, {**self._last_at_start, **last_offers}, TRANSACTIONS)
        self._intake.begin(self._pages, self._gate.unread())
        self._wake_later(ctx)
        # The broadcast has a watermark of its own, which is in no savepoint: it must be sent before anything is
        # decided.
        yield _HELLO
        for record in self._gate.release():
            yield from self._check(record)
        yield from self._tick()

    def _wake_later(self, ctx: Any) -> None:
        # At whole seconds, so that a timer from before a restart and one from after it are the same one.
        timers = ctx.timer_service()
        timers.register_processing_time_timer((timers.current_processing_time() // TICK_MS + 1) * TICK_MS)

    def _check(self, record: Record) -> Sent:
        if record.topic == DECISIONS and not is_made_offer(record.value):
            return ()
        sent: list[tuple[int, Any]] = []
        for passed in self._intake.take(self._pages, record):
            if isinstance(passed, ForAccount):
                account_id, payload, documents, clock = passed
                if clock != self._carried:
                    self._carried, self._timestamp = clock, timestamp(clock)
                envelope = pack_envelope(account_id, payload, documents, clock)
                sent.append((MAIN, ((to_flink(account_id), envelope), self._timestamp)))
            elif isinstance(passed, Document):
                sent.append((TO_DOCUMENTS, (pack_document(passed.position, passed.value), BEYOND)))
            elif isinstance(passed, DeadLetter):
                sent.append((TO_REFUSED, (passed.key, passed.value)))
                sent += self._tick()
        return sent

    def _tick(self) -> Sent:
        """The clock alone, if it has moved since an element last carried it."""
        clock = self._intake.clock(self._pages)
        if clock == self._carried:
            return ()
        self._carried, self._timestamp = clock, timestamp(clock)
        return ((MAIN, (_NOTHING, self._timestamp)),)
