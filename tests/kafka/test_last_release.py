"""A savepoint of the last release restores in this one, and the job goes on from it.

Each folder of `tests/jobs/frozen/` holds one (`loyalty run decisions --until-end`, thread mode, parallelism 1, no
transactions of Kafka's), and the records that were in its topics: `decisions-1` is of the release that did not read
`loyalty.decisions` yet, `decisions-2` of the one whose operators in thread mode were PyFlink's own, `decisions-3` of
the one with accounts of version 3, with a busy account. `docs/explanation/offers.md` says when to add another.
"""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from jobs.runtime.kafka_clients import cluster_id
from loyalty.wire import transactions
from ops.jobs.folder import JobRecord, job_folder
from ops.topics.catalogue import read_catalogue
from ops.topics.plan import apply
from tests.jobs.running import ROOT
from tests.kafka.on_kafka import (
    DECISIONS,
    Plain,
    decided_in_memory,
    first_differences,
    run_to_end,
    values,
    without_the_hour,
)
from tests.kafka_records import delete_topics, send
from tests.oracle.checks import broken_seals

FROZEN = ROOT / "tests" / "jobs" / "frozen"
BOUGHT_AT = "2026-01-20T10:00:00.000Z"


def _offer(example: Plain) -> Plain:
    """An offer made to Ada, beside a decision that shows what every decision has."""
    return {
        **example,
        "decision_id": "offer-to-ada",
        "stream": "offers",
        "sequence": 1,
        "type": "offer.decided",
        "outcome": "made",
        "subject": {"offer_id": "inner-circle-1500"},
        "occurred_at": "2026-01-19T10:00:00.000Z",
        "points": 0,
        "reasons": [{"code": "offered", "detail": "Ada is offered 1500 points.", "actual": 1500, "threshold": None}],
        "rules": {"campaign/inner-circle": 1},
        "cause": {"event_id": "click", "topic": "loyalty.engagements", "partition": 0, "offset": 0},
    }


def _purchase() -> bytes:
    line = {"line_id": "1", "sku": "boots", "category": "fashion", "quantity": 1, "amount": 15_000}
    event: dict[str, Any] = {"event_id": "ada-boots", "type": "purchase", "schema_version": 1, "source": "test"}
    event |= {"occurred_at": BOUGHT_AT, "account_id": "ada", "member_id": "ada", "order_id": "ada-boots"}
    return json.dumps({**event, "channel": "store", "currency": "EUR", "lines": [line]}).encode()


def _redemption() -> list[bytes]:
    """Of the points that Ada had earned before."""
    event: dict[str, Any] = {"event_id": "ada-asks", "type": "redemption.requested", "schema_version": 1}
    event |= {"source": "test", "occurred_at": "2026-02-25T09:00:00.000Z", "account_id": "ada"}
    asks = {"member_id": "ada", "reward_id": "voucher-5", "points": 2_500, "channel": "store"}
    event["redemption_id"] = "ada-voucher"
    pays = {"event_id": "ada-pays", "type": "redemption.committed", "occurred_at": "2026-02-25T09:02:00.000Z"}
    return [json.dumps({**event, **asks}).encode(), json.dumps({**event, **pays}).encode()]


def _unsealed(decisions: list[Plain]) -> dict[str, Plain]:
    return {
        decision_id: {name: content for name, content in decision.items() if name != "seal"}
        for decision_id, decision in without_the_hour(decisions).items()
    }


@pytest.mark.parametrize("release", ["decisions-1", "decisions-2", "decisions-3"])
def test_a_savepoint_of_an_earlier_release_restores_and_the_job_goes_on(
    release: str, bootstrap: str, tmp_path: Path
) -> None:
    topics = read_catalogue()
    delete_topics(bootstrap, [topic.name for topic in topics])
    apply(bootstrap, topics)
    frozen: dict[tuple[str, int], list[tuple[bytes, bytes]]] = defaultdict(list)
    for line in (FROZEN / release / "records.jsonl").read_text(encoding="utf-8").splitlines():
        topic, partition, offset, key, value = json.loads(line)
        assert len(frozen[topic, partition]) == offset
        frozen[topic, partition].append((key.encode(), value.encode()))
    for (topic, partition), pairs in frozen.items():
        send(bootstrap, topic, pairs, partition=partition)
    before = values(bootstrap, DECISIONS)
    savepoint = shutil.copytree(FROZEN / release / "savepoint", tmp_path / "savepoint")
    with job_folder(tmp_path / "state") as folder:
        cluster = cluster_id(bootstrap)
        record = JobRecord(group="as-before", cluster_id=cluster, savepoint=str(savepoint))
        folder.write(record)

    adas = {topic: place for (topic, place), pairs in frozen.items() if b"ada" in {key for key, _ in pairs}}
    ada = next(decision for decision in before if decision["account_id"] == "ada")
    send(bootstrap, DECISIONS, [(b"ada", json.dumps(_offer(ada)).encode())], partition=adas[DECISIONS])
    again = [value for key, value in frozen[transactions.TOPIC, adas[transactions.TOPIC]] if key == b"ada"]
    events = [*again, _purchase(), *_redemption()]
    send(bootstrap, transactions.TOPIC, [(b"ada", event) for event in events], partition=adas[transactions.TOPIC])
    said = run_to_end(bootstrap, tmp_path / "state")

    assert "Going on from the last savepoint" in said
    known = {decision["decision_id"] for decision in before} | {"offer-to-ada"}
    new = [decision for decision in values(bootstrap, DECISIONS) if decision["decision_id"] not in known]
    expected = [decision for decision in decided_in_memory(bootstrap).decisions if decision["decision_id"] not in known]
    # A stream that an earlier release began is sealed from here on, so its seals are others than from the beginning.
    assert first_differences(_unsealed(new), _unsealed(expected)) == []
    assert broken_seals(values(bootstrap, DECISIONS)) == []
    decided = {decision["cause"]["event_id"] for decision in new if "timer" not in decision["cause"]}
    assert decided == {"ada-boots", "ada-asks", "ada-pays"}, "what was used before is a duplicate still"
    types = [decision["type"] for decision in new if decision["account_id"] == "ada"]
    assert "redemption.settled" in types
    assert any(decision["subject"].get("offer_id") for decision in new), "the offer was taken up"
    sequences = [decision["sequence"] for decision in before + new if decision["account_id"] == "ada"]
    assert sorted(sequences) == list(range(1, len(sequences) + 1)), "the ledger goes on without a gap"
