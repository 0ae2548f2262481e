"""`loyalty sql check`: each model parsed, resolved, typed and planned by Flink's own planner, without Kafka.

Flink says what is wrong in its words; here that becomes one sentence with a place in the file and, where one can be
guessed, what to do about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from ops.sql.session import catalog_table
from ops.topics.catalogue import read_catalogue
from sql.names import CircularModels, Place, parse, place_of, reads, type_of
from sql.project import RESULTS, Project, SqlFile
from sql.results import APPEND, UPSERT, create_results, create_views
from sql.sources import create_sources
from sql.tokens import Token, tokens

NOWHERE = "none:1"
"""Kafka is not asked."""


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


def nearest(word: str, known: Iterable[str]) -> str:
    """A sentence with the nearest of the names that there are, or none."""
    by_lower = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), by_lower, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(by_lower[name] for name in found)}?" if found else ""


class Checker:
    """The tables of a project, as Flink's planner knows them."""

    def __init__(self, tables: Any, project: Project) -> None:
        self._tables = tables
        self._project = project
        self._topics = {topic.name for topic in read_catalogue()}
        self._columns: dict[str, list[str]] = {}

    def check(self, file: SqlFile) -> list[Problem]:
        """What is wrong with a model or an audit: the first thing that stops it, in its own file or in its sink's."""
        problem = self._of_the_file(file)
        if problem is None:
            try:
                create_views(self._tables, self._project, file)
                table = self._tables.sql_query(file.text)
                problem = self._of_the_sink(file, table) or self._of_the_plan(file, table)
            except CircularModels as circle:
                problem = at(file, 1, 1, f"Models read each other in a circle: {circle}.")
            except Exception as failure:  # noqa: BLE001 - whatever Flink says
                return problems_of(self._tables, self._project, file, failure)
        return [] if problem is None else [problem]

    def _of_the_file(self, file: SqlFile) -> Problem | None:
        if not re.match(r"--\s*\S", file.text):
            return at(
                file, 1, 1, "The first line does not say what one row is.", "Begin with a comment: -- One row is …"
            )
        try:
            statements = parse(self._tables, file.text)
        except Exception as failure:  # noqa: BLE001 - whatever Flink says
            return problems_of(self._tables, self._project, file, failure)[0]
        if not statements:
            return at(file, 1, 1, "There is no statement in this file.", "A model is one SELECT.")
        if len(statements) > 1:
            second = place_of(statements[1])
            return at(file, second.line, second.column, "A second statement begins here.", "A model is one SELECT.")
        if type_of(statements[0]) not in _QUERIES and statements[0].getKind().toString() not in _QUERY_KINDS:
            place = place_of(statements[0])
            return at(file, place.line, place.column, "This is no SELECT.", "What is written where is said in sinks/.")
        for read in reads(statements[0]):
            problem = self._of_a_table(file, read.name, read.place)
            if problem is not None:
                return problem
        return None

    def _of_a_table(self, file: SqlFile, name: str, place: Place) -> Problem | None:
        project = self._project
        if name == file.name and name not in project.sources:
            return at(file, place.line, place.column, f"{name} reads itself.")
        if name in project.sources or name in project.models:
            return None
        results = [f"{RESULTS}.{each}" for each in project.sinks]
        if name in results:
            return None
        known = [*project.sources, *project.models, *results]
        return at(file, place.line, place.column, f"There is no table {name}.", nearest(name, known).strip())

    def _of_the_sink(self, file: SqlFile, table: Any) -> Problem | None:
        sink = self._project.sinks.get(file.name)
        if sink is None or file.path.parent.name != "models":
            return None
        written = catalog_table(self._tables, RESULTS, file.name)
        options = written.getResolvedTable().getOptions()
        upserts = options.get("connector") == "upsert-kafka"
        schema = written.getResolvedSchema()
        key = list(schema.getPrimaryKey().get().getColumns()) if schema.getPrimaryKey().isPresent() else []
        if upserts and not key:
            line = _line_of(sink, UPSERT)
            return at(sink, *line, f"A table LIKE {UPSERT} needs a primary key.", "PRIMARY KEY (…) NOT ENFORCED")
        if not upserts and key:
            line = _line_of(sink, "PRIMARY")
            return at(sink, *line, f"A table LIKE {APPEND} has no primary key.", f"Take it out, or say LIKE {UPSERT}.")
        topic = options.get("topic")
        if topic not in self._topics:
            line = _line_of(sink, "topic")
            fix = nearest(str(topic), self._topics).strip() or "Declare it in catalogue/topics.yaml."
            return at(sink, *line, f"The catalogue has no topic {topic}.", fix)
        return self._of_the_columns(file, table, schema) or self._of_the_key(file, table, key)

    def _of_the_columns(self, file: SqlFile, table: Any, schema: Any) -> Problem | None:
        wanted = [schema.getColumns().get(at).getName() for at in range(schema.getColumnCount())]
        found = table.get_schema().get_field_names()
        places = self._select_places(file)
        for index, name in enumerate(found):
            place = places[index] if index < len(places) else places[0]
            if index >= len(wanted) or name != wanted[index]:
                if len(found) != len(wanted):
                    joined = self._missing_comma(file)
                    if joined is not None:
                        return joined
                if name in wanted:
                    expected = wanted[index] if index < len(wanted) else "nothing more"
                    return at(
                        file, *place, f"Column {index + 1} is {name}, where its sink has {expected}.", "Mind the order."
                    )
                near = nearest(name, [each for each in wanted if each not in found])
                return at(file, *place, f"The sink has no column {name} in place {index + 1}.", near.strip())
        if len(found) < len(wanted):
            joined = self._missing_comma(file)
            if joined is not None:
                return joined
            missing = ", ".join(wanted[len(found) :])
            return at(file, *places[-1], f"The sink also has {missing}, which the model does not give.")
        return None

    def _select_places(self, file: SqlFile) -> list[tuple[int, int]]:
        """Where each column of the result stands; the statement's beginning where that cannot be said."""
        (node,) = parse(self._tables, file.text)
        select = _final_select(node)
        place = place_of(node)
        if select is None:
            return [(place.line, place.column)]
        items = select.getSelectList()
        return [place_of(items.get(index))[:2] for index in range(items.size())]

    def _missing_comma(self, file: SqlFile) -> Problem | None:
        """An item that has taken the next line's first word for its name."""
        (node,) = parse(self._tables, file.text)
        select = _final_select(node)
        if select is None:
            return None
        items = select.getSelectList()
        for index in range(items.size()):
            item = items.get(index)
            if item.getKind().toString() != "AS":
                continue
            value, name = place_of(item.getOperandList().get(0)), place_of(item.getOperandList().get(1))
            between = [
                token
                for token in tokens(file.text)
                if (value.end_line, value.end_column) < (token.line, token.column) < (name.line, name.column)
            ]
            if not between and name.line > value.end_line:
                return at(
                    file,
                    value.end_line,
                    value.end_column,
                    "Here a comma seems to be missing.",
                    "Names are given by AS.",
                )
        return None

    def _of_the_key(self, file: SqlFile, table: Any, key: list[str]) -> Problem | None:
        (node,) = parse(self._tables, file.text)
        select = _final_select(node)
        names = table.get_schema().get_field_names()
        if select is None or not key or select.getSelectList().size() != len(names):
            return None
        for index, name in enumerate(names):
            place = place_of(select.getSelectList().get(index))
            changing = next(
                (
                    token
                    for token in tokens(file.text)
                    if (place.line, place.column) <= (token.line, token.column) <= (place.end_line, place.end_column)
                    and token.says(*_CHANGING)
                ),
                None,
            )
            if name in key and changing is not None:
                return at(
                    file,
                    changing.line,
                    changing.column,
                    f"The key {name} comes from {changing.text}, which is another each time.",
                    "After a restart the same row would come under another key; use the event's own ids and times.",
                )
        return None

    def _of_the_plan(self, file: SqlFile, table: Any) -> Problem | None:
        if file.name not in self._project.sinks or file.path.parent.name != "models":
            table.explain()
            return None
        statements: Any = self._tables.create_statement_set()
        statements.add_insert(f"{RESULTS}.{file.name}", table)
        plan = statements.explain()
        if "upsertMaterialize=[true]" in plan:
            place = _statement(self._tables, file)
            key = re.search(r"PRIMARY\s+KEY\s*\(([^)]*)\)", self._project.sinks[file.name].text, re.IGNORECASE)
            return at(
                file,
                *place,
                f"The rows that change are not told apart by the key of the sink ({key[1] if key else ''}).",
                "Group or partition by exactly the columns of the key.",
            )
        return None


_QUERIES = {"SqlSelect", "SqlWith", "SqlOrderBy"}
_QUERY_KINDS = {"UNION", "INTERSECT", "EXCEPT", "VALUES", "WITH", "SELECT", "ORDER_BY"}
_CHANGING = (
    "UUID", "RAND", "RAND_INTEGER", "NOW", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIME",
    "LOCALTIMESTAMP", "CURRENT_ROW_TIMESTAMP", "PROCTIME", "UNIX_TIMESTAMP",
)  # fmt: skip


def check_files(tables: Any, project: Project, files: list[SqlFile]) -> list[Problem]:
    """What is wrong with the sources and sinks, else with these models and audits."""
    found = create_tables(tables, project)
    broken = {problem.path for problem in found}
    checker = Checker(tables, project)
    for file in files:
        sink = project.sinks.get(file.name)
        if sink is None or sink.path not in broken:
            found += checker.check(file)
    for name, sink in project.sinks.items():
        if name not in project.models:
            found.append(at(sink, 1, 1, f"There is no model {name}.", nearest(name, project.models).strip()))
    return found


def create_tables(tables: Any, project: Project) -> list[Problem]:
    """Sources and sinks, each by itself, so that a broken one does not hide what is wrong elsewhere."""
    found: list[Problem] = []
    for file in [*project.sources.values(), *project.sinks.values()]:
        try:
            if file.path.parent.name == "sources":
                create_sources(tables, NOWHERE, only=[file.name])
            else:
                create_results(tables, project, NOWHERE, only=[file.name])
        except Exception as failure:  # noqa: BLE001 - whatever Flink says
            found += problems_of(tables, project, file, failure)
    return found


def at(file: SqlFile, line: int, column: int, sentence: str, fix: str = "") -> Problem:
    return Problem(file.path, line, column, sentence, fix)


def _line_of(file: SqlFile, word: str) -> tuple[int, int]:
    found = next((each for each in tokens(file.text) if each.text.strip("'`").lower() == word.lower()), None)
    return (found.line, found.column) if found else (1, 1)


def _statement(tables: Any, file: SqlFile) -> tuple[int, int]:
    (node,) = parse(tables, file.text)
    select = _final_select(node)
    place = place_of(node if select is None else select)
    return place.line, place.column


def _final_select(node: Any) -> Any:
    """The SELECT whose columns are the result's, None for a UNION and the like."""
    kind = type_of(node)
    if kind == "SqlSelect":
        return node
    if kind == "SqlWith":
        return _final_select(node.getOperandList().get(1))
    if kind == "SqlOrderBy":
        return _final_select(node.getOperandList().get(0))
    return None


# What Flink says, and what it means.


def problems_of(tables: Any, project: Project, file: SqlFile, failure: Exception) -> list[Problem]:
    """A failure of Flink's as a problem of a file."""
    return [_Reading(tables, project, file, _messages(str(failure))).problem()]


def _messages(trace: str) -> list[str]:
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


class _Reading(NamedTuple):
    """One failure, read."""

    tables: Any
    project: Project
    file: SqlFile
    messages: list[str]

    def problem(self) -> Problem:
        for message in reversed(self.messages):
            for pattern, meaning in _MEANINGS:
                match = re.search(pattern, message, re.DOTALL | re.IGNORECASE)
                if match:
                    found: Problem | None = meaning(self, match, self.position())
                    if found is not None:
                        return found
        line, column = self.position()
        last = self.messages[-1] if self.messages else "Flink does not accept it"
        sentence = re.sub(r"^From line.*?: ", "", last.splitlines()[0]).rstrip(".") + "."
        return at(self.file, line, column, sentence)

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


Meaning = Callable[[_Reading, "re.Match[str]", tuple[int, int]], "Problem | None"]


def _unexpected(reading: _Reading, match: re.Match[str], place: tuple[int, int]) -> Problem:
    file = reading.file
    words = tokens(file.text)
    open_quote = _open_quote(file)
    if open_quote is not None:
        return open_quote
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
        return at(file, *place, f"{text} was not expected after the comma.", _reserved(reading, here))
    if here.says(")"):
        return at(file, *place, "This ) was not expected.", "Is something missing before it, or a ( further up?")
    reserved = _reserved(reading, here)
    if here.kind == "word" and reserved and before is not None and before.says("SELECT", "BY", "AS", "."):
        return at(file, *place, f"{text} was not expected here.", reserved)
    if before is not None and before.kind == "word" and before.text.upper() in _SQL_WORDS and not here.says("FROM"):
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
        if here.says(*_SQL_WORDS):
            return at(file, *place, f"{text} was not expected here.", reserved)
        return at(file, before.line, before.column, f"A comma or an operator seems to be missing after {before.text}.")
    return at(file, *place, f"{text} was not expected here.", reserved)


_SQL_WORDS = (
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
    return bool(opened) and opened[-1].kind == "word" and not opened[-1].says("CAST", "TRY_CAST", *_SQL_WORDS)


def _ends_value(token: Token) -> bool:
    if token.kind == "word":
        return token.text.upper() not in _SQL_WORDS or token.text.upper() == "END"
    return token.kind in ("quoted", "text", "number") or token.says(")")


def _reserved(reading: _Reading, token: Token) -> str:
    """What to do about a word that SQL keeps for itself; nothing for any other."""
    if token.kind != "word" or token.text.upper() in _SQL_WORDS:
        return ""
    try:
        parse(reading.tables, f"SELECT 1 AS {token.text}")
    except Exception:  # noqa: BLE001 - it is what is asked
        return f"It is a reserved word: as a name, write `{token.text}` in backticks."
    return ""


def _column(reading: _Reading, match: re.Match[str], place: tuple[int, int]) -> Problem:
    name = match[1]
    words = tokens(reading.file.text)
    index = next((i for i, token in enumerate(words) if (token.line, token.column) >= place), 0)
    if _is_table(reading, name):
        return at(reading.file, *place, f"{name} is a table.", f"In a window it is TABLE {name}.")
    if any(token.says(*_WINDOWS) for token in words[max(0, index - 6) : index]) and words[index - 1].says(","):
        return at(reading.file, *place, f"{name} is not enough here.", f"Name the window's time by DESCRIPTOR({name}).")
    for value, following in pairwise(words[:index]):
        # `a b` where `a, b` was meant: b has become a's name.
        if value.name == name and following.kind in ("word", "quoted") and not following.says(*_SQL_WORDS):
            return at(
                reading.file,
                value.line,
                value.column,
                f"{name} is called {following.text} here.",
                "Is a comma missing?",
            )
    near = nearest(name.split(".")[-1], reading.columns() - {name})
    if re.fullmatch(r"[A-Z][a-z]+.*|.* .*", name):
        near = near or " Text is written in single quotes."
    return at(reading.file, *place, f"There is no column {name}.", near.strip())


_WINDOWS = ("TUMBLE", "HOP", "SESSION", "CUMULATE")


def _is_table(reading: _Reading, name: str) -> bool:
    words = tokens(reading.file.text)
    named = any(
        a.name == name and b.says("AS") and c.says("(") for a, b, c in zip(words, words[1:], words[2:], strict=False)
    )
    return named or name in reading.project.sources or name in reading.project.models


def _table(reading: _Reading, match: re.Match[str], place: tuple[int, int]) -> Problem:
    name = match[1]
    words = tokens(reading.file.text)
    aliases = {b.name for a, b in pairwise(words) if b.kind in ("word", "quoted") and a.says("AS")}
    aliases |= {*reading.project.sources, *reading.project.models} & {token.name for token in words}
    near = nearest(name, aliases - {name}) or f" Known here: {', '.join(sorted(aliases))}."
    return at(reading.file, *place, f"There is no table or alias {name}.", near.strip())


def _function(reading: _Reading, match: re.Match[str], place: tuple[int, int]) -> Problem:
    name = match[1]
    known = {str(each).lower() for each in reading.tables.list_functions()}
    if name.lower() in known:
        return at(
            reading.file,
            *place,
            f"{name} does not take these arguments: {match[2]}.",
            "See its types in sql/README.md.",
        )
    return at(reading.file, *place, f"There is no function {name}.", nearest(name, known).strip())


def _arguments(reading: _Reading, match: re.Match[str], place: tuple[int, int]) -> Problem:
    said = " ".join(match[0].split())
    expected = re.search(
        r"(?:Expected signatures are|Supported form\(s\)): ?(.+)", " ".join(reading.messages[-1].split())
    )
    fix = (
        f"It takes {expected[1].rstrip('.')}; convert with CAST(… AS …)." if expected else "Convert with CAST(… AS …)."
    )
    return at(reading.file, *place, said.split(". ")[0].split(". Supported")[0].rstrip(".") + ".", fix)


def _not_grouped(reading: _Reading, match: re.Match[str], place: tuple[int, int]) -> Problem:
    return at(
        reading.file,
        *place,
        f"{match[1]} is neither in GROUP BY nor in an aggregate.",
        "Add it to GROUP BY, or take MAX(…).",
    )


def _ambiguous(reading: _Reading, match: re.Match[str], place: tuple[int, int]) -> Problem:
    return at(reading.file, *place, f"{match[1]} is in more than one of the tables.", "Say which, by its alias.")


def _not_time(reading: _Reading, match: re.Match[str], place: tuple[int, int]) -> Problem:
    return at(
        reading.file,
        *reading.word("DESCRIPTOR", "MATCH_RECOGNIZE", "OVER", last=True),
        "A window needs an event time with a watermark, and this column has none.",
        "Use the event time of a source as it is (occurred_at): a CAST or a function takes its watermark away.",
    )


def _updates(reading: _Reading, match: re.Match[str], place: tuple[int, int]) -> Problem:
    node = match[1]
    words = {
        "GroupAggregate": ("GROUP", "DISTINCT"),
        "Join": ("JOIN",),
        "Rank": ("ROW_NUMBER",),
        "Deduplicate": ("ROW_NUMBER",),
        "OverAggregate": ("OVER",),
    }
    found = next((each for name, each in words.items() if name in node), ())
    return at(
        reading.file,
        *reading.word(*found, last=True),
        "The result changes rows that it has given, and what takes it only takes new ones.",
        f"Make the sink LIKE {UPSERT} with a primary key, or group by a window (window_start, window_end).",
    )


def _not_deterministic(reading: _Reading, match: re.Match[str], place: tuple[int, int]) -> Problem:
    function = match[1]
    return at(
        reading.file,
        *reading.word(function),
        f"{function} gives another value each time, so a row that changes could not be taken back.",
        "Use the event's own times and ids.",
    )


def _types_of_sink(reading: _Reading, match: re.Match[str], place: tuple[int, int]) -> Problem:
    cause = " ".join(match[1].split())
    column = re.search(r"sink column '(\w+)' at position (\d+)", cause)
    query = re.search(r"Query schema: \[(.*?)\]\s*Sink schema: \[(.*?)\]", " ".join(match.string.split()))
    if column is None:
        return at(reading.file, *place, f"The columns are not those of the sink: {cause}.")
    (node,) = parse(reading.tables, reading.file.text)
    select = _final_select(node)
    if select is not None and select.getSelectList().size() > int(column[2]):
        place = place_of(select.getSelectList().get(int(column[2])))[:2]
    types = ""
    if query:
        given = dict(re.findall(r"(\w+): ([\w<>(), ]+?)(?=, \w+: |$)", query[1]))
        taken = dict(re.findall(r"(\w+): ([\w<>(), ]+?)(?=, \w+: |$)", query[2]))
        types = f" It is {given.get(column[1], '?')}, and in the sink {taken.get(column[1], '?')}."
    return at(
        reading.file, *place, f"{column[1]} has another type than in its sink.{types}", "Convert with CAST(… AS …)."
    )


def _sorted(reading: _Reading, match: re.Match[str], place: tuple[int, int]) -> Problem:
    return at(
        reading.file,
        *reading.word("ORDER", last=True),
        "A stream cannot be put in order by this.",
        "Take ORDER BY out; the order of rows is the order in which they come.",
    )


def _open_quote(file: SqlFile) -> Problem | None:
    """Texts do not go over lines here, so a line with an odd number of quotes is the one."""
    for number, line in enumerate(file.text.splitlines(), 1):
        code = line.split("--")[0]
        if code.count("'") % 2:
            return at(file, number, code.rindex("'") + 1, "A text begins here and does not end.", "A ' is missing.")
    return None


def _lexical(reading: _Reading, match: re.Match[str], place: tuple[int, int]) -> Problem:
    open_quote = _open_quote(reading.file)
    if open_quote is not None:
        return open_quote
    said = re.search(r'Encountered: "?(.+?)"? \(', match[0])
    return at(reading.file, *place, f"{said[1] if said else 'This'} is no sign of SQL.")


def _window_length(reading: _Reading, match: re.Match[str], place: tuple[int, int]) -> Problem:
    return at(
        reading.file,
        *reading.word(*_WINDOWS),
        "The length of a window is no interval.",
        "Write INTERVAL '1' HOUR, the number in quotes.",
    )


def _plain(sentence: str, fix: str = "") -> Meaning:
    def meaning(reading: _Reading, match: re.Match[str], place: tuple[int, int]) -> Problem:
        return at(reading.file, *place, match.expand(sentence), fix)

    return meaning


_MEANINGS: list[tuple[str, Meaning]] = [
    (r"Lexical error at line.*", _lexical),
    (r'Encountered "([^"]*?)"? ?.*? at line (\d+), column (\d+)', _unexpected),
    (r"Incorrect syntax near the keyword '(\w+)' at line", _unexpected),
    (r"Only constant window (?:descriptors|intervals)", _window_length),
    (r"Unknown identifier '([^']+)'", _column),
    (r"Column '([^']+)' not found in (?:any table|table '[^']+')(?:; did you mean '[^']+'\?)?", _column),
    (r"Table '([^']+)' not found", _table),
    (r"Object '([^']+)' not found", _table),
    (r"No match found for function signature (\w+)\((.*?)\)$", _function),
    (r"Invalid function call:\s*(.+)", _arguments),
    (r"Cannot apply '.*?' to arguments of type '.*?'", _arguments),
    (r"Expression '(.+?)' is not being grouped", _not_grouped),
    (r"Column '?(\w+)'? is ambiguous", _ambiguous),
    (
        r"requires the timecol is a time attribute|time attribute|is not a time attribute|must be a time attribute",
        _not_time,
    ),
    (r"doesn't support consuming .*?changes which is produced by node (\w+)", _updates),
    (r"generated by non-deterministic function: (\w+)", _not_deterministic),
    (r"Column types of query result and sink for .*? do not match\.\s*Cause: (.+?)\s*Query schema", _types_of_sink),
    (r"Sort on a non-time-attribute field is not supported", _sorted),
    (r"Aggregate expressions cannot be nested", _plain("An aggregate stands inside another.", "Use a sub-query.")),
    (
        r"Aggregate expression is illegal in (\w+) clause",
        _plain(r"An aggregate cannot stand in \1.", "What groups must fulfil stands in HAVING."),
    ),
]
