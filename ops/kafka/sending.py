"""Sending records so that none is lost, doubled or overtaken by another of its key."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from confluent_kafka import KafkaError, Message

from jobs.runtime.kafka_clients import producer
from ops.errors import Exit, Refusal

DELIVER_WITHIN_S = 60


class Sender:
    """An idempotent producer (`acks=all`) that puts a key where Java clients put it.

    Leaving the `with` block waits until everything is delivered.
    """

    def __init__(self, bootstrap: str) -> None:
        self._failure: KafkaError | None = None
        self._sent = 0
        self._producer = producer(
            bootstrap,
            {
                "acks": "all",
                "enable.idempotence": True,
                # librdkafka's own choice of partition differs from Java's. An account that two producers write, one
                # of each kind, would lie in two partitions, and its order would be lost.
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "compression.type": "lz4",
                "message.max.bytes": 4_000_000,
                "delivery.timeout.ms": DELIVER_WITHIN_S * 1000,
            },
        )

    def send(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """Takes a record for delivery.

        Raises:
            Refusal: an earlier record could not be delivered.
        """
        self.send_to(topic, -1, key, value)

    def send_to(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> None:
        """The same for a partition of the topic; -1 for that of the key."""
        while True:
            try:
                self._producer.produce(topic, value, key, partition, on_delivery=self._delivered)
                break
            except BufferError:
                self._producer.poll(0.5)
                self._check()
        self._sent += 1
        if self._sent % 1000 == 0:
            self.poll()

    def poll(self) -> None:
        """Hears of what was delivered in the meantime.

        Raises:
            Refusal: something could not be delivered.
        """
        self._producer.poll(0)
        self._check()

    def flush(self) -> None:
        """Waits until everything that was taken is delivered.

        Raises:
            Refusal: something could not be delivered within 60 seconds.
        """
        left = self._producer.flush(DELIVER_WITHIN_S + 5)
        self._check()
        if left:
            raise Refusal(f"{left} records could not be delivered to Kafka within {DELIVER_WITHIN_S} s.", Exit.FAILED)

    def _delivered(self, failure: KafkaError | None, message: Message) -> None:
        if failure is not None and self._failure is None:
            self._failure = failure

    def _check(self) -> None:
        if self._failure is not None:
            raise Refusal(f"A record could not be delivered to Kafka ({self._failure.str()}).", Exit.FAILED)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()
        else:
            self._producer.purge()
            self._producer.flush(1)
