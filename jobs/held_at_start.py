"""What the input topics hold at the moment a job starts: for each partition, the last record that can be read.

The end offset of a partition is no good for this. The records in front of it may never reach a consumer: they were
compacted away, belong to an aborted transaction, or are the marker that ends one. So the last record is looked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from jobs.topics import DECISIONS

ANSWER_WITHIN_S = 6.0
ANSWER_A_JOB_WITHIN_S = 60.0
"""A person wants to know soon. A job that runs would fail and begin again, and a broker that is slow at the moment gets
no faster by that."""
READ_WITHIN_S = 60.0
FIRST_STEP = 4


class NotThere(Exception):
    """A broker that does not answer or a topic that does not exist, in one sentence."""


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
    found = _last(bootstrap, topics, lambda topic, partition: -1, lambda value: True, committed_only, within_s)
    return {topic: found.get(topic, {}) for topic in topics}


def last_made_offers(bootstrap: str, taken: Taken) -> Offsets:
    """For a job that runs, of each partition of the decisions: the offset of the last offer that was made and can be
    read now.

    Nothing that has been taken before is looked at; a partition without such an offer beyond that is left out. Raises
    NotThere.
    """
    return _last(bootstrap, (DECISIONS,), taken, is_made_offer, True, ANSWER_A_JOB_WITHIN_S)


def is_made_offer(value: bytes | None) -> bool:
    """Whether this may be an offer that was made, by the same looks as `jobs.tables.NO_DECISIONS_BUT_OFFERS`."""
    return value is not None and b"offer.decided" in value and b'"made"' in value


def _last(
    bootstrap: str,
    topics: tuple[str, ...],
    taken: Taken,
    wanted: Callable[[bytes | None], bool],
    committed_only: bool,
    within_s: float,
) -> Offsets:
    places = partitions_of(bootstrap, topics, within_s)
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "loyalty-held-at-start",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed" if committed_only else "read_uncommitted",
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,
            "log_level": 0,
        }
    )
    try:
        found = _search_again_and_again(consumer, places, taken, wanted, within_s)
    except KafkaException as problem:
        raise NotThere(f"Reading from {bootstrap} failed: {problem.args[0].str()}.") from problem
    finally:
        consumer.close()
    last: Offsets = {}
    for (topic, partition), offset in found.items():
        last.setdefault(topic, {})[partition] = offset
    return last


def cluster_id(bootstrap: str) -> str:
    """The id that the Kafka cluster has given itself. Raises NotThere."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        found: str = admin.describe_cluster(request_timeout=ANSWER_WITHIN_S).result().cluster_id
    except KafkaException as problem:
        raise NotThere(f"No Kafka broker answered at {bootstrap} within {ANSWER_WITHIN_S:.0f} s.") from problem
    return found


def partitions_of(bootstrap: str, topics: Iterable[str], within_s: float = ANSWER_WITHIN_S) -> list[tuple[str, int]]:
    """Every partition of `topics`. Raises NotThere."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        known = admin.list_topics(timeout=within_s).topics
    except KafkaException as problem:
        raise NotThere(f"No Kafka broker answered at {bootstrap} within {within_s:.0f} s.") from problem
    missing = [topic for topic in topics if topic not in known]
    if missing:
        raise NotThere(
            f"{bootstrap} has no topic {', '.join(missing)}; `loyalty topics apply --bootstrap {bootstrap}` makes them."
        )
    return [(topic, partition) for topic in topics for partition in known[topic].partitions]


_Place = tuple[str, int]


def _search_again_and_again(
    consumer: Consumer,
    places: list[_Place],
    taken: Taken,
    wanted: Callable[[bytes | None], bool],
    within_s: float,
) -> dict[_Place, int]:
    """A topic that was made a moment ago has no leader yet, and one that moves has none for a moment."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return _search(consumer, places, taken, wanted)
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _search(
    consumer: Consumer,
    places: list[_Place],
    taken: Taken,
    wanted: Callable[[bytes | None], bool],
) -> dict[_Place, int]:
    """Reads the end of every partition; where it has no such record, a piece in front of it twice as long, and so
    on."""
    first: dict[_Place, int] = {}
    found: dict[_Place, int] = {}
    unread: dict[_Place, int] = {}
    for place in places:
        low, high = consumer.get_watermark_offsets(TopicPartition(*place), timeout=ANSWER_WITHIN_S)
        low = max(low, taken(*place) + 1)
        if high > low:
            first[place], unread[place] = low, high
    step = FIRST_STEP
    while unread:
        starts = {place: max(first[place], end - step) for place, end in unread.items()}
        last = _read(consumer, starts, wanted)
        for place, start in starts.items():
            if place in last:
                found[place] = last[place]
            if place in last or start == first[place]:
                del unread[place]
        step *= 4
    return found


def _read(consumer: Consumer, starts: dict[_Place, int], wanted: Callable[[bytes | None], bool]) -> dict[_Place, int]:
    """The last such record of each partition from `starts` to its present end, where there is one."""
    consumer.assign([TopicPartition(topic, partition, offset) for (topic, partition), offset in starts.items()])
    last: dict[_Place, int] = {}
    open_ends = set(starts)
    deadline = time.monotonic() + READ_WITHIN_S
    while open_ends:
        if time.monotonic() > deadline:
            raise NotThere(f"The end of {min(open_ends)[0]} could not be read: nothing came for {READ_WITHIN_S:.0f} s.")
        for message in consumer.consume(1_000, timeout=0.2):
            topic, partition, offset = message.topic(), message.partition(), message.offset()
            assert topic is not None
            assert partition is not None
            error = message.error()
            if error is None:
                assert offset is not None
                deadline = time.monotonic() + READ_WITHIN_S
                value = message.value()
                if wanted(value.encode() if isinstance(value, str) else value):
                    last[topic, partition] = offset
            elif error.code() == KafkaError._PARTITION_EOF:
                open_ends.discard((topic, partition))
            else:
                raise KafkaException(error)
    return last
