"""The Markdown of the repository, and what can be asked of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_INLINE_CODE = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def markdown_files() -> list[Path]:
    """All pages that people read: those at the top, in `docs`, and the README of each folder."""
    rooms = ("docs", "sql", "tests", ".github")
    found = [*ROOT.glob("*.md"), *(path for room in rooms for path in (ROOT / room).rglob("*.md"))]
    return sorted(found)


def links(page: str) -> list[str]:
    """The targets of a page's links, code left out."""
    prose = _INLINE_CODE.sub("", _FENCE.sub("", page))
    return [target for target in _LINK.findall(prose) if "://" not in target and not target.startswith("mailto:")]


def inline_code(page: str) -> Iterator[str]:
    """What a page sets as code within its lines."""
    yield from _INLINE_CODE.findall(_FENCE.sub("", page))


def anchors(page: str) -> set[str]:
    """What a link may name behind `#`: the headings, as GitHub and the site's builder spell them."""
    return {_slug(heading) for heading in _HEADING.findall(_FENCE.sub("", page))}


def _slug(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return re.sub(r" ", "-", kept.strip())
