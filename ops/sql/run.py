"""`loyalty sql run`: models as one job on this machine, which goes on where it stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.config import JobConfig
from jobs.kinds import CONTEXT_KIND, SQL_KIND
from jobs.runtime.kafka_clients import consumer, span_of
from ops.errors import Refusal
from ops.jobs.local import LocalJob, Say, run_here
from ops.jobs.run import Until
from ops.kafka.client import partitions_of, refusing
from ops.sql.topics import topics_read, topics_written
from sql.project import CONTEXT, read_project

RESTART_ATTEMPTS = 2

Ends = dict[str, int]
"""By topic: the sum of its partitions' ends."""


def state_of(models: Sequence[str]) -> Path:
    """The folder of a run's state, where none is named."""
    return Path(".loyalty/context" if list(models) == [CONTEXT] else ".loyalty/sql")


def run_models(config: JobConfig, until: Until, models: Sequence[str], say: Say | None = None) -> None:
    """Runs the models in this process and a JVM of its own, until the end of the topics or until told to stop.

    With `until_end` the job reads from the beginning to what the topics hold now, closes every window, keeps no state.

    Args:
        config: the job's settings.
        until: where it begins, and when it is over.
        models: those to run; all but the fraud gate's if empty.
        say: what is called with each line that is said.

    Raises:
        Refusal: it cannot start, or failed; in one sentence.
    """
    if CONTEXT in models and len(models) > 1:
        others = ", ".join(name for name in models if name != CONTEXT)
        raise Refusal(
            f"{CONTEXT} runs in a job of its own, since the fraud gate waits for what it writes: "
            f"run it by itself, and {others} beside it."
        )
    say = say or (lambda line: print(line, flush=True))
    project = read_project()
    names = list(models) or project.reports
    unwritten = [name for name in names if name not in project.sinks]
    if unwritten:
        raise Refusal(f"{unwritten[0]} is for other models: it is written to no topic, so there is nothing to run.")
    written = topics_written(project, names)
    before = _ends(config.bootstrap, written)
    kind = CONTEXT_KIND if names == [CONTEXT] else SQL_KIND
    read: list[str] = []

    def start(settled: JobConfig, options: Mapping[str, str]) -> Any:
        from pyflink.table import StreamTableEnvironment

        from jobs import sql_models
        from jobs.runtime.environment import create_environment

        job = kind.names.job
        environment = create_environment(job, settled, {**sql_models.options(settled, job), **options})
        tables = StreamTableEnvironment.create(environment)
        read.extend(topics_read(tables, project, [project.models[name] for name in names]))
        partitions_of(settled.bootstrap, read)
        say(f"Reading {', '.join(read)}; writing {', '.join(written)}.")
        added = sql_models.add_models(tables, settled.bootstrap, names, until_end=until.until_end)
        return added.execute().get_job_client()

    def explain(trace: str) -> str | None:
        if "is not available in the new program" in trace or "state migration" in trace.lower():
            return (
                f"The state in {until.state.absolute()} is of other models: what changed needs a rebuild by replay "
                "(`loyalty sql plan` says what). --fresh starts over from the beginning of the topics."
            )
        return None

    job = LocalJob(
        kind,
        config.model_copy(update={"restart_attempts": RESTART_ATTEMPTS}),
        start,
        until.state,
        fresh=until.fresh,
        input_ends=until.until_end,
        explain=explain,
    )
    run_here(job, say)
    after = _ends(config.bootstrap, written)
    if until.until_end:
        say(f"Read: {_in_words(_ends(config.bootstrap, read))}.")
    say(f"Written: {_in_words({topic: after[topic] - before[topic] for topic in written})}.")


def _ends(bootstrap: str, topics: Sequence[str]) -> Ends:
    """How far topics go. Raises Refusal when one is not there."""
    found: Ends = dict.fromkeys(topics, 0)
    reader = consumer(bootstrap, "loyalty-sql-run")
    try:
        with refusing():
            for topic, partition in partitions_of(bootstrap, topics):  # all at once, so that all missing are named
                found[topic] += span_of(reader, (topic, partition)).end
    finally:
        reader.close()
    return found


def _in_words(counts: Ends) -> str:
    return ", ".join(f"{count:,} records of {topic}" for topic, count in counts.items())
