"""Which pages are made from the code, and writing them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ops.reference import command_line, picture, rules, state, topics, wire

FOLDER = Path(__file__).parents[2] / "docs"

PAGES: dict[str, Callable[[], str]] = {
    "reference/cli.md": command_line.text,
    "reference/topics.md": topics.text,
    "reference/programme.md": wire.programme,
    "reference/events.md": wire.events,
    "reference/rules.md": rules.text,
    "reference/state.md": state.text,
    "explanation/loop.svg": picture.svg,
}
"""How each page's text is made, by its file in `docs/`."""


def write(folder: Path = FOLDER) -> None:
    """Writes every page."""
    for name, text in PAGES.items():
        (folder / name).write_text(text(), encoding="utf-8")
