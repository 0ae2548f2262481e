"""The contenders, ways to decide that are compared: each a process of its own, timed by the records that it writes.

`python -m bench.contenders` runs them all in turn, several rounds of it, on the same purchases.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import orjson
import psutil

from bench import cpu, java, quix
from bench.ground import DEAD_LETTERS, DECISIONS, FOLDER, PARTITIONS, Ground
from ops.errors import Refusal
from ops.own_command import own_command

ROOT = Path(__file__).parent.parent
OUT = "bench.balances"
STARTS_WITHIN_S = 120.0
LOOK_EVERY_S = 0.25


@dataclass(frozen=True)
class Contender:
    """One of them."""

    title: str
    command: Callable[[Ground], list[str]]
    out: str = OUT
    full: bool = False
    """The whole decision job: several records an event, so events are counted by what the records say they are of."""


class Timed(NamedTuple):
    """One run of one of them."""

    events_per_s: float
    start_s: float
    """From the start of the process to the first record that it wrote."""
    cpu_us: float
    """CPU of its processes for one event, the broker's not among them; start and warm-up are left out."""
    events: int


def job_command(*options: str, state: Path | None = None) -> Callable[[Ground], list[str]]:
    """`loyalty run decisions`, with its state in a folder that is given or `STATE`."""

    def command(ground: Ground) -> list[str]:
        words = ["run", "decisions", "--bootstrap", ground.bootstrap, "--state", str(state or STATE), *options]
        return own_command(words)

    return command


def _peer(module: str) -> Callable[[Ground], list[str]]:
    return lambda ground: [sys.executable, "-m", f"bench.peers.{module}", ground.bootstrap, OUT]


def _ours(module: str) -> Callable[[Ground], list[str]]:
    return lambda ground: [sys.executable, "-m", f"bench.{module}", ground.bootstrap, str(STATE)]


STATE = FOLDER / "state"

CONTENDERS = {
    "full": Contender("full decision job", job_command("--fresh", "--profile", "throughput"), DECISIONS, full=True),
    "balance": Contender("running balance in our operators", _ours("balance"), DECISIONS),
    "whole": Contender("running balance through the whole decision topology", _ours("balance_in_topology"), DECISIONS),
    "sql": Contender("Flink SQL", _peer("flink_sql")),
    "java": Contender("Java DataStream", lambda ground: [*java.datastream_command(), ground.bootstrap, OUT]),
    "textbook": Contender("textbook PyFlink", _peer("textbook")),
    "quix": Contender("Quix Streams", lambda ground: [*quix.command(), ground.bootstrap, OUT]),
    "streams": Contender("Kafka Streams", lambda ground: [*java.streams_command(), ground.bootstrap, OUT]),
    "loop": Contender("plain loop, no fault tolerance", _peer("plain_loop")),
}


def run(ground: Ground, contender: Contender, seconds: float, events: int | None = None) -> Timed:
    """One run, from its start until it has decided `events` (all of the input) or `seconds` after its first record.

    Raises:
        Refusal: it ended by itself, or wrote nothing within two minutes.
    """
    ground.fresh(OUT, DECISIONS, DEAD_LETTERS)
    shutil.rmtree(STATE, ignore_errors=True)
    wanted = min(events or ground.events, ground.events)
    began_ms = time.time_ns() // 1_000_000
    deadline = time.monotonic() + STARTS_WITHIN_S
    with running(contender.command(ground)) as process:
        first = None
        while True:
            time.sleep(LOOK_EVERY_S)
            if process.poll() is not None:
                raise Refusal(f"{contender.title} ended with code {process.returncode}.")
            done = events_of(ground, contender)
            now = time.monotonic()
            if first is None and done:
                first = done, cpu.of_family(process.pid)
                deadline = now + seconds
            if done >= wanted or now >= deadline:
                break
        if first is None:
            raise Refusal(f"{contender.title} wrote nothing within {STARTS_WITHIN_S:.0f} s.")
        spent = cpu.of_family(process.pid) - first[1]
        done = events_of(ground, contender)
    total = events_of(ground, contender)
    written = ground.written(contender.out)
    return Timed(
        events_per_s=total / written.seconds,
        start_s=(written.first_ms - began_ms) / 1000,
        cpu_us=1e6 * spent / max(1, done - first[0]),
        events=total,
    )


def events_of(ground: Ground, contender: Contender) -> int:
    """How many events have been decided."""
    if not contender.full:
        return ground.count(contender.out)
    return sum(offset + 1 for offset in decided_to(ground).values())


def decided_to(ground: Ground) -> dict[int, int]:
    """By partition of the transactions: the offset up to which decisions have been written.

    Input and output have as many partitions and the same keys, so what is of one partition is in one partition.
    """
    found: dict[int, int] = {}
    looked = 200
    while True:
        held = 0
        for record in ground.tail(DECISIONS, looked):
            held += 1
            if b'"timer":' not in record:
                cause = orjson.loads(record)["cause"]
                found[cause["partition"]] = max(cause["offset"], found.get(cause["partition"], -1))
        # What timers decide comes in bursts, and the last of a partition may be nothing else.
        if len(found) == PARTITIONS or held < looked:
            return found
        looked *= 5


def first_decisions(ground: Ground, begins: Mapping[int, int]) -> dict[tuple[int, int], int]:
    """By partition and offset of a transaction: when its first decision was written, ms by the broker's clock.

    Only decisions from these offsets of their topic on are looked at.
    """
    found: dict[tuple[int, int], int] = {}
    for record in ground.since(DECISIONS, begins):
        cause = orjson.loads(record.value or b"")["cause"]
        if "timer" not in cause:
            found.setdefault((cause["partition"], cause["offset"]), record.timestamp_ms)
    return found


@contextmanager
def running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs; ended at the end, with everything that it started."""
    log = FOLDER / "contender.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment()
        )
    try:
        yield process
    except Refusal as refusal:
        end = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise Refusal(f"{refusal.message}\n{end}") from refusal
    finally:
        end_with_all(process)


def environment() -> dict[str, str]:
    """What a process of a peer needs to find: our Java, our Python first in the path, our packages."""
    from ops.java.runtime import java_home

    python = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "JAVA_HOME": str(java_home()),
        "PATH": os.pathsep.join([python, os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": str(ROOT),
    }


def end_with_all(process: subprocess.Popen[bytes]) -> None:
    """Ends a process at once, and all that it started."""
    family = []
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family, timeout=10)
