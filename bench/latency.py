"""`python -m bench.latency`: from a request's production to the consumption of its first decision, at a steady rate.

The decision job runs as a user runs it. A process of its own sends the traffic of `loyalty generate`, each record at
its moment, and this one consumes the decisions; the two, the broker and the job share the machine's cores, and one
clock times both ends. The broker's own timestamps, of a request's record and of its decision's, are the cross-check.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from multiprocessing.connection import Connection
from typing import NamedTuple, TypeVar

import orjson
from confluent_kafka import Consumer, TopicPartition

from bench import inputs
from bench.contenders import job_command, running
from bench.ground import DEAD_LETTERS, DECISIONS, PARTITIONS, Ground, ground
from bench.summary import Summary, as_json, summarise
from jobs.runtime import kafka_clients
from jobs.topics import TRANSACTIONS
from ops.errors import Refusal
from ops.generate.settings import OutRecord
from ops.kafka.reading import read_all, to_record

WARM_UP_S = 10.0
STARTS_WITHIN_S = 120.0
GOES_ON_S = 2.0
AT_LEAST = 0.98
"""Of what a window should have: the share without which it is no measurement."""

T = TypeVar("T")


class Request(NamedTuple):
    """What a record asks for. What must be refused has no decision, and what is sent again none of its own: no id."""

    record: OutRecord
    event_id: str | None
    must_be_decided: bool


class Wait(NamedTuple):
    """A record: when it was sent, s since the first; whether a decision must come; after how long it did, s."""

    at: float
    must_be_decided: bool
    took: float | None


def measure(rate: float = 1_000.0, windows: int = 4, window_s: float = 10.0) -> dict[str, Summary]:
    """p50 and p99 in ms, of each of several windows of one run. Raises Refusal."""
    events = int(rate * (WARM_UP_S + windows * window_s))
    begins = [WARM_UP_S + number * window_s for number in range(windows)]

    def reference() -> Iterator[OutRecord]:
        return (record for record in _traffic(events) if record.topic != TRANSACTIONS)

    with ground("latency", [events], lambda: chain(inputs.programme(), reference())) as place:
        place.fresh(TRANSACTIONS, DECISIONS, DEAD_LETTERS)
        zero_ms = (time.time() - time.perf_counter()) * 1000
        began, waits = _waits(place, events, rate)
        stamped = list(_stamped(place, zero_ms + began * 1000))
    found = [within(waits, begin, window_s, rate) for begin in begins]
    check = [sorted(took for at, took in stamped if begin <= at < begin + window_s) for begin in begins]
    return {
        "latency_p50_ms": summarise(percentile(took, 50) * 1000 for took in found),
        "latency_p99_ms": summarise(percentile(took, 99) * 1000 for took in found),
        "latency_by_topics_p50_ms": summarise(percentile(took, 50) * 1000 for took in check),
        "latency_by_topics_p99_ms": summarise(percentile(took, 99) * 1000 for took in check),
    }


def within(waits: Iterable[Wait], begin: float, seconds: float, rate: float) -> list[float]:
    """In order: how long the decisions took of what was sent in one window, in seconds.

    Raises:
        Refusal: that was not `rate`, or too much of it has not been decided.
    """
    window = [wait for wait in waits if begin <= wait.at < begin + seconds]
    took = sorted(wait.took for wait in window if wait.took is not None)
    due = sum(wait.must_be_decided for wait in window)
    came = sum(wait.must_be_decided for wait in window if wait.took is not None)
    if len(window) / (rate * seconds) < AT_LEAST or len(window) * AT_LEAST > rate * seconds:
        raise Refusal(f"From second {begin:g} on {len(window) / seconds:,.0f} records/s were sent, not {rate:,.0f}.")
    if came < AT_LEAST * due:
        raise Refusal(f"Of {due:,} events from second {begin:g} on, {came:,} were decided before the end.")
    return took


def percentile(ordered: list[float], rank: int) -> float:
    """The nearest one. Raises Refusal when nothing was measured."""
    if not ordered:
        raise Refusal("No decision came back within a window.")
    return ordered[max(0, -(-len(ordered) * rank // 100) - 1)]


def _traffic(events: int) -> Iterator[OutRecord]:
    return inputs.mix(events, max(20, events // 20), seed=7)


def _waits(place: Ground, events: int, rate: float) -> tuple[float, list[Wait]]:
    """When the steady load began, and what became of each of its records."""
    consumed: dict[str, float] = {}
    with running(job_command("--fresh")(place)) as job:
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        load = multiprocessing.get_context("spawn").Process(target=_load, args=(place.bootstrap, events, rate, theirs))
        load.start()
        theirs.close()
        consumer = _consumer(place.bootstrap)
        try:
            deadline = time.monotonic() + STARTS_WITHIN_S
            while consumer.poll(0.1) is None:
                if job.poll() is not None or time.monotonic() > deadline:
                    raise Refusal("The decision job did not decide its first event.")
            ours.send(None)
            arrivals = _listen(consumer, events / rate + GOES_ON_S)
            if not ours.poll(GOES_ON_S):
                raise Refusal(f"{rate:,.0f} records/s could not be sent.")
            sent: list[tuple[float, str | None, bool]] = ours.recv()
        except EOFError:
            raise Refusal("The load ended by itself.") from None
        finally:
            consumer.close()
            load.kill()
            load.join()
    for at, value in arrivals:
        cause = orjson.loads(value)["cause"]
        if "timer" not in cause:
            consumed.setdefault(cause["event_id"], at)
    began = sent[0][0]
    return began, [
        Wait(at - began, must, consumed[event_id] - at if event_id in consumed else None) for at, event_id, must in sent
    ]


def _consumer(bootstrap: str) -> Consumer:
    consumer = kafka_clients.consumer(bootstrap, "bench-latency", settings={"socket.nagle.disable": True})
    consumer.assign([TopicPartition(DECISIONS, partition, 0) for partition in range(PARTITIONS)])
    return consumer


def _listen(consumer: Consumer, seconds: float) -> Iterable[tuple[float, bytes]]:
    """Every decision and when it was here. What they say is looked at when all are here: it would take others' time."""
    moments: list[float] = []
    values: list[bytes] = []
    until = time.perf_counter() + seconds
    # One by one: asking for several would wait for several.
    while (now := time.perf_counter()) < until:
        message = consumer.poll(min(0.1, until - now))
        if message is not None and message.error() is None:
            moments.append(time.perf_counter())
            values.append(to_record(message).value or b"")
    return zip(moments, values, strict=True)


def _load(bootstrap: str, events: int, rate: float, pipe: Connection) -> None:
    """Sends a first purchase, and once told to all the rest, each at its moment; says when it sent what."""
    requests = [_request(record) for record in _traffic(events) if record.topic == TRANSACTIONS]
    # A purchase, since a refund may wait: its decision says that the job is there.
    first = next(request for request in requests if request.record.kind == "purchase" and request.must_be_decided)
    requests.remove(first)
    producer = kafka_clients.producer(
        bootstrap,
        {
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "linger.ms": 0,
            # As Java's clients do: a record does not wait for the acknowledgement of the one before.
            "socket.nagle.disable": True,
        },
    )
    producer.produce(first.record.topic, first.record.value, first.record.key)
    producer.flush(10)
    pipe.recv()
    sent = []
    for record, event_id, must in paced(requests, rate):
        sent.append((time.perf_counter(), event_id, must))
        producer.produce(record.topic, record.value, record.key)
        producer.poll(0)
    producer.flush(10)
    pipe.send(sent)


def paced(items: Iterable[T], rate: float) -> Iterator[T]:
    """Each at its moment.

    Slept, not polled: `Producer.poll` returns as soon as a record has been acknowledged, and the load would run ahead.
    """
    began = time.perf_counter()
    for number, item in enumerate(items):
        ahead = began + number / rate - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)
        yield item


def _request(record: OutRecord) -> Request:
    if record.expects is not None or record.value is None:
        return Request(record, None, False)
    # What becomes of a hold is refused where the hold was denied, which the generator does not know.
    must = record.kind not in ("redemption.committed", "redemption.cancelled")
    return Request(record, orjson.loads(record.value)["event_id"], must)


def _stamped(place: Ground, began_ms: float) -> Iterator[tuple[float, float]]:
    """By the broker's clock: when each event came, in seconds since `began_ms`, and how long its decision took."""
    came: dict[tuple[int, int], int] = {}
    decided: dict[tuple[int, int], int] = {}
    for record in read_all(place.bootstrap, TRANSACTIONS, DECISIONS):
        if record.topic == TRANSACTIONS:
            came[record.partition, record.offset] = record.timestamp_ms
            continue
        cause = orjson.loads(record.value or b"")["cause"]
        if "timer" not in cause and cause["topic"] == TRANSACTIONS:
            decided.setdefault((cause["partition"], cause["offset"]), record.timestamp_ms)
    for where, at in decided.items():
        yield (came[where] - began_ms) / 1000, (at - came[where]) / 1000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rate", type=float, default=1_000.0, help="records a second")
    parser.add_argument("--windows", type=int, default=4)
    parser.add_argument("--window-s", type=float, default=10.0)
    asked = parser.parse_args()
    figures = measure(asked.rate, asked.windows, asked.window_s)
    for name, found in figures.items():
        print(f"{name}: {found.median:.1f} (min {found.min:.1f}, max {found.max:.1f}, {found.runs} windows)")
    print(as_json(figures))


if __name__ == "__main__":
    main()
