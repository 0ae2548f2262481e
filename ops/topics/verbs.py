"""`loyalty topics`: the catalogue's topics from the command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ops.answers import JsonOption, print_json
from ops.errors import Exit
from ops.kafka.client import open_admin
from ops.options import BootstrapOption
from ops.topics import plan as planning
from ops.topics.catalogue import CATALOGUE, read_catalogue
from ops.topics.plan import Step

app = typer.Typer(no_args_is_help=True)

Catalogue = Annotated[Path, typer.Option(help="The file that declares the topics.")]


@app.command()
def plan(bootstrap: BootstrapOption, catalogue: Catalogue = CATALOGUE, as_json: JsonOption = False) -> None:
    """Say what `apply` would do, and change nothing; exit 1 if the cluster differs from the catalogue."""
    topics = read_catalogue(catalogue)
    steps = planning.plan(open_admin(bootstrap), bootstrap, topics)
    _show(steps, as_json, "to be ")
    if any(step.kind != "unchanged" for step in steps):
        raise typer.Exit(Exit.FOUND)


@app.command()
def apply(bootstrap: BootstrapOption, catalogue: Catalogue = CATALOGUE, as_json: JsonOption = False) -> None:
    """Create the topics that are missing and set what differs; say which. Nothing is ever deleted."""
    _show(planning.apply(bootstrap, read_catalogue(catalogue)), as_json)


def _show(steps: Sequence[Step], as_json: bool, planned: str = "") -> None:
    if as_json:
        print_json({"topics": [step.as_json() for step in steps]})
        return
    for step in steps:
        typer.echo(step if step.kind == "unchanged" else str(step).replace(": ", f": {planned}", 1))
    kinds = [step.kind for step in steps]
    counts = [f"{kinds.count('created')} {planned}created", f"{kinds.count('changed')} {planned}changed"]
    typer.echo(f"{len(steps)} topics: {', '.join(counts)}, {kinds.count('unchanged')} unchanged.")
