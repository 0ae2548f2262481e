"""What `loyalty run` says when it cannot start: one sentence each, and exit code 1."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.runtime.kafka_clients import cluster_id
from ops.jobs.folder import JobRecord, job_folder
from tests.jobs.running import Failed, finish, standin_command
from tests.kafka_records import delete_topics, send


def _refusal(bootstrap: str, state: Path) -> str:
    with pytest.raises(Failed) as failed:
        finish(standin_command(bootstrap, state, until_end=True))
    said = str(failed.value)
    assert "exited 1" in said
    assert "Traceback" not in said
    return said


def test_a_broker_that_does_not_answer(tmp_path: Path) -> None:
    assert "No Kafka broker answered at 127.0.0.1:1" in _refusal("127.0.0.1:1", tmp_path)


def test_topics_that_are_missing(loyalty_topics: str, tmp_path: Path) -> None:
    delete_topics(loyalty_topics, ["loyalty.members", "loyalty.program"])
    said = _refusal(loyalty_topics, tmp_path)
    assert "has no topic loyalty.program, loyalty.members; `loyalty topics apply" in said


def test_a_folder_that_another_run_uses(bootstrap: str, tmp_path: Path) -> None:
    with job_folder(tmp_path):
        assert "Another run uses the state" in _refusal(bootstrap, tmp_path)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"group": "g", "cluster_id": "c", "mode": "process"}, "was made in process mode, which this release does not"),
        ({"group": "g", "cluster_id": "another", "mode": "thread"}, "belongs to another Kafka cluster"),
    ],
)
def test_state_that_does_not_fit(loyalty_topics: str, tmp_path: Path, record: dict[str, str], sentence: str) -> None:
    (tmp_path / "job.json").write_text(json.dumps(record))
    assert sentence in _refusal(loyalty_topics, tmp_path)


def test_a_job_that_fails_says_why(loyalty_topics: str, tmp_path: Path) -> None:
    """The checkpoint that it is to go on from is none."""
    savepoint = tmp_path / "state" / "savepoints" / "savepoint-1"
    savepoint.mkdir(parents=True)
    (savepoint / "_metadata").write_bytes(b"no savepoint")
    with job_folder(tmp_path / "state") as folder:
        folder.write(
            JobRecord(
                group="g",
                cluster_id=cluster_id(loyalty_topics),
                savepoint=str(savepoint),
            )
        )
    said = _refusal(loyalty_topics, tmp_path / "state")
    assert "The job" in said
    assert str(tmp_path / "state" / "flink.log") in said


def test_a_topic_that_was_deleted_and_made_again(loyalty_topics: str, tmp_path: Path) -> None:
    send(loyalty_topics, "loyalty.transactions", [(b"", b"")], partition=2)
    with job_folder(tmp_path) as folder:
        record = JobRecord(group="g", cluster_id=cluster_id(loyalty_topics))
        folder.write(record.model_copy(update={"read": {"loyalty.transactions": {2: 7, 3: 7}}}))
    said = _refusal(loyalty_topics, tmp_path)
    assert "loyalty.transactions has been made anew: its partition 2 ends before" in said
