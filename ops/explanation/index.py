"""The index of decisions: a SQLite file that is brought up to date from Kafka, and asked instead of it.

SQLite is in Python's standard library, and its one writer and many readers are what a command needs. A question
touches a few rows by a key, for which rows in a B-tree are right; DuckDB, whose columns are for scans, would be one
more dependency for nothing here.

The index says by partition how far it has read, in the transaction that holds the rows, so that whatever stops it, it
goes on where it stopped. Of a decision that is on the topic twice the first one counts.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from jobs.runtime.kafka_clients import Place, Span
from loyalty.records import Record
from loyalty.wire.decisions import TOPIC, Plain
from loyalty.wire.json import from_json
from loyalty.wire.program import TOPIC as PROGRAM
from ops.errors import Refusal
from ops.kafka.client import cluster_id, partitions_of
from ops.kafka.reading import read_spans, reading, spans_of

VERSION = 1
"""Of the tables; a file of another is made anew."""
BATCH = 20_000
_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE progress (topic TEXT, partition INTEGER, next INTEGER NOT NULL, PRIMARY KEY (topic, partition));
CREATE TABLE documents (key TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE decisions (
    stream TEXT NOT NULL, owner TEXT NOT NULL, sequence INTEGER NOT NULL,
    account_id TEXT NOT NULL, decision_id TEXT NOT NULL,
    order_id TEXT, redemption_id TEXT, partition INTEGER NOT NULL, offset INTEGER NOT NULL, value BLOB NOT NULL
);
CREATE UNIQUE INDEX by_sequence ON decisions (stream, owner, sequence);
CREATE INDEX by_id ON decisions (decision_id);
CREATE INDEX by_order ON decisions (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX by_redemption ON decisions (redemption_id) WHERE redemption_id IS NOT NULL;
CREATE INDEX by_account ON decisions (account_id, stream);
"""
_ADD = "INSERT OR IGNORE INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class _Indexed(msgspec.Struct):
    """What of a decision is looked up by; the rest is not parsed."""

    decision_id: str
    stream: str
    sequence: int
    account_id: str
    member_id: str | None
    subject: dict[str, str]


_indexed = msgspec.json.Decoder(_Indexed).decode


class Found(NamedTuple):
    """A decision, and where it is on its topic."""

    decision: Plain
    partition: int
    offset: int


class Age(NamedTuple):
    """How old the index is."""

    decisions: int
    read_s_ago: float
    """Since it was last brought up to date."""
    unreadable: int


class Index:
    """Decisions by id, account, order and redemption, and the programme."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._open()

    def close(self) -> None:
        self._db.close()

    def _open(self) -> None:
        self._path.touch(mode=0o600)  # decisions are confidential; SQLite's other files are made like this one
        try:
            self._db = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            # A lost write is read from Kafka again, so nothing needs to wait for the disk.
            self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -64000;")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self._db.executescript(f"{_TABLES} PRAGMA user_version = {VERSION};")
        except sqlite3.DatabaseError as problem:
            raise Refusal(f"{self._path} cannot be used as an index: {problem}.") from problem
        if version not in (0, VERSION):
            self._make_anew()

    def _make_anew(self) -> None:
        self._db.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        self._open()

    # -- bringing up to date

    def update(self, bootstrap: str, say: Callable[[str], None]) -> None:
        """Reads what the topics hold beyond what has been read. Raises Refusal."""
        cluster = cluster_id(bootstrap)
        spans = _spans(bootstrap)
        progress = self._progress()
        grown = all(spans.get(place, Span(0, 0)).end >= read for place, read in progress.items())
        if self._about("cluster") not in (None, cluster) or not grown:
            say("The index is of other topics than these, and is made anew.")
            self._make_anew()
            progress = {}
        unread = {
            place: Span(max(span.start, progress.get(place, 0)), span.end)
            for place, span in spans.items()
            if span.end > max(span.start, progress.get(place, 0))
        }
        behind = sum(span.end - span.start for (topic, _), span in unread.items() if topic == TOPIC)
        if behind > BATCH:
            say(f"Reading {behind:,} decisions that the index does not have yet.")
        records = read_spans(bootstrap, unread) if unread else iter(())
        while batch := list(islice(records, BATCH)):
            self._add(batch)
        with self._transaction():
            for (topic, partition), span in unread.items():  # what was compacted away is not there to be read
                self._read_up_to(topic, partition, span.end)
            self._say("cluster", cluster)
            self._say("read_at", str(time.time()))

    def _add(self, records: list[Record]) -> None:
        with self._transaction():
            decisions = [record for record in records if record.topic == TOPIC]
            rows = [row for record in decisions if (row := _row(record)) is not None]
            self._db.executemany(_ADD, rows)
            if len(rows) < len(decisions):
                unreadable = int(self._about("unreadable") or 0) + len(decisions) - len(rows)
                self._say("unreadable", str(unreadable))
            self._db.executemany(
                "INSERT OR REPLACE INTO documents VALUES (?, ?)",
                [
                    ((one.key or b"").decode("utf-8", "replace"), one.value)
                    for one in records
                    if one.topic == PROGRAM and one.value is not None
                ],
            )
            for place, read in {(one.topic, one.partition): one.offset + 1 for one in records}.items():
                self._read_up_to(*place, read)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing; another command that writes waits."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _read_up_to(self, topic: str, partition: int, offset: int) -> None:
        self._db.execute(
            "INSERT INTO progress VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET next = max(next, excluded.next)",
            (topic, partition, offset),
        )

    def _progress(self) -> dict[Place, int]:
        return {(topic, partition): read for topic, partition, read in self._db.execute("SELECT * FROM progress")}

    def _about(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def _say(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    # -- asking

    def age(self) -> Age | None:
        """None where it has never been brought up to date."""
        read_at = self._about("read_at")
        if read_at is None:
            return None
        count = self._db.execute("SELECT max(rowid) FROM decisions").fetchone()[0]
        return Age(count or 0, max(0.0, time.time() - float(read_at)), int(self._about("unreadable") or 0))

    def documents(self) -> list[bytes]:
        """Of the programme, every version."""
        return [value for (value,) in self._db.execute("SELECT value FROM documents")]

    def by_id(self, decision_id: str) -> list[Found]:
        return self._find("decision_id = ?", decision_id)

    def by_order(self, order_id: str) -> list[Found]:
        return self._find("order_id = ?", order_id)

    def by_redemption(self, redemption_id: str) -> list[Found]:
        return self._find("redemption_id = ?", redemption_id)

    def ledger(self, account_id: str) -> list[Found]:
        """All decisions of an account's ledger, in their order."""
        return self._find("stream = 'ledger' AND owner = ?", account_id)

    def offers(self, account_id: str) -> list[Found]:
        """All that was decided about offers to the members of an account."""
        return self._find("account_id = ? AND stream = 'offers'", account_id)

    def _find(self, where: str, value: str) -> list[Found]:
        # Sorted here: asked for in this order, SQLite would walk the index of it instead of the one that finds.
        rows = self._db.execute(
            f"SELECT value, partition, offset, stream, owner, sequence FROM decisions WHERE {where}", (value,)
        )
        return [
            Found(from_json(zlib.decompress(raw)), partition, offset)
            for raw, partition, offset, *_ in sorted(rows, key=lambda row: row[3:])
        ]


def _spans(bootstrap: str) -> dict[Place, Span]:
    places = partitions_of(bootstrap, (TOPIC, PROGRAM))
    with reading(bootstrap) as reader:
        return spans_of(reader, places)


def _row(record: Record) -> tuple[str | int | bytes | None, ...] | None:
    """None where it is not a decision that can be looked up."""
    value = record.value or b""
    try:
        one = _indexed(value)
    except msgspec.DecodeError:
        return None
    owner = one.account_id if one.stream == "ledger" else one.member_id
    if owner is None:
        return None
    order_id, redemption_id = one.subject.get("order_id"), one.subject.get("redemption_id")
    where = (record.partition, record.offset)
    keys = (one.stream, owner, one.sequence, one.account_id, one.decision_id, order_id, redemption_id)
    return (*keys, *where, zlib.compress(value, 1))


@contextmanager
def opened(path: Path) -> Iterator[Index]:
    """The index at `path`, closed behind."""
    index = Index(path)
    try:
        yield index
    finally:
        index.close()
