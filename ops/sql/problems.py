"""What is wrong at a place of a file of the SQL project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from sql.project import SqlFile
from sql.tokens import tokens


@dataclass(frozen=True)
class Problem:
    """What is wrong at a place of a file, and what may help."""

    path: Path
    line: int
    column: int
    sentence: str
    fix: str = ""

    def __str__(self) -> str:
        path = self.path.relative_to(Path.cwd()) if self.path.is_relative_to(Path.cwd()) else self.path
        return f"{path}:{self.line}:{self.column}: {self.sentence}" + (f" {self.fix}" if self.fix else "")


def at(file: SqlFile, line: int, column: int, sentence: str, fix: str = "") -> Problem:
    return Problem(file.path, line, column, sentence, fix)


def nearest(word: str, known: Iterable[str]) -> str:
    """A sentence with the nearest of the names that there are, or none."""
    by_lower = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), by_lower, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(by_lower[name] for name in found)}?" if found else ""


def line_of(file: SqlFile, word: str) -> tuple[int, int]:
    """Where a word stands in a file, its beginning if nowhere: line and column."""
    found = next((each for each in tokens(file.text) if each.text.strip("'`").lower() == word.lower()), None)
    return (found.line, found.column) if found else (1, 1)


def open_quote(file: SqlFile) -> Problem | None:
    """Texts do not go over lines here, so a line with an odd number of quotes is the one."""
    for number, line in enumerate(file.text.splitlines(), 1):
        code = line.split("--")[0]
        if code.count("'") % 2:
            return at(file, number, code.rindex("'") + 1, "A text begins here and does not end.", "A ' is missing.")
    return None
