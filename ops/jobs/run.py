"""`loyalty run`: a job on this machine, without a cluster, that goes on where it stopped.

The job is always the unbounded one. `--until-end` watches it until everything that the topics held at the start has
been decided, and then stops it as an operator would, with a savepoint; so the end of the input fires nothing that is
not due.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from py4j.protocol import Py4JError, Py4JJavaError
from pydantic import ValidationError

from jobs.config import Delivery, JobConfig, in_a_sentence
from jobs.kinds import DECISIONS_KIND, OFFERS_KIND, JobKind
from jobs.profiles import Profile
from jobs.runtime.names import REFUSED, SELECT_DEAD_LETTERS, SELECT_DECISIONS
from jobs.runtime.start_offsets import last_readable
from ops.durations import milliseconds
from ops.errors import Refusal
from ops.flink.gateway import settings_of_gateway
from ops.flink.mini_cluster import end_java, mini_cluster, start_java, stop_signals, stop_with_savepoint
from ops.flink.processes import JVM_OF_A_RUN, FlinkRest, FlinkUnreachable, JobView, free_port, root_cause
from ops.jobs.end_of_run import EndOfRun, Offsets, merged, progress_of
from ops.jobs.folder import JobFolder, JobRecord, job_folder, wait_for_java
from ops.jobs.run_all import run_all_command
from ops.kafka.client import cluster_id, refusing
from ops.options import (
    BootstrapOption,
    DecidersOption,
    DeliveryOption,
    FreshOption,
    MatchersOption,
    ProfileOption,
    StateOption,
    UntilEndOption,
    WatermarkLagOption,
)

app = typer.Typer(no_args_is_help=True)

DEFAULT_STATE = Path(".loyalty/decisions")
DEFAULT_OFFERS_STATE = Path(".loyalty/offers")
LOOK_EVERY_S = 0.25
LOOK_SELDOM_S = 1.0
"""Once a job runs that is not waited for. Each look costs Flink some milliseconds of CPU."""
SAY_EVERY_S = 2.0
RESTART_ATTEMPTS = 8
STOP_WITHIN_S = 120.0

AddJob = Callable[[Any, Any], None]
"""Adds a job to an environment, with its configuration: `jobs.decisions.add_decisions`, or what a test puts in its
place."""


@dataclass(frozen=True)
class RunOptions:
    """What was asked for on the command line."""

    bootstrap: str
    state: Path = DEFAULT_STATE
    until_end: bool = False
    fresh: bool = False
    parallelism: int = 1
    delivery: Delivery = Delivery.AT_LEAST_ONCE
    profile: Profile = Profile.LATENCY
    watermark_lag_ms: int = 600_000
    checkpoint_interval_ms: int = 10_000
    kind: JobKind = DECISIONS_KIND


@app.command("decisions")
def run_command(
    bootstrap: BootstrapOption,
    until_end: UntilEndOption = False,
    parallelism: DecidersOption = 1,
    delivery: DeliveryOption = Delivery.AT_LEAST_ONCE,
    profile: ProfileOption = Profile.LATENCY,
    watermark_lag: WatermarkLagOption = "10m",
    checkpoint_interval: Annotated[
        str, typer.Option(help="How much is done again after a crash; with exactly-once, the time to a decision.")
    ] = "10s",
    state: StateOption = DEFAULT_STATE,
    fresh: FreshOption = False,
) -> None:
    """Decide transactions on this machine; go on where the last run stopped. Ctrl-C stops it cleanly."""
    from jobs.decisions import add_decisions

    options = RunOptions(
        bootstrap=bootstrap,
        state=state,
        until_end=until_end,
        fresh=fresh,
        parallelism=parallelism,
        delivery=delivery,
        profile=profile,
        watermark_lag_ms=milliseconds(watermark_lag),
        checkpoint_interval_ms=milliseconds(checkpoint_interval),
    )
    run(options, add_decisions)


@app.command("offers")
def run_offers_command(
    bootstrap: BootstrapOption,
    until_end: UntilEndOption = False,
    parallelism: MatchersOption = 1,
    profile: ProfileOption = Profile.LATENCY,
    checkpoint_interval: Annotated[str, typer.Option(help="How much is done again after a crash.")] = "10s",
    state: StateOption = DEFAULT_OFFERS_STATE,
    fresh: FreshOption = False,
) -> None:
    """Make offers from engagements on this machine; go on where the last run stopped. Ctrl-C stops it cleanly."""
    from jobs.offers import add_offers

    options = RunOptions(
        bootstrap=bootstrap,
        state=state,
        until_end=until_end,
        fresh=fresh,
        parallelism=parallelism,
        profile=profile,
        checkpoint_interval_ms=milliseconds(checkpoint_interval),
        kind=OFFERS_KIND,
    )
    run(options, add_offers)


app.command("all")(run_all_command)


def run(options: RunOptions, add_job: AddJob, say: Callable[[str], None] | None = None) -> None:
    """Runs the job in this process and a JVM of its own, until it has done what was asked, or is told to stop.

    Raises:
        Refusal: it cannot start, or failed; in one sentence.
    """
    say = say or (lambda line: print(line, flush=True))
    with job_folder(options.state) as folder, stop_signals() as stop:
        _Run(options, folder, say, stop).go(add_job)


class _Run:
    """One run, from its start to its savepoint."""

    def __init__(
        self, options: RunOptions, folder: JobFolder, say: Callable[[str], None], stop: threading.Event
    ) -> None:
        self._options = options
        self._config = _config(options)
        self._folder = folder
        self._say = say
        self._stop = stop
        self._began = time.monotonic()
        self._counts = (0, 0, 0)
        self._read: Offsets = {}

    def go(self, add_job: AddJob) -> None:
        options, folder = self._options, self._folder
        known = None if options.fresh else folder.read()
        os.environ.update(settings_of_gateway(folder.path / "flink", folder.log, jvm=JVM_OF_A_RUN))
        with ThreadPoolExecutor(1) as aside:
            # While Java starts, which takes as long.
            held = aside.submit(_ask_kafka, options.bootstrap, options.kind)
            java = start_java()
            try:
                cluster, last = held.result()
                record, point = self._prepare(known, cluster, last)
                record = record.model_copy(update={"java": (java.pid, java.create_time())})
                folder.write(record)
                self._run(add_job, record, point, last)
            finally:
                end_java(java)
                shutil.rmtree(folder.path / "flink", ignore_errors=True)

    def _prepare(self, known: JobRecord | None, cluster: str, last: Offsets) -> tuple[JobRecord, Path | None]:
        """The job's identity, and where it goes on from."""
        options, folder = self._options, self._folder
        if known is None:
            self._say(f"Starting from the beginning of the topics (state in {folder.path}).")
            return folder.start_over(cluster, options.kind.names.job), None
        if known.cluster_id != cluster:
            raise Refusal(
                f"The state in {folder.path} belongs to another Kafka cluster than the one at {options.bootstrap}; "
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

    def _run(self, add_job: AddJob, record: JobRecord, point: Path | None, last: Offsets) -> None:
        from jobs.runtime.environment import create_environment

        config = self._config.model_copy(
            update={
                "group": record.group,
                "checkpoint_dir": self._folder.checkpoints.as_uri(),
                "restore_from": None if point is None else point.as_uri(),
                "last_at_start": last,
            }
        )
        rest = f"127.0.0.1:{free_port()}"
        job = self._options.kind.names.job
        environment = create_environment(job, config, mini_cluster(rest))
        add_job(environment, config)
        try:
            client = environment.execute_async(job)
        except Py4JJavaError as problem:
            raise Refusal(
                f"The job did not start: {root_cause(str(problem))}\nFlink's log is {self._folder.log}."
            ) from problem
        kind = self._options.kind
        view = JobView(FlinkRest(rest), str(client.get_job_id()), kind.inputs)
        progress = progress_of(kind)
        end = None
        if self._options.until_end:
            end = EndOfRun(config.bootstrap, record.group, last, record.read, progress)
        self._watch(client, view, end)
        self._finish(client, record)

    def _watch(self, client: Any, view: JobView, end: EndOfRun | None) -> None:
        """Returns when the job is to stop. Raises Refusal when it fails."""
        running = False
        failure: str | None = None
        said_at = time.monotonic()
        # A job can be stopped with a savepoint only when all of it runs.
        while not (self._stop.wait(LOOK_EVERY_S if end is not None or not running else LOOK_SELDOM_S) and running):
            if self._stop.is_set():
                time.sleep(LOOK_EVERY_S)
            try:
                if not running and view.runs():
                    running = True
                    took = time.monotonic() - self._began
                    self._say(f"Running after {took:.1f} s: {_in_words(self._options)}.")
                if view.status() == "RESTARTING" and failure != (failure := view.latest_failure()):
                    running = False
                    self._say(f"The job failed and starts again: {failure}")
                if running and time.monotonic() - said_at >= SAY_EVERY_S:
                    said_at = time.monotonic()
                    self._tell(view)
                if running and end is not None and end.is_reached(view):
                    self._tell(view)
                    return
            except FlinkUnreachable as problem:
                self._refuse_if_ended(client, failure, problem)
        with suppress(FlinkUnreachable):
            self._tell(view)
        self._say("Stopping.")

    def _refuse_if_ended(self, client: Any, failure: str | None, problem: FlinkUnreachable) -> None:
        """The mini-cluster ends with its job; its REST interface alone may also be slow for a moment."""
        try:
            status = client.get_job_status().result().name
        except (Py4JError, OSError):
            status = "FAILED"
        if status in ("FAILED", "CANCELED", "FINISHED", "SUSPENDED"):
            raise Refusal(
                f"The job has ended: {failure or 'Flink is no longer there'}\nFlink's log is {self._folder.log}."
            ) from problem

    def _tell(self, view: JobView) -> None:
        self._read = view.positions()
        intake = self._options.kind.intake
        assert intake is not None
        read = sum(view.metric(intake, "numRecordsIn"))
        decisions = sum(view.metric(SELECT_DECISIONS, "numRecordsOut"))
        dead = sum(view.metric(SELECT_DEAD_LETTERS, "numRecordsOut")) + sum(view.metric(REFUSED, "numRecordsOut"))
        if (read, decisions, dead) != self._counts:
            self._counts = (read, decisions, dead)
            self._say(f"{read:,} records read, {decisions:,} decisions, {dead:,} dead letters")

    def _finish(self, client: Any, record: JobRecord) -> None:
        self._folder.savepoints.mkdir(exist_ok=True)
        try:
            path = stop_with_savepoint(client, self._folder.savepoints.as_uri())
        except Py4JError as problem:
            raise Refusal(
                f"The job did not stop with a savepoint: {root_cause(str(problem))}\n"
                f"The next run goes on from its last checkpoint. Flink's log is {self._folder.log}."
            ) from problem
        savepoint = Path(path.removeprefix("file:"))
        self._folder.write(
            record.model_copy(
                update={
                    "savepoint": str(savepoint),
                    "savepoint_at": time.time(),
                    "read": merged(record.read, self._read),
                    "java": None,
                }
            )
        )
        self._folder.keep_only(savepoint)
        took = time.monotonic() - self._began
        read, decisions, dead = self._counts
        self._say(
            f"Stopped after {took:.1f} s with a savepoint: {read:,} records read, {decisions:,} decisions, "
            f"{dead:,} dead letters. The next run goes on from here."
        )


def _in_words(options: RunOptions) -> str:
    said = f"parallelism {options.parallelism}, {options.delivery.value}"
    if options.kind is DECISIONS_KIND:
        said += f", watermark lag {options.watermark_lag_ms / 1000:.0f} s"
    return said


def _config(options: RunOptions) -> JobConfig:
    """What the command line says of the job. Raises Refusal when a setting is out of its range."""
    given = {
        "bootstrap": options.bootstrap,
        "parallelism": options.parallelism,
        "delivery": options.delivery,
        "profile": options.profile,
        "checkpoint_interval_ms": options.checkpoint_interval_ms,
        "restart_attempts": RESTART_ATTEMPTS,
    }
    if options.kind is DECISIONS_KIND:
        given["watermark_lag_ms"] = options.watermark_lag_ms
    try:
        return options.kind.config.model_validate(given)
    except ValidationError as problem:
        raise Refusal(in_a_sentence(problem)) from problem


def _ask_kafka(bootstrap: str, kind: JobKind) -> tuple[str, Offsets]:
    with refusing():
        return cluster_id(bootstrap), last_readable(bootstrap, kind.inputs, committed_only=kind.committed_only)
