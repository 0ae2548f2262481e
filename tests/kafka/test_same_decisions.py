"""However the job is run, the same input has the same decisions: ids, sequences and content."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import pytest

from ops.flink.standalone import StandaloneCluster
from ops.generate.send import generate
from ops.own_command import own_command
from tests.jobs.running import finish
from tests.kafka.on_kafka import (
    DEAD_LETTERS,
    DECISIONS,
    Plain,
    assert_reconciles,
    by_place,
    decided_in_memory,
    first_differences,
    fresh_outputs,
    fresh_topics,
    run_to_end,
    values,
    without_the_hour,
)

EVENTS = 4_000
ACCOUNTS = 150
SEED = 11
CLUSTER_WITHIN_S = 120


class Decided(NamedTuple):
    decisions: dict[str, Plain]
    dead_letters: dict[tuple[str, int, int], Plain]


@pytest.fixture(scope="module")
def by_the_domain(bootstrap: str) -> Decided:
    """The input, sent once; the value is what the domain makes of it without Kafka or Flink."""
    fresh_topics(bootstrap)
    generate(bootstrap, EVENTS, SEED, ACCOUNTS)
    outcome = decided_in_memory(bootstrap)
    assert len(outcome.decisions) > EVENTS
    assert len(outcome.dead_letters) > EVENTS // 100
    return Decided(without_the_hour(outcome.decisions), by_place(outcome.dead_letters))


# Each value of each option with each value of each other one, in as few starts as that takes.
@pytest.mark.parametrize(
    ("parallelism", "delivery", "profile"),
    [
        (1, "at-least-once", "latency"),
        (4, "exactly-once", "throughput"),
        (1, "exactly-once", "throughput"),
        (4, "at-least-once", "latency"),
    ],
)
def test_the_same_input_has_the_same_decisions(
    bootstrap: str, by_the_domain: Decided, tmp_path: Path, parallelism: int, delivery: str, profile: str
) -> None:
    fresh_outputs(bootstrap)
    options = ("--parallelism", str(parallelism), "--delivery", delivery, "--profile", profile)
    run_to_end(bootstrap, tmp_path / "state", *options)
    decisions, dead_letters = values(bootstrap, DECISIONS), values(bootstrap, DEAD_LETTERS)
    assert first_differences(without_the_hour(decisions), by_the_domain.decisions) == []
    assert first_differences(by_place(dead_letters), by_the_domain.dead_letters) == []
    assert assert_reconciles(bootstrap).repeated == 0, "an undisturbed run repeats nothing"
    assert len(decisions) == len(by_the_domain.decisions)
    assert len(dead_letters) == len(by_the_domain.dead_letters)


def test_a_standalone_cluster_decides_the_same(bootstrap: str, by_the_domain: Decided, tmp_path: Path) -> None:
    fresh_outputs(bootstrap)
    with StandaloneCluster(tmp_path / "flink", slots=2) as cluster:
        words = ["submit", "decisions", "--cluster", cluster.address, "--bootstrap", bootstrap, "--parallelism", "2"]
        finish(own_command([*words, "--profile", "throughput"]))
        until = time.monotonic() + CLUSTER_WITHIN_S
        while (
            len(values(bootstrap, DECISIONS)) < len(by_the_domain.decisions)
            or len(values(bootstrap, DEAD_LETTERS)) < len(by_the_domain.dead_letters)
        ) and time.monotonic() < until:
            time.sleep(1)
    assert first_differences(without_the_hour(values(bootstrap, DECISIONS)), by_the_domain.decisions) == []
    assert first_differences(by_place(values(bootstrap, DEAD_LETTERS)), by_the_domain.dead_letters) == []
