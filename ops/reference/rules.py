"""`rules.md`: which file holds which paragraph of the contract's §4, as the files' own first sentences say it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ops.reference.markdown import code, page, sentences, table

ROOT = Path(__file__).parents[2]

PARAGRAPHS = (
    "Time",
    "What was published stays decided",
    "Duplicates",
    "Earning",
    "Lots",
    "Debt",
    "Refund and cancellation",
    "Adjustments",
    "Tiers",
    "Redemption",
    "Offers",
)
"""The paragraphs of contract §4, in its order."""

INTRODUCTION = """The paragraphs of the contract's §4 (*What decisions mean*), and the files that hold them. A rule's
file says in its first sentence which paragraph it is about; this table is made from that."""

_CITED = re.compile(r"\(contract §4,([^)]*)\)")
_PARAGRAPH = re.compile(r"\*([^*]+)\*")


class RuleFile(NamedTuple):
    """A file, what it says of itself, and the paragraphs that it names."""

    path: Path
    said: str
    lines: int
    paragraphs: tuple[str, ...]


def text() -> str:
    """The page, as Markdown."""
    files = list(rule_files())
    rows = [
        [f"**{paragraph}**" if at == 0 else "", code(found.path.relative_to(ROOT)), found.said]
        for paragraph in PARAGRAPHS
        for at, found in enumerate(one for one in files if paragraph in one.paragraphs)
    ]
    return page(
        "Rules and their files",
        "the first lines of the files in `loyalty/`",
        [INTRODUCTION, table(["Paragraph", "File", ""], rows)],
    )


def rule_files() -> Iterator[RuleFile]:
    """Every file of the domain that names paragraphs of contract §4 in its docstring."""
    for path in sorted((ROOT / "loyalty").rglob("*.py")):
        source = path.read_text("utf-8")
        docstring = ast.get_docstring(ast.parse(source)) or ""
        cited = [name for names in _CITED.findall(docstring) for name in _PARAGRAPH.findall(names.replace("\n", " "))]
        if cited:
            said = re.sub(r" ?\(contract §4[^)]*\)", "", sentences(docstring))
            yield RuleFile(path, said, len(source.splitlines()), tuple(cited))
