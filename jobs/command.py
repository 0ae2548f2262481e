"""What the entry points share: submitting a job with the settings of its command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pyflink.datastream import StreamExecutionEnvironment

from jobs.kinds import JobKind
from jobs.runtime.environment import create_environment
from jobs.settings import read_arguments

AddJob = Callable[[StreamExecutionEnvironment, Any], None]
"""Adds a job to an environment, with its configuration: the real one, or what a test puts in its place."""


def submit(kind: JobKind, add_job: AddJob, arguments: Sequence[str] | None = None) -> None:
    """Submit the job: to a cluster under `flink run`, else to a mini-cluster in this process."""
    config = read_arguments(kind.config, kind.word, arguments)
    environment = create_environment(kind.names.job, config)
    add_job(environment, config)
    environment.execute(kind.names.job)
