"""What the input topics hold at the moment a job starts: for each partition, the last record that can be read.

The end offset of a partition is no good for this. The records in front of it may never reach a consumer: they were
compacted away, belong to an aborted transaction, or are the marker that ends one. So the last record is looked for.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

ANSWER_WITHIN_S = 6.0
READ_WITHIN_S = 60.0
FIRST_STEP = 4


class NotThere(Exception):
    """A broker that does not answer or a topic that does not exist, in one sentence."""


def last_readable(bootstrap: str, topics: Iterable[str]) -> dict[str, dict[int, int]]:
    """By topic and partition: the offset of the last record that a consumer of committed records can read now.

    Partitions without one are left out. Raises NotThere.
    """
    places = partitions_of(bootstrap, topics)
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "loyalty-held-at-start",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,
            "log_level": 0,
        }
    )
    try:
        found = _search_again_and_again(consumer, places)
    except KafkaException as problem:
        raise NotThere(f"Reading from {bootstrap} failed: {problem.args[0].str()}.") from problem
    finally:
        consumer.close()
    last: dict[str, dict[int, int]] = {topic: {} for topic in topics}
    for (topic, partition), offset in found.items():
        last[topic][partition] = offset
    return last


def cluster_id(bootstrap: str) -> str:
    """The id that the Kafka cluster has given itself. Raises NotThere."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        found: str = admin.describe_cluster(request_timeout=ANSWER_WITHIN_S).result().cluster_id
    except KafkaException as problem:
        raise NotThere(f"No Kafka broker answered at {bootstrap} within {ANSWER_WITHIN_S:.0f} s.") from problem
    return found


def partitions_of(bootstrap: str, topics: Iterable[str]) -> list[tuple[str, int]]:
    """Every partition of `topics`. Raises NotThere."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        known = admin.list_topics(timeout=ANSWER_WITHIN_S).topics
    except KafkaException as problem:
        raise NotThere(f"No Kafka broker answered at {bootstrap} within {ANSWER_WITHIN_S:.0f} s.") from problem
    missing = [topic for topic in topics if topic not in known]
    if missing:
        raise NotThere(
            f"{bootstrap} has no topic {', '.join(missing)}; `loyalty topics apply --bootstrap {bootstrap}` makes them."
        )
    return [(topic, partition) for topic in topics for partition in known[topic].partitions]


def _search_again_and_again(consumer: Consumer, places: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """A topic that was made a moment ago has no leader yet, and one that moves has none for a moment."""
    deadline = time.monotonic() + ANSWER_WITHIN_S
    while True:
        try:
            return _search(consumer, places)
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _search(consumer: Consumer, places: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Reads the end of every partition; where it has no record, a piece in front of it twice as long, and so on."""
    first: dict[tuple[str, int], int] = {}
    found: dict[tuple[str, int], int] = {}
    unread: dict[tuple[str, int], int] = {}
    for place in places:
        low, high = consumer.get_watermark_offsets(TopicPartition(*place), timeout=ANSWER_WITHIN_S)
        if high > low:
            first[place], unread[place] = low, high
    step = FIRST_STEP
    while unread:
        starts = {place: max(first[place], end - step) for place, end in unread.items()}
        last = _read(consumer, starts)
        for place, start in starts.items():
            if place in last:
                found[place] = last[place]
            if place in last or start == first[place]:
                del unread[place]
        step *= 4
    return found


def _read(consumer: Consumer, starts: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
    """The last record of each partition from `starts` to its present end, where there is one."""
    consumer.assign([TopicPartition(topic, partition, offset) for (topic, partition), offset in starts.items()])
    last: dict[tuple[str, int], int] = {}
    open_ends = set(starts)
    deadline = time.monotonic() + READ_WITHIN_S
    while open_ends:
        if time.monotonic() > deadline:
            raise NotThere(f"The end of {min(open_ends)[0]} could not be read within {READ_WITHIN_S:.0f} s.")
        for message in consumer.consume(1_000, timeout=0.2):
            topic, partition, offset = message.topic(), message.partition(), message.offset()
            assert topic is not None
            assert partition is not None
            error = message.error()
            if error is None:
                assert offset is not None
                last[topic, partition] = offset
            elif error.code() == KafkaError._PARTITION_EOF:
                open_ends.discard((topic, partition))
            else:
                raise KafkaException(error)
    return last
