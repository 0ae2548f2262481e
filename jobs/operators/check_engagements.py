"""The operator that checks every record of the offers job once, and sends each where it belongs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyflink.common import Types
from pyflink.datastream import OutputTag, RuntimeContext

from jobs.domain import DeadLetter, Document, Record
from jobs.offers_domain import EngagementValidator, ForMatcher, Published
from jobs.operators.check_records import REFUSED
from jobs.operators.make_offers import GO, PUBLISHED, TO_MAKER, numbered, to_maker
from jobs.operators.start_barrier import Gate, LastOffsets
from jobs.runtime.names import INTAKE_PAGES
from jobs.runtime.outputs import MAIN, Sent
from jobs.runtime.packing import pack_document, pack_envelope
from jobs.runtime.state_entries import FlinkEntries, to_flink
from jobs.topics import ENGAGEMENTS

WAKE_MS = 1_000

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
FOR_ACCOUNTS = Types.ROW([Types.STRING(), _BYTES])
DOCUMENTS = OutputTag("programme-documents", _BYTES)
PAST_OFFERS = OutputTag("past-offers", TO_MAKER)
SIDES = (DOCUMENTS, PAST_OFFERS, REFUSED)
TO_DOCUMENTS, TO_PAST_OFFERS, TO_REFUSED = 1, 2, 3


class CheckEngagements:
    """Runs once, under one constant key: what has been published must be known before the first engagement goes on.

    A restart goes back to the last checkpoint, and offers made since are on their topic already. So the end of each
    reference topic, that of the decisions above all, is asked for at every start, Flink's own restarts included;
    engagements wait until all of it has been taken. Then `make-offers` is told to go: behind the published offers, on
    the same edge.
    """

    def __init__(self, intake: EngagementValidator, last_at_start: Callable[[], LastOffsets]) -> None:
        self._intake = intake
        self._last_at_start = last_at_start
        self._gate: Gate | None = None
        self._has_said_go = False

    def open(self, runtime_context: RuntimeContext) -> None:
        self._pages = FlinkEntries(runtime_context, INTAKE_PAGES)

    def process_element(self, value: bytes, ctx: Any) -> Sent:
        if self._gate is None:
            yield from self._begin(ctx)
        assert self._gate is not None
        for record in self._gate.admit(value):
            yield from self._check(record)
        yield from self._go()

    def on_timer(self, timestamp: int, ctx: Any) -> Sent:
        """Wakes this operator after a restart, when no record may ever come to do so."""
        if self._gate is None:
            yield from self._begin(ctx)
        else:
            self._wake_later(ctx)

    def _begin(self, ctx: Any) -> Sent:
        """What a restart needs cannot be done in `open`, where Flink is at no key yet."""
        self._gate = Gate(self._pages, self._last_at_start(), ENGAGEMENTS)
        self._intake.begin(self._pages)
        self._wake_later(ctx)
        yield from self._go()
        for record in self._gate.release():
            yield from self._check(record)

    def _go(self) -> Sent:
        assert self._gate is not None
        if self._gate.is_open and not self._has_said_go:
            self._has_said_go = True
            yield TO_PAST_OFFERS, to_maker(GO)

    def _wake_later(self, ctx: Any) -> None:
        timers = ctx.timer_service()
        timers.register_processing_time_timer((timers.current_processing_time() // WAKE_MS + 1) * WAKE_MS)

    def _check(self, record: Record) -> Sent:
        for passed in self._intake.take(self._pages, record):
            if isinstance(passed, ForMatcher):
                account_id, payload, documents, published = passed
                envelope = pack_envelope(account_id, numbered(published, payload), documents, None)
                yield MAIN, (to_flink(account_id), envelope)
            elif isinstance(passed, Published):
                yield TO_PAST_OFFERS, to_maker(PUBLISHED, passed.payload)
            elif isinstance(passed, Document):
                yield TO_DOCUMENTS, pack_document(passed.position, passed.value)
            elif isinstance(passed, DeadLetter):
                yield TO_REFUSED, (passed.key, passed.value)
