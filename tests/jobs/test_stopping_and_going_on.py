"""A job that was stopped, or killed, goes on where it was, and nothing is decided twice."""

from __future__ import annotations

import json
import signal
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jobs.topics import PROGRAM, TRANSACTIONS
from tests.jobs.running import decisions, finish, running, standin_command, stop, wait_until
from tests.jobs.standin import document
from tests.kafka_records import send

START = 1_700_000_000_000


def _send(bootstrap: str, partition: int, *events: Mapping[str, Any]) -> None:
    send(bootstrap, TRANSACTIONS, [(b"", json.dumps(event).encode()) for event in events], partition=partition)


def _by_account(bootstrap: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for decision in decisions(bootstrap):
        found[decision["account"]].append(decision)
    return found


def _said(bootstrap: str, account: str) -> list[tuple[str, int]]:
    return [(decision["kind"], decision["at"] - START) for decision in _by_account(bootstrap)[account]]


def _numbers(bootstrap: str) -> dict[str, list[int]]:
    return {account: [decision["number"] for decision in of] for account, of in _by_account(bootstrap).items()}


def _there_are(bootstrap: str, count: int) -> Callable[[], bool]:
    return lambda: len(decisions(bootstrap)) == count


def test_a_later_run_goes_on_with_another_parallelism(loyalty_topics: str, tmp_path: Path) -> None:
    accounts = [f"account-{number}" for number in range(50)]
    send(loyalty_topics, PROGRAM, [(b"1", document(1)), (b"2", document(2))])
    for round_ in range(3):
        at = START + round_ * 1_000
        for partition in range(4):
            mine = accounts[partition::4]
            _send(loyalty_topics, partition, *({"account": account, "at": at, "add": 1} for account in mine))
        if round_ < 2:
            # Due when the watermark of the next run passes it; the timer is in the savepoint.
            later = {"at": at + 500, "add": 10}
            _send(loyalty_topics, 0, {"account": "quiet", "at": at, "add": 1, "later": later})
        command = standin_command(loyalty_topics, tmp_path / "state", until_end=True, parallelism=1 + round_)
        said = finish(command)
        assert ("Going on from the last savepoint" in said) is (round_ > 0)

    assert {number: of for number, of in _numbers(loyalty_topics).items() if number != "quiet"} == {
        account: [1, 2, 3] for account in accounts
    }
    assert _said(loyalty_topics, "quiet") == [("added", 0), ("due", 500), ("added", 1_000), ("due", 1_500)]
    assert {decision["documents"] for of in _by_account(loyalty_topics).values() for decision in of} == {2}

    # Nothing new: the run ends by itself and decides nothing.
    assert "0 records read, 0 decisions" in finish(
        standin_command(loyalty_topics, tmp_path / "state", until_end=True, parallelism=2)
    )

    finish(standin_command(loyalty_topics, tmp_path / "state", until_end=True, fresh=True))
    assert _numbers(loyalty_topics)["account-7"] == [1, 2, 3, 1, 2, 3], "--fresh starts over"


def test_after_a_kill_exactly_once_decides_nothing_twice_and_misses_nothing(
    loyalty_topics: str, tmp_path: Path
) -> None:
    command = standin_command(loyalty_topics, tmp_path / "state", delivery="exactly-once", checkpoint_interval_ms=500)
    log = tmp_path / "log"
    sent = 0
    for round_ in range(2):
        with running(command, log) as job:
            for _ in range(3):
                sent += 1
                _send(loyalty_topics, 0, {"account": "a", "at": START + sent, "add": 1})
                wait_until("the decision", _there_are(loyalty_topics, sent), job, log)
            sent += 100
            _send(loyalty_topics, 0, *({"account": "a", "at": START + sent, "add": 1} for _ in range(100)))
            if round_ == 0:
                # The command alone: Flink, which it started, notices and ends, and the next run waits for that.
                job.kill()
                job.wait()
            else:
                assert "Going on from the last checkpoint" in log.read_text()
                wait_until("the rest", _there_are(loyalty_topics, sent), job, log)
                assert stop(job, signal.SIGINT) == 0
                assert "Stopped after" in log.read_text()
    assert _numbers(loyalty_topics) == {"a": list(range(1, sent + 1))}


def test_a_timer_waits_when_the_watermark_steps_back(loyalty_topics: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(standin_command(loyalty_topics, tmp_path / "state", parallelism=2), log) as job:

        def wait_for(account: str, *expected: tuple[str, int]) -> None:
            wait_until(f"{account}: {expected}", lambda: _said(loyalty_topics, account) == list(expected), job, log)

        for account, due in (("soon", 12_000), ("later", 17_000), ("last", 20_000)):
            event = {"account": account, "at": START, "add": 1, "later": {"at": START + due, "add": 5}}
            _send(loyalty_topics, 0, event)
        _send(loyalty_topics, 0, {"account": "mover", "at": START + 15_000, "add": 1})
        wait_for("soon", ("added", 0), ("due", 12_000))

        # The first event of another partition, far behind: the watermark is 1 000 now.
        event = {"account": "behind", "at": START + 1_000, "add": 1, "later": {"at": START + 3_000, "add": 5}}
        _send(loyalty_topics, 1, event)
        wait_for("behind", ("added", 1_000))
        _send(loyalty_topics, 1, {"account": "mover", "at": START + 2_999, "add": 1})
        _send(loyalty_topics, 0, {"account": "mover", "at": START + 30_000, "add": 1})
        wait_for("mover", ("added", 15_000), ("added", 2_999), ("added", 30_000))
        assert _said(loyalty_topics, "behind") == [("added", 1_000)]
        _send(loyalty_topics, 1, {"account": "mover", "at": START + 3_000, "add": 1})
        wait_for("behind", ("added", 1_000), ("due", 3_000))
        assert _said(loyalty_topics, "later") == [("added", 0)], "17 000 is still to come"

        _send(loyalty_topics, 1, {"account": "mover", "at": START + 17_000, "add": 1})
        wait_for("later", ("added", 0), ("due", 17_000))
        assert _said(loyalty_topics, "last") == [("added", 0)]
        assert stop(job) == 0
    assert "Stopped after" in log.read_text()


def test_a_run_that_is_told_to_stop_while_it_starts_stops_cleanly(loyalty_topics: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(standin_command(loyalty_topics, tmp_path / "state"), log) as job:
        wait_until("the start", lambda: "Starting from" in log.read_text(), job, log)
        assert stop(job) == 0
    assert "with a savepoint" in log.read_text()
