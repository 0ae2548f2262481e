"""The verbs of `loyalty sql`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from sql.project import read_project

app = typer.Typer(no_args_is_help=True)

Models = Annotated[list[str] | None, typer.Argument(metavar="[MODEL]...", help="Models or audits; all if none is named.")]


@app.command("check")
def check_command(models: Models = None) -> None:
    """Parse, resolve and plan models against the sources and their sinks, without Kafka; exit 1 for any problem."""
    from ops.sql.check import check_files
    from ops.sql.session import create_environment, flink_processes, kafka_connector
    from ops.sql.test import named_files

    project = read_project()
    files = named_files(project, models or [])
    with flink_processes():
        _, tables = create_environment(kafka_connector())
        problems = check_files(tables, project, files)
    for problem in problems:
        typer.echo(str(problem))
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{len(files)} checked, nothing found.")


@app.command("test")
def test_command(models: Models = None) -> None:
    """Run the cases of fixtures on a real Flink, in streaming mode; exit 1 if one fails."""
    from ops.sql.test import test_models

    if not test_models(read_project(), models or [], Console()):
        raise typer.Exit(1)
