"""What is no mistake to Flink, and seldom what was meant."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ops.sql.problems import Problem, at, line_of
from sql.project import SqlFile
from sql.tokens import tokens

_NOW = (
    "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP", "NOW", "CURRENT_ROW_TIMESTAMP",
    "UNIX_TIMESTAMP",
)  # fmt: skip
_LETTERS = {"YYYY": ("the year of the week, another one around New Year", "yyyy"), "DD": ("the day of the year", "dd")}


def of_the_words(file: SqlFile) -> list[Problem]:
    """What a model's words make one wonder about."""
    found = []
    words = tokens(file.text)
    for before, token in pairwise(words):
        if token.says(*_NOW) and not before.says("."):
            found.append(
                at(
                    file,
                    token.line,
                    token.column,
                    f"{token.text} is the time of the run.",
                    "Read again, the topics then give another result; use the event's own times.",
                )
            )
        if token.says("LIMIT"):
            found.append(
                at(
                    file,
                    token.line,
                    token.column,
                    "LIMIT takes the rows that come first.",
                    "Read again, those may be others; use ROW_NUMBER() with an order, or a window.",
                )
            )
        if token.kind == "text" and before.says(",") and "-" in token.text:
            for letters, (means, meant) in _LETTERS.items():
                if letters in token.text:
                    found.append(
                        at(file, token.line, token.column, f"{letters} is {means}.", f"{meant} is what is meant.")
                    )
    return found


def of_the_plan(file: SqlFile, plan: dict[str, Any]) -> list[Problem]:
    """A join that keeps every row for ever, from the model's plan as Flink compiles it."""
    joins = [node for node in plan["nodes"] if node["type"].startswith("stream-exec-join")]
    if not any(not node.get("leftUpsertKeys") or not node.get("rightUpsertKeys") for node in joins):
        return []
    return [
        at(
            file,
            *line_of(file, "JOIN"),
            "A join without time keeps every row of its sides for ever.",
            "Bound it: AND a.occurred_at BETWEEN b.occurred_at AND b.occurred_at + INTERVAL '1' HOUR.",
        )
    ]
