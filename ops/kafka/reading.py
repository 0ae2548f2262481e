"""Reading topics: from their beginning to their end, or as records come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from uuid import uuid4

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from jobs.runtime.kafka_clients import POLL_S, Place, Span, consumer, read_to_end, span_of
from loyalty.records import Record
from ops.errors import Exit, Refusal
from ops.kafka.client import partitions_of

QUIET_S = 15.0


def to_record(message: Message) -> Record:
    """A Kafka message as the domain sees it."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    return Record(topic, partition, offset, message.timestamp()[1], _bytes(message.key()), _bytes(message.value()))


def _bytes(raw: str | bytes | None) -> bytes | None:
    return raw.encode() if isinstance(raw, str) else raw


@contextmanager
def reading(bootstrap: str) -> Iterator[Consumer]:
    """A consumer of committed records, in no group that anybody else is in. What goes wrong with it is refused."""
    reader = consumer(bootstrap, f"loyalty-reader-{uuid4()}")
    try:
        yield reader
    except KafkaException as problem:
        raise Refusal(f"Reading from {bootstrap} failed: {problem.args[0].str()}.", Exit.FAILED) from problem
    finally:
        reader.close()


def spans_of(reader: Consumer, places: list[Place]) -> dict[Place, Span]:
    """What each partition holds now. Raises KafkaException."""
    return {place: span_of(reader, place) for place in places}


def spans_since(reader: Consumer, places: list[Place], since_ms: int) -> dict[Place, Span]:
    """Of each partition what begins with its first record of `since_ms` (by the record's timestamp) or later. Raises
    KafkaException."""
    ends = {place: span.end for place, span in spans_of(reader, places).items()}
    asked = [TopicPartition(*place, since_ms) for place in places]
    found = reader.offsets_for_times(asked, timeout=QUIET_S)
    starts = {(one.topic, one.partition): one.offset for one in found}
    return {place: Span(starts[place] if starts[place] >= 0 else end, end) for place, end in ends.items()}


def read_all(bootstrap: str, *topics: str) -> Iterator[Record]:
    """Every record that `topics` hold now, each partition in its order, interleaved as the broker serves them.

    Raises Refusal when a topic does not exist or the broker stops answering.
    """
    places = partitions_of(bootstrap, topics)
    with reading(bootstrap) as reader:
        spans = spans_of(reader, places)
    yield from read_spans(bootstrap, spans)


def read_spans(bootstrap: str, spans: Mapping[Place, Span]) -> Iterator[Record]:
    """Every record of these pieces of partitions, likewise; and some that have come since. Raises Refusal."""
    with reading(bootstrap) as reader:
        try:
            for message in read_to_end(reader, spans, QUIET_S):
                yield to_record(message)
        except TimeoutError as problem:
            raise Refusal(f"The broker at {bootstrap} stopped serving records: {problem}.", Exit.FAILED) from problem


def follow(bootstrap: str, topic: str, *, from_beginning: bool, going_on: Callable[[], bool]) -> Iterator[Record]:
    """Records of `topic` as they come, for as long as `going_on` says so. Raises Refusal."""
    places = partitions_of(bootstrap, [topic])
    with reading(bootstrap) as reader:
        spans = spans_of(reader, places)
        reader.assign([TopicPartition(*place, low if from_beginning else high) for place, (low, high) in spans.items()])
        while going_on():
            for message in reader.consume(500, POLL_S):
                error = message.error()
                if error is None:
                    yield to_record(message)
                elif error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
