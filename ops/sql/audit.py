"""`loyalty sql audit` and `loyalty sql show`: what Kafka holds, asked by SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from py4j.protocol import Py4JError
from rich.console import Console
from rich.live import Live
from rich.table import Table

from ops.errors import Refusal
from ops.kafka.client import cluster_id
from ops.sql.fixtures import Row
from ops.sql.outcomes import remaining, row_text
from ops.sql.session import create_environment, flink_processes
from ops.sql.values import fields_of, plain
from sql.project import RESULTS, Project, SqlFile
from sql.results import create_results, create_views
from sql.sources import create_sources

SHOWN = 20
REFRESH_S = 0.5
AT_ONCE = {"table.exec.mini-batch.enabled": "false"}
"""Nothing tells a bare table's mini-batches when they are over: its rows would wait for ever."""


def audit(project: Project, files: list[SqlFile], bootstrap: str, console: Console) -> dict[str, list[Row]]:
    """Runs audits over what the topics hold now; prints what they find, and gives it by their names.

    Raises Refusal when Kafka does not answer.
    """
    cluster_id(bootstrap)
    found: dict[str, list[Row]] = {}
    with flink_processes():
        _, tables = create_environment()
        create_sources(tables, bootstrap, until_end=True)
        create_results(tables, project, bootstrap, until_end=True)
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
    """The columns and the rows of an audit, over tables that end at what the topics hold."""
    create_views(tables, project, file)
    changes, columns = _read(tables.sql_query(file.text))
    return columns, remaining(list(changes), None)


def show(project: Project, name: str, bootstrap: str, console: Console, *, until_end: bool = False) -> None:
    """Shows what a model has written, refreshed as it changes; with `until_end`, once.

    Raises Refusal when there is no such model or Kafka does not answer.
    """
    if name not in project.sinks:
        raise Refusal(f"{name} is no model that is written; there are {', '.join(project.written)}.")
    cluster_id(bootstrap)
    with flink_processes():
        _, tables = create_environment(AT_ONCE)
        create_results(tables, project, bootstrap, until_end=until_end, only=[name])
        changes, columns = _read(tables.from_path(f"{RESULTS}.{name}"))
        rows: dict[str, Row] = {}
        if until_end:
            console.print(as_table(columns, remaining(list(changes), None)))
            return
        with (
            suppress(KeyboardInterrupt, Py4JError),  # Ctrl-C ends it, in whatever it is waiting
            Live(
                console=console,
                refresh_per_second=1 / REFRESH_S,
                get_renderable=lambda: as_table(columns, list(rows.values())[-SHOWN:]),
            ),
        ):
            for operation, row in changes:
                of = row_text(row)
                if operation in ("+I", "+U"):
                    rows[of] = row
                else:
                    rows.pop(of, None)


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
