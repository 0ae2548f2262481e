"""A job to a Flink cluster, with the Python code and the jar that it needs, through `flink run`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import jobs
import loyalty
import sql
import udfs
from jobs.config import JobConfig
from jobs.kinds import CONTEXT_KIND, SQL_KIND, JobKind
from jobs.settings import as_arguments
from ops.errors import Exit, Refusal
from ops.flink.gateway import sql_format
from ops.flink.processes import JVM_OF_A_RUN, flink_home, settings_of_processes
from ops.flink.rest import FlinkRest, FlinkUnreachable
from ops.flink.table_format import with_format
from ops.java.artifacts import flink_connector_jar
from ops.jobs.group_history import has_state, running
from ops.jobs.restore_points import newest_in
from ops.kafka.client import partitions_of

SUBMITS_WITHIN_S = 180.0


@dataclass(frozen=True)
class Start:
    """Where a job begins. Without any of these the group must not have been anywhere."""

    from_savepoint: str | None = None
    """A savepoint or checkpoint, as a URI that the cluster understands."""
    from_latest: Path | None = None
    """The folder of the job's checkpoints, which the cluster sees by the same path: the newest of them."""
    fresh: bool = False
    """At the beginning of the topics, though the group has been further."""


@dataclass(frozen=True)
class Submission:
    """A job, its settings, and the cluster that it goes to."""

    kind: JobKind
    config: JobConfig
    cluster: str
    """Flink's REST interface, as HOST:PORT."""
    start: Start = Start()
    python: str = sys.executable
    """Python on the cluster's machines."""


@dataclass(frozen=True)
class Code:
    """What is sent along: the job's Python file, and the folders of packages that it needs."""

    entry_point: Path
    packages: tuple[Path, ...]


def code_of(kind: JobKind) -> Code:
    """The code of a job as it is in this project."""
    packages = [jobs, loyalty, udfs, *([sql] if kind in (SQL_KIND, CONTEXT_KIND) else [])]
    folders = tuple(Path(package.__path__[0]) for package in packages)
    return Code(folders[0] / kind.entry_point, folders)


def submit(submission: Submission, code: Code | None = None) -> str:
    """Submits a job and gives its id; the job goes on by itself. `code` is the project's own if it is not given.

    Raises:
        Refusal: the cluster or Kafka does not answer, a job of the group runs or has run and it is not said where to go
            on from, the table format cannot be compiled, or `flink run` failed; in one sentence, with its reason.
    """
    code = code or code_of(submission.kind)
    try:
        runs = running(FlinkRest(submission.cluster), submission.kind, submission.config)
    except FlinkUnreachable as problem:
        raise Refusal(f"No Flink cluster answered at {submission.cluster}.") from problem
    partitions_of(submission.config.bootstrap, submission.kind.inputs)
    if runs is not None and submission.start.from_latest is not None:
        return runs
    submission = _settled(submission, runs)
    with tempfile.TemporaryDirectory(prefix="loyalty-submit-") as temporary:
        folder = Path(temporary)
        archive = folder / "loyalty-code.zip"
        _pack(archive, code.packages)
        # `flink run` asks its own configuration, not the cluster, where Python is.
        variables = settings_of_processes(folder, folder / "log" / "flink.log", jvm=JVM_OF_A_RUN)
        jar = flink_connector_jar()
        if Path(sql.__path__[0]) in code.packages:
            jar = with_format(jar, sql_format(variables), folder)
        done = subprocess.run(
            _flink_run(submission, code.entry_point, archive, jar),
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SUBMITS_WITHIN_S,
            check=False,
        )
    found = re.search(r"JobID ([0-9a-f]{32})", done.stdout)
    if done.returncode != 0 or found is None:
        raise Refusal(f"{submission.cluster} did not take the job: {_why(done.stdout + done.stderr)}", Exit.FAILED)
    return found[1]


def _settled(submission: Submission, runs: str | None) -> Submission:
    """The submission with the point that it goes on from. Raises Refusal."""
    start, config = submission.start, submission.config
    if runs is not None:
        raise Refusal(
            f"A job of the group {config.group} runs on {submission.cluster} already ({runs}); stop it with a "
            "savepoint and go on from that, or give this one another --group."
        )
    if sum((start.from_savepoint is not None, start.from_latest is not None, start.fresh)) > 1:
        raise Refusal("A job starts at one place: say one of --from-savepoint, --from-latest and --fresh.")
    if start.from_latest is not None:
        folder = start.from_latest.absolute()
        point = newest_in(folder)
        config = config.model_copy(update={"checkpoint_dir": f"file://{folder}"})
        start = replace(start, from_savepoint=None if point is None else f"file://{point}")
    if start.from_savepoint is None and not start.fresh and has_state(submission.kind, config):
        raise Refusal(
            f"A job of the group {config.group} has been here before. Name the savepoint or checkpoint that this one "
            "goes on from with --from-savepoint, or say --fresh: then all that the topics hold is decided again."
        )
    return replace(submission, start=start, config=config)


def _flink_run(submission: Submission, entry_point: Path, archive: Path, jar: Path) -> list[str]:
    command = [str(flink_home() / "bin" / "flink"), "run", "--detached", "-m", submission.cluster]
    if submission.start.from_savepoint is not None:
        command += ["--fromSavepoint", submission.start.from_savepoint]
    command += ["--jarfile", str(jar), "--python", str(entry_point), "--pyFiles", str(archive)]
    command += ["-pyexec", submission.python, "-pyclientexec", sys.executable]
    return command + as_arguments(submission.config)


def _pack(archive: Path, packages: Iterable[Path]) -> None:
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
