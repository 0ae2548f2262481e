"""The jobs of ours as `loyalty run` runs them on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.config import JobConfig
from jobs.kinds import JobKind
from ops.jobs.local import LocalJob, Say, run_here

RESTART_ATTEMPTS = 8

AddJob = Callable[[Any, Any], None]
"""Adds a job to an environment, with its configuration: `jobs.decisions.add_decisions`, or what a test puts in its
place."""


@dataclass(frozen=True)
class Until:
    """Where a run begins and when it is over."""

    state: Path
    """The folder that says where the last run stopped."""
    until_end: bool = False
    """It stops when what the topics held at the start has been decided."""
    fresh: bool = False
    """It starts over."""


def run(kind: JobKind, config: JobConfig, until: Until, add_job: AddJob, say: Say | None = None) -> None:
    """Runs a job in this process and a JVM of its own, until it has done what was asked, or is told to stop.

    Raises:
        Refusal: it cannot start, or failed; in one sentence.
    """

    def start(settled: JobConfig, options: Mapping[str, str]) -> Any:
        from jobs.runtime.environment import create_environment

        environment = create_environment(kind.names.job, settled, options)
        add_job(environment, settled)
        return environment.execute_async(kind.names.job)

    given = config.model_copy(update={"restart_attempts": RESTART_ATTEMPTS})
    run_here(LocalJob(kind, given, start, until.state, until.until_end, until.fresh), say)
