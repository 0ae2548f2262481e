"""`loyalty sql run`: the models as one job on this machine, which goes on where it stopped."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyflink.util.exceptions import JavaException

from jobs.config import SqlConfig
from jobs.runtime.names import SQL_JOB
from ops.errors import Refusal
from ops.flink.gateway import settings_of_gateway
from ops.flink.mini_cluster import end_java, mini_cluster, start_java, stop_signals, stop_with_savepoint
from ops.flink.processes import JVM_OF_A_RUN, FlinkRest, FlinkUnreachable, JobView, free_port, root_cause
from ops.jobs.folder import JobFolder, job_folder, wait_for_java
from ops.kafka.client import cluster_id

DEFAULT_STATE = Path(".loyalty/sql")
LOOK_EVERY_S = 0.2
ENDS = ("FINISHED", "FAILED", "CANCELED", "SUSPENDED")


@dataclass(frozen=True)
class SqlRun:
    """What was asked for on the command line."""

    bootstrap: str
    models: tuple[str, ...] = ()
    state: Path = DEFAULT_STATE
    until_end: bool = False
    fresh: bool = False
    parallelism: int = 1
    checkpoint_interval_ms: int = 10_000


def run_models(asked: SqlRun, say: Callable[[str], None]) -> None:
    """Runs the models in this process and a JVM of its own, until the end of the topics or until told to stop.

    With `until_end` the job reads from the beginning to what the topics hold now, closes every window, keeps no state.

    Raises:
        Refusal: it cannot start, or failed; in one sentence.
    """
    with job_folder(asked.state) as folder, stop_signals() as stop:
        os.environ.update(settings_of_gateway(folder.path / "flink", folder.log, jvm=JVM_OF_A_RUN))
        cluster = cluster_id(asked.bootstrap)
        known = None if asked.fresh or asked.until_end else folder.read()
        if known is not None and known.cluster_id != cluster:
            raise Refusal(f"The state in {folder.path} belongs to another Kafka cluster; --fresh starts over.")
        if known is not None:
            wait_for_java(known)
        point = None if known is None else folder.restore_point(known)
        record = known or folder.start_over(cluster, SQL_JOB)
        java = start_java()
        try:
            record = record.model_copy(update={"java": (java.pid, java.create_time())})
            folder.write(record)
            say("Starting from the beginning of the topics." if point is None else f"Going on from {point}.")
            client, view = _start(asked, folder, point)
            if _watch(client, view, stop, say, folder):
                folder.savepoints.mkdir(exist_ok=True)
                savepoint = Path(stop_with_savepoint(client, folder.savepoints.as_uri()).removeprefix("file:"))
                folder.write(
                    record.model_copy(update={"savepoint": str(savepoint), "savepoint_at": time.time(), "java": None})
                )
                folder.keep_only(savepoint)
                say("Stopped with a savepoint. The next run goes on from here.")
            else:
                folder.start_over(cluster, SQL_JOB)
                say("Everything that the topics held has been read, and every window is closed.")
        except (Py4JError, JavaException) as problem:
            raise Refusal(_why(str(problem), folder)) from problem
        finally:
            end_java(java)
            shutil.rmtree(folder.path / "flink", ignore_errors=True)


def _start(asked: SqlRun, folder: JobFolder, point: Path | None) -> tuple[Any, JobView]:
    from pyflink.table import StreamTableEnvironment

    from jobs.runtime.environment import create_environment
    from jobs.sql_models import add_models, options

    config = SqlConfig(
        bootstrap=asked.bootstrap,
        parallelism=asked.parallelism,
        checkpoint_interval_ms=asked.checkpoint_interval_ms,
        checkpoint_dir=folder.checkpoints.as_uri(),
        restore_from=None if point is None else point.as_uri(),
        restart_attempts=2,
    )
    rest = f"127.0.0.1:{free_port()}"
    environment = create_environment(SQL_JOB, config, {**options(config), **mini_cluster(rest)})
    tables = StreamTableEnvironment.create(environment)
    client = add_models(tables, asked.bootstrap, asked.models, until_end=asked.until_end).execute().get_job_client()
    return client, JobView(FlinkRest(rest), str(client.get_job_id()))


def _watch(client: Any, view: JobView, stop: threading.Event, say: Callable[[str], None], folder: JobFolder) -> bool:
    """Returns when the job is to stop with a savepoint (True), or has come to its end (False)."""
    said = False
    while True:
        stopping = stop.wait(LOOK_EVERY_S)
        try:
            status = client.get_job_status().result().name
        except Py4JError as problem:
            if "already been shut down" not in str(problem):
                raise
            status = "ended"  # the mini-cluster ends with its job; how, its result knows
        if status == "ended" or status in ENDS:
            if status == "FINISHED":
                return False
            try:
                client.get_job_execution_result().result()
            except Py4JError as problem:
                raise Refusal(_why(str(problem), folder)) from problem
            if status == "ended":
                return False
            raise Refusal(f"The job has ended: {status.lower()}. Flink's log is {folder.log}.")
        try:
            runs = view.runs()
        except FlinkUnreachable:
            continue  # The mini-cluster ends with its job; the next look says how.
        if runs and not said:
            said = True
            say("Running. Ctrl-C stops it with a savepoint.")
        if stopping and runs:
            return True


def _why(problem: str, folder: JobFolder) -> str:
    if "is not available in the new program" in problem or "state migration" in problem.lower():
        return (
            f"The state in {folder.path} is of other models: what changed needs a rebuild by replay "
            "(`loyalty sql plan` says what). --fresh starts over from the beginning of the topics."
        )
    return f"The job failed: {root_cause(problem)}\nFlink's log is {folder.log}."
