"""What a savepoint knows the job by. A change here is a migration of every savepoint there is."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from jobs.names import OPERATORS, SHAPE
from tests.jobs.running import ROOT

FROZEN = {
    "read-records": 1,
    "pack-records": 1,
    "hand-over-records": 1,
    "check-records": 1,
    "clock-of-records": 1,
    "records-for-accounts": 1,
    "clock-of-documents": 1,
    "programme-documents": 1,
    "decide-for-account": 3,
    "decided": 3,
    "select-decisions": 3,
    "decisions": 3,
    "Sink Committer: decisions": 3,
    "select-dead-letters": 3,
    "dead-letters": 3,
    "Sink Committer: dead-letters": 3,
    "refused": 1,
    "refused-dead-letters": 1,
    "Sink Committer: refused-dead-letters": 1,
}
"""Each operator's uid, and its parallelism when the job's is 3."""


def test_every_uid_is_described_once() -> None:
    assert [uid for _, uid in SHAPE] == list(OPERATORS)


@pytest.mark.parametrize("mode", ["thread", "process"])
def test_every_operator_that_flink_runs_has_its_frozen_name(mode: str) -> None:
    command = [sys.executable, "-m", "tests.jobs.graph_of_job", mode]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    operators = [json.loads(line) for line in done.stdout.splitlines()]

    # Python's state is named and written differently in the two modes, so those who keep some differ in name too.
    other = "" if mode == "thread" else "-in-process-mode"
    renamed = {uid: uid + (other if uid in ("check-records", "decide-for-account") else "") for uid in FROZEN}
    expected = {renamed[uid]: parallelism for uid, parallelism in FROZEN.items()}
    assert {operator["uid"]: operator["parallelism"] for operator in operators} == expected
    assert len(operators) == len(FROZEN)
    assert {operator["max_parallelism"] for operator in operators} == {128}
    for operator in operators:
        assert operator["name"].partition(":")[0] in operator["uid"]
