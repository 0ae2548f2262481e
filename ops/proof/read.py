"""Reading decisions for a proof: partitions shared out among processes, each of which streams through its own."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import NamedTuple

from jobs.runtime.kafka_clients import Place, Span
from loyalty.program import Program
from loyalty.proof.findings import At, Finding, Kind, StreamName
from loyalty.proof.first_reading import FirstReading, Read
from loyalty.proof.second_reading import SecondReading, together
from loyalty.proof.streams import Head, Scope
from loyalty.wire.decisions import TOPIC
from loyalty.wire.program import TOPIC as PROGRAM
from loyalty.wire.program import parse_program_document
from loyalty.wire.reading import WireError
from ops.kafka.client import partitions_of
from ops.kafka.reading import read_all, read_spans, reading, spans_of, spans_since

WORTH_A_PROCESS = 20_000
"""Records; fewer are read before a second process has started."""


class Asked(NamedTuple):
    """What a proof is asked to read."""

    bootstrap: str
    since_ms: int | None = None
    """By the records' timestamps; None: from the beginning."""
    account: str | None = None
    until: str | None = None
    """Keep what an anchor of that moment needs."""
    decide_again: bool = True
    processes: int = os.cpu_count() or 1


class Proof(NamedTuple):
    """What was read, and everything that is wrong."""

    counts: Counter[str]
    kinds: Counter[Kind]
    findings: list[Finding]
    """In the order of their offsets, those without a place last; the first thousands."""
    heads: dict[StreamName, Head]
    partitions: dict[int, Span]


class _Share(NamedTuple):
    """What one process reads."""

    asked: Asked
    spans: Mapping[Place, Span]
    scope: Scope
    documents: list[bytes]


def prove(asked: Asked) -> Proof:
    """Reads `loyalty.decisions` once, and again where the first reading leaves a doubt. Raises Refusal."""
    places = partitions_of(asked.bootstrap, [TOPIC])
    with reading(asked.bootstrap) as reader:
        whole = spans_of(reader, places)
        spans = whole if asked.since_ms is None else spans_since(reader, places, asked.since_ms)
    # A partition whose first record is gone begins inside too: retention has taken what was before.
    begins_inside = frozenset(partition for (_, partition), span in spans.items() if span.start > 0)
    scope = Scope(begins_inside, asked.until)
    documents = [record.value for record in read_all(asked.bootstrap, PROGRAM) if record.value is not None]
    shares = [_Share(asked, share, scope, documents) for share in _shared_out(spans, asked.processes)]
    if len(shares) == 1:
        read = [_read(shares[0])]
    else:
        with ProcessPoolExecutor(len(shares), mp_context=get_context("spawn")) as pool:
            read = list(pool.map(_read, shares))
    return _joined(asked, spans, read)


def _shared_out(spans: Mapping[Place, Span], processes: int) -> list[dict[Place, Span]]:
    """The partitions, shared out so that each process has about as much to read."""
    total = sum(span.end - span.start for span in spans.values())
    shares: list[dict[Place, Span]] = [{} for _ in range(max(1, min(processes, len(spans), total // WORTH_A_PROCESS)))]
    sizes = [0] * len(shares)
    for place, span in sorted(spans.items(), key=lambda one: one[1].start - one[1].end):
        least = sizes.index(min(sizes))
        shares[least][place] = span
        sizes[least] += span.end - span.start
    return shares


def program_of(documents: list[bytes]) -> Program:
    """The programme in these documents; those that are none are dead letters and left out."""
    program = Program()
    for value in documents:
        try:
            program.learn(parse_program_document(value))
        except WireError:
            continue
    return program


def _read(share: _Share) -> Read:
    asked = share.asked
    first = FirstReading(program_of(share.documents) if asked.decide_again else None, share.scope)
    key = None if asked.account is None else asked.account.encode()
    with _few_collections():
        for record in read_spans(asked.bootstrap, share.spans):
            if key is None or record.key == key:
                first.take(record)
    return first.outcome()


@contextmanager
def _few_collections() -> Iterator[None]:
    """A decision is a hundred objects that refer to each other in no circle; looking for circles costs a fifth."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _joined(asked: Asked, spans: Mapping[Place, Span], read: list[Read]) -> Proof:
    counts: Counter[str] = sum((one.counts for one in read), Counter())
    kinds: Counter[Kind] = sum((one.kinds for one in read), Counter())
    findings = [finding for one in read for finding in one.findings]
    doubts = together(one.doubts for one in read)
    if doubts.any:
        second = SecondReading(doubts)
        for record in read_spans(asked.bootstrap, spans):
            second.take(record)
        more = list(second.findings())
        kinds.update(finding.kind for finding in more)
        findings += more
    heads: dict[StreamName, Head] = {}
    for one in read:
        for name, head in one.heads.items():
            if name not in heads or head.sequence > heads[name].sequence:
                heads[name] = head
    counts["streams"] = len(heads) if asked.until is not None else counts["streams"]
    findings.sort(key=lambda finding: finding.at or At(1 << 31, 0))
    return Proof(counts, kinds, findings, heads, {partition: span for (_, partition), span in spans.items()})
