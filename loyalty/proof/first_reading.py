"""The first reading of published decisions: each is decided again, and each stream is followed."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from loyalty.decided_again import difference
from loyalty.program import Program
from loyalty.proof.findings import At, Finding, Kind, StreamName, name_of, place_of, stream_of
from loyalty.proof.second_reading import Doubts, Numbered, Repeat, content_of
from loyalty.proof.streams import Head, Scope, Streams
from loyalty.records import Record
from loyalty.wire.decisions import Plain, parse_decision
from loyalty.wire.json import from_json
from loyalty.wire.reading import WireError

FINDINGS_MAX = 1_000
"""So many are kept with their sentences; all are counted."""


class Read(NamedTuple):
    """What a first reading came to."""

    counts: Counter[str]
    """`decisions`, `again` (decided again), `first_edition` (cannot be), `repeated`, `streams`,
    `taken_as_they_stood`."""
    kinds: Counter[Kind]
    findings: list[Finding]
    doubts: Doubts
    heads: dict[StreamName, Head]


class FirstReading:
    """Takes the decisions of some partitions, each partition in its order, and remembers only what it needs."""

    def __init__(self, program: Program | None, scope: Scope) -> None:
        """Without a programme nothing is decided again: seals, sequences and balances only."""
        self._program = program
        self._streams = Streams(scope)
        self._counts: Counter[str] = Counter()
        self._kinds: Counter[Kind] = Counter()
        self._findings: list[Finding] = []
        self._repeats: dict[Numbered, list[Repeat]] = {}
        self._accounts: set[bytes | None] = set()

    def take(self, record: Record) -> None:
        """The next record of `loyalty.decisions`."""
        at = place_of(record)
        self._counts["decisions"] += 1
        try:
            decision = from_json(record.value or b"")
            self._judge(decision, record, at)
        except (ValueError, LookupError, TypeError, AttributeError):
            self._find(Finding(Kind.UNREADABLE, at, _unreadable(record.value)))

    def outcome(self) -> Read:
        """What it came to, once all has been read."""
        streams = self._streams
        self._counts["streams"] = len(streams)
        self._counts["repeated"] = streams.repeated
        self._counts["taken_as_they_stood"] = streams.taken_as_they_stood
        gaps = [gap for gaps in streams.gaps.values() for gap in gaps]
        doubts = Doubts(self._repeats, gaps, self._accounts)
        return Read(self._counts, self._kinds, self._findings, doubts, streams.heads())

    def _judge(self, decision: Plain, record: Record, at: At) -> None:
        name = stream_of(decision)
        if record.key is None or record.key.decode() != decision["account_id"]:
            self._find(Finding(Kind.MISPLACED, at, f"{name_of(decision)} has another account as its record key."))
        if self._program is not None:
            self._decide_again(decision, at, self._program)
        for found in self._streams.follow(decision, name, at):
            if found is None:
                repeats = self._repeats.setdefault((name, decision["sequence"]), [])
                repeats.append(Repeat(content_of(decision), at))
                self._accounts.add(record.key)
            else:
                self._find(found)

    def _decide_again(self, decision: Plain, at: At, program: Program) -> None:
        if "version" not in decision["evidence"] and decision.get("seal") is None:
            self._counts["first_edition"] += 1
            return
        self._counts["again"] += 1
        found = difference(decision, program)
        if found is not None:
            self._find(Finding(Kind.OTHERWISE, at, f"{name_of(decision)}: {found}"))

    def _find(self, finding: Finding) -> None:
        self._kinds[finding.kind] += 1
        if len(self._findings) < FINDINGS_MAX:
            self._findings.append(finding)


def _unreadable(value: bytes | None) -> str:
    try:
        parse_decision(value)
    except WireError as problem:
        return str(problem)
    return "The record is not a decision that can be followed."
