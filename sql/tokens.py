"""The words of a SQL text with their places; enough to point at one, not a parser."""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<comment>--[^\n]*|/\*(?!\+)[\s\S]*?\*/)
    |(?P<text>'(?:[^']|'')*')
    |(?P<quoted>`(?:[^`]|``)*`)
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<word>[A-Za-z_][A-Za-z0-9_$]*)
    |(?P<sign><>|<=|>=|!=|\|\||=>|/\*\+|\*/|.)""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """`kind` is text, quoted, number, word or sign; `start` and `end` are offsets, lines and columns count from 1."""

    kind: str
    text: str
    start: int
    end: int
    line: int
    column: int

    @property
    def name(self) -> str:
        """What an identifier names."""
        return self.text.strip("`") if self.kind == "quoted" else self.text

    def says(self, *words: str) -> bool:
        return self.kind in ("word", "sign") and self.text.upper() in words


def tokens(text: str) -> list[Token]:
    """All but space and comments. What is no token of SQL (an open quote) comes as single signs."""
    found = []
    line, line_starts = 1, 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "sign"
        if kind not in ("space", "comment"):
            found.append(Token(kind, match[0], match.start(), match.end(), line, match.start() - line_starts + 1))
        breaks = match[0].count("\n")
        if breaks:
            line += breaks
            line_starts = match.start() + match[0].rindex("\n") + 1
    return found
