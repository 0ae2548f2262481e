"""`loyalty sql run`: the models as one job on this machine, which goes on where it stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.config import JobConfig
from jobs.kinds import SQL_KIND
from ops.jobs.local import LocalJob, Say, run_here
from ops.jobs.run import Until

RESTART_ATTEMPTS = 2


def run_models(config: JobConfig, until: Until, models: Sequence[str], say: Say | None = None) -> None:
    """Runs the models in this process and a JVM of its own, until the end of the topics or until told to stop.

    With `until_end` the job reads from the beginning to what the topics hold now, closes every window, keeps no state.

    Raises:
        Refusal: it cannot start, or failed; in one sentence.
    """

    def start(settled: JobConfig, options: Mapping[str, str]) -> Any:
        from pyflink.table import StreamTableEnvironment

        from jobs import sql_models
        from jobs.runtime.environment import create_environment

        environment = create_environment(SQL_KIND.names.job, settled, {**sql_models.options(settled), **options})
        tables = StreamTableEnvironment.create(environment)
        added = sql_models.add_models(tables, settled.bootstrap, models, until_end=until.until_end)
        return added.execute().get_job_client()

    def explain(trace: str) -> str | None:
        if "is not available in the new program" in trace or "state migration" in trace.lower():
            return (
                f"The state in {until.state.absolute()} is of other models: what changed needs a rebuild by replay "
                "(`loyalty sql plan` says what). --fresh starts over from the beginning of the topics."
            )
        return None

    job = LocalJob(
        SQL_KIND,
        config.model_copy(update={"restart_attempts": RESTART_ATTEMPTS}),
        start,
        until.state,
        fresh=until.fresh,
        input_ends=until.until_end,
        explain=explain,
    )
    run_here(job, say)
