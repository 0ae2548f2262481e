"""The local broker: `loyalty kafka` and `LocalKafka`, with real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from confluent_kafka import KafkaException

from jobs.runtime import kafka_clients
from ops.errors import Refusal
from ops.kafka import broker as kafka
from ops.kafka.broker import LocalKafka
from ops.kafka.server_properties import MAX_MESSAGE_BYTES
from ops.own_command import own_command
from ops.ports import HOST
from tests.kafka_records import create_topic, read_all, send


def loyalty(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        own_command(arguments),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_the_command_starts_a_broker_that_serves_says_so_when_asked_again_and_stops_it(tmp_path: Path) -> None:
    kept_in = ["--dir", "here"]
    try:
        started = loyalty("kafka", "start", *kept_in, cwd=tmp_path)
        assert started.returncode == 0, started.stderr
        bootstrap = started.stdout.strip()
        create_topic(bootstrap, "greetings")
        send(bootstrap, "greetings", [(b"k", b"hello")])
        assert [record.value for record in read_all(bootstrap, "greetings")] == [b"hello"]

        again = loyalty("kafka", "start", *kept_in, cwd=tmp_path)
        assert (again.returncode, again.stdout) == (0, started.stdout)
        assert "runs already" in again.stderr
        assert loyalty("kafka", "status", *kept_in, cwd=tmp_path).stdout == started.stdout
    finally:
        broker = kafka.running(tmp_path / "here")
        stopped = loyalty("kafka", "stop", *kept_in, cwd=tmp_path)
    assert broker is not None
    assert stopped.returncode == 0
    assert not psutil.pid_exists(broker.pid)

    status = loyalty("kafka", "status", *kept_in, cwd=tmp_path)
    assert (status.returncode, status.stdout) == (1, "")
    assert status.stderr == "No broker runs in here.\n"
    assert "nothing to stop" in loyalty("kafka", "stop", *kept_in, cwd=tmp_path).stderr


def _waits_for_a_silent_broker_ms(kafka_dir: Path) -> int:
    settings = (kafka_dir / "server.properties").read_text(encoding="utf-8").splitlines()
    return int(dict(line.split("=", 1) for line in settings)["broker.session.timeout.ms"])


def test_what_was_written_is_there_after_a_restart_at_the_same_address(kafka_dir: Path) -> None:
    first = kafka.start(kafka_dir)
    create_topic(first.bootstrap, "kept")
    send(first.bootstrap, "kept", [(None, b"one"), (None, b"two")])
    kafka.stop(kafka_dir)
    second = kafka.start(kafka_dir)
    assert _waits_for_a_silent_broker_ms(kafka_dir) >= 60_000, "a machine that is too busy does not shut it out"
    assert second.bootstrap == first.bootstrap
    assert [record.value for record in read_all(second.bootstrap, "kept")] == [b"one", b"two"]


def test_a_broker_that_was_killed_starts_again_with_its_data(kafka_dir: Path) -> None:
    first = kafka.start(kafka_dir)
    create_topic(first.bootstrap, "kept")
    send(first.bootstrap, "kept", [(None, b"one")])
    os.kill(first.pid, signal.SIGKILL)
    while kafka.running(kafka_dir):
        time.sleep(0.02)
    second = kafka.start(kafka_dir)
    assert _waits_for_a_silent_broker_ms(kafka_dir) <= 5_000, "nor is a broker that is gone waited for"
    assert [record.value for record in read_all(second.bootstrap, "kept")] == [b"one"]


def test_a_process_that_has_the_brokers_old_id_is_not_taken_for_it(kafka_dir: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        kafka_dir.mkdir()
        noted = {"pid": bystander.pid, "bootstrap": "127.0.0.1:20001"}
        (kafka_dir / "broker.json").write_text(json.dumps(noted))
        assert kafka.running(kafka_dir) is None
        assert kafka.stop(kafka_dir) is None
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_port_that_is_taken_is_refused_and_a_free_one_is_used(kafka_dir: Path) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Refusal, match=f"Port {port} is in use"):
            kafka.start(kafka_dir, port)
    assert kafka.start(kafka_dir, port).bootstrap == f"{HOST}:{port}"


def test_a_broker_that_cannot_come_up_is_refused_with_the_end_of_its_log_and_leaves_no_process(
    kafka_dir: Path,
) -> None:
    kafka.start(kafka_dir)
    kafka.stop(kafka_dir)
    meta = kafka_dir / "data" / "meta.properties"
    meta.write_text(meta.read_text().replace("node.id=1", "node.id=7"))
    with pytest.raises(Refusal, match=r"(?s)did not come up.*ended with code 1.*Stored node id 7 doesn't match"):
        kafka.start(kafka_dir)
    assert kafka.running(kafka_dir) is None
    mark = f"-Dloyalty.kafka.dir={kafka_dir}"
    assert not [process for process in psutil.process_iter(["cmdline"]) if mark in (process.info["cmdline"] or [])]


def test_two_brokers_in_two_folders_do_not_meet(kafka_dir: Path, bootstrap: str, tmp_path: Path) -> None:
    other = kafka.start(kafka_dir)
    assert other.bootstrap != bootstrap
    create_topic(other.bootstrap, "only-here")
    with pytest.raises(kafka_clients.NotThere):
        read_all(bootstrap, "only-here")


def test_a_broker_ends_with_its_block_even_when_the_block_fails(kafka_dir: Path) -> None:
    def fail_beside_a_broker() -> None:
        with LocalKafka(kafka_dir) as broker:
            found = kafka.running(kafka_dir)
            assert found is not None
            assert found.bootstrap == broker.bootstrap
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_beside_a_broker()
    assert kafka.running(kafka_dir) is None


def test_a_broker_that_runs_already_is_not_taken_over_by_a_block(kafka_dir: Path) -> None:
    before = kafka.start(kafka_dir)
    with pytest.raises(Refusal, match="already"):
        LocalKafka(kafka_dir).__enter__()
    assert kafka.running(kafka_dir) == before


def test_values_of_a_megabyte_and_their_dead_letters_fit(loyalty_topics: str) -> None:
    send(loyalty_topics, "loyalty.transactions", [(b"a", b"x" * 1024 * 1024)])
    send(loyalty_topics, "loyalty.dead-letters", [(b"a", b"x" * (2 * 1024 * 1024 * 4 // 3 + 1000))])
    assert len(read_all(loyalty_topics, "loyalty.transactions")) == 1


def test_a_topic_without_a_limit_of_its_own_takes_what_the_broker_takes(
    new_topic: Callable[..., str], bootstrap: str
) -> None:
    topic = new_topic()
    send(bootstrap, topic, [(b"a", b"x" * (MAX_MESSAGE_BYTES - 1000))])
    assert len(read_all(bootstrap, topic)) == 1


def test_two_starts_of_one_folder_at_once_give_one_broker(kafka_dir: Path) -> None:
    with ThreadPoolExecutor() as pool:
        brokers = list(pool.map(lambda _: kafka.start(kafka_dir), range(2)))
    assert brokers[0] == brokers[1] == kafka.running(kafka_dir)


def test_a_transaction_may_last_an_hour_and_is_seen_when_it_is_committed(
    new_topic: Callable[..., str], bootstrap: str
) -> None:
    topic = new_topic()
    settings: dict[str, str | int] = {
        "transactional.id": topic,
        "transaction.timeout.ms": 3_600_000,
        "message.timeout.ms": 30_000,
    }
    producer = kafka_clients.producer(bootstrap, settings)
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(topic, b"later")
    producer.flush(20)
    assert read_all(bootstrap, topic) == []
    producer.commit_transaction(20)
    assert [record.value for record in read_all(bootstrap, topic)] == [b"later"]


def test_a_misspelt_topic_is_an_error_and_not_a_new_topic(bootstrap: str) -> None:
    with pytest.raises(KafkaException, match=r"UNKNOWN_TOPIC|Unknown topic"):
        send(bootstrap, "loyalty.transaktions", [(b"a", b"x")])
