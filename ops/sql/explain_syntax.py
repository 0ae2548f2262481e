"""What Flink's parser means: a comma, a parenthesis or a quote that is missing, a word that is reserved."""

from __future__ import annotations

import re

from ops.sql.failure import Failure
from ops.sql.problems import Problem, at, open_quote
from sql.names import parse
from sql.tokens import Token, tokens


def unexpected(failure: Failure, match: re.Match[str], place: tuple[int, int]) -> Problem:
    file = failure.file
    words = tokens(file.text)
    unclosed = open_quote(file)
    if unclosed is not None:
        return unclosed
    index = next((i for i, token in enumerate(words) if (token.line, token.column) >= place), len(words))
    before = words[index - 1] if index > 0 else None
    here = words[index] if index < len(words) else None
    if here is None or match[1] == "<EOF>":
        opened = sum(token.says("(") for token in words) - sum(token.says(")") for token in words)
        fix = "A ) is missing." if opened > 0 else "Is an END, a table or a condition missing?"
        last = words[-1]
        return at(file, last.line, last.column, "The statement ends too early.", fix)
    text = here.text
    quote = next((token for token in words[index : index + 2] if token.text == '"'), None)
    if quote is not None:
        return at(file, quote.line, quote.column, 'A " was not expected here.', "Text is written in single quotes.")
    if here.says("AS") and _is_in_call(words[:index]):
        return at(file, *place, "A ) seems to be missing before AS.")
    earlier = words[index - 2] if index > 1 else None
    if before is not None and before.kind == "text" and earlier is not None and earlier.says("INTERVAL"):
        return at(
            file, *place, f"{text} is no unit of an interval.", "There are SECOND, MINUTE, HOUR, DAY, MONTH, YEAR."
        )
    if before is not None and before.says(","):
        if here.says("FROM", ")", "GROUP", "WHERE"):
            return at(file, before.line, before.column, f"There is a comma before {text}.", "Take the comma out.")
        return at(file, *place, f"{text} was not expected after the comma.", _reserved(failure, here))
    if here.says(")"):
        return at(file, *place, "This ) was not expected.", "Is something missing before it, or a ( further up?")
    reserved = _reserved(failure, here)
    if here.kind == "word" and reserved and before is not None and before.says("SELECT", "BY", "AS", "."):
        return at(file, *place, f"{text} was not expected here.", reserved)
    if before is not None and before.kind == "word" and before.text.upper() in SQL_WORDS and not here.says("FROM"):
        return at(file, *place, f"{text} was not expected after {before.text}.", reserved)
    if (
        here.says("AS", ".", "(")
        and before is not None
        and earlier is not None
        and before.kind in ("word", "quoted")
        and _ends_value(earlier)
    ):
        # `a` and, on the next line, `b AS c`: b was taken for the name of a.
        return at(file, earlier.line, earlier.column, f"A comma seems to be missing after {earlier.text}.")
    if before is not None and _ends_value(before) and here.kind in ("word", "quoted", "number", "text"):
        if here.says(*_MISPLACED):
            return at(file, *place, f"{text} was not expected here.", _order(here))
        if here.says(*SQL_WORDS):
            return at(file, *place, f"{text} was not expected here.", reserved)
        return at(file, before.line, before.column, f"A comma or an operator seems to be missing after {before.text}.")
    return at(file, *place, f"{text} was not expected here.", reserved)


SQL_WORDS = (
    "SELECT", "FROM", "WHERE", "GROUP", "ORDER", "BY", "HAVING", "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "ON", "AND",
    "OR", "NOT", "IN", "IS", "CASE", "WHEN", "THEN", "ELSE", "END", "AS", "UNION", "ALL", "WITH", "BETWEEN", "INTERVAL",
)  # fmt: skip
_MISPLACED = ("WHERE", "FROM", "GROUP", "HAVING", "JOIN", "SELECT")


def _order(here: Token) -> str:
    return "The order is SELECT, FROM, JOIN … ON, WHERE, GROUP BY, HAVING; each is written once."


def _is_in_call(before: list[Token]) -> bool:
    """Whether the innermost ( that is open belongs to a function other than CAST."""
    opened = []
    for index, token in enumerate(before):
        if token.says("("):
            opened.append(before[index - 1] if index else token)
        elif token.says(")") and opened:
            opened.pop()
    return bool(opened) and opened[-1].kind == "word" and not opened[-1].says("CAST", "TRY_CAST", *SQL_WORDS)


def _ends_value(token: Token) -> bool:
    if token.kind == "word":
        return token.text.upper() not in SQL_WORDS or token.text.upper() == "END"
    return token.kind in ("quoted", "text", "number") or token.says(")")


def _reserved(failure: Failure, token: Token) -> str:
    """What to do about a word that SQL keeps for itself; nothing for any other."""
    if token.kind != "word" or token.text.upper() in SQL_WORDS:
        return ""
    try:
        parse(failure.tables, f"SELECT 1 AS {token.text}")
    except Exception:  # noqa: BLE001 - it is what is asked
        return f"It is a reserved word: as a name, write `{token.text}` in backticks."
    return ""


def lexical(failure: Failure, match: re.Match[str], place: tuple[int, int]) -> Problem:
    unclosed = open_quote(failure.file)
    if unclosed is not None:
        return unclosed
    said = re.search(r'Encountered: "?(.+?)"? \(', match[0])
    return at(failure.file, *place, f"{said[1] if said else 'This'} is no sign of SQL.")
