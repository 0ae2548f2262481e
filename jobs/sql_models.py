"""The SQL models but the fraud gate's as one job, to be submitted:
`flink run -py jobs/sql_models.py --bootstrap HOST:PORT [...]`.

`loyalty submit sql` does that with all that the job needs; `loyalty sql run` runs the same job without a cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyflink.table import StreamTableEnvironment

import udfs
from jobs.config import JobConfig
from jobs.kinds import SQL_KIND, JobKind
from jobs.runtime.environment import create_environment, settings
from jobs.runtime.names import SQL_JOB
from jobs.settings import read_arguments
from sql.project import RESULTS, read_project
from sql.results import create_results, create_views
from sql.settings import SETTINGS
from sql.sources import create_sources


def options(config: JobConfig, job: str = SQL_JOB) -> dict[str, str]:
    """Flink's options for models: the decision job's, but for what only operators written by hand want."""
    return {
        **settings(job, config),
        **SETTINGS,
        "parallelism.default": str(config.parallelism),
        # The planner names the operators, by their place in the plan.
        "pipeline.auto-generate-uids": "true",
        "table.exec.uid.generation": "PLAN_ONLY",
        "pipeline.object-reuse": "false",
    }


def add_models(
    tables: StreamTableEnvironment, bootstrap: str, names: Sequence[str] = (), *, until_end: bool = False
) -> Any:
    """The reports (all models that are written but the fraud gate's), or the named models, as one statement set.

    Args:
        tables: the environment; the sources, the sinks and the functions are created in it.
        bootstrap: `host:port` of Kafka.
        names: the models; the reports if empty.
        until_end: the job ends with what the topics hold when it starts. Then every window closes.

    Raises TableException or Py4JJavaError when Flink does not accept a file.
    """
    project = read_project()
    udfs.register(tables)
    create_sources(tables, bootstrap, until_end=until_end)
    create_results(tables, project, bootstrap, until_end=until_end)
    statements: Any = tables.create_statement_set()
    for name in names or project.reports:
        create_views(tables, project, project.models[name])
        statements.add_insert(f"{RESULTS}.{name}", tables.sql_query(project.models[name].text))
    return statements


def submit_models(kind: JobKind, names: Sequence[str] = (), arguments: Sequence[str] | None = None) -> None:
    """Submit the job of these models: to a cluster under `flink run`, else to a mini-cluster in this process."""
    config = read_arguments(kind.config, kind.word, arguments)
    environment = create_environment(kind.names.job, config, options(config, kind.names.job))
    tables = StreamTableEnvironment.create(environment)
    add_models(tables, config.bootstrap, names).execute()


if __name__ == "__main__":
    submit_models(SQL_KIND)
