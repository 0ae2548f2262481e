"""`loyalty run` and `loyalty submit`: a job on this machine, or to a Flink cluster."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import typer

from jobs.config import JobConfig
from jobs.kinds import CONTEXT_KIND, DECISIONS_KIND, OFFERS_KIND, SQL_KIND, JobKind
from ops.jobs.asked import asks_for
from ops.jobs.run import Until, run
from ops.jobs.run_all import run_all_command
from ops.options import (
    ClusterOption,
    FreshOption,
    FreshSubmitOption,
    FromLatestOption,
    FromSavepointOption,
    PythonOption,
    StateOption,
    UntilEndOption,
)

run_app = typer.Typer(no_args_is_help=True)
submit_app = typer.Typer(no_args_is_help=True)

STATE = Path(".loyalty")

ON_THIS_MACHINE = (
    (DECISIONS_KIND, "add_decisions", "Decide transactions on this machine"),
    (OFFERS_KIND, "add_offers", "Make offers from engagements on this machine"),
)
"""The jobs of ours, the functions of their modules in `jobs/` that add them to an environment, what they do."""

TO_A_CLUSTER = (
    (DECISIONS_KIND, "the decision job"),
    (OFFERS_KIND, "the offers job"),
    (CONTEXT_KIND, "the SQL model that the fraud gate reads"),
    (SQL_KIND, "all other SQL models as one job"),
)


def _running(kind: JobKind, adds: str) -> Callable[..., None]:
    @asks_for(kind.config)
    def run_here(
        config: JobConfig,
        until_end: UntilEndOption = False,
        state: StateOption = STATE / kind.word,
        fresh: FreshOption = False,
    ) -> None:
        add_job = getattr(import_module(f"jobs.{kind.word}"), adds)  # it takes a second, and --help needs none of it
        run(kind, config, Until(state, until_end, fresh), add_job)

    return run_here


def _submitting(kind: JobKind) -> Callable[..., None]:
    @asks_for(kind.config, submitted=True)
    def submit_there(
        config: JobConfig,
        cluster: ClusterOption,
        from_savepoint: FromSavepointOption = None,
        from_latest: FromLatestOption = None,
        fresh: FreshSubmitOption = False,
        python: PythonOption = sys.executable,
    ) -> None:
        from ops.jobs.submit import Start, Submission, submit

        start = Start(from_savepoint, from_latest, fresh)
        typer.echo(submit(Submission(kind, config, cluster, start, python)))

    return submit_there


for _kind, _adds, _does in ON_THIS_MACHINE:
    _help = f"{_does}; go on where the last run stopped. Ctrl-C stops it cleanly."
    run_app.command(_kind.word, help=_help)(_running(_kind, _adds))
run_app.command("all")(run_all_command)

for _kind, _what in TO_A_CLUSTER:
    _help = f"""Submit {_what} to a running Flink cluster and print the job's id.

    Kafka is named as both the cluster and this machine reach it."""
    submit_app.command(_kind.word, help=_help)(_submitting(_kind))
