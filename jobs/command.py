"""What the entry points share: the command line of a job, and submitting it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from pyflink.datastream import StreamExecutionEnvironment

from jobs.config import JobConfig
from jobs.kinds import JobKind
from jobs.runtime.environment import create_environment
from jobs.runtime.start_offsets import last_readable

AddJob = Callable[[StreamExecutionEnvironment, Any], None]
"""Adds a job to an environment, with its configuration: the real one, or what a test puts in its place."""

_OPTIONS = {
    "bootstrap": "Kafka, as HOST:PORT",
    "parallelism": "instances of what is done for each account",
    "delivery": "at-least-once or exactly-once",
    "profile": "latency or throughput",
    "watermark_lag_ms": "how late an event may be",
    "checkpoint_interval_ms": "how much is done again after a failure",
    "checkpoint_dir": "a URI that the cluster can write to",
    "group": "the Kafka group, and the prefix of transactional ids: one a job",
}


def read_config(kind: JobKind, arguments: Sequence[str] | None = None) -> JobConfig:
    """The settings from a command line; what it leaves out has the default of the job's configuration.

    Raises pydantic's ValidationError for a setting out of its range.
    """
    parser = argparse.ArgumentParser(prog=kind.word)
    for name, said in _OPTIONS.items():
        if name in kind.config.model_fields:
            parser.add_argument(f"--{name.replace('_', '-')}", required=name == "bootstrap", help=said)
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    return kind.config.model_validate(given)


def submit(kind: JobKind, add_job: AddJob, arguments: Sequence[str] | None = None) -> None:
    """Submit the job: to a cluster under `flink run`, else to a mini-cluster in this process."""
    config = read_config(kind, arguments)
    held = last_readable(config.bootstrap, kind.inputs, committed_only=kind.committed_only)
    config = config.model_copy(update={"last_at_start": held})
    environment = create_environment(kind.names.job, config)
    add_job(environment, config)
    environment.execute(kind.names.job)
