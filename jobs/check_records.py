"""The operator that checks every record once, keeps the exact clock, and sends each record where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext

from jobs.clock import BEYOND, timestamp
from jobs.domain import Clock, DeadLetter, Document, ForAccount, Intake, Record
from jobs.gate import Gate, LastOffsets, taken
from jobs.held_at_start import Taken, is_made_offer
from jobs.names import INTAKE_PAGES
from jobs.packing import pack_document, pack_parcel
from jobs.pages import FlinkPages, to_flink
from jobs.topics import DECISIONS, TRANSACTIONS

TICK_MS = 1_000
NOBODY = ""
"""The key of an element that only carries the clock. No account has an empty id (contract §1)."""

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
FOR_ACCOUNTS = Types.TUPLE([Types.ROW([Types.STRING(), _BYTES]), Types.LONG()])
"""((Flink key, parcel), timestamp): the JVM makes the watermark of the timestamp and takes it off."""
DOCUMENTS = OutputTag("programme-documents", Types.TUPLE([_BYTES, Types.LONG()]))
REFUSED = OutputTag("refused", Types.ROW_NAMED(["key", "value"], [_BYTES, _BYTES]))

_HELLO = (DOCUMENTS, (b"", BEYOND))
_NOTHING = Row(NOBODY, b"")


class CheckRecords(KeyedProcessFunction):  # type: ignore[misc]
    """Runs once, under one constant key: the clock is the least over all partitions, which one place has to know."""

    def __init__(self, intake: Intake, last_at_start: LastOffsets, last_offers: Callable[[Taken], LastOffsets]) -> None:
        """`last_offers` is asked at each start, Flink's own restarts included, for the last offers of that moment."""
        self._intake = intake
        self._last_at_start = last_at_start
        self._last_offers = last_offers
        self._gate: Gate | None = None
        self._carried: Clock | None = None

    def open(self, runtime_context: RuntimeContext) -> None:
        self._pages = FlinkPages(runtime_context, INTAKE_PAGES)

    def process_element(self, value: bytes, ctx: Any) -> Iterator[Any]:
        if self._gate is None:
            yield from self._begin(ctx)
        assert self._gate is not None
        for record in self._gate.admit(value):
            yield from self._check(record)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        """Once a second, so that a clock which no record carries is known all the same: after a restart, above all."""
        if self._gate is None:
            yield from self._begin(ctx)
        else:
            self._wake_later(ctx)
            yield from self._tick()

    def _begin(self, ctx: Any) -> Iterator[Any]:
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

    def _check(self, record: Record) -> Iterator[Any]:
        if record.topic == DECISIONS and not is_made_offer(record.value):
            return
        for passed in self._intake.take(self._pages, record):
            if isinstance(passed, ForAccount):
                account_id, payload, documents, clock = passed
                self._carried = clock
                yield Row(to_flink(account_id), pack_parcel(account_id, payload, documents, clock)), timestamp(clock)
            elif isinstance(passed, Document):
                yield DOCUMENTS, (pack_document(passed.position, passed.value), BEYOND)
            elif isinstance(passed, DeadLetter):
                yield REFUSED, Row(passed.key, passed.value)
                yield from self._tick()

    def _tick(self) -> Iterator[Any]:
        """The clock alone, if it has moved since an element last carried it."""
        clock = self._intake.clock(self._pages)
        if clock != self._carried:
            self._carried = clock
            yield _NOTHING, timestamp(clock)
