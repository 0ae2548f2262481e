"""The commands that pages show can be given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from ops.cli import VERBS, command_line
from tests.docs.markdown_files import ROOT, markdown_files

COMMAND = re.compile(r"(?:^|[ `(])(?:\.venv/bin/)?loyalty ([a-z][^`\n#|&);]*)", re.MULTILINE)
PAGES = [path for path in markdown_files() if path.name != "CHANGELOG.md"]


@cache
def _verb(name: str) -> Any:
    return get_command(command_line([name])).commands[name]  # type: ignore[attr-defined]


def _wrong(words: list[str]) -> Iterator[str]:
    command = _verb(words[0])
    below = getattr(command, "commands", {})
    if below and len(words) > 1 and not words[1].startswith("-"):
        if words[1] not in below:
            yield f"loyalty {words[0]} has no {words[1]}"
            return
        command = below[words[1]]
    if getattr(command, "commands", {}):
        return
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    yield from (
        f"loyalty {' '.join(words[:2])} has no {word}" for word in words if word[:2] == "--" and word not in known
    )


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_shows_commands_that_there_are(path: Path) -> None:
    shown = [line.split() for line in COMMAND.findall(path.read_text("utf-8"))]
    assert [wrong for words in shown if words[0] in VERBS for wrong in _wrong(words)] == []


def test_pages_show_nearly_every_verb() -> None:
    shown = {line.split()[0] for path in PAGES for line in COMMAND.findall(path.read_text("utf-8"))}
    assert [verb for verb in VERBS if verb not in shown] == []
