"""What Flink's validator means by a name that it does not know, or that it does not take here."""

from __future__ import annotations

import re
from itertools import pairwise

from ops.sql.explain_syntax import SQL_WORDS
from ops.sql.failure import Failure
from ops.sql.problems import Problem, at, nearest
from sql.tokens import tokens


def column(failure: Failure, match: re.Match[str], place: tuple[int, int]) -> Problem:
    name = match[1]
    words = tokens(failure.file.text)
    index = next((i for i, token in enumerate(words) if (token.line, token.column) >= place), 0)
    if _is_table(failure, name):
        return at(failure.file, *place, f"{name} is a table.", f"In a window it is TABLE {name}.")
    if any(token.says(*WINDOWS) for token in words[max(0, index - 6) : index]) and words[index - 1].says(","):
        return at(failure.file, *place, f"{name} is not enough here.", f"Name the window's time by DESCRIPTOR({name}).")
    for value, following in pairwise(words[:index]):
        # `a b` where `a, b` was meant: b has become a's name.
        if value.name == name and following.kind in ("word", "quoted") and not following.says(*SQL_WORDS):
            return at(
                failure.file,
                value.line,
                value.column,
                f"{name} is called {following.text} here.",
                "Is a comma missing?",
            )
    near = nearest(name.split(".")[-1], failure.columns() - {name})
    if re.fullmatch(r"[A-Z][a-z]+.*|.* .*", name):
        near = near or " Text is written in single quotes."
    return at(failure.file, *place, f"There is no column {name}.", near.strip())


WINDOWS = ("TUMBLE", "HOP", "SESSION", "CUMULATE")


def _is_table(failure: Failure, name: str) -> bool:
    words = tokens(failure.file.text)
    named = any(
        a.name == name and b.says("AS") and c.says("(") for a, b, c in zip(words, words[1:], words[2:], strict=False)
    )
    return named or name in failure.project.sources or name in failure.project.models


def table(failure: Failure, match: re.Match[str], place: tuple[int, int]) -> Problem:
    name = match[1]
    words = tokens(failure.file.text)
    aliases = {b.name for a, b in pairwise(words) if b.kind in ("word", "quoted") and a.says("AS")}
    aliases |= {*failure.project.sources, *failure.project.models} & {token.name for token in words}
    near = nearest(name, aliases - {name}) or f" Known here: {', '.join(sorted(aliases))}."
    return at(failure.file, *place, f"There is no table or alias {name}.", near.strip())


def function(failure: Failure, match: re.Match[str], place: tuple[int, int]) -> Problem:
    name = match[1]
    known = {str(each).lower() for each in failure.tables.list_functions()}
    if name.lower() in known:
        return at(
            failure.file,
            *place,
            f"{name} does not take these arguments: {match[2]}.",
            "See its types in sql/README.md.",
        )
    return at(failure.file, *place, f"There is no function {name}.", nearest(name, known).strip())


def arguments(failure: Failure, match: re.Match[str], place: tuple[int, int]) -> Problem:
    said = " ".join(match[0].split())
    expected = re.search(
        r"(?:Expected signatures are|Supported form\(s\)): ?(.+)", " ".join(failure.messages[-1].split())
    )
    fix = (
        f"It takes {expected[1].rstrip('.')}; convert with CAST(… AS …)." if expected else "Convert with CAST(… AS …)."
    )
    return at(failure.file, *place, said.split(". ")[0].split(". Supported")[0].rstrip(".") + ".", fix)


def not_grouped(failure: Failure, match: re.Match[str], place: tuple[int, int]) -> Problem:
    return at(
        failure.file,
        *place,
        f"{match[1]} is neither in GROUP BY nor in an aggregate.",
        "Add it to GROUP BY, or take MAX(…).",
    )


def ambiguous(failure: Failure, match: re.Match[str], place: tuple[int, int]) -> Problem:
    return at(failure.file, *place, f"{match[1]} is in more than one of the tables.", "Say which, by its alias.")
