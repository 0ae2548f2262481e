"""The domain as the decision job takes it: bytes in, bytes out, and the wall clock for `decided_at`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import cast

import msgspec

from jobs.domain import DEAD_LETTERS, DECISIONS, Clock, DeadLetter, Document, ForAccount, Output, Pages, Passed, Record
from jobs.domain import Verdict as JobVerdict
from loyalty import desk, intake, records
from loyalty.account import CORE_PAGE
from loyalty.docket import to_json
from loyalty.wire.program import parse_program_document

# Here and not in the objects, which travel to the workers pickled.
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(desk.Delivery).decode


class LoyaltyIntake:
    """`loyalty.intake` behind the job's `Intake`."""

    def __init__(self, lag_ms: int) -> None:
        self._lag_ms = lag_ms
        self._intake = intake.Intake(lag_ms, {})
        self._clock: tuple[intake.Clock | None, Clock | None] = (None, None)
        """The domain's clock and the job's, as they were last: most records do not move it."""

    def begin(self, pages: Pages, unread: Mapping[int, int]) -> None:
        self._intake = intake.Intake(self._lag_ms, unread)

    def take(self, pages: Pages, record: Record) -> Iterable[Passed]:
        # The domain's record has the same fields, and is written the same.
        passed = self._intake.take(pages, cast("records.Record", record))
        if isinstance(passed, intake.ForAccount):
            account_id, delivery, documents, clock = passed
            return (ForAccount(account_id, _ENCODE(delivery), documents, self._as_job_clock(clock)),)
        if isinstance(passed, intake.Document):
            return (Document(passed.position, passed.value.decode()),)
        if isinstance(passed, intake.Ignored):
            return ()
        return (DeadLetter(passed.key, to_json(passed.content)),)

    def clock(self, pages: Pages) -> Clock | None:
        return self._as_job_clock(self._intake.clock(pages))

    def _as_job_clock(self, clock: intake.Clock | None) -> Clock | None:
        if clock is not self._clock[0]:
            self._clock = clock, None if clock is None else Clock(clock.epoch, clock.ms)
        return self._clock[1]


class LoyaltyDesk:
    """`loyalty.desk` behind the job's `Desk`."""

    reads_first = (CORE_PAGE,)

    def __init__(self, now: Callable[[], int] | None = None) -> None:
        self._now = now or wall_clock_ms
        self._desk = desk.Desk()

    def learn(self, document: str) -> None:
        self._desk.learn(parse_program_document(document.encode()))

    def receive(self, account_id: str, pages: Pages, payload: bytes, clock_ms: int | None) -> JobVerdict:
        return self._outputs(account_id, self._desk.receive(account_id, pages, _DECODE(payload)))

    def fire(self, account_id: str, pages: Pages, clock_ms: int) -> JobVerdict:
        return self._outputs(account_id, self._desk.fire(account_id, pages, clock_ms))

    def _outputs(self, account_id: str, verdict: desk.Verdict) -> JobVerdict:
        outputs = []
        if verdict.decisions:
            key = account_id.encode()
            outputs = [Output(DECISIONS, key, text) for text in verdict.encode(self._now())]
        if verdict.dead_letters:
            outputs += [Output(DEAD_LETTERS, raw, to_json(letter)) for raw, letter in verdict.dead_letters]
        return JobVerdict(outputs, verdict.next_due_ms)


def wall_clock_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
