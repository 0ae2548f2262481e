"""The jobs there are, and in what they differ for whoever starts and watches them."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.config import ContextConfig, DecisionsConfig, JobConfig, OffersConfig, SqlConfig
from jobs.runtime.names import (
    CHECK_ENGAGEMENTS,
    CHECK_RECORDS,
    CONTEXT_NAMES,
    DECISIONS_NAMES,
    OFFERS_NAMES,
    SQL_NAMES,
    JobNames,
)
from jobs.topics import INPUTS, OFFERS_INPUTS


@dataclass(frozen=True)
class JobKind:
    """A job, without the code that it is made of."""

    word: str
    """What the command line calls it."""
    entry_point: str
    """Its file in `jobs/`. No name of a package: the folder of the file is the first place that Python looks in."""
    names: JobNames
    config: type[JobConfig]
    inputs: tuple[str, ...]
    committed_only: bool
    """Whether it reads committed records only."""
    intake: str | None
    """The uid of the operator that takes each record, where one does."""


DECISIONS_KIND = JobKind("decisions", "decisions.py", DECISIONS_NAMES, DecisionsConfig, INPUTS, True, CHECK_RECORDS)
OFFERS_KIND = JobKind("offers", "offers.py", OFFERS_NAMES, OffersConfig, OFFERS_INPUTS, False, CHECK_ENGAGEMENTS)
SQL_KIND = JobKind(
    "sql", "sql_models.py", SQL_NAMES, SqlConfig, tuple(dict.fromkeys((*INPUTS, *OFFERS_INPUTS))), True, None
)
CONTEXT_KIND = JobKind(
    "context", "engagement_context.py", CONTEXT_NAMES, ContextConfig, ("loyalty.engagements",), True, None
)
"""One of the SQL models. It is a job of its own, since a redemption waits for what it writes and for no report."""
