"""The whole loop in one process and without Kafka or Flink: for replays, audits and tests.

The same intake and the same decider as in the job; only the plumbing between them is plain.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Any, NamedTuple

from loyalty.decider import Decider, Verdict
from loyalty.program import Program
from loyalty.records import Record
from loyalty.state.codec import DictEntries
from loyalty.validation import DeadLetter, Document, Ignored, Validator, Watermark
from loyalty.wire import transactions
from loyalty.wire.program import parse_program_document


class Place(NamedTuple):
    """Where a record is."""

    topic: str
    partition: int
    offset: int


class Outcome(NamedTuple):
    """What a run made of its input."""

    decisions: list[dict[str, Any]]
    dead_letters: list[dict[str, Any]]
    fates: dict[Place, str]
    """What became of each record: `used`, `duplicate`, `dead_letter`, `waiting`, `reference`, `document` or
    `ignored`."""


class InMemoryRun:
    """Decides records as they are given; `eager` does due things as soon as the clock passes them, as a live job
    may."""

    def __init__(self, lag_ms: int, awaited: dict[int, int] | None = None, *, eager: bool = True) -> None:
        self._intake = Validator(lag_ms, awaited or {})
        self._intake_entries = DictEntries()
        self._decider = Decider()
        self._accounts: dict[str, DictEntries] = {}
        self._timers: list[tuple[int, str]] = []
        self._set: set[tuple[int, str]] = set()
        self._eager = eager
        self._clock: Watermark | None = None
        self.outcome = Outcome([], [], {})

    def read(self, record: Record) -> None:
        """Take one record. Those of one partition must be given in its order."""
        passed = self._intake.take(self._intake_entries, record)
        self._clock = passed.watermark
        place = Place(record.topic, record.partition, record.offset)
        if isinstance(passed, DeadLetter):
            self.outcome.fates[place] = "dead_letter"
            self.outcome.dead_letters.append(passed.content)
        elif isinstance(passed, Ignored):
            self.outcome.fates[place] = "ignored"
        elif isinstance(passed, Document):
            self.outcome.fates[place] = "document"
            self._decider.learn(parse_program_document(passed.value))
        else:
            entries = self._accounts.setdefault(passed.account_id, DictEntries())
            verdict = self._decider.receive(passed.account_id, entries, passed.delivery, passed.event)
            self.outcome.fates[place] = verdict.fate
            self._keep(passed.account_id, verdict)
        if self._eager:
            self.catch_up()

    @property
    def program(self) -> Program:
        """The programme as it was read."""
        return self._decider.program

    @property
    def account_ids(self) -> list[str]:
        """Every account that has state."""
        return list(self._accounts)

    def entries_of(self, account_id: str) -> dict[str, bytes]:
        """The account's state as it is kept."""
        return self._accounts[account_id].entries

    def catch_up(self) -> None:
        """Do what is due by the clock."""
        while self._clock is not None and self._timers and self._timers[0][0] <= self._clock.ms:
            timer = heapq.heappop(self._timers)
            self._set.remove(timer)
            account_id = timer[1]
            verdict = self._decider.fire(account_id, self._accounts[account_id], self._clock.ms)
            self._keep(account_id, verdict)

    def _keep(self, account_id: str, verdict: Verdict) -> None:
        self.outcome.decisions.extend(verdict.decisions)
        for decision in verdict.decisions:
            cause = decision["cause"]
            if "timer" not in cause:  # a refund that waited is used when its decision is made
                self.outcome.fates[Place(cause["topic"], cause["partition"], cause["offset"])] = "used"
        for _, letter in verdict.dead_letters:
            self.outcome.dead_letters.append(letter)
            place = Place(letter["topic"], letter["partition"], letter["offset"])
            self.outcome.fates[place] = "dead_letter"
        if verdict.next_due_ms is not None and (timer := (verdict.next_due_ms, account_id)) not in self._set:
            self._set.add(timer)
            heapq.heappush(self._timers, timer)


def run(reference: Iterable[Record], records: Iterable[Record], lag_ms: int, *, eager: bool = True) -> Outcome:
    """A bounded run: reference facts first, then the transactions, then what is due by the clock where they left it."""
    records = list(records)
    awaited: dict[int, int] = {}
    for record in records:
        if record.topic == transactions.TOPIC:
            awaited[record.partition] = max(record.offset, awaited.get(record.partition, -1))
    loop = InMemoryRun(lag_ms, awaited, eager=eager)
    for record in reference:
        loop.read(record)
    for record in records:
        loop.read(record)
    loop.catch_up()
    return loop.outcome
