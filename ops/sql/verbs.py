"""The verbs of `loyalty sql`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jobs.config import JobConfig, SqlConfig
from ops.answers import JsonOption, print_json
from ops.errors import Exit, Refusal
from ops.jobs.asked import asks_for
from ops.jobs.run import Until
from ops.options import BootstrapOption, FreshOption
from sql.project import read_project

app = typer.Typer(no_args_is_help=True)

Models = Annotated[
    list[str] | None, typer.Argument(metavar="[MODEL]...", help="Models or audits; all if none is named.")
]


@app.command("check")
def check_command(models: Models = None, as_json: JsonOption = False) -> None:
    """Parse, resolve and plan models against the sources and their sinks, without Kafka; exit 1 for any problem."""
    from ops.sql.check import check_files
    from ops.sql.session import create_environment, flink_processes
    from ops.sql.test import named_files

    project = read_project()
    files = named_files(project, models or [])
    with flink_processes():
        _, tables = create_environment()
        problems, warnings = check_files(tables, project, files)
    if as_json:
        found = {"problems": problems, "warnings": warnings}
        print_json({"checked": len(files), **{what: list(map(asdict, each)) for what, each in found.items()}})
    else:
        for warning in warnings:
            typer.echo(f"{warning} (a warning)")
        for problem in problems:
            typer.echo(str(problem))
    if problems:
        raise typer.Exit(Exit.FOUND)
    if not as_json:
        typer.echo(f"{len(files)} checked, nothing found.")


@app.command("test")
def fixtures_command(models: Models = None, as_json: JsonOption = False) -> None:
    """Run the cases of fixtures on a real Flink, in streaming mode; exit 1 if one fails."""
    from ops.sql.test import run_fixtures

    results = run_fixtures(read_project(), models or [], Console(quiet=as_json))
    if as_json:
        print_json({"files": [result._asdict() for result in results]})
    if any(result.failed for result in results):
        raise typer.Exit(Exit.FOUND)


@app.command("plan")
def plan_command(
    model: Annotated[str, typer.Argument(help="A model that is written to a topic.")],
    write: Annotated[bool, typer.Option("--write", help="Make it the committed plan, in sql/plans/.")] = False,
) -> None:
    """Show a model's operators and what changed; say whether a running job of it goes on from a savepoint."""
    from ops.sql.plans import show_plan
    from ops.sql.session import create_environment, flink_processes
    from ops.sql.test import named_files

    project = read_project()
    (file,) = named_files(project, [model], of="models")
    if file.name not in project.sinks:
        raise Refusal(f"{model} is written nowhere, so no job of its own runs.")
    with flink_processes():
        _, tables = create_environment()
        show_plan(tables, project, file, lambda line: print(line, flush=True), write=write)


@app.command("run")
@asks_for(SqlConfig)
def run_command(
    config: JobConfig,
    models: Models = None,
    until_end: Annotated[
        bool, typer.Option("--until-end", help="Read what the topics hold now, close every window, and end.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(help="The folder that says where the job stopped; .loyalty/context for engagement_context."),
    ] = None,
    fresh: FreshOption = False,
) -> None:
    """Run models as one job on this machine; go on where the last run stopped. Ctrl-C stops it cleanly.

    The fraud gate waits for engagement_context, so that one runs by itself, and is none of "all" here.
    """
    from ops.sql.run import run_models, state_of
    from ops.sql.test import named_files

    named_files(read_project(), models or [], of="models")
    run_models(config, Until(state or state_of(models or []), until_end, fresh), models or [])


@app.command("audit")
def audit_command(bootstrap: BootstrapOption, audits: Models = None, as_json: JsonOption = False) -> None:
    """Run audits over what Kafka holds; print the rows that should not be there, and exit 1 if there are any."""
    from ops.sql.audit import audit
    from ops.sql.test import named_files

    project = read_project()
    files = named_files(project, audits or [], of="audits")
    found = audit(project, files, bootstrap, Console(quiet=as_json))
    if as_json:
        print_json({"found": found})
    if any(found.values()):
        raise typer.Exit(Exit.FOUND)


@app.command("show")
def show_command(
    model: Annotated[str, typer.Argument(help="A model that is written to a topic.")],
    bootstrap: BootstrapOption,
    until_end: Annotated[bool, typer.Option("--until-end", help="Show what the topic holds now, and end.")] = False,
) -> None:
    """Show what a model has written, as a table that follows it. Ctrl-C ends it."""
    from ops.sql.show import show

    show(read_project(), model, bootstrap, Console(), until_end=until_end)
