"""What a job is told when it starts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.profiles import Profile
from jobs.runtime.names import CONTEXT_JOB, JOB, MAX_PARALLELISM, OFFERS_JOB, SQL_JOB


class Delivery(StrEnum):
    """How often a decision reaches its topic. Its id and sequence are the same each time (contract §5)."""

    AT_LEAST_ONCE = "at-least-once"
    EXACTLY_ONCE = "exactly-once"


SUBMITTED = "submitted"
"""Marks a setting that is asked for when a job is submitted; a run on this machine decides it itself."""


class JobConfig(BaseModel):
    """The settings that every job has. Times are milliseconds; folders are URIs that Flink understands.

    The fields of this class and of those below are the table of settings: a field with a description is asked for on
    the command lines (`jobs.settings`), and the others are for whoever starts a job.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap: str = Field(min_length=1, description="Kafka, as HOST:PORT.")
    parallelism: int = Field(default=1, ge=1, le=MAX_PARALLELISM)
    delivery: Delivery = Field(default=Delivery.AT_LEAST_ONCE, description="How often a decision reaches its topic.")
    profile: Profile = Field(
        default=Profile.LATENCY,
        description="What it is tuned for: decisions that somebody waits for, or catching up.",
    )
    group: Annotated[str, SUBMITTED] = Field(min_length=1)
    """The Kafka group whose offsets tell how far the job is, and the prefix of its transactional ids: one a job."""
    checkpoint_interval_ms: int = Field(
        default=10_000, ge=100, description="How much is done again after a failure: 500ms, 10s, 1m …"
    )
    checkpoint_dir: Annotated[str | None, SUBMITTED] = Field(
        default=None, description="A URI to keep checkpoints; default: the cluster's."
    )
    restore_from: str | None = None
    """A savepoint or checkpoint to go on from."""
    transaction_timeout_ms: int = Field(default=900_000, ge=1_000)
    """How long a transaction may stay open: it must outlast an outage of the job and fit the broker's maximum."""
    restart_attempts: Annotated[int, SUBMITTED] = Field(
        default=15,
        ge=0,
        description="How often it starts again after failures that come one behind another; then the job fails.",
    )
    restart_within_ms: Annotated[int, SUBMITTED] = Field(
        default=600_000,
        ge=1_000,
        description="After so long without a failure, failures are counted anew: 10m, 1h …",
    )


class DecisionsConfig(JobConfig):
    """The settings of a decision job."""

    parallelism: int = Field(default=1, ge=1, le=MAX_PARALLELISM, description="Instances that decide.")
    group: Annotated[str, SUBMITTED] = Field(
        default=JOB, min_length=1, description="The Kafka group and prefix of transactional ids: one a job."
    )
    checkpoint_interval_ms: int = Field(
        default=10_000,
        ge=100,
        description="How much is done again after a failure; with exactly-once, the time to a decision.",
    )
    watermark_lag_ms: int = Field(
        default=600_000,
        ge=0,
        le=100 * 365 * 86_400_000,
        description="How late an event may be: 30s, 10m, 24h …",
    )


class OffersConfig(JobConfig):
    """The settings of an offers job. `parallelism` is that of `match-campaigns`."""

    parallelism: int = Field(
        default=1, ge=1, le=MAX_PARALLELISM, description="Instances that match engagements with campaigns."
    )
    group: Annotated[str, SUBMITTED] = Field(
        default=OFFERS_JOB, min_length=1, description="The Kafka group: one a job."
    )
    delivery: Literal[Delivery.AT_LEAST_ONCE] = Delivery.AT_LEAST_ONCE
    """Never in a transaction: an open one would hide the decisions behind it in the same partition from consumers of
    committed records (docs/explanation/offers.md)."""


class SqlConfig(JobConfig):
    """The settings of the job of the SQL models. What Flink's planner makes knows neither delivery nor profile."""

    parallelism: int = Field(default=1, ge=1, le=MAX_PARALLELISM, description="Instances of each operator.")
    group: str = Field(default=SQL_JOB, min_length=1)
    delivery: Literal[Delivery.AT_LEAST_ONCE] = Delivery.AT_LEAST_ONCE
    profile: Literal[Profile.LATENCY] = Profile.LATENCY


class ContextConfig(SqlConfig):
    """The settings of the job of the one model that the fraud gate reads."""

    group: str = Field(default=CONTEXT_JOB, min_length=1)


def in_a_sentence(problem: ValidationError) -> str:
    """The first setting that is wrong, and why."""
    first = problem.errors(include_url=False)[0]
    given = first["input"]
    shown = repr(given)
    if isinstance(given, str) and given.isdecimal():  # a command line gives text, whatever the setting is
        shown = given
    return f"The setting {first['loc'][0]} cannot be {shown}: {first['msg'].lower()}."
