"""`python -m bench.latency`: from an event's production to the consumption of its first decision, at a steady rate.

The decision job runs as a user runs it; this process produces the traffic of `loyalty generate` and consumes the
decisions, so the broker, the load and the job share the machine's cores, and one clock times both ends.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator
from itertools import chain

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition

from bench import inputs
from bench.ground import DEAD_LETTERS, DECISIONS, PARTITIONS, Ground, ground
from bench.summary import Summary, as_json, summarise
from bench.ways import job_command, running
from jobs.topics import TRANSACTIONS
from ops.errors import Refusal
from ops.generator.settings import OutRecord

WARM_UP_S = 8.0
STARTS_WITHIN_S = 120.0
GOES_ON_S = 3.0


def measure(rate: float = 1_000.0, windows: int = 5, window_s: float = 10.0) -> dict[str, Summary]:
    """p50 and p99 in ms, of each of several windows of one run. Raises Refusal."""
    seconds = WARM_UP_S + windows * window_s
    events = int(rate * seconds)
    records = list(inputs.mix(events, max(20, events // 20), seed=7))
    reference = [record for record in records if record.topic != TRANSACTIONS]
    transactions = [record for record in records if record.topic == TRANSACTIONS]
    with ground("latency", [events], lambda: chain(inputs.programme(), reference)) as place:
        place.fresh(TRANSACTIONS, DECISIONS, DEAD_LETTERS)
        waits = _waits(place, transactions, rate)
    p50s, p99s = [], []
    for number in range(windows):
        begin = WARM_UP_S + number * window_s
        window = sorted(wait for at, wait in waits if begin <= at < begin + window_s)
        if not window:
            raise Refusal("No decision came back within a window.")
        p50s.append(window[len(window) // 2] * 1000)
        p99s.append(window[len(window) * 99 // 100] * 1000)
    return {"latency_p50_ms": summarise(p50s), "latency_p99_ms": summarise(p99s)}


def _waits(place: Ground, transactions: list[OutRecord], rate: float) -> list[tuple[float, float]]:
    """For each event that was decided: when it was produced (s since the first) and how long its decision took."""
    # A purchase, since a refund may wait: its decision says that the job is there.
    first = next(record for record in transactions if record.kind == "purchase" and record.expects is None)
    transactions = [record for record in transactions if record is not first]
    with running(job_command()(place)) as process:
        produced: dict[str, float] = {}
        consumed: dict[str, float] = {}
        ends = threading.Event()
        listener = threading.Thread(target=_listen, args=(place.bootstrap, consumed, ends))
        listener.start()
        try:
            producer = Producer({"bootstrap.servers": place.bootstrap, "partitioner": "murmur2_random", "linger.ms": 0})
            _send(producer, first, produced)
            producer.flush(10)
            deadline = time.monotonic() + STARTS_WITHIN_S
            while not consumed:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Refusal("The decision job did not decide its first event.")
                time.sleep(0.1)
            began = time.perf_counter()
            for number, record in enumerate(transactions):
                ahead = number / rate - (time.perf_counter() - began)
                if ahead > 0.001:
                    producer.poll(ahead)
                _send(producer, record, produced)
            producer.flush(10)
            time.sleep(GOES_ON_S)
        finally:
            ends.set()
            listener.join()
    return [
        (at - began, consumed[event_id] - at)
        for event_id, at in produced.items()
        if event_id in consumed and at >= began
    ]


def _send(producer: Producer, record: OutRecord, produced: dict[str, float]) -> None:
    # What must be refused gets no decision, and what is sent again none of its own.
    if record.expects is None and record.value is not None:
        event_id = orjson.loads(record.value)["event_id"]
        produced.setdefault(event_id, time.perf_counter())
    producer.produce(record.topic, record.value, record.key)


def _listen(bootstrap: str, consumed: dict[str, float], ends: threading.Event) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench-latency",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 100,
            "log_level": 0,
        }
    )
    consumer.assign([TopicPartition(DECISIONS, partition, 0) for partition in range(PARTITIONS)])
    try:
        while not ends.is_set():
            for message in consumer.consume(500, 0.002):
                now = time.perf_counter()
                if message.error() is None:
                    for event_id in _caused_by(message.value() or b""):
                        consumed.setdefault(event_id, now)
    finally:
        consumer.close()


def _caused_by(value: str | bytes) -> Iterator[str]:
    cause = orjson.loads(value)["cause"]
    if "timer" not in cause:
        yield cause["event_id"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rate", type=float, default=1_000.0, help="events a second")
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--window-s", type=float, default=10.0)
    asked = parser.parse_args()
    figures = measure(asked.rate, asked.windows, asked.window_s)
    for name, found in figures.items():
        print(f"{name}: {found.median:.1f} (min {found.min:.1f}, max {found.max:.1f}, {found.runs} windows)")
    print(as_json(figures))


if __name__ == "__main__":
    main()
