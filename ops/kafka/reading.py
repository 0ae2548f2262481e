"""Reading topics: from their beginning to their end, or as records come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from uuid import uuid4

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from loyalty.records import Record
from ops.errors import Refusal
from ops.kafka.client import metadata, open_admin

POLL_S = 0.2
QUIET_POLLS = 75
LEADER_WITHIN_S = 10.0


def consumer(bootstrap: str) -> Consumer:
    """A consumer that belongs to no group that anybody else is in, commits nothing and sees committed records only."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"loyalty-reader-{uuid4()}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )


def partitions_of(bootstrap: str, topics: Sequence[str]) -> list[TopicPartition]:
    """Every partition of `topics`. Raises Refusal where a topic does not exist or nobody answers."""
    known = metadata(open_admin(bootstrap), bootstrap).topics
    missing = [topic for topic in topics if topic not in known]
    if missing:
        raise Refusal(f"There is no topic {missing[0]} at {bootstrap}; `loyalty topics apply` creates the topics.")
    return [TopicPartition(topic, partition) for topic in topics for partition in sorted(known[topic].partitions)]


def to_record(message: Message) -> Record:
    """A Kafka message as the domain sees it."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    return Record(topic, partition, offset, message.timestamp()[1], _bytes(message.key()), _bytes(message.value()))


def _bytes(raw: str | bytes | None) -> bytes | None:
    return raw.encode() if isinstance(raw, str) else raw


def ends_of(reader: Consumer, place: TopicPartition) -> tuple[int, int]:
    """The first offset of a partition and the one behind its last. Raises Refusal.

    A broker that has just started, or a topic that has just been made, has no leader for a moment.
    """
    deadline = time.monotonic() + LEADER_WITHIN_S
    while True:
        try:
            ends: tuple[int, int] = reader.get_watermark_offsets(place, timeout=10)
        except KafkaException as problem:
            if time.monotonic() > deadline:
                raise Refusal(
                    f"The end of {place.topic}, partition {place.partition}, could not be read: {problem.args[0].str()}"
                ) from problem
            time.sleep(0.1)
        else:
            return ends


def read_all(bootstrap: str, *topics: str) -> Iterator[Record]:
    """Every record that `topics` hold now, each partition in its order, interleaved as the broker serves them.

    Raises Refusal when the broker stops answering.
    """
    places = partitions_of(bootstrap, topics)
    reader = consumer(bootstrap)
    try:
        for place in places:
            place.offset, _ = ends_of(reader, place)
        reader.assign(places)
        # A partition that is still written to comes to its end more than once.
        unread = {(place.topic, place.partition) for place in places}
        quiet = 0
        while unread:
            messages = reader.consume(1_000, POLL_S)
            quiet = 0 if messages else quiet + 1
            if quiet > QUIET_POLLS:
                raise Refusal(f"The broker at {bootstrap} stopped serving records.")
            for message in messages:
                error = message.error()
                if error is None:
                    yield to_record(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    unread.discard((message.topic(), message.partition()))
                else:
                    raise Refusal(f"Reading from {bootstrap} failed: {error.str()}")
    finally:
        reader.close()


def follow(bootstrap: str, topic: str, *, from_beginning: bool, going_on: Callable[[], bool]) -> Iterator[Record]:
    """Records of `topic` as they come, for as long as `going_on` says so."""
    places = partitions_of(bootstrap, [topic])
    reader = consumer(bootstrap)
    try:
        for place in places:
            low, high = ends_of(reader, place)
            place.offset = low if from_beginning else high
        reader.assign(places)
        while going_on():
            for message in reader.consume(500, POLL_S):
                error = message.error()
                if error is None:
                    yield to_record(message)
                elif error.code() != KafkaError._PARTITION_EOF:
                    raise Refusal(f"Reading from {bootstrap} failed: {error.str()}")
    finally:
        reader.close()
