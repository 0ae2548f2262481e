"""The folder in which a job's state is kept between runs, and durations on the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import psutil
import pytest

from jobs.config import DecisionsConfig
from ops.durations import milliseconds
from ops.errors import Refusal
from ops.flink.stack_trace import root_cause
from ops.jobs import folder as job_state
from ops.jobs.asked import configuration
from ops.jobs.folder import JobRecord, job_folder, wait_for_java
from tests.ops.test_restore_points import point


def test_only_one_run_uses_a_folder_at_a_time(tmp_path: Path) -> None:
    with (
        job_folder(tmp_path / "state"),
        pytest.raises(Refusal, match="Another run uses the state"),
        job_folder(tmp_path / "state"),
    ):
        pass
    with job_folder(tmp_path / "state"):
        pass


def test_a_record_is_kept_and_a_broken_one_is_named(tmp_path: Path) -> None:
    with job_folder(tmp_path) as folder:
        assert folder.read() is None
        record = folder.start_over("a-cluster")
        folder.write(record)
        assert folder.read() == record
        (tmp_path / "job.json").write_text("{")
        with pytest.raises(Refusal, match="--fresh starts over"):
            folder.read()


def test_a_folder_of_a_former_release_is_read_unless_python_was_in_process_mode(tmp_path: Path) -> None:
    of_old: dict[str, Any] = {
        "group": "loyalty-decisions-1",
        "cluster_id": "a-cluster",
        "mode": "thread",
        "read": {"topic": {"2": 7}},
    }
    of_old["savepoint_at"] = 1.5
    with job_folder(tmp_path) as folder:
        (tmp_path / "job.json").write_text(json.dumps(of_old))
        assert folder.read() == JobRecord(group="loyalty-decisions-1", cluster_id="a-cluster", read={"topic": {2: 7}})
        (tmp_path / "job.json").write_text(json.dumps({**of_old, "mode": "process"}))
        with pytest.raises(Refusal, match="was made in process mode, which this release does not have"):
            folder.read()


def test_each_new_job_has_a_group_of_its_own(tmp_path: Path) -> None:
    with job_folder(tmp_path) as folder:
        groups = {folder.start_over("a-cluster").group for _ in range(5)}
    assert len(groups) == 5
    assert all(group.startswith("loyalty-decisions-") for group in groups)


def test_goes_on_from_the_savepoint_or_a_later_checkpoint_by_their_numbers(tmp_path: Path) -> None:
    with job_folder(tmp_path) as folder:
        record = folder.start_over("a-cluster")
        assert folder.restore_point(record) is None

        savepoint = point(folder.savepoints, "savepoint-1", 8, written_at=100)
        record = record.model_copy(update={"savepoint": str(savepoint)})
        assert folder.restore_point(record) == savepoint

        point(folder.checkpoints, "job-1/chk-7", 7, written_at=190)
        assert folder.restore_point(record) == savepoint, "a file that is younger need not be newer"
        later = point(folder.checkpoints, "job-2/chk-9", 9, written_at=10)
        (folder.checkpoints / "job-2" / "chk-10").mkdir()  # not completed
        assert folder.restore_point(record) == later

        last = point(folder.savepoints, "savepoint-2", 10, written_at=5)
        assert folder.restore_point(record) == last, "the run was killed before it could write this one down"
        folder.keep_only(last)
        assert list(folder.savepoints.iterdir()) == [last]
        assert not folder.checkpoints.exists()


def test_a_folder_of_any_name_is_reached_by_a_plain_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with job_folder(tmp_path / "my état %20") as folder:
        kept = point(folder.savepoints, "savepoint-1", 8, written_at=100)
        assert re.fullmatch(r"[\w./-]+", str(kept), re.ASCII)
        assert (tmp_path / "my état %20" / "savepoints" / "savepoint-1").is_dir()
        again = folder.savepoints
    with job_folder(tmp_path / "my état %20") as folder:
        assert folder.savepoints == again, "checkpoints hold the paths of their files"
    with job_folder(tmp_path / "another état") as folder:
        assert folder.savepoints != again


def test_a_savepoint_that_is_gone_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    with job_folder(tmp_path) as folder:
        record = folder.start_over("a-cluster")
        lost = record.model_copy(update={"savepoint": str(tmp_path / "lost")})
        with pytest.raises(Refusal, match="is gone; --fresh starts over"):
            folder.restore_point(lost)


def test_waits_for_the_flink_of_a_run_that_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_state, "JAVA_ENDS_WITHIN_S", 0.2)
    me = psutil.Process()
    with job_folder(tmp_path) as folder:
        record = folder.start_over("a-cluster")
    wait_for_java(record)
    wait_for_java(record.model_copy(update={"java": (me.pid, me.create_time() - 5)}))  # the id is another's now
    with pytest.raises(Refusal, match=f"process {me.pid}"):
        wait_for_java(record.model_copy(update={"java": (me.pid, me.create_time())}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("250ms", 250), ("30s", 30_000), ("10m", 600_000), ("24h", 86_400_000), ("400d", 34_560_000_000), ("0", 0)],
)
def test_durations(text: str, expected: int) -> None:
    assert milliseconds(text) == expected


@pytest.mark.parametrize("text", ["", "10", "m", "1.5h", "-1s", "10 minutes", "9" * 16 + "d"])
def test_no_durations(text: str) -> None:
    with pytest.raises(Refusal, match="is no duration"):
        milliseconds(text)


def test_the_cause_of_a_failure_is_the_last_in_its_stack_trace() -> None:
    trace = """org.apache.flink.JobException: failed
\tat org.apache.flink.Somewhere
Caused by: java.lang.RuntimeException: outer
\tat a.b.C
Caused by: pemja.core.PythonException: <class 'ValueError'>: no such thing
\tat d.e.F
\t... 3 more"""
    assert root_cause(trace) == "pemja.core.PythonException: <class 'ValueError'>: no such thing"
    assert root_cause("java.io.IOException: plain\n\tat x") == "java.io.IOException: plain"


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("checkpoint_interval_ms", 5, "The setting checkpoint_interval_ms cannot be 5: input should be greater than"),
        ("watermark_lag_ms", 10**13, "The setting watermark_lag_ms cannot be 10000000000000: input should be less"),
        ("bootstrap", "", "The setting bootstrap cannot be ''"),
    ],
)
def test_a_setting_out_of_its_range_is_named(setting: str, value: Any, sentence: str) -> None:
    given = {"bootstrap": "127.0.0.1:1", setting: value}
    with pytest.raises(Refusal) as refused:
        configuration(DecisionsConfig, given)
    assert sentence in refused.value.message
