"""Answers for a program: `--json` prints one JSON object on standard output instead of lines for a person."""

import json
from typing import Annotated, Any

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, for a program.")]


def print_json(answer: dict[str, Any]) -> None:
    """Prints the answer; enumerations and numbers as they are, everything else that JSON has no word for as text."""
    typer.echo(json.dumps(answer, ensure_ascii=False, default=str))
