"""`cli.md`: every verb of the `loyalty` command, with its arguments and options."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from typer.main import get_command

from ops.cli import VERBS, command_line
from ops.errors import Exit
from ops.reference.markdown import code, page, sentences, table

ROOT = Path(__file__).parents[2]
INTRODUCTION = """`loyalty VERB --help` says the same as this page. What was not done is said in one sentence on
standard error, and the exit code tells it to a program:"""


def text() -> str:
    """The page, as Markdown."""
    verbs = [[f"[`loyalty {name}`](#loyalty-{name})", verb.summary] for name, verb in VERBS.items()]
    return page(
        "The `loyalty` command",
        "the commands' own definitions (`ops/cli.py`)",
        [
            INTRODUCTION,
            table(["Exit code", ""], [[str(code.value), code.meaning] for code in Exit]),
            table(["Verb", ""], verbs),
            *(part for name in VERBS for part in _verb(name)),
        ],
    )


def _verb(name: str) -> Iterator[str]:
    # Typer's commands: what they are made of is not annotated for others.
    command: Any = get_command(command_line([name]))
    found = command.commands[name]
    yield f"## loyalty {name}"
    for words, each in _commands(f"loyalty {name}", found):
        if each is not found:
            yield f"### {words}"
        yield from _command(words, each)


def _commands(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield words, command
        return
    for name, each in below.items():
        yield from _commands(f"{words} {name}", each)


def _command(words: str, command: Any) -> Iterator[str]:
    parameters = [one for one in command.params if one.name != "help"]
    arguments = [one for one in parameters if not one.opts[0].startswith("-")]
    options = [one for one in parameters if one.opts[0].startswith("-")]
    usage = [words, *(_usage_of_argument(one) for one in arguments)]
    usage += [f"{one.opts[0]} {_kind(one)}".strip() for one in options if one.required]
    if any(not one.required for one in options):
        usage.append("[OPTIONS]")
    yield f"```\n{' '.join(usage)}\n```"
    yield sentences(command.help)
    if parameters:
        rows = [[code(_usage_of_argument(one)), _help(one), _default(one)] for one in arguments]
        rows += [[code(f"{', '.join(one.opts)} {_kind(one)}".strip()), _help(one), _default(one)] for one in options]
        yield table(["", "", "Default"], rows)


def _usage_of_argument(argument: Any) -> str:
    name = (argument.metavar or argument.name.upper()).removesuffix("...").strip("[]")
    name += "..." if argument.nargs == -1 else ""
    return name if argument.required else f"[{name}]"


def _kind(option: Any) -> str:
    """What is written behind the option: nothing behind a flag, the choices of an enumeration."""
    if option.is_flag:
        return ""
    if option.metavar:
        return str(option.metavar)
    annotation = option.type_descriptor.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "|".join(str(choice.value) for choice in annotation)
    name: str = option.name
    return {int: "N", float: "NUMBER"}.get(annotation, name.upper().replace("_", "-"))


def _help(parameter: Any) -> str:
    variable = f" Or in the environment, as {code(parameter.envvar)}." if parameter.envvar else ""
    return f"{parameter.help or ''}{variable}"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "*required*"
    value = parameter.default
    if value is None or value is False or value == () or value == []:
        return ""
    if isinstance(value, Path) and value.is_relative_to(ROOT):  # of this checkout, wherever that is
        value = value.relative_to(ROOT)
    if value == sys.executable:
        return "the Python that runs the command"
    return code(value.value if isinstance(value, Enum) else value)
