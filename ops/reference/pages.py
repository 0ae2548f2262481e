"""Which pages are made from the code, and writing them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ops.reference import command_line, state, topics, wire

FOLDER = Path(__file__).parents[2] / "docs" / "reference"

PAGES: dict[str, Callable[[], str]] = {
    "cli.md": command_line.text,
    "topics.md": topics.text,
    "programme.md": wire.programme,
    "events.md": wire.events,
    "state.md": state.text,
}
"""How each page's text is made, by its file in `docs/reference/`."""


def write(folder: Path = FOLDER) -> None:
    """Writes every page."""
    for name, text in PAGES.items():
        (folder / name).write_text(text(), encoding="utf-8")
