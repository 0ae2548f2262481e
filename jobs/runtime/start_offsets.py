"""What the input topics hold at the moment a job starts: for each partition, the last record that can be read.

The end offset of a partition is no good for this. The records in front of it may never reach a consumer: they were
compacted away, belong to an aborted transaction, or are the marker that ends one. So the last record is looked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, Message

from jobs.runtime.kafka_clients import (
    ANSWER_WITHIN_S,
    NotThere,
    Place,
    Span,
    consumer,
    partitions_of,
    read_to_end,
    span_of,
)
from jobs.topics import DECISIONS

ANSWER_A_JOB_WITHIN_S = 60.0
"""A person wants to know soon. A job that runs would fail and begin again, and a broker that is slow at the moment gets
no faster by that."""
READ_WITHIN_S = 60.0
FIRST_STEP = 4


Offsets = dict[str, dict[int, int]]
"""By topic and partition: an offset."""

Taken = Callable[[str, int], int]
"""The offset of the last record of a topic and partition that has been taken; -1 where none has."""


def last_readable(
    bootstrap: str, topics: Iterable[str], *, committed_only: bool = True, within_s: float = ANSWER_WITHIN_S
) -> Offsets:
    """By topic and partition: the offset of the last record that a consumer can read now.

    `committed_only` is for consumers that see no record of an open or aborted transaction. Partitions without a record
    are left out. Raises NotThere, for want of an answer after `within_s` seconds.
    """
    topics = tuple(topics)
    any_record = _Sought(lambda value: True, lambda topic, partition: -1, committed_only, within_s)
    found = _last(bootstrap, topics, any_record)
    return {topic: found.get(topic, {}) for topic in topics}


def last_made_offers(bootstrap: str, taken: Taken) -> Offsets:
    """For a job that runs, of each partition of the decisions: the offset of the last offer that was made and can be
    read now.

    Nothing that has been taken before is looked at; a partition without such an offer beyond that is left out. Raises
    NotThere.
    """
    return _last(bootstrap, (DECISIONS,), _Sought(may_be_made_offer, taken, True, ANSWER_A_JOB_WITHIN_S))


def may_be_made_offer(value: bytes | None) -> bool:
    """Whether this may be an offer that was made, as `jobs.runtime.tables.NO_DECISIONS_BUT_OFFERS` tells."""
    return value is not None and b"offer.decided" in value and b'"made"' in value


class _Sought(NamedTuple):
    """Which records are looked for, and how long."""

    wanted: Callable[[bytes | None], bool]
    """Whether it is one, by its value."""
    taken: Taken
    """Nothing up to here is looked at."""
    committed_only: bool
    within_s: float


def _last(bootstrap: str, topics: tuple[str, ...], sought: _Sought) -> Offsets:
    places = partitions_of(bootstrap, topics, sought.within_s)
    reader = consumer(
        bootstrap, "loyalty-start-offsets", committed_only=sought.committed_only, settings={"fetch.wait.max.ms": 50}
    )
    try:
        found = _search_again_and_again(reader, places, sought)
    except KafkaException as problem:
        raise NotThere(f"Reading from {bootstrap} failed: {problem.args[0].str()}.") from problem
    finally:
        reader.close()
    last: Offsets = {}
    for (topic, partition), offset in found.items():
        last.setdefault(topic, {})[partition] = offset
    return last


def _search_again_and_again(reader: Consumer, places: list[Place], sought: _Sought) -> dict[Place, int]:
    """A topic that was made a moment ago has no leader yet, and one that moves has none for a moment."""
    deadline = time.monotonic() + sought.within_s
    while True:
        try:
            return _search(reader, places, sought)
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _search(reader: Consumer, places: list[Place], sought: _Sought) -> dict[Place, int]:
    """Reads the end of every partition; where it has no such record, a piece in front of it twice as long, and so
    on."""
    held: dict[Place, Span] = {}
    for place in places:
        low, high = span_of(reader, place, within_s=0.0)
        low = max(low, sought.taken(*place) + 1)
        if high > low:
            held[place] = Span(low, high)
    found: dict[Place, int] = {}
    unread = dict(held)
    step = FIRST_STEP
    while unread:
        pieces = {place: Span(max(held[place].start, end - step), end) for place, (_, end) in unread.items()}
        last = _last_of(_read(reader, pieces), sought.wanted)
        for place, piece in pieces.items():
            if place in last:
                found[place] = last[place]
            if place in last or piece.start == held[place].start:
                del unread[place]
        step *= 4
    return found


def _read(reader: Consumer, pieces: dict[Place, Span]) -> Iterator[Message]:
    try:
        yield from read_to_end(reader, pieces, READ_WITHIN_S)
    except TimeoutError as problem:
        raise NotThere(f"The end of {min(pieces)[0]} could not be read: {problem}.") from problem


def _last_of(messages: Iterable[Message], wanted: Callable[[bytes | None], bool]) -> dict[Place, int]:
    """The offset of the last such record of each partition, where there is one."""
    last: dict[Place, int] = {}
    for message in messages:
        value = message.value()
        if wanted(value.encode() if isinstance(value, str) else value):
            topic, partition, offset = message.topic(), message.partition(), message.offset()
            assert topic is not None
            assert partition is not None
            assert offset is not None
            last[topic, partition] = offset
    return last
