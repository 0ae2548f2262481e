"""`loyalty sql audit`: what Kafka holds, asked by SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from py4j.protocol import Py4JError
from rich.console import Console
from rich.table import Table

from ops.errors import Exit, Refusal
from ops.flink.stack_trace import root_cause
from ops.kafka.client import partitions_of
from ops.sql.explain import problems_of
from ops.sql.fixtures import Row
from ops.sql.outcomes import remaining
from ops.sql.session import create_environment, flink_processes
from ops.sql.topics import topics_read
from ops.sql.values import fields_of, plain
from sql.project import Project, SqlFile
from sql.results import create_results, create_views
from sql.sources import create_sources

SHOWN = 20


def audit(project: Project, files: list[SqlFile], bootstrap: str, console: Console) -> dict[str, list[Row]]:
    """Runs audits over what the topics hold now; prints what they find, and gives it by their names.

    Raises Refusal when Kafka does not answer, has not the topics, or an audit cannot be run.
    """
    found: dict[str, list[Row]] = {}
    with flink_processes():
        _, tables = create_environment()
        create_sources(tables, bootstrap, until_end=True)
        create_results(tables, project, bootstrap, until_end=True)
        partitions_of(bootstrap, topics_read(tables, project, files))
        for file in files:
            columns, rows = offending_rows(tables, project, file)
            found[file.name] = rows
            if not rows:
                console.print(f"[green]nothing found[/] {file.name}")
                continue
            console.print(f"[red]{len(rows)} found[/] {file.name}: {file.text.splitlines()[0].removeprefix('-- ')}")
            console.print(as_table(columns, rows[:SHOWN]))
            if len(rows) > SHOWN:
                console.print(f"… and {len(rows) - SHOWN} more")
    return found


def offending_rows(tables: Any, project: Project, file: SqlFile) -> tuple[list[str], list[Row]]:
    """The columns and the rows of an audit, over tables that end at what the topics hold. Raises Refusal."""
    from pyflink.util.exceptions import TableException

    try:
        create_views(tables, project, file)
        changes, columns = _read(tables.sql_query(file.text))
    except (Py4JError, TableException) as problem:
        raise Refusal("\n".join(map(str, problems_of(tables, project, file, problem)))) from problem
    try:
        return columns, remaining(list(changes), None)
    except Py4JError as problem:
        raise Refusal(f"The audit {file.name} could not go on: {root_cause(str(problem))}", Exit.FAILED) from problem


def as_table(columns: list[str], rows: list[Row]) -> Table:
    table = Table(*columns)
    for row in rows:
        table.add_row(*("" if row[name] is None else str(row[name]) for name in columns))
    return table


def _read(table: Any) -> tuple[Iterator[tuple[str, Row]], list[str]]:
    """The changes of a result as they come, and its columns."""
    found = table._j_table.execute()
    fields = fields_of(found.getResolvedSchema())

    def changes() -> Iterator[tuple[str, Row]]:
        rows = found.collect()
        try:
            while rows.hasNext():
                row = rows.next()
                values = {name: plain(row.getField(at), kind) for at, (name, kind) in enumerate(fields)}
                yield row.getKind().shortString(), values
        finally:
            rows.close()

    return changes(), [name for name, _ in fields]
