"""The whole product on a real broker: fresh topics, the programme, the job as a user runs it, and what came out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jobs.runtime.start_offsets import may_be_made_offer
from loyalty import in_memory_run
from loyalty.records import Record
from loyalty.wire import context, fraud, members, program, transactions
from loyalty.wire.json import to_json
from ops.own_command import own_command
from ops.program.documents import FOLDER
from ops.program.publish import publish
from ops.reconcile.transactions import Reconciliation
from ops.reconcile.verbs import reconcile_topics
from ops.topics.catalogue import read_catalogue
from ops.topics.plan import apply
from tests.jobs.running import finish
from tests.kafka_records import delete_topics, read_all
from tests.oracle.wire import Record as OracleRecord

DECISIONS, DEAD_LETTERS = "loyalty.decisions", "loyalty.dead-letters"
REFERENCE = (program.TOPIC, members.TOPIC, fraud.TOPIC, context.TOPIC)
LAG_MS = 600_000
"""The watermark lag of `loyalty run` where none is given."""

Plain = dict[str, Any]


def fresh_topics(bootstrap: str) -> None:
    """The contract's topics, empty but for the catalogue's programme."""
    topics = read_catalogue()
    delete_topics(bootstrap, [topic.name for topic in topics])
    apply(bootstrap, topics)
    publish(FOLDER, bootstrap)


def fresh_outputs(bootstrap: str) -> None:
    """What was decided is forgotten; the input stays where it is, offsets and timestamps included."""
    delete_topics(bootstrap, [DECISIONS, DEAD_LETTERS])
    apply(bootstrap, read_catalogue())


def run_command(bootstrap: str, state: Path, *options: str, job: str = "decisions") -> list[str]:
    """The command line of a job."""
    words = ["run", job, "--bootstrap", bootstrap, "--state", str(state), *options]
    return own_command(words)


def run_to_end(bootstrap: str, state: Path, *options: str, job: str = "decisions") -> str:
    """Decides what the topics hold and gives what the command printed. Raises Failed."""
    return finish(run_command(bootstrap, state, "--until-end", *options, job=job))


def records(bootstrap: str, *topics: str) -> list[Record]:
    """Everything in these topics, each partition in its order."""
    return [Record(*kept) for topic in topics for kept in read_all(bootstrap, topic)]


def as_the_oracle_reads(bootstrap: str, *topics: str) -> list[OracleRecord]:
    """The same for the oracle, which shares no code with the domain."""
    return [OracleRecord(*kept) for topic in topics for kept in read_all(bootstrap, topic)]


def values(bootstrap: str, topic: str) -> list[Plain]:
    """The parsed values of an output topic."""
    return [json.loads(kept.value or b"null") for kept in read_all(bootstrap, topic)]


def decided_in_memory(bootstrap: str, lag_ms: int = LAG_MS) -> in_memory_run.Outcome:
    """What the domain says of the same records without Kafka or Flink; all offers that were made come first."""
    offers = [record for record in records(bootstrap, DECISIONS) if may_be_made_offer(record.value)]
    outcome = in_memory_run.run(records(bootstrap, *REFERENCE) + offers, records(bootstrap, transactions.TOPIC), lag_ms)
    # As they would travel: a tuple in the evidence is a list on the wire.
    as_sent = [json.loads(to_json(decision)) for decision in outcome.decisions]
    return outcome._replace(decisions=as_sent)


def without_the_hour(decisions: Iterable[Plain]) -> dict[str, Plain]:
    """Decisions by their id, without the wall clock; one that was repeated must say the same each time."""
    found: dict[str, Plain] = {}
    for decision in decisions:
        plain = {name: content for name, content in decision.items() if name != "decided_at"}
        assert found.setdefault(decision["decision_id"], plain) == plain, f"two of one id: {decision['decision_id']}"
    return found


def by_place(letters: Iterable[Plain]) -> dict[tuple[str, int, int], Plain]:
    """Dead letters by where the refused record is; one that was repeated must say the same each time."""
    found: dict[tuple[str, int, int], Plain] = {}
    for letter in letters:
        place = letter["topic"], letter["partition"], letter["offset"]
        assert found.setdefault(place, letter) == letter, f"two dead letters of one record: {place}"
    return found


def first_differences(found: Mapping[Any, Plain], expected: Mapping[Any, Plain]) -> list[str]:
    """The first few of the places or ids whose content differs, in words; empty where none does."""
    differ = []
    for name in sorted(found.keys() | expected.keys()):
        ours, theirs = found.get(name, {}), expected.get(name, {})
        if ours != theirs:
            fields = sorted(field for field in ours.keys() | theirs.keys() if ours.get(field) != theirs.get(field))
            said = ", ".join(f"{field} {ours.get(field)!r} not {theirs.get(field)!r}" for field in fields)
            differ.append(f"{name}: {said}"[:1000])
    return differ[:5]


def assert_reconciles(bootstrap: str) -> Reconciliation:
    """Every record read has one fate, and the ledgers add up; gives the counts."""
    found = reconcile_topics(bootstrap)
    assert found.violations == []
    assert found.read == found.used + found.duplicate + found.dead_letter + found.waiting
    return found
