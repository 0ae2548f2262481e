"""A job on this machine, without a cluster: in this process and a JVM of its own, going on where the last run stopped.

`--until-end` of a job of ours watches it until everything that the topics held at the start has been decided, and then
stops it as an operator would, with a savepoint; so the end of the input fires nothing that is not due. The SQL models
are given bounded input instead, and end by themselves when every window is closed.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError

from jobs.config import DecisionsConfig, JobConfig
from jobs.kinds import JobKind
from jobs.runtime.start_offsets import last_readable
from ops.errors import Exit, Refusal
from ops.flink.gateway import settings_of_gateway
from ops.flink.mini_cluster import end_java, mini_cluster, start_java, stop_signals, stop_with_savepoint
from ops.flink.processes import JVM_OF_A_RUN
from ops.flink.rest import FlinkRest, JobView
from ops.flink.stack_trace import root_cause
from ops.jobs.end_of_run import EndOfRun, Offsets, merged, progress_of
from ops.jobs.folder import JobFolder, JobRecord, job_folder, wait_for_java
from ops.jobs.progress import Progress
from ops.kafka.client import cluster_id, refusing
from ops.ports import free_port

Say = Callable[[str], None]
Start = Callable[[JobConfig, Mapping[str, str]], Any]
"""Makes a job with its settings, starts it on a cluster with these options of Flink's, gives Flink's client of it."""


@dataclass(frozen=True)
class LocalJob:
    """A job as it is to run here."""

    kind: JobKind
    config: JobConfig
    start: Start
    state: Path
    """The folder that says where it stopped."""
    until_end: bool = False
    fresh: bool = False
    input_ends: bool = False
    """Its sources are bounded: it ends by itself, begins at the beginning, and keeps no state."""
    explain: Callable[[str], str | None] = lambda trace: None
    """What a failure of this job means, from Java's stack trace, where that can be said better than by its cause."""


def run_here(job: LocalJob, say: Say | None = None) -> None:
    """Runs the job until it has done what was asked, or is told to stop.

    Raises:
        Refusal: it cannot start, or failed; in one sentence.
    """
    say = say or (lambda line: print(line, flush=True))
    with job_folder(job.state) as folder, stop_signals() as stop:
        _Run(job, folder, say, stop).go()


class _Run:
    """One run, from its start to its savepoint."""

    def __init__(self, job: LocalJob, folder: JobFolder, say: Say, stop: threading.Event) -> None:
        self._job = job
        self._folder = folder
        self._say = say
        self._stop = stop
        self._began = time.monotonic()

    def go(self) -> None:
        job, folder = self._job, self._folder
        known = None if job.fresh or job.input_ends else folder.read()
        os.environ.update(settings_of_gateway(folder.flink, folder.log, jvm=JVM_OF_A_RUN))
        with ThreadPoolExecutor(1) as aside:
            # While Java starts, which takes as long.
            held = aside.submit(_ask_kafka, job.config.bootstrap, job.kind)
            java = start_java()
            try:
                cluster, last = held.result()
                record, point = self._prepare(known, cluster, last)
                record = record.model_copy(update={"java": (java.pid, java.create_time())})
                folder.write(record)
                self._run(record, point, last)
            finally:
                end_java(java)
                shutil.rmtree(folder.flink, ignore_errors=True)

    def _prepare(self, known: JobRecord | None, cluster: str, last: Offsets) -> tuple[JobRecord, Path | None]:
        """The job's identity, and where it goes on from."""
        job, folder = self._job, self._folder
        if known is None:
            self._say(f"Starting from the beginning of the topics (state in {folder.path}).")
            return folder.start_over(cluster, job.kind.names.job), None
        if known.cluster_id != cluster:
            raise Refusal(
                f"The state in {folder.path} belongs to another Kafka cluster than the one at {job.config.bootstrap}; "
                "--fresh starts over, or name another folder with --state."
            )
        for topic, partitions in known.read.items():
            for partition, offset in partitions.items():
                if last[topic].get(partition, offset) < offset:
                    raise Refusal(
                        f"{topic} has been made anew: its partition {partition} ends before what the state in "
                        f"{folder.path} has read; --fresh starts over."
                    )
        wait_for_java(known)
        point = folder.restore_point(known)
        if point is None:
            self._say(f"Starting from the beginning of the topics (state in {folder.path}).")
        else:
            kind = "checkpoint" if point.name.startswith("chk-") else "savepoint"
            self._say(f"Going on from the last {kind} ({point}).")
        return known, point

    def _run(self, record: JobRecord, point: Path | None, last: Offsets) -> None:
        job = self._job
        config = job.config.model_copy(
            update={
                "group": record.group,
                "checkpoint_dir": self._folder.checkpoints.as_uri(),
                "restore_from": None if point is None else point.as_uri(),
            }
        )
        rest = f"127.0.0.1:{free_port()}"
        client = self._start(config, mini_cluster(rest))
        view = JobView(FlinkRest(rest), str(client.get_job_id()), job.kind.inputs)
        end = None
        if job.until_end and not job.input_ends:
            end = EndOfRun(config.bootstrap, record.group, last, record.read, progress_of(job.kind))
        progress = Progress(job.kind, view, self._say, f"Running after {{:.1f}} s: {_in_words(config)}.", self._began)
        if self._watch(client, progress, end):
            self._finish(client, record, progress)
        else:
            self._folder.start_over(record.cluster_id, job.kind.names.job)
            self._say("Everything that the topics held has been read, and every window is closed.")

    def _start(self, config: JobConfig, options: Mapping[str, str]) -> Any:
        from pyflink.util.exceptions import JavaException

        try:
            return self._job.start(config, options)
        except (Py4JError, JavaException) as problem:
            raise self._refusal("The job did not start", str(problem)) from problem

    def _watch(self, client: Any, progress: Progress, end: EndOfRun | None) -> bool:
        """Returns when the job is to stop with a savepoint (True) or has come to the end of its input (False).

        Raises Refusal when it fails.
        """
        waited_for = end is not None or self._job.input_ends
        # A job can be stopped with a savepoint only when all of it runs.
        while not (self._stop.wait(progress.look_every_s(waited_for)) and progress.running):
            if self._stop.is_set():
                time.sleep(progress.look_every_s(waited_for=True))
            if not progress.look():
                if self._has_ended(client, progress):
                    return False
            elif progress.running and end is not None and progress.asks(end.is_reached):
                progress.tell()
                return True
        progress.tell()
        self._say("Stopping.")
        return True

    def _has_ended(self, client: Any, progress: Progress) -> bool:
        """The mini-cluster ends with its job; its REST interface alone may also be slow for a moment."""
        try:
            status = client.get_job_status().result().name
        except (Py4JError, OSError):
            status = "GONE"
        if status not in ("GONE", "FAILED", "CANCELED", "FINISHED", "SUSPENDED"):
            return False
        try:
            client.get_job_execution_result().result()
        except (Py4JError, OSError) as problem:
            raise self._refusal("The job has ended", progress.failure or str(problem)) from problem
        if not self._job.input_ends:
            raise self._refusal("The job has ended", progress.failure or "Flink is no longer there")
        return True

    def _finish(self, client: Any, record: JobRecord, progress: Progress) -> None:
        self._folder.savepoints.mkdir(exist_ok=True)
        try:
            path = stop_with_savepoint(client, self._folder.savepoints.as_uri())
        except Py4JError as problem:
            raise Refusal(
                f"The job did not stop with a savepoint: {root_cause(str(problem))}\n"
                f"The next run goes on from its last checkpoint. Flink's log is {self._folder.log}.",
                Exit.FAILED,
            ) from problem
        savepoint = Path(path.removeprefix("file:"))
        stopped = {
            "savepoint": str(savepoint),
            "read": merged(record.read, progress.read),
            "java": None,
        }
        self._folder.write(record.model_copy(update=stopped))
        self._folder.keep_only(savepoint)
        took = time.monotonic() - self._began
        counted = f": {progress.counted}" if progress.counted else ""
        self._say(f"Stopped after {took:.1f} s with a savepoint{counted}. The next run goes on from here.")

    def _refusal(self, what: str, trace: str) -> Refusal:
        said = self._job.explain(trace) or f"{what}: {root_cause(trace)}\nFlink's log is {self._folder.log}."
        return Refusal(said, Exit.FAILED)


def _in_words(config: JobConfig) -> str:
    said = f"parallelism {config.parallelism}, {config.delivery.value}"
    if isinstance(config, DecisionsConfig):
        said += f", watermark lag {config.watermark_lag_ms / 1000:.0f} s"
    return said


def _ask_kafka(bootstrap: str, kind: JobKind) -> tuple[str, Offsets]:
    """The cluster's id, and what a job of ours has to wait for when it starts."""
    with refusing():
        last = last_readable(bootstrap, kind.inputs, committed_only=kind.committed_only) if kind.intake else {}
        return cluster_id(bootstrap), last
