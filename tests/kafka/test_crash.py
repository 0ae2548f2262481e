"""The job is killed in the middle of traffic and run again: nothing is lost, and what is repeated says the same."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from jobs.runtime import subprocess_runner
from ops.generate.send import traffic_records
from ops.generate.settings import Traffic
from tests.jobs.running import kill, running, wait_until
from tests.kafka.on_kafka import (
    DEAD_LETTERS,
    DECISIONS,
    assert_reconciles,
    by_place,
    decided_in_memory,
    first_differences,
    fresh_topics,
    run_command,
    run_to_end,
    values,
    without_the_hour,
)
from tests.kafka.traffic import Message, flowing, send
from tests.kafka_records import read_all

TRAFFIC = Traffic(seed=13, events=12_000, accounts=300)
AT_FIRST = 3_000
"""Transactions that are there before the job."""
A_SECOND = 500
AFTER_THE_KILL = 1_000
"""So many transactions come only when the job has been killed."""


@pytest.mark.parametrize(("delivery", "profile"), [("at-least-once", "throughput"), ("exactly-once", "latency")])
def test_a_job_that_was_killed_loses_nothing_and_makes_nothing_up(
    bootstrap: str, tmp_path: Path, delivery: str, profile: str
) -> None:
    fresh_topics(bootstrap)
    made: list[Message] = [(one.topic, one.key, one.value) for one in traffic_records(TRAFFIC)]
    first = len(made) - TRAFFIC.events + AT_FIRST
    send(bootstrap, made[:first])
    options = ("--delivery", delivery, "--profile", profile, "--checkpoint-interval", "1s")
    log = tmp_path / "log"
    with running(run_command(bootstrap, tmp_path / "state", *options), log) as job:
        wait_until("decisions are visible", lambda: _decided(bootstrap) > AT_FIRST // 2, job, log)
        before = _decided(bootstrap)
        with flowing(bootstrap, made[first:], A_SECOND, AFTER_THE_KILL):
            wait_until("more is decided", lambda: _decided(bootstrap) > before + AT_FIRST // 2, job, log)
            if profile == "throughput":
                _kill_process_of_an_operator(job.pid)
                before = _decided(bootstrap)
                wait_until("it goes on by itself", lambda: _decided(bootstrap) > before + AT_FIRST // 2, job, log)
            kill(job)
            assert job.returncode == -9
    said = run_to_end(bootstrap, tmp_path / "state", *options)

    assert "Going on from the last checkpoint" in said
    outcome = decided_in_memory(bootstrap)
    expected = without_the_hour(outcome.decisions)
    decisions, dead_letters = values(bootstrap, DECISIONS), values(bootstrap, DEAD_LETTERS)
    assert first_differences(without_the_hour(decisions), expected) == []
    assert first_differences(by_place(dead_letters), by_place(outcome.dead_letters)) == []
    assert_reconciles(bootstrap)
    if delivery == "exactly-once":
        assert len(decisions) == len(expected), "a consumer of committed records sees each decision once"
        assert len(dead_letters) == len(outcome.dead_letters)
    else:
        print(f"{len(decisions) - len(expected)} of {len(expected)} decisions were repeated")


def _kill_process_of_an_operator(job: int) -> None:
    family = psutil.Process(job).children(recursive=True)
    (operator,) = (one for one in family if any(subprocess_runner.__name__ in word for word in one.cmdline()))
    operator.kill()


def _decided(bootstrap: str) -> int:
    return len(read_all(bootstrap, DECISIONS))
