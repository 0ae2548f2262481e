"""The folder of a job that runs on this machine: where it stopped, so that the next run goes on from there.

| In the folder | What |
|---|---|
| `job.json` | the job's identity and its last savepoint; replaced in one step |
| `savepoints/`, `checkpoints/` | Flink's |
| `flink.log` | what Flink said in the last run |
| `flink/` | Flink's settings and temporary files while a run lasts |
| `lock` | held while a run uses the folder |
"""

import fcntl
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from jobs.runtime.names import JOB
from ops.errors import Refusal
from ops.jobs.plain_path import plain_path
from ops.jobs.restore_points import newest

JAVA_ENDS_WITHIN_S = 30.0


class JobRecord(BaseModel):
    """What is known of the job in a folder."""

    model_config = ConfigDict(extra="forbid")

    group: str
    """The Kafka group and prefix of transactional ids: the job keeps them for as long as it keeps its state."""
    cluster_id: str
    """The Kafka cluster whose offsets are in the state."""
    savepoint: str | None = None
    read: dict[str, dict[int, int]] = {}
    """By topic and partition: a record that had been read when the savepoint was made, and so all before it."""
    java: tuple[int, float] | None = None
    """The process that runs Flink, by its id and start time."""


class JobFolder:
    """The folder, while this process holds its lock."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self.path = path
        plain = plain_path(path)
        self.checkpoints = plain / "checkpoints"
        self.savepoints = plain / "savepoints"
        self.log = plain / "flink.log"
        self.flink = plain / "flink"

    def read(self) -> JobRecord | None:
        """What the last run left; None before the first. Raises Refusal when it cannot be understood."""
        try:
            content = json.loads(self._record.read_bytes())
            # Former releases wrote down the mode that Python was in, and when the savepoint was made.
            if isinstance(content, dict):
                content.pop("savepoint_at", None)
                if content.pop("mode", "thread") != "thread":
                    raise Refusal(
                        f"The state in {self.path} was made in process mode, which this release does not have and "
                        "cannot read; --fresh starts over without it."
                    )
            return JobRecord.model_validate(content)
        except FileNotFoundError:
            return None
        except (ValueError, OSError) as problem:
            raise Refusal(
                f"{self._record} cannot be read ({type(problem).__name__}); --fresh starts over without it."
            ) from problem

    def write(self, record: JobRecord) -> None:
        temporary = self._record.with_suffix(".new")
        with temporary.open("w", encoding="utf-8") as file:
            file.write(record.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._record)

    def start_over(self, cluster_id: str, job: str = JOB) -> JobRecord:
        """Forgets what there was and gives the job of this name a new identity."""
        self._record.unlink(missing_ok=True)
        for folder in (self.savepoints, self.checkpoints):
            shutil.rmtree(folder, ignore_errors=True)
        return JobRecord(group=f"{job}-{uuid.uuid4().hex[:8]}", cluster_id=cluster_id)

    def restore_point(self, record: JobRecord) -> Path | None:
        """The newest of the savepoints and, after a crash, the checkpoints that were completed, by their numbers: a
        savepoint too behind which the run was killed before it could write it down."""
        kept = None if record.savepoint is None else Path(record.savepoint)
        here = [found.parent for found in (*self.savepoints.glob("*/_metadata"), *self._completed_checkpoints())]
        if kept is not None and kept.name not in {point.name for point in here if point.parent == self.savepoints}:
            here.append(kept)
        point = newest(here)
        if point is not None or kept is None:
            return point
        if not (kept / "_metadata").is_file():
            raise Refusal(f"The savepoint {kept} is gone; --fresh starts over without it.")
        return kept

    def _completed_checkpoints(self) -> Iterator[Path]:
        return self.checkpoints.glob("*/chk-*/_metadata")

    def keep_only(self, savepoint: Path) -> None:
        """Removes every savepoint and checkpoint before this savepoint: nothing goes back to them."""
        for found in self.savepoints.iterdir():
            if found != savepoint:
                shutil.rmtree(found, ignore_errors=True)
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    @property
    def _record(self) -> Path:
        return self.path / "job.json"


@contextmanager
def job_folder(path: Path) -> Iterator[JobFolder]:
    """The folder for this process alone. Raises Refusal when another run uses it, or it cannot be written to."""
    path = path.absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / "lock").open("a")
    except OSError as problem:
        raise Refusal(f"The job's state cannot be kept in {path}: {problem.strerror}.") from problem
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refusal(
                f"Another run uses the state in {path}; stop it, or name another folder with --state."
            ) from None
        try:
            folder = JobFolder(path)
        except OSError as problem:
            raise Refusal(f"The job's state cannot be kept in {path}: {problem.strerror}.") from problem
        yield folder


def wait_for_java(record: JobRecord) -> None:
    """After a crash of the command its Flink may live for a moment more; two must not write at once.

    Raises Refusal when it does not end.
    """
    if record.java is None:
        return
    pid, started = record.java
    deadline = time.monotonic() + JAVA_ENDS_WITHIN_S
    while time.monotonic() < deadline:
        try:
            process = psutil.Process(pid)
            if process.create_time() != started or process.status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
        time.sleep(0.1)
    raise Refusal(f"Flink of the last run (process {pid}) still runs; end it first.")
