"""`loyalty sql show`: what a model has written to its topic, read as it lies there.

No Flink is asked: a row that an older model has written under another key is a row to be looked at, and Flink would
stop at it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

from confluent_kafka import Consumer, Message, TopicPartition
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from jobs.runtime.kafka_clients import consumer, read_to_end, span_of
from ops.errors import Refusal
from ops.kafka.client import partitions_of
from ops.sql.fixtures import Row
from ops.sql.problems import nearest
from sql.project import Project, SqlFile
from sql.tokens import tokens

SHOWN = 20
REFRESH_S = 0.5
QUIET_S = 20.0
WIDEST = 100_000
OTHER_KEY = "(another key)"


def show(project: Project, name: str, bootstrap: str, console: Console, *, until_end: bool = False) -> None:
    """Shows what a model has written, refreshed as it changes; with `until_end`, once.

    Raises Refusal when there is no such model or topic, or Kafka does not answer.
    """
    if name not in project.sinks:
        raise Refusal(
            f"{name} is no model that is written.{nearest(name, project.written)} "
            f"There are {', '.join(project.written)}."
        )
    sink = project.sinks[name]
    topic = topic_of(sink)
    rows = Rows(columns_of(sink), key_of(sink))
    places = partitions_of(bootstrap, [topic])
    reader = consumer(bootstrap, "loyalty-sql-show")
    try:
        spans = {place: span_of(reader, place) for place in places}
        for message in read_to_end(
            reader, {place: span for place, span in spans.items() if span.start < span.end}, QUIET_S
        ):
            rows.take(message)
        if until_end:
            _print_whole(rows.as_table(), console)
            return
        with (
            suppress(KeyboardInterrupt),  # Ctrl-C ends it
            Live(console=console, refresh_per_second=1 / REFRESH_S, get_renderable=lambda: rows.as_table(SHOWN)),
        ):
            reader.assign([TopicPartition(*place, spans[place].end) for place in places])
            for message in _follow(reader):
                rows.take(message)
    finally:
        reader.close()


def _print_whole(table: Table, console: Console) -> None:
    """Nothing is cut where the output goes to a file or a program, which have no width."""
    if not console.is_terminal:
        needed = console.measure(table, options=console.options.update(max_width=WIDEST)).maximum
        console.width = max(console.width, needed)
    console.print(table)


def _follow(reader: Consumer) -> Iterator[Message]:
    while True:
        message = reader.poll(REFRESH_S)
        if message is not None and message.error() is None:
            yield message


class Rows:
    """The latest row of each key; of a table without a key, every row."""

    def __init__(self, columns: list[str], key: list[str]) -> None:
        self.columns = columns
        self._key = key
        self._rows: dict[bytes, Row] = {}

    def take(self, message: Message) -> None:
        """Takes a record: a row, or the end of one."""
        key = message.key() if self._key else f"{message.partition()}/{message.offset()}".encode()
        self._rows.pop(key or b"", None)
        value = message.value()
        if value is not None:
            self._rows[key or b""] = self._row(key or b"", value)

    def _row(self, key: bytes, value: bytes) -> Row:
        found = _json(value)
        row: Row = found if isinstance(found, dict) else {self.columns[0]: value.decode(errors="replace")}
        known = _json(key)
        if self._key and isinstance(known, dict) and set(known) != set(self._key):
            row[OTHER_KEY] = key.decode(errors="replace")
        return row

    def as_table(self, most: int | None = None) -> Table:
        """The latest `most` rows, all if it is None, in the order of their keys where all are shown."""
        rows = list(self._rows.values())
        rows = rows[-most:] if most is not None else [row for _, row in sorted(self._rows.items())]
        others = sorted({name for row in rows for name in row} - set(self.columns))
        table = Table()
        for name in [*self.columns, *others]:
            table.add_column(name, overflow="fold", no_wrap=name in self._key)
        for row in rows:
            table.add_row(*(_text(row.get(name)) for name in [*self.columns, *others]))
        return table


def _json(text: bytes) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _text(value: object) -> str:
    if value is None:
        return ""
    return escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def topic_of(sink: SqlFile) -> str:
    """The topic that a table of `sinks/` or `sources/` names. Raises Refusal when it names none."""
    found = re.search(r"'topic'\s*=\s*'([^']+)'", sink.text)
    if found is None:
        raise Refusal(f"{sink.path} names no topic.")
    return found[1]


def columns_of(sink: SqlFile) -> list[str]:
    """The columns that a table of `sinks/` has, in order."""
    found, depth = [], 0
    words = tokens(sink.text)
    for before, token in pairwise(words):
        depth += before.says("(") - before.says(")") + before.says("<") - before.says(">")
        if depth == 1 and before.says("(", ",") and token.kind in ("word", "quoted") and not token.says("PRIMARY"):
            found.append(token.name)
        if depth == 0 and found:
            break
    return found


def key_of(sink: SqlFile) -> list[str]:
    """The columns of a sink's primary key; none where it has none."""
    found = re.search(r"PRIMARY\s+KEY\s*\(([^)]*)\)", sink.text, re.IGNORECASE)
    return [name.strip().strip("`") for name in found[1].split(",")] if found else []
