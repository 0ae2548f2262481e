"""`loyalty topics`: the catalogue's topics from the command line."""

from pathlib import Path
from typing import Annotated

import typer

from ops.options import BootstrapOption
from ops.topics import catalogue as topics

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Makes a group of the one verb."""


@app.command()
def apply(
    bootstrap: BootstrapOption,
    catalogue: Annotated[
        Path, typer.Option(help="The file that declares the topics.", show_default="catalogue/topics.yaml")
    ] = topics.CATALOGUE,
) -> None:
    """Create the topics that are missing and set what differs; say which. Nothing is ever deleted."""
    steps = topics.apply(bootstrap, topics.read_catalogue(catalogue))
    for step in steps:
        typer.echo(step)
    kinds = [step.kind for step in steps]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in ("created", "changed", "unchanged"))
    typer.echo(f"{len(steps)} topics: {counts}.")
