"""The domain as the decision job takes it: bytes in, bytes out, and the wall clock for `decided_at`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import cast

import msgspec

from jobs.domain import (
    DEAD_LETTERS,
    DECISIONS,
    DeadLetter,
    Document,
    ForAccount,
    Output,
    Passed,
    Record,
    StateEntries,
    Watermark,
)
from jobs.domain import Verdict as JobVerdict
from loyalty import decider, records, validation
from loyalty.state.account import CORE_PAGE
from loyalty.wire.json import to_json
from loyalty.wire.program import parse_program_document

# Here and not in the objects, which travel to the workers pickled.
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(decider.Delivery).decode


class LoyaltyValidator:
    """`loyalty.validation` behind the job's `Validator`."""

    def __init__(self, lag_ms: int) -> None:
        self._lag_ms = lag_ms
        self._intake = validation.Validator(lag_ms, {})
        self._clock: tuple[validation.Watermark | None, Watermark | None] = (None, None)
        """The domain's clock and the job's, as they were last: most records do not move it."""

    def begin(self, pages: StateEntries, unread: Mapping[int, int]) -> None:
        self._intake = validation.Validator(self._lag_ms, unread)

    def take(self, pages: StateEntries, record: Record) -> Iterable[Passed]:
        # The domain's record has the same fields, and is written the same.
        passed = self._intake.take(pages, cast("records.Record", record))
        if isinstance(passed, validation.ForAccount):
            account_id, delivery, documents, clock = passed
            return (ForAccount(account_id, _ENCODE(delivery), documents, self._as_job_clock(clock)),)
        if isinstance(passed, validation.Document):
            return (Document(passed.position, passed.value.decode()),)
        if isinstance(passed, validation.Ignored):
            return ()
        return (DeadLetter(passed.key, to_json(passed.content)),)

    def clock(self, pages: StateEntries) -> Watermark | None:
        return self._as_job_clock(self._intake.clock(pages))

    def _as_job_clock(self, clock: validation.Watermark | None) -> Watermark | None:
        if clock is not self._clock[0]:
            self._clock = clock, None if clock is None else Watermark(clock.epoch, clock.ms)
        return self._clock[1]


class LoyaltyDecider:
    """`loyalty.decider` behind the job's `Decider`."""

    reads_first = (CORE_PAGE,)

    def __init__(self, now: Callable[[], int] | None = None) -> None:
        self._now = now or wall_clock_ms
        self._decider = decider.Decider()

    def learn(self, document: str) -> None:
        self._decider.learn(parse_program_document(document.encode()))

    def receive(self, account_id: str, pages: StateEntries, payload: bytes, watermark_ms: int | None) -> JobVerdict:
        return self._outputs(account_id, self._decider.receive(account_id, pages, _DECODE(payload)))

    def fire(self, account_id: str, pages: StateEntries, watermark_ms: int) -> JobVerdict:
        return self._outputs(account_id, self._decider.fire(account_id, pages, watermark_ms))

    def _outputs(self, account_id: str, verdict: decider.Verdict) -> JobVerdict:
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
