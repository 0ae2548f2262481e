"""The job on a real standalone cluster, submitted as `loyalty submit` does it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.config import DecisionsConfig, Delivery
from jobs.kinds import DECISIONS_KIND
from jobs.topics import PROGRAM, TRANSACTIONS
from ops.errors import Refusal
from ops.flink.rest import FlinkRest
from ops.flink.standalone import StandaloneCluster
from ops.jobs.group_history import has_state
from ops.jobs.submit import Start, Submission, code_of, submit
from tests.jobs.running import ROOT, decisions
from tests.jobs.standin import document
from tests.kafka_records import send

START = 1_700_000_000_000
ACCOUNTS = [f"account-{number}" for number in range(40)]
WITHIN_S = 120.0
IN_PROCESS_MODE = (Path(__file__).parent / "frozen" / "decisions-in-process-mode" / "savepoint").as_uri()
"""A savepoint of the last release that could run Python beside Flink by Flink's own means."""


def _wait_for(bootstrap: str, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + WITHIN_S
    while len(found := decisions(bootstrap)) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} decisions came"
        time.sleep(0.5)
    return found


def _send_round(bootstrap: str, number: int) -> None:
    events = [{"account": account, "at": START + number, "add": 1} for account in ACCOUNTS]
    send(bootstrap, TRANSACTIONS, [(b"", json.dumps(event).encode()) for event in events], partition=0)


def _stop_with_savepoint(rest: FlinkRest, job: str) -> str:
    request = rest.post(f"/jobs/{job}/stop", {"drain": False})["request-id"]
    deadline = time.monotonic() + WITHIN_S
    while True:
        answer = rest.get(f"/jobs/{job}/savepoints/{request}")
        if answer["status"]["id"] == "COMPLETED":
            return str(answer["operation"]["location"])
        assert time.monotonic() < deadline, answer
        time.sleep(0.2)


def test_a_submitted_job_decides_stops_and_goes_on_from_its_savepoint(loyalty_topics: str, tmp_path: Path) -> None:
    send(loyalty_topics, PROGRAM, [(b"1", document(1))])
    with_standin = replace(code_of(DECISIONS_KIND), entry_point=ROOT / "tests" / "jobs" / "standin_entry.py")
    code = replace(with_standin, packages=(*with_standin.packages, ROOT / "tests"))
    with StandaloneCluster(tmp_path / "flink", slots=2) as cluster:
        rest = FlinkRest(cluster.address)
        config = DecisionsConfig(bootstrap=loyalty_topics, parallelism=2, watermark_lag_ms=0)
        submission = Submission(DECISIONS_KIND, config, cluster.address)

        _send_round(loyalty_topics, 1)
        job = submit(submission, code)
        _wait_for(loyalty_topics, len(ACCOUNTS))
        assert rest.get(f"/jobs/{job}")["name"] == "loyalty-decisions"
        with pytest.raises(Refusal, match=f"A job of the group loyalty-decisions runs on .* already \\({job}\\)"):
            submit(replace(submission, start=Start(fresh=True)), code)
        assert submit(replace(submission, start=Start(from_latest=tmp_path / "checkpoints")), code) == job
        deadline = time.monotonic() + WITHIN_S
        while not has_state(DECISIONS_KIND, config):
            assert time.monotonic() < deadline, "a checkpoint commits offsets"
            time.sleep(1)
        savepoint = _stop_with_savepoint(rest, job)

        with pytest.raises(Refusal, match="of the group loyalty-decisions has been here before"):
            submit(submission, code)
        with pytest.raises(Refusal, match="made in process mode"):
            submit(replace(submission, start=Start(from_savepoint=IN_PROCESS_MODE)), code)

        _send_round(loyalty_topics, 2)
        exactly_once = DecisionsConfig(
            bootstrap=loyalty_topics, delivery=Delivery.EXACTLY_ONCE, checkpoint_interval_ms=500, watermark_lag_ms=0
        )
        submit(replace(submission, config=exactly_once, start=Start(from_savepoint=savepoint)), code)
        found = _wait_for(loyalty_topics, 2 * len(ACCOUNTS))
    assert sorted((decision["account"], decision["number"]) for decision in found) == sorted(
        (account, number) for account in ACCOUNTS for number in (1, 2)
    )


def test_a_cluster_that_does_not_answer_is_named() -> None:
    with pytest.raises(Refusal, match=r"No Flink cluster answered at 127\.0\.0\.1:1\."):
        submit(Submission(DECISIONS_KIND, DecisionsConfig(bootstrap="127.0.0.1:1"), "127.0.0.1:1"))
