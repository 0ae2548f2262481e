"""The last record that can be read, on a real broker: where the end offset would be waited for in vain."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from confluent_kafka import Producer

from jobs.runtime.kafka_clients import NotThere, cluster_id, producer
from jobs.runtime.start_offsets import last_made_offers, last_readable
from jobs.topics import DECISIONS
from ops.kafka import broker as kafka
from tests.kafka_records import create_topic, read_all, send


def _transaction(bootstrap: str, topic: str, *values: bytes, commit: bool) -> Producer:
    opened = producer(bootstrap, {"transactional.id": f"{topic}-{commit}"})
    opened.init_transactions(10)
    opened.begin_transaction()
    for value in values:
        opened.produce(topic, value, partition=0)
    opened.flush(10)
    return opened


def test_plain_and_empty_partitions(bootstrap: str, new_topic: Callable[..., str]) -> None:
    topic = new_topic(partitions=3)
    send(bootstrap, topic, [(None, b"%d" % number) for number in range(100)], partition=1)
    send(bootstrap, topic, [(None, None)], partition=2)
    assert last_readable(bootstrap, [topic]) == {topic: {1: 99, 2: 0}}


def test_the_marker_that_ends_a_transaction_is_no_record(bootstrap: str, new_topic: Callable[..., str]) -> None:
    topic = new_topic()
    _transaction(bootstrap, topic, b"1", b"2", commit=True).commit_transaction(10)
    # The broker says that a transaction is committed, and then writes the markers.
    deadline = time.monotonic() + 30
    while len(read_all(bootstrap, topic)) < 2:
        assert time.monotonic() < deadline
    assert last_readable(bootstrap, [topic]) == {topic: {0: 1}}


def test_records_of_aborted_and_open_transactions_are_passed_over(
    bootstrap: str, new_topic: Callable[..., str]
) -> None:
    topic, only_aborted = new_topic(), new_topic()
    send(bootstrap, topic, [(None, b"sound")], partition=0)
    aborted = [b"%d" % number for number in range(300)]
    for place in (topic, only_aborted):
        _transaction(bootstrap, place, *aborted, commit=False).abort_transaction(10)
    unfinished = _transaction(bootstrap, topic, b"open", commit=True)
    try:
        assert last_readable(bootstrap, [topic, only_aborted]) == {topic: {0: 0}, only_aborted: {}}
    finally:
        unfinished.abort_transaction(10)


def test_a_reader_of_all_records_waits_for_those_of_open_transactions_too(
    bootstrap: str, new_topic: Callable[..., str]
) -> None:
    topic = new_topic()
    unfinished = _transaction(bootstrap, topic, b"open", commit=True)
    try:
        send(bootstrap, topic, [(None, b"behind it")], partition=0)
        assert last_readable(bootstrap, [topic]) == {topic: {}}
        assert last_readable(bootstrap, [topic], committed_only=False) == {topic: {0: 1}}
    finally:
        unfinished.abort_transaction(10)


def test_a_job_waits_longer_than_a_person_for_a_broker_that_is_slow_at_the_moment(kafka_dir: Path) -> None:
    broker = kafka.start(kafka_dir)
    create_topic(broker.bootstrap, DECISIONS)
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(1) as aside:
            of_a_job = aside.submit(last_made_offers, broker.bootstrap, lambda topic, partition: -1)
            with pytest.raises(NotThere, match="No Kafka broker answered"):
                last_readable(broker.bootstrap, [DECISIONS])
            os.kill(broker.pid, signal.SIGCONT)
            assert of_a_job.result(60) == {}
    finally:
        os.kill(broker.pid, signal.SIGCONT)


def test_the_last_made_offer_is_found_and_nothing_is_looked_at_twice(loyalty_topics: str) -> None:
    made, suppressed = b'{"type": "offer.decided", "outcome": "made"}', b'{"type":"offer.decided","outcome":"no"}'
    ledger = [(b"", b'{"type":"points.earned"}')] * 2_000
    send(loyalty_topics, DECISIONS, [(b"", made), (b"", suppressed), *ledger], partition=0)
    send(loyalty_topics, DECISIONS, [(b"", None), *ledger[:5], (b"", made), (b"", suppressed)], partition=2)
    send(loyalty_topics, DECISIONS, ledger[:3], partition=3)

    assert last_made_offers(loyalty_topics, lambda topic, partition: -1) == {DECISIONS: {0: 0, 2: 6}}
    taken = {0: 0, 1: -1, 2: 5, 3: 2}
    assert last_made_offers(loyalty_topics, lambda topic, partition: taken[partition]) == {DECISIONS: {2: 6}}
    assert last_made_offers(loyalty_topics, lambda topic, partition: 2_001) == {}


def test_a_missing_topic_is_named(bootstrap: str) -> None:
    with pytest.raises(NotThere, match=r"has no topic no-such-topic; `loyalty topics apply"):
        last_readable(bootstrap, ["no-such-topic"])


def test_a_broker_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.runtime.start_offsets.ANSWER_WITHIN_S", 0.5)
    for ask in (cluster_id, lambda bootstrap: last_readable(bootstrap, ["any"])):
        with pytest.raises(NotThere, match=r"No Kafka broker answered at 127\.0\.0\.1:1 within"):
            ask("127.0.0.1:1")


def test_a_cluster_has_an_id_of_its_own(bootstrap: str) -> None:
    assert cluster_id(bootstrap) == cluster_id(bootstrap) != ""
