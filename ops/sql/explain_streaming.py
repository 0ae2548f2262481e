"""What Flink's planner means: what a stream cannot do, and what a sink does not take."""

from __future__ import annotations

import re

from ops.sql.explain_names import WINDOWS
from ops.sql.failure import Failure
from ops.sql.problems import Problem, at
from ops.sql.statement import items_of_select
from sql.names import place_of
from sql.results import UPSERT


def not_time(failure: Failure, match: re.Match[str], place: tuple[int, int]) -> Problem:
    return at(
        failure.file,
        *failure.word("DESCRIPTOR", "MATCH_RECOGNIZE", "OVER", last=True),
        "A window needs an event time with a watermark, and this column has none.",
        "Use the event time of a source as it is (occurred_at): a CAST or a function takes its watermark away.",
    )


def changes_rows(failure: Failure, match: re.Match[str], place: tuple[int, int]) -> Problem:
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
        failure.file,
        *failure.word(*found, last=True),
        "The result changes rows that it has given, and what takes it only takes new ones.",
        f"Make the sink LIKE {UPSERT} with a primary key, or group by a window (window_start, window_end).",
    )


def not_deterministic(failure: Failure, match: re.Match[str], place: tuple[int, int]) -> Problem:
    function = match[1]
    return at(
        failure.file,
        *failure.word(function),
        f"{function} gives another value each time, so a row that changes could not be taken back.",
        "Use the event's own times and ids.",
    )


def not_in_order(failure: Failure, match: re.Match[str], place: tuple[int, int]) -> Problem:
    return at(
        failure.file,
        *failure.word("ORDER", last=True),
        "A stream cannot be put in order by this.",
        "Take ORDER BY out; the order of rows is the order in which they come.",
    )


def window_length(failure: Failure, match: re.Match[str], place: tuple[int, int]) -> Problem:
    return at(
        failure.file,
        *failure.word(*WINDOWS),
        "The length of a window is no interval.",
        "Write INTERVAL '1' HOUR, the number in quotes.",
    )


def other_types(failure: Failure, match: re.Match[str], place: tuple[int, int]) -> Problem:
    cause = " ".join(match[1].split())
    column = re.search(r"sink column '(\w+)' at position (\d+)", cause)
    query = re.search(r"Query schema: \[(.*?)\]\s*Sink schema: \[(.*?)\]", " ".join(match.string.split()))
    if column is None:
        return at(failure.file, *place, f"The columns are not those of the sink: {cause}.")
    items = items_of_select(failure.tables, failure.file)
    if items is not None and items.size() > int(column[2]):
        place = place_of(items.get(int(column[2])))[:2]
    types = ""
    if query:
        given = dict(re.findall(r"(\w+): ([\w<>(), ]+?)(?=, \w+: |$)", query[1]))
        taken = dict(re.findall(r"(\w+): ([\w<>(), ]+?)(?=, \w+: |$)", query[2]))
        types = f" It is {given.get(column[1], '?')}, and in the sink {taken.get(column[1], '?')}."
    return at(
        failure.file, *place, f"{column[1]} has another type than in its sink.{types}", "Convert with CAST(… AS …)."
    )
