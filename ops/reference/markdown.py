"""Markdown as the reference pages write it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def page(title: str, made_from: str, parts: Iterable[str]) -> str:
    """A whole page: title, where it comes from, and its parts with an empty line between each two.

    Args:
        made_from: what to change instead of the page, as Markdown.
    """
    head = [f"# {title}", f"*Made by `make reference` from {made_from}.*"]
    return "\n\n".join(part.rstrip() for part in [*head, *parts]) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells may hold Markdown, and a `|` or a line break in one stays in its cell."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in lines)


def code(text: object) -> str:
    """`text` as inline code; nothing where there is no text."""
    said = str(text)
    return f"`{said}`" if said else ""


def sentences(docstring: str | None) -> str:
    """A docstring's first paragraph in one line; nothing where there is no docstring."""
    first = (docstring or "").strip().split("\n\n")[0]
    return " ".join(line.strip() for line in first.splitlines())


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
