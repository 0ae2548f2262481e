"""A failure of Flink's, and where in a file it belongs."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

from ops.sql.problems import Problem
from sql.project import Project, SqlFile
from sql.tokens import tokens


class Failure(NamedTuple):
    """What Flink said of a file, and what there is to hold it against."""

    tables: Any
    project: Project
    file: SqlFile
    messages: list[str]

    def position(self) -> tuple[int, int]:
        """What Flink says of the place, the innermost saying it; the statement's first word where it says nothing."""
        for message in reversed(self.messages):
            found = re.search(r"line (\d+),? column (\d+)", message)
            if found and int(found[1]) > 0:
                return int(found[1]), int(found[2])
        first = next(iter(tokens(self.file.text)), None)
        return (first.line, first.column) if first else (1, 1)

    def word(self, *names: str, last: bool = False) -> tuple[int, int]:
        """Where one of these words stands, the statement's beginning if nowhere."""
        wanted = {name.lower() for name in names}
        found = [token for token in tokens(self.file.text) if token.name.lower() in wanted]
        return (found[-1 if last else 0].line, found[-1 if last else 0].column) if found else self.position()

    def columns(self) -> set[str]:
        """The columns of the tables that the file reads, and the names that it gives itself."""
        found: set[str] = set()
        words = tokens(self.file.text)
        for before, token in pairwise(words):
            if before.says("AS") and token.kind in ("word", "quoted"):
                found.add(token.name)
        known = {token.name for token in words}
        for name in [*self.project.sources, *self.project.models]:
            if (name in known and name != self.file.name) or (name in self.project.sources and name in known):
                try:
                    found |= set(self.tables.from_path(name).get_schema().get_field_names())
                except Exception:  # noqa: BLE001 - a model that is broken itself has no columns to offer
                    continue
        return found


Meaning = Callable[[Failure, "re.Match[str]", tuple[int, int]], "Problem | None"]
"""What a message of Flink's means, from what matched in it and the place that it names; None: something else."""


def messages(trace: str) -> list[str]:
    """The messages of an exception and its causes, outermost first, without Java's names and places."""
    found: list[str] = []
    kept: list[str] = []
    for line in trace.splitlines():
        if re.match(r"\s+(at |\.\.\. \d+ more)", line):
            if kept:
                found.append("\n".join(kept))
            kept = []
        else:
            kept.append(line.removeprefix("Caused by: "))
    if kept and any(map(str.strip, kept)):
        found.append("\n".join(kept))
    cleaned = [
        re.sub(r"^(An error occurred while calling \S+\n)?:?\s*([\w$]+\.)+[\w$]+(:\s*|$)", "", each) for each in found
    ]
    return [each.strip() for each in cleaned if each.strip()]
