"""`loyalty submit`: a job to a Flink cluster, with the Python code and the jar that it needs, through `flink run`."""

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

import jobs
import loyalty
import sql
import udfs
from jobs.command import read_config
from jobs.config import Delivery, in_a_sentence
from jobs.kinds import DECISIONS_KIND, OFFERS_KIND, SQL_KIND, JobKind
from jobs.profiles import Profile
from jobs.runtime.names import JOB, OFFERS_JOB, SQL_JOB
from ops.durations import milliseconds
from ops.errors import Refusal
from ops.flink.processes import JVM_OF_A_RUN, FlinkRest, FlinkUnreachable, flink_home, settings_of_processes
from ops.java.artifacts import flink_connector_jar
from ops.kafka.client import partitions_of
from ops.options import (
    CheckpointDirOption,
    CheckpointIntervalOption,
    ClusterBootstrapOption,
    ClusterOption,
    DecidersOption,
    DeliveryOption,
    FromSavepointOption,
    InstancesOption,
    MatchersOption,
    ProfileOption,
    PythonOption,
    WatermarkLagOption,
)

app = typer.Typer(no_args_is_help=True)

SUBMITS_WITHIN_S = 180.0


@dataclass(frozen=True)
class Submission:
    """What was asked for on the command line. Folders are URIs that the cluster understands."""

    cluster: str
    bootstrap: str
    parallelism: int = 1
    delivery: Delivery = Delivery.AT_LEAST_ONCE
    profile: Profile = Profile.LATENCY
    watermark_lag_ms: int = 600_000
    checkpoint_interval_ms: int = 10_000
    checkpoint_dir: str | None = None
    group: str = JOB
    from_savepoint: str | None = None
    python: str = sys.executable
    kind: JobKind = DECISIONS_KIND


@app.command("decisions")
def submit_command(
    cluster: ClusterOption,
    bootstrap: ClusterBootstrapOption,
    parallelism: DecidersOption = 1,
    delivery: DeliveryOption = Delivery.AT_LEAST_ONCE,
    profile: ProfileOption = Profile.LATENCY,
    watermark_lag: WatermarkLagOption = "10m",
    checkpoint_interval: CheckpointIntervalOption = "10s",
    checkpoint_dir: CheckpointDirOption = None,
    group: Annotated[str, typer.Option(help="The Kafka group and prefix of transactional ids: one a job.")] = JOB,
    from_savepoint: FromSavepointOption = None,
    python: PythonOption = sys.executable,
) -> None:
    """Submit the decision job to a running Flink cluster and print the job's id."""
    submission = Submission(
        cluster=cluster,
        bootstrap=bootstrap,
        parallelism=parallelism,
        delivery=delivery,
        profile=profile,
        watermark_lag_ms=milliseconds(watermark_lag),
        checkpoint_interval_ms=milliseconds(checkpoint_interval),
        checkpoint_dir=checkpoint_dir,
        group=group,
        from_savepoint=from_savepoint,
        python=python,
    )
    typer.echo(submit(submission, _entry_point(submission.kind)))


@app.command("offers")
def submit_offers_command(
    cluster: ClusterOption,
    bootstrap: ClusterBootstrapOption,
    parallelism: MatchersOption = 1,
    profile: ProfileOption = Profile.LATENCY,
    checkpoint_interval: CheckpointIntervalOption = "10s",
    checkpoint_dir: CheckpointDirOption = None,
    group: Annotated[str, typer.Option(help="The Kafka group: one a job.")] = OFFERS_JOB,
    from_savepoint: FromSavepointOption = None,
    python: PythonOption = sys.executable,
) -> None:
    """Submit the offers job to a running Flink cluster and print the job's id."""
    submission = Submission(
        cluster=cluster,
        bootstrap=bootstrap,
        parallelism=parallelism,
        profile=profile,
        checkpoint_interval_ms=milliseconds(checkpoint_interval),
        checkpoint_dir=checkpoint_dir,
        group=group,
        from_savepoint=from_savepoint,
        python=python,
        kind=OFFERS_KIND,
    )
    typer.echo(submit(submission, _entry_point(submission.kind)))


def _entry_point(kind: JobKind) -> Path:
    return Path(jobs.__path__[0]) / kind.entry_point


@app.command("sql")
def submit_sql_command(
    cluster: ClusterOption,
    bootstrap: ClusterBootstrapOption,
    parallelism: InstancesOption = 1,
    checkpoint_interval: CheckpointIntervalOption = "10s",
    checkpoint_dir: CheckpointDirOption = None,
    from_savepoint: FromSavepointOption = None,
    python: PythonOption = sys.executable,
) -> None:
    """Submit all SQL models as one job to a running Flink cluster and print the job's id."""
    submission = Submission(
        cluster=cluster,
        bootstrap=bootstrap,
        parallelism=parallelism,
        checkpoint_interval_ms=milliseconds(checkpoint_interval),
        checkpoint_dir=checkpoint_dir,
        group=SQL_JOB,
        from_savepoint=from_savepoint,
        python=python,
        kind=SQL_KIND,
    )
    typer.echo(submit(submission, _entry_point(submission.kind), (Path(sql.__path__[0]),)))


def submit(submission: Submission, entry_point: Path, packages: tuple[Path, ...] = ()) -> str:
    """Submits a job and gives its id; the job goes on by itself.

    Args:
        submission: where to, and the job's settings.
        entry_point: the job's Python file.
        packages: folders of packages to send along besides `jobs`, `loyalty` and `udfs`.

    Raises:
        Refusal: the cluster or Kafka does not answer, or `flink run` failed; in one sentence, with its reason.
    """
    try:
        read_config(submission.kind, _arguments(submission))
    except ValidationError as problem:
        raise Refusal(in_a_sentence(problem)) from problem
    try:
        FlinkRest(submission.cluster).get("/overview")
    except FlinkUnreachable as problem:
        raise Refusal(f"No Flink cluster answered at {submission.cluster}.") from problem
    partitions_of(submission.bootstrap, submission.kind.inputs)
    with tempfile.TemporaryDirectory(prefix="loyalty-submit-") as temporary:
        folder = Path(temporary)
        code = folder / "loyalty-code.zip"
        _pack(code, (Path(jobs.__path__[0]), Path(loyalty.__path__[0]), Path(udfs.__path__[0]), *packages))
        # `flink run` asks its own configuration, not the cluster, where Python is.
        variables = settings_of_processes(folder, folder / "log" / "flink.log", jvm=JVM_OF_A_RUN)
        done = subprocess.run(
            _flink_run(submission, entry_point, code),
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SUBMITS_WITHIN_S,
            check=False,
        )
    found = re.search(r"JobID ([0-9a-f]{32})", done.stdout)
    if done.returncode != 0 or found is None:
        raise Refusal(f"{submission.cluster} did not take the job: {_why(done.stdout + done.stderr)}")
    return found[1]


def _flink_run(submission: Submission, entry_point: Path, code: Path) -> list[str]:
    command = [str(flink_home() / "bin" / "flink"), "run", "--detached", "-m", submission.cluster]
    if submission.from_savepoint is not None:
        command += ["--fromSavepoint", submission.from_savepoint]
    command += ["--jarfile", str(flink_connector_jar()), "--python", str(entry_point), "--pyFiles", str(code)]
    command += ["-pyexec", submission.python, "-pyclientexec", sys.executable]
    return command + _arguments(submission)


def _arguments(submission: Submission) -> list[str]:
    """The command line of the job itself, as `jobs.command.read_config` takes it."""
    settings = {
        "bootstrap": submission.bootstrap,
        "parallelism": submission.parallelism,
        "delivery": submission.delivery.value,
        "profile": submission.profile.value,
        "checkpoint-interval-ms": submission.checkpoint_interval_ms,
        "checkpoint-dir": submission.checkpoint_dir,
        "group": submission.group,
    }
    if submission.kind is DECISIONS_KIND:
        settings["watermark-lag-ms"] = submission.watermark_lag_ms
    arguments = []
    for name, value in settings.items():
        if value is not None:
            arguments += [f"--{name}", str(value)]
    return arguments


def _pack(archive: Path, packages: tuple[Path, ...]) -> None:
    """Python packages as one archive that Python imports from."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for package in packages:
            for file in sorted(package.rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    packed.write(file, file.relative_to(package.parent))


def _why(output: str) -> str:
    """The reason in what `flink run` printed, in its own words."""
    if "is not available in the new program" in output:
        return "the savepoint is of another job, or was made in process mode, which former releases had."
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception|NotThere)\b.*:", line)]
    return (causes or errors or lines or ["it said nothing"])[-1]
