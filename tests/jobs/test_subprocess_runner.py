"""An operator in a subprocess: the JVM sees no difference, and neither leaves the other behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.operator_in_memory import InMemoryOperator
from jobs.operators.adapters import in_an_envelope
from jobs.operators.decide_for_account import DecideForAccount
from jobs.runtime import subprocess_runner
from jobs.runtime.packing import pack_document
from jobs.runtime.virtual_time import virtual
from loyalty.validation import Watermark
from ops.own_command import own_command
from tests.jobs.running import ROOT
from tests.jobs.standin import BALANCE, StandInDecider, document, for_account
from tests.jobs.test_batches import Scribe, cross

ACCOUNTS = ("a", "b", "c", "d")


@contextmanager
def operator_in_subprocess(function: Any, read_first: tuple[str, ...] = ()) -> Iterator[InMemoryOperator]:
    jvm = InMemoryOperator(function, read_first, in_subprocess=True)
    try:
        yield jvm
    finally:
        jvm.close()


def processes_of_operators() -> list[psutil.Process]:
    return [
        one for one in psutil.Process().children() if any(subprocess_runner.__name__ in word for word in one.cmdline())
    ]


def its_process() -> psutil.Process:
    (found,) = processes_of_operators()
    return found


def _some_days(jvm: InMemoryOperator) -> list[tuple[int, Any]]:
    """Events of four accounts, of which some set timers and some wait for a document, and time that goes by."""
    sent = []
    for at in range(40):
        if at % 7 == 0:
            sent += jvm.broadcast(pack_document(at // 7 + 1, document(at // 7 + 1)))
        gathered: list[tuple[str, Any]] = []
        for account in ACCOUNTS:
            event = {"account": account, "at": at, "add": 1, "later": {"at": at + 3, "add": 2}}
            gathered.append((account, in_an_envelope(for_account(account, event, (at + 2) // 7 + 1))))
        sent += cross(jvm, *gathered)
        jvm.watermark = virtual(Watermark(0, at))
        due = jvm.due()
        sent += cross(jvm, *((key, moment) for moment, key in due))
        sent += cross(jvm, *((account, 1_000) for account in ACCOUNTS), wall=True)
    return sent


def test_what_it_sends_keeps_and_sets_is_what_it_would_in_the_jvm() -> None:
    here = InMemoryOperator(DecideForAccount(StandInDecider(), now=lambda: 0), (BALANCE,))
    with operator_in_subprocess(DecideForAccount(StandInDecider(), now=lambda: 0), (BALANCE,)) as there:
        sent = _some_days(there)
        assert sent == _some_days(here)
        assert len(sent) > 40 * len(ACCOUNTS)
        assert there.state == here.state
        assert there.documents == here.documents
        assert there.timers == here.timers
        assert there.asked == here.asked


def test_it_asks_the_jvm_for_a_state_entry_that_did_not_come_along() -> None:
    with operator_in_subprocess(Scribe(), ("last",)) as jvm:
        jvm.state["a"] = {"last": b"0", "other": b"x"}
        assert [value for _, value in cross(jvm, ("a", b"1"), ("a", b"2"))] == [
            ("a", b"1", b"0", b"x"),
            ("a", b"2", b"1", b"x"),
        ]
        assert jvm.asked == ["other"]


class Fails:
    """Cannot do with anything but `good`."""

    def open(self, runtime_context: Any) -> None: ...

    def process_element(self, value: bytes, ctx: Any) -> Any:
        if value != b"good":
            raise ValueError(f"cannot do with {value!r}")
        return ()

    def on_timer(self, timestamp: int, ctx: Any) -> Any: ...


def test_what_fails_there_fails_here_with_the_place() -> None:
    with (
        operator_in_subprocess(Fails()) as jvm,
        pytest.raises(RuntimeError, match=r"(?s)process_element.*cannot do with b'bad'"),
    ):
        cross(jvm, ("a", b"good"), ("a", b"bad"))


def test_a_process_that_was_killed_is_told_and_not_waited_for() -> None:
    with operator_in_subprocess(Fails()) as jvm:
        its_process().kill()
        with pytest.raises(RuntimeError, match="ended by itself, with exit code -9"):
            cross(jvm, ("a", b"good"))


def test_what_interrupts_a_whole_group_of_processes_leaves_it_to_the_jvm() -> None:
    with operator_in_subprocess(Fails()) as jvm:
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(its_process().pid, number)
        assert cross(jvm, ("a", b"good")) == []


class Hangs(Fails):
    """At `stop` it stops as SIGSTOP does, at `loop` it never comes back, at `slow` it takes a while."""

    def process_element(self, value: bytes, ctx: Any) -> Any:
        if value == b"stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        while value == b"loop":
            time.sleep(0.01)
        time.sleep(2.0)
        return ()


@pytest.mark.parametrize("how", [b"stop", b"loop"])
def test_a_process_that_hangs_is_ended_in_seconds(how: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess_runner, "BEATS_WITHIN_S", 3.0)
    with operator_in_subprocess(Hangs()) as jvm:
        process = its_process()
        monkeypatch.setattr(subprocess_runner, "ANSWERS_WITHIN_S", 8.0)
        with pytest.raises(RuntimeError, match=r"did not answer within \d s, and was ended"):
            cross(jvm, ("a", how))
        assert not process.is_running()


def test_one_that_takes_its_time_says_that_it_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    with operator_in_subprocess(Hangs()) as jvm:
        monkeypatch.setattr(subprocess_runner, "BEATS_WITHIN_S", 1.8)
        assert cross(jvm, ("a", b"slow"), ("a", b"slow")) == []


def test_a_folder_in_the_working_directory_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "__init__.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    with operator_in_subprocess(Fails()) as jvm:
        assert cross(jvm, ("a", b"good")) == []
    said = subprocess.run(own_command(["--version"]), capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.startswith("loyalty ")


class DoesNotOpen(Fails):
    def open(self, runtime_context: Any) -> None:
        raise ValueError("does not open")


def test_it_ends_when_the_function_does_not_open() -> None:
    with pytest.raises(RuntimeError, match="does not open"):
        InMemoryOperator(DoesNotOpen(), in_subprocess=True)
    assert processes_of_operators() == []


def test_it_ends_when_the_operator_is_closed() -> None:
    with operator_in_subprocess(Fails()):
        process = its_process()
    assert not process.is_running()


def print_it_and_wait() -> None:
    with operator_in_subprocess(Fails()):
        print(its_process().pid, flush=True)
        input()


def test_it_ends_when_the_jvm_is_killed() -> None:
    script = "from tests.jobs.test_subprocess_runner import print_it_and_wait; print_it_and_wait()"
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as jvm:
        assert jvm.stdout is not None
        process = psutil.Process(int(jvm.stdout.readline()))
        assert process.is_running()
        jvm.kill()
    process.wait(10)
    assert not process.is_running()
