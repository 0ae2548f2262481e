"""What a savepoint knows the job by. A change here is a migration of every savepoint there is."""

from __future__ import annotations

import json
import sys

import pytest

from jobs.runtime.names import DECISIONS_NAMES, OFFERS_NAMES, JobNames
from tests.jobs.running import finish

DECISIONS = {
    "read-records": 1,
    "select-records": 1,
    "hand-over-records": 1,
    "pack-records": 1,
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
OFFERS = {
    "read-records": 1,
    "select-records": 1,
    "hand-over-records": 1,
    "pack-records": 1,
    "check-engagements": 1,
    "match-campaigns": 3,
    "make-offers": 1,
    "decided": 1,
    "select-decisions": 1,
    "decisions": 1,
    "Sink Committer: decisions": 1,
    "select-dead-letters": 1,
    "dead-letters": 1,
    "Sink Committer: dead-letters": 1,
    "refused": 1,
    "refused-dead-letters": 1,
    "Sink Committer: refused-dead-letters": 1,
}
FROZEN = {"decisions": DECISIONS, "offers": OFFERS}
"""Each operator's uid, and its parallelism when the job's is 3."""


@pytest.mark.parametrize("names", [DECISIONS_NAMES, OFFERS_NAMES], ids=lambda names: names.job)
def test_every_uid_is_described_once(names: JobNames) -> None:
    uids = [uid for _, uid in names.shape]
    assert len(uids) == len(set(uids))
    assert set(uids) == set(names.operators)


@pytest.mark.parametrize("job", ["decisions", "offers"])
def test_every_operator_that_flink_runs_has_its_frozen_name(job: str) -> None:
    said = finish([sys.executable, "-m", "tests.jobs.graph_of_job", job])
    operators = [json.loads(line) for line in said.splitlines()]

    assert {operator["uid"]: operator["parallelism"] for operator in operators} == FROZEN[job]
    assert len(operators) == len(FROZEN[job])
    assert {operator["max_parallelism"] for operator in operators} == {128}
    for operator in operators:
        assert operator["name"].partition(":")[0] in operator["uid"]
