"""How a Kafka cluster is reached: every client of it is made here, and a topic is read to its end here.

What all clients have in common, such as how a cluster is to be reached securely, has its one place in `_reached_at`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ClusterMetadata

ANSWER_WITHIN_S = 6.0
LEADER_WITHIN_S = 10.0
POLL_S = 0.2

Place = tuple[str, int]
"""A topic and a partition of it."""


class NotThere(Exception):
    """A broker that does not answer or a topic that does not exist, in one sentence."""


class Span(NamedTuple):
    """A piece of a partition: the offset of its first record and the one behind its last."""

    start: int
    end: int


def admin_client(bootstrap: str) -> AdminClient:
    """A client that asks the cluster at `bootstrap` (`host:port[,host:port…]`) and changes it."""
    return AdminClient({**_reached_at(bootstrap), "socket.timeout.ms": 10_000})


def consumer(
    bootstrap: str, group: str, *, committed_only: bool = True, settings: Mapping[str, str | int | bool] | None = None
) -> Consumer:
    """A consumer that commits nothing, begins at the beginning and is told of the end of a partition.

    Args:
        bootstrap: where the cluster is, `host:port[,host:port…]`.
        group: the name under which it is known there.
        committed_only: it sees no record of a transaction that is open or was aborted.
        settings: more settings of librdkafka's, by their names.
    """
    return Consumer(
        {
            **_reached_at(bootstrap),
            "group.id": group,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed" if committed_only else "read_uncommitted",
            **(settings or {}),
        }
    )


def producer(bootstrap: str, settings: Mapping[str, str | int | bool]) -> Producer:
    """A producer with these settings of librdkafka's."""
    return Producer({**_reached_at(bootstrap), **settings})


def _reached_at(bootstrap: str) -> dict[str, str | int | bool]:
    # librdkafka prints every failed attempt; the one sentence of who asked is what a person needs.
    return {"bootstrap.servers": bootstrap, "log_level": 0}


def metadata(admin: AdminClient, bootstrap: str, within_s: float = ANSWER_WITHIN_S) -> ClusterMetadata:
    """The brokers and topics as the cluster at `bootstrap` describes them now.

    Raises NotThere: nobody answered within `within_s` seconds.
    """
    try:
        return admin.list_topics(timeout=within_s)
    except KafkaException as problem:
        raise _nobody_answers(bootstrap, within_s) from problem


def cluster_id(bootstrap: str) -> str:
    """The id that the Kafka cluster has given itself. Raises NotThere."""
    admin = admin_client(bootstrap)
    try:
        found: str = admin.describe_cluster(request_timeout=ANSWER_WITHIN_S).result().cluster_id
    except KafkaException as problem:
        raise _nobody_answers(bootstrap, ANSWER_WITHIN_S) from problem
    return found


def _nobody_answers(bootstrap: str, within_s: float) -> NotThere:
    return NotThere(f"No Kafka broker answered at {bootstrap} within {within_s:.0f} s.")


def partitions_of(bootstrap: str, topics: Iterable[str], within_s: float = ANSWER_WITHIN_S) -> list[Place]:
    """Every partition of `topics`. Raises NotThere, for want of an answer after `within_s` seconds."""
    topics = tuple(topics)
    known = metadata(admin_client(bootstrap), bootstrap, within_s).topics
    missing = [topic for topic in topics if topic not in known]
    if missing:
        raise NotThere(
            f"{bootstrap} has no topic {', '.join(missing)}; `loyalty topics apply --bootstrap {bootstrap}` makes them."
        )
    return [(topic, partition) for topic in topics for partition in sorted(known[topic].partitions)]


def span_of(reader: Consumer, place: Place, within_s: float = LEADER_WITHIN_S) -> Span:
    """What a partition holds now. Raises KafkaException.

    A broker that has just started, or a topic that has just been made, has no leader for a moment.
    """
    deadline = time.monotonic() + within_s
    while True:
        try:
            return Span(*reader.get_watermark_offsets(TopicPartition(*place), timeout=ANSWER_WITHIN_S))
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def read_to_end(reader: Consumer, spans: Mapping[Place, Span], quiet_s: float) -> Iterator[Message]:
    """Every record of these pieces, each partition in its order, interleaved as the broker serves them; and some that
    have come since, where traffic goes on.

    A piece ends where the broker says that there is no more for now. The last records before that may never reach a
    consumer: they were compacted away, are of an aborted transaction, or are the marker that ends one.

    Raises:
        KafkaException: the broker refused.
        TimeoutError: nothing came for `quiet_s` seconds.
    """
    unread = set(spans)
    reader.assign([TopicPartition(*place, span.start) for place, span in spans.items()])
    deadline = time.monotonic() + quiet_s
    while unread:
        messages = reader.consume(10_000, POLL_S)
        if messages:
            deadline = time.monotonic() + quiet_s
        elif time.monotonic() > deadline:
            raise TimeoutError(f"nothing came for {quiet_s:.0f} s")
        for message in messages:
            place, error = _place(message), message.error()
            if error is None:
                yield message
                # Where records keep coming, librdkafka may say nothing of an end for as long as they do.
                if _offset(message) >= spans[place].end:
                    unread.discard(place)
            elif error.code() == KafkaError._PARTITION_EOF:
                unread.discard(place)
            else:
                raise KafkaException(error)


def _place(message: Message) -> Place:
    topic, partition = message.topic(), message.partition()
    assert topic is not None
    assert partition is not None
    return topic, partition


def _offset(message: Message) -> int:
    offset = message.offset()
    assert offset is not None
    return offset
