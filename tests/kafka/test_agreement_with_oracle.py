"""Thousands of events through the real broker and the job, and every decision beside the oracle's."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from loyalty.decided_again import difference
from loyalty.program import Program
from loyalty.wire import transactions
from loyalty.wire.program import TOPIC as PROGRAM
from loyalty.wire.program import parse_program_document
from ops.generate.send import generate
from tests.agreement.compare import dead_letter_differences, differences
from tests.kafka.on_kafka import (
    DEAD_LETTERS,
    DECISIONS,
    LAG_MS,
    REFERENCE,
    as_the_oracle_reads,
    assert_reconciles,
    fresh_topics,
    run_to_end,
    values,
)
from tests.oracle import oracle
from tests.oracle.checks import broken_seals

EVENTS = int(os.environ.get("LOYALTY_EVENTS", "20000"))
"""How many events are sent: a hundred thousand in `make oracle`."""
ACCOUNTS = EVENTS // 50
SEED = 7


class _Stopwatch:
    def __init__(self) -> None:
        self._at = time.monotonic()

    def took(self, what: str) -> None:
        now = time.monotonic()
        print(f"{what}: {now - self._at:.1f} s")
        self._at = now


def test_the_job_and_the_oracle_decide_every_event_alike(bootstrap: str, tmp_path: Path) -> None:
    watch = _Stopwatch()
    fresh_topics(bootstrap)
    sent = generate(bootstrap, EVENTS, SEED, ACCOUNTS)
    watch.took("generation")
    run_to_end(bootstrap, tmp_path / "state", "--parallelism", "2")
    watch.took("job")
    counts = assert_reconciles(bootstrap)
    decisions, dead_letters = values(bootstrap, DECISIONS), values(bootstrap, DEAD_LETTERS)
    read = as_the_oracle_reads(bootstrap, transactions.TOPIC)
    reference = as_the_oracle_reads(bootstrap, *REFERENCE)
    watch.took("reading back and reconciling")
    theirs = oracle.decide_all(read, reference, LAG_MS)
    watch.took("oracle")
    differ = differences(decisions, theirs.decisions)
    refused_otherwise = dead_letter_differences(dead_letters, theirs.dead_letters)
    watch.took("comparison")
    program = Program()
    for document in values(bootstrap, PROGRAM):
        program.learn(parse_program_document(json.dumps(document).encode()))
    decided_otherwise = [found for decision in decisions if (found := difference(decision, program)) is not None]
    watch.took("deciding again from evidence")
    print(
        f"read {counts.read:,} = used {counts.used:,} + duplicate {counts.duplicate:,} + dead letter "
        f"{counts.dead_letter:,} + waiting {counts.waiting:,}; decisions {len(decisions):,}, "
        f"the oracle's {len(theirs.decisions):,}; {len(differ)} accounts and {len(refused_otherwise)} dead letters "
        f"differ; {dict(counts.reasons)}"
    )

    assert differ[:10] == []
    assert decided_otherwise[:10] == []
    assert broken_seals(decisions) == []
    assert refused_otherwise[:10] == []
    assert len(read) == sent.transactions == EVENTS
    assert (counts.used, counts.duplicate, counts.waiting) == (
        len(theirs.used),
        len(theirs.duplicates),
        len(theirs.waiting),
    )
    # What the generator spoilt on purpose was found out; honest mistakes add to some reasons.
    for reason, count in sent.expected.items():
        assert (counts.duplicate if reason == "duplicate" else counts.reasons[reason]) >= count, reason
    assert len(decisions) > EVENTS
