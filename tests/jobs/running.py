"""Running the job as its users do: in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.kafka_records import Kept, read_all

ROOT = Path(__file__).parents[2]
WITHIN_S = float(os.environ.get("LOYALTY_WITHIN_S", "600"))
"""How long a command may take; runs that are larger than those of CI take longer."""


class Failed(AssertionError):
    """The command did not exit 0."""


def standin_command(bootstrap: str, state: Path, **options: Any) -> list[str]:
    """The command line of the job with the stand-in domain; `options` are settings, and those of `Until`."""
    given = {"bootstrap": bootstrap, "state": str(state), "watermark_lag_ms": 0, **options}
    return [sys.executable, "-m", "tests.jobs.standin_job", json.dumps(given)]


def finish(command: Sequence[str]) -> str:
    """Runs a command to its end and gives what it printed. Raises Failed."""
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    if done.returncode != 0:
        raise Failed(f"{list(command)} exited {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


@contextmanager
def running(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command that runs; killed at the end with everything it started, if it still does then."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            kill(process)


def stop(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> int:
    """Asks the command to stop and gives its exit code."""
    process.send_signal(number)
    return process.wait(WITHIN_S)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the command and whatever it started, with no chance to say anything."""
    if process.poll() is None:
        started = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait(10)
        for child in started:
            with suppress(psutil.NoSuchProcess):
                child.kill()


def wait_until(what: str, is_so: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        assert process.poll() is None, f"the job ended before {what}:\n{log.read_text()}"
        assert time.monotonic() < deadline, f"{what} did not happen within {WITHIN_S:.0f} s:\n{log.read_text()}"
        time.sleep(0.1)


def decisions(bootstrap: str) -> list[dict[str, Any]]:
    """Every decision in its topic, partition by partition; its key is checked."""
    found = []
    for record in read_all(bootstrap, "loyalty.decisions"):
        decision = json.loads(record.value or b"{}")
        assert record.key == decision["account"].encode()
        found.append(decision)
    return found


def dead_letters(bootstrap: str) -> list[Kept]:
    return read_all(bootstrap, "loyalty.dead-letters")
