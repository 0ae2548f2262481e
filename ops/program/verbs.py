"""`loyalty program`: check the documents of the programme, and publish them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loyalty.times import format_time
from ops.answers import JsonOption, print_json
from ops.errors import Exit
from ops.options import BootstrapOption
from ops.program import publish as publishing
from ops.program.documents import FOLDER

app = typer.Typer(no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(metavar="[DIR]", help="The folder of the documents.")]


@app.command("check")
def check(folder: Folder = FOLDER, as_json: JsonOption = False) -> None:
    """Check the documents: exit 1 with file, line and reason for each that is bad."""
    if as_json:
        versions, findings = publishing.read(folder)
        names = {version.document.document for version in versions}
        print_json(
            {
                "documents": len(names),
                "versions": len(versions),
                "findings": [finding._asdict() for finding in findings],
            }
        )
        raise typer.Exit(Exit.FOUND if findings else Exit.DONE)
    versions = publishing.check(folder)
    names = {version.document.document for version in versions}
    typer.echo(f"The programme is sound: {len(names)} documents in {len(versions)} versions.")


@app.command("publish")
def publish(bootstrap: BootstrapOption, folder: Folder = FOLDER) -> None:
    """Check the documents, then publish those that the topic does not hold yet."""
    sent, held = publishing.publish(folder, bootstrap)
    for version in sent:
        typer.echo(f"published {version.key}, in force from {format_time(version.document.effective_from)}")
    if sent:
        typer.echo(f"{len(sent)} published, {held} were there already.")
    else:
        typer.echo(f"Nothing to publish: all {held} are there already, unchanged.")
