"""What Flink plans without a word and then does wrong: windows with an offset, running sums over rows that change."""

from __future__ import annotations

from typing import Any

from ops.sql.problems import Problem, at, line_of
from sql.project import SqlFile
from sql.tokens import Token, tokens

_ARGUMENTS = {"TUMBLE": 3, "HOP": 4, "CUMULATE": 4}
"""How many arguments a window has, its offset left out."""


def window_offset(file: SqlFile) -> Problem | None:
    """A window that begins at an offset: Flink 2.2 loses rows of it."""
    words = tokens(file.text)
    for index, token in enumerate(words[:-1]):
        known = _ARGUMENTS.get(token.text.upper()) if token.kind == "word" else None
        if known is None or not words[index + 1].says("("):
            continue
        begins = _arguments(words, index + 1)
        if len(begins) > known:
            offset = begins[known]
            return at(
                file,
                offset.line,
                offset.column,
                f"A {token.text.upper()} with an offset loses rows without a word.",
                "Leave the offset out; weeks from Monday are a HOP of 7 days by 1 day (sql/README.md, ISO weeks).",
            )
    return None


def _arguments(words: list[Token], opens: int) -> list[Token]:
    """The first word of each argument of a call, whose parenthesis opens there."""
    found, depth = [], 0
    for before, token in zip(words[opens:], words[opens + 1 :], strict=False):
        depth += before.says("(") - before.says(")")
        if depth == 0:
            break
        if depth == 1 and (before.says("(") or before.says(",")):
            found.append(token)
    return found


def over_changing_rows(file: SqlFile, plan: dict[str, Any]) -> Problem | None:
    """An OVER whose order is no time: its state does not survive a restart (Flink 2.2).

    `plan` is the model's, as Flink compiles it.
    """
    nodes = {node["id"]: node for node in plan["nodes"]}
    inputs = {edge["target"]: nodes[edge["source"]] for edge in plan["edges"]}
    for node in nodes.values():
        if not node["type"].startswith("stream-exec-over-aggregate"):
            continue
        rows = inputs[node["id"]].get("outputType")
        fields = rows["fields"] if isinstance(rows, dict) else None
        orders = [each["index"] for group in node["overSpec"]["groups"] for each in group["orderBy"]["fields"]]
        if fields is None or any(not _is_time(fields[index]["fieldType"]) for index in orders):
            return at(
                file,
                *line_of(file, "OVER"),
                "OVER with an order that is no time keeps a state that does not survive a restart.",
                "Join each row with those before it and SUM, as points_liability_daily does.",
            )
    return None


def _is_time(kind: Any) -> bool:
    return isinstance(kind, dict) and kind.get("kind") in ("ROWTIME", "PROCTIME")
