"""The ground that measurements stand on: a broker for each input, fresh output topics, and what came out of a run.

Every output topic has the broker's clock (`LogAppendTime`), so that all contenders are timed by the same one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import NewTopic

from bench import inputs
from jobs.runtime.kafka_clients import consumer, span_of
from jobs.topics import TRANSACTIONS
from loyalty.records import Record
from ops.errors import Refusal
from ops.generate.settings import OutRecord
from ops.kafka import broker as kafka
from ops.kafka.client import metadata, open_admin
from ops.kafka.reading import read_all, to_record
from ops.kafka.sending import Sender
from ops.topics.catalogue import read_catalogue
from ops.topics.plan import apply

FOLDER = Path(".loyalty/bench")
PARTITIONS = 4
DECISIONS, DEAD_LETTERS = "loyalty.decisions", "loyalty.dead-letters"
SETTLES_S = 10.0
QUIET_S = 3.0


class Written(NamedTuple):
    """What a topic holds: how many records, and the broker's clock at the first and the last, ms."""

    records: int
    first_ms: int
    last_ms: int

    @property
    def seconds(self) -> float:
        return (self.last_ms - self.first_ms) / 1000


class Ground:
    """A broker with one input in it, and whatever output topics a run needs."""

    def __init__(self, bootstrap: str, events: int) -> None:
        self.bootstrap = bootstrap
        self.events = events
        """How many transactions the input holds."""
        self._admin = open_admin(bootstrap)

    def fresh(self, *topics: str) -> None:
        """These topics anew and empty."""
        self.drop(*topics)
        wanted = [NewTopic(name, PARTITIONS, 1, config={"message.timestamp.type": "LogAppendTime"}) for name in topics]
        deadline = time.monotonic() + SETTLES_S
        while wanted:
            # A topic that is being deleted still has its name for a moment.
            left = []
            for topic, answer in zip(wanted, self._admin.create_topics(wanted).values(), strict=True):
                try:
                    answer.result(SETTLES_S)
                except KafkaException as problem:
                    if problem.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS or time.monotonic() > deadline:
                        raise
                    left.append(topic)
            wanted = left
            time.sleep(0.1)
        while any(
            name not in (known := metadata(self._admin, self.bootstrap).topics)
            or any(partition.leader < 0 for partition in known[name].partitions.values())
            for name in topics
        ):
            time.sleep(0.05)

    def drop(self, *topics: str) -> None:
        there = metadata(self._admin, self.bootstrap).topics
        doomed = [name for name in topics if name in there]
        if doomed:
            for answer in self._admin.delete_topics(doomed).values():
                answer.result(SETTLES_S)

    def count(self, topic: str) -> int:
        """How many records the topic holds."""
        with _reader(self.bootstrap) as reader:
            return sum(high - low for _, low, high in _ends(reader, topic))

    def written(self, topic: str) -> Written:
        """What the topic holds. Raises Refusal when it is empty."""
        with _reader(self.bootstrap) as reader:
            ends = list(_ends(reader, topic))
            moments = [
                _timestamp(reader, topic, partition, offset)
                for partition, low, high in ends
                if high > low
                for offset in (low, high - 1)
            ]
        if not moments:
            raise Refusal(f"Nothing was written to {topic}.")
        return Written(sum(high - low for _, low, high in ends), min(moments), max(moments))

    def ends(self, topic: str) -> dict[int, int]:
        """By partition: the offset behind the last record."""
        with _reader(self.bootstrap) as reader:
            return {partition: high for partition, _, high in _ends(reader, topic)}

    def tail(self, topic: str, records: int) -> Iterator[bytes]:
        """The values of the last `records` of each partition, as far as they come at once."""
        for record in self._read(topic, lambda partition, end: end - records):
            yield record.value or b""

    def since(self, topic: str, begins: Mapping[int, int]) -> Iterator[Record]:
        """What each partition holds from an offset on, as far as it comes at once."""
        return self._read(topic, lambda partition, end: begins[partition])

    def _read(self, topic: str, begin: Callable[[int, int], int]) -> Iterator[Record]:
        with _reader(self.bootstrap) as reader:
            left: dict[int, int] = {}
            places = []
            for partition, low, high in _ends(reader, topic):
                if high > (first := max(low, begin(partition, high))):
                    left[partition] = high
                    places.append(TopicPartition(topic, partition, first))
            reader.assign(places)
            # Not for a second at a time, which the last of them would wait for in vain.
            heard_at = time.monotonic()
            while left and time.monotonic() - heard_at < QUIET_S:
                messages = reader.consume(1_000, 0.05)
                if messages:
                    heard_at = time.monotonic()
                for message in messages:
                    if message.error() is not None:
                        continue
                    record = to_record(message)
                    yield record
                    if record.offset + 1 >= left.get(record.partition, 0):
                        left.pop(record.partition, None)


@contextmanager
def ground(name: str, recipe: object, make: Callable[[], Iterable[OutRecord]]) -> Iterator[Ground]:
    """A broker that holds the input `name`, which is made if it is not there yet.

    `recipe` is anything that JSON takes and that is another where the input shall be another.
    """
    mark = hashlib.sha256(json.dumps([name, recipe]).encode()).hexdigest()[:12]
    folder = FOLDER / f"{name}-{mark}"
    done = folder / "input.json"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
    kafka.stop(folder)  # one that an interrupted run has left
    with _ends_in_order(), kafka.LocalKafka(folder) as broker:
        if not done.exists():
            events = _fill(broker.bootstrap, make())
            done.write_text(json.dumps({"events": events, "recipe": recipe}) + "\n", encoding="utf-8")
        yield Ground(broker.bootstrap, json.loads(done.read_text(encoding="utf-8"))["events"])


def purchases(events: int, accounts: int, days: int = 90) -> AbstractContextManager[Ground]:
    """A broker that holds the programme and `inputs.purchases`."""
    return ground(
        "purchases",
        [events, accounts, days],
        lambda: chain(inputs.programme(), inputs.purchases(events, accounts, days)),
    )


@contextmanager
def _ends_in_order() -> Iterator[None]:
    """SIGTERM ends the block as an interrupt at the terminal does, so that what runs in it is stopped."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _fill(bootstrap: str, records: Iterable[OutRecord]) -> int:
    apply(bootstrap, read_catalogue())
    transactions = 0
    with Sender(bootstrap) as sender:
        for record in records:
            sender.send(record.topic, record.key, record.value)
            transactions += record.topic == TRANSACTIONS
    return transactions


@contextmanager
def _reader(bootstrap: str) -> Iterator[Consumer]:
    reader = consumer(bootstrap, "bench")
    try:
        yield reader
    finally:
        reader.close()


def _ends(reader: Consumer, topic: str) -> Iterator[tuple[int, int, int]]:
    """Partition, first offset, and the offset behind the last."""
    for partition in reader.list_topics(topic, timeout=10).topics[topic].partitions:
        low, high = span_of(reader, (topic, partition))
        yield partition, low, high


def _timestamp(reader: Consumer, topic: str, partition: int, offset: int) -> int:
    reader.assign([TopicPartition(topic, partition, offset)])
    for _ in range(20):
        message = reader.poll(1.0)
        if message is not None and message.error() is None:
            return message.timestamp()[1]
    raise Refusal(f"The record at {topic}/{partition}/{offset} could not be read.")


def balances(bootstrap: str, topic: str) -> dict[str, tuple[int, int]]:
    """By account: the highest sequence that a running-balance topic says, and the balance that came with it."""
    found: dict[str, tuple[int, int]] = {}
    for record in read_all(bootstrap, topic):
        with suppress(ValueError):
            said = json.loads(record.value or b"")
            account, now = said["account"], (said["sequence"], said["balance"])
            found[account] = max(now, found.get(account, now))
    return found
