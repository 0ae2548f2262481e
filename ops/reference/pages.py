"""Which pages are made from the code, and writing them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from loyalty.wire.schemas import KINDS
from ops.reference import (
    command_line,
    evidence,
    picture,
    reasons,
    rules,
    settings,
    sources,
    state,
    story,
    topics,
    wire,
)

ROOT = Path(__file__).parents[2]

PAGES: dict[str, Callable[[], str]] = {
    "README.md": story.readme,
    "docs/reference/cli.md": command_line.text,
    "docs/reference/topics.md": topics.text,
    "docs/reference/programme.md": wire.programme,
    "docs/reference/events.md": wire.events,
    "docs/reference/evidence.md": evidence.text,
    "docs/reference/reasons.md": reasons.reasons,
    "docs/reference/sentences.md": reasons.sentences,
    "docs/reference/rules.md": rules.text,
    "docs/reference/settings.md": settings.text,
    "docs/reference/state.md": state.text,
    "docs/explanation/loop.svg": picture.svg,
    **{f"sql/sources/{sources.table_of(topic)}.sql": partial(sources.text, topic) for topic in KINDS},
}
"""How each page's text is made, by its file."""


def write(root: Path = ROOT) -> None:
    """Writes every page."""
    for name, text in PAGES.items():
        (root / name).write_text(text(), encoding="utf-8")
