"""Putting records into topics and reading them back, as any client of the broker would."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message
from confluent_kafka.admin import NewTopic

from jobs.runtime import kafka_clients

WITHIN_S = 30.0


class Kept(NamedTuple):
    """A record as the broker keeps it; `timestamp_ms` by the topic's own rule, producer's clock or broker's."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


def send(
    bootstrap: str,
    topic: str,
    records: Iterable[tuple[bytes | None, bytes | None]],
    partition: int | None = None,
) -> None:
    """Sends (key, value) pairs in order and returns when the broker has every one.

    Without `partition` the key decides. Raises KafkaException if the broker refuses one.
    """
    producer = kafka_clients.producer(
        bootstrap,
        {
            "enable.idempotence": True,
            "linger.ms": 5,
            "message.max.bytes": 16 * 1024 * 1024,
            "topic.metadata.propagation.max.ms": 2_000,  # how long a topic may be unknown before that is an error
        },
    )
    refused: list[KafkaError] = []

    def note(error: KafkaError | None, _message: object) -> None:
        if error is not None:
            refused.append(error)

    for key, value in records:
        while True:
            try:
                if partition is None:
                    producer.produce(topic, value=value, key=key, on_delivery=note)
                else:
                    producer.produce(topic, value=value, key=key, partition=partition, on_delivery=note)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    left = producer.flush(WITHIN_S)
    if refused:
        raise KafkaException(refused[0])
    assert left == 0, f"{left} records were not acknowledged within {WITHIN_S:.0f} s"


def read_all(bootstrap: str, topic: str, committed_only: bool = True) -> list[Kept]:
    """Every record that the topic holds now, partition by partition in order of offset; traffic may go on."""
    settings = {"fetch.message.max.bytes": 16 * 1024 * 1024, "fetch.wait.max.ms": 100}
    reader = kafka_clients.consumer(bootstrap, "tests", committed_only=committed_only, settings=settings)
    try:
        places = kafka_clients.partitions_of(bootstrap, [topic], WITHIN_S)
        spans = {place: kafka_clients.span_of(reader, place) for place in places}
        found = [_kept(message) for message in kafka_clients.read_to_end(reader, spans, WITHIN_S)]
    finally:
        reader.close()
    return sorted(found, key=lambda record: (record.partition, record.offset))


def create_topic(bootstrap: str, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
    """Makes a topic and gives its name back when it can be written to."""
    admin = kafka_clients.admin_client(bootstrap)
    topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=dict(config or {}))
    admin.create_topics([topic])[name].result(timeout=WITHIN_S)
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        known = admin.list_topics(timeout=WITHIN_S).topics.get(name)
        if known and len(known.partitions) == partitions and all(p.leader >= 0 for p in known.partitions.values()):
            return name
        time.sleep(0.02)
    raise AssertionError(f"{name} has no leader after {WITHIN_S:.0f} s")


def delete_topics(bootstrap: str, names: Sequence[str]) -> None:
    """Deletes those of the topics that exist, and returns when the broker no longer names them."""
    admin = kafka_clients.admin_client(bootstrap)
    there = sorted(admin.list_topics(timeout=WITHIN_S).topics.keys() & set(names))
    if not there:
        return
    for done in admin.delete_topics(there).values():
        done.result(timeout=WITHIN_S)
    deadline = time.monotonic() + WITHIN_S
    while admin.list_topics(timeout=WITHIN_S).topics.keys() & set(there):
        assert time.monotonic() < deadline, f"{there} are still there after {WITHIN_S:.0f} s"
        time.sleep(0.02)


def _kept(message: Message) -> Kept:
    topic = message.topic()
    assert topic is not None
    partition, offset = _known(message.partition()), _known(message.offset())
    return Kept(topic, partition, offset, message.timestamp()[1], _as_bytes(message.key()), _as_bytes(message.value()))


def _known(number: int | None) -> int:
    """librdkafka's stubs allow None here, which a delivered message never has."""
    assert number is not None
    return number


def _as_bytes(raw: bytes | str | None) -> bytes | None:
    return raw.encode() if isinstance(raw, str) else raw
