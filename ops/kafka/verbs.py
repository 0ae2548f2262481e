"""`loyalty kafka`: the local broker from the command line."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ops.answers import JsonOption, print_json
from ops.errors import Exit, Refusal
from ops.kafka import broker as kafka

app = typer.Typer(no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--dir", help="The broker's folder: data, log and what runs.")]


@app.command()
def start(
    folder: Folder = kafka.DEFAULT_DIR,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Default: that of the last time, or a free one.")
    ] = None,
) -> None:
    """Start a broker, wait until it serves, and print its bootstrap address."""
    already = kafka.running(folder)
    began = time.monotonic()
    broker = kafka.start(folder, port)
    if already:
        typer.echo(f"Kafka runs already (process {broker.pid}, data in {folder}).", err=True)
    else:
        took = time.monotonic() - began
        typer.echo(f"Kafka serves after {took:.1f} s (process {broker.pid}, data and log in {folder}).", err=True)
    typer.echo(broker.bootstrap)


@app.command()
def stop(folder: Folder = kafka.DEFAULT_DIR) -> None:
    """Stop the broker; its data stays for the next start."""
    stopped = kafka.stop(folder)
    typer.echo(
        f"Kafka stopped (process {stopped.pid}); its data is in {folder}."
        if stopped
        else f"No broker runs in {folder}; nothing to stop.",
        err=True,
    )


@app.command()
def status(folder: Folder = kafka.DEFAULT_DIR, as_json: JsonOption = False) -> None:
    """Print the bootstrap address of the broker that runs; exit 1 if none does."""
    broker = kafka.running(folder)
    if as_json:
        print_json({"folder": folder, "running": broker is not None, **(asdict(broker) if broker else {})})
        raise typer.Exit(Exit.DONE if broker else Exit.FOUND)
    if broker is None:
        raise Refusal(f"No broker runs in {folder}.", Exit.FOUND)
    typer.echo(f"Kafka runs (process {broker.pid}, data in {folder}).", err=True)
    typer.echo(broker.bootstrap)
