"""`loyalty run` and `loyalty submit`: a job on this machine, or to a Flink cluster."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from jobs.config import DecisionsConfig, JobConfig, OffersConfig, SqlConfig
from jobs.kinds import DECISIONS_KIND, OFFERS_KIND, SQL_KIND
from ops.jobs.asked import asks_for
from ops.jobs.run import Until, run
from ops.jobs.run_all import run_all_command
from ops.options import ClusterOption, FreshOption, FromSavepointOption, PythonOption, StateOption, UntilEndOption

run_app = typer.Typer(no_args_is_help=True)
submit_app = typer.Typer(no_args_is_help=True)


@run_app.command("decisions")
@asks_for(DecisionsConfig)
def run_decisions(
    config: JobConfig,
    until_end: UntilEndOption = False,
    state: StateOption = Path(".loyalty/decisions"),
    fresh: FreshOption = False,
) -> None:
    """Decide transactions on this machine; go on where the last run stopped. Ctrl-C stops it cleanly."""
    from jobs.decisions import add_decisions

    run(DECISIONS_KIND, config, Until(state, until_end, fresh), add_decisions)


@run_app.command("offers")
@asks_for(OffersConfig)
def run_offers(
    config: JobConfig,
    until_end: UntilEndOption = False,
    state: StateOption = Path(".loyalty/offers"),
    fresh: FreshOption = False,
) -> None:
    """Make offers from engagements on this machine; go on where the last run stopped. Ctrl-C stops it cleanly."""
    from jobs.offers import add_offers

    run(OFFERS_KIND, config, Until(state, until_end, fresh), add_offers)


run_app.command("all")(run_all_command)


@submit_app.command("decisions")
@asks_for(DecisionsConfig, submitted=True)
def submit_decisions(
    config: JobConfig,
    cluster: ClusterOption,
    from_savepoint: FromSavepointOption = None,
    python: PythonOption = sys.executable,
) -> None:
    """Submit the decision job to a running Flink cluster and print the job's id.

    Kafka is named as both the cluster and this machine reach it.
    """
    from ops.jobs.submit import Submission, submit

    typer.echo(submit(Submission(DECISIONS_KIND, config, cluster, from_savepoint, python)))


@submit_app.command("offers")
@asks_for(OffersConfig, submitted=True)
def submit_offers(
    config: JobConfig,
    cluster: ClusterOption,
    from_savepoint: FromSavepointOption = None,
    python: PythonOption = sys.executable,
) -> None:
    """Submit the offers job to a running Flink cluster and print the job's id.

    Kafka is named as both the cluster and this machine reach it.
    """
    from ops.jobs.submit import Submission, submit

    typer.echo(submit(Submission(OFFERS_KIND, config, cluster, from_savepoint, python)))


@submit_app.command("sql")
@asks_for(SqlConfig, submitted=True)
def submit_sql(
    config: JobConfig,
    cluster: ClusterOption,
    from_savepoint: FromSavepointOption = None,
    python: PythonOption = sys.executable,
) -> None:
    """Submit all SQL models as one job to a running Flink cluster and print the job's id.

    Kafka is named as both the cluster and this machine reach it.
    """
    from ops.jobs.submit import Submission, submit

    typer.echo(submit(Submission(SQL_KIND, config, cluster, from_savepoint, python)))
