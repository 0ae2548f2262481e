"""The ways to decide that are compared: each a process of its own, timed by the records that it writes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.ground import DECISIONS, FOLDER, Ground
from ops.errors import Refusal

ROOT = Path(__file__).parent.parent
OUT = "bench.balances"


class Timed(NamedTuple):
    """One run of one way."""

    events_per_s: float
    start_s: float
    """From the start of the process to the first record that it wrote."""


def run_decisions(ground: Ground, *options: str, within_s: float = 600.0) -> Timed:
    """The full decision job as a user runs it, over the whole input. Raises Refusal."""
    ground.fresh_outputs()
    state = FOLDER / "state"
    shutil.rmtree(state, ignore_errors=True)
    words = ["run", "decisions", "--bootstrap", ground.bootstrap, "--state", str(state), "--until-end", *options]
    command = [sys.executable, "-c", "import sys; from ops.cli import main; sys.exit(main())", *words]
    began_ms = time.time_ns() // 1_000_000
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within_s, check=False
    )
    if done.returncode != 0:
        raise Refusal(f"The decision job exited {done.returncode}:\n{done.stdout}\n{done.stderr}")
    written = ground.written(DECISIONS)
    return Timed(ground.events / written.seconds, (written.first_ms - began_ms) / 1000)


def run_balances(ground: Ground, command: Sequence[str], within_s: float = 300.0, events: int = 0) -> Timed:
    """One way of keeping a running balance, until it has written one record for each event. Raises Refusal."""
    ground.fresh(OUT)
    events = events or ground.events
    began_ms = time.time_ns() // 1_000_000
    with running([*command, ground.bootstrap, OUT]) as process:
        ground.wait_for(OUT, events, within_s, lambda: process.poll() is None)
    written = ground.written(OUT)
    return Timed(events / written.seconds, (written.first_ms - began_ms) / 1000)


@contextmanager
def running(command: Sequence[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that runs; ended at the end, with everything that it started."""
    log = FOLDER / "way.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=environment(),
        )
    try:
        yield process
    except Refusal as refusal:
        end = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise Refusal(f"{refusal.message}\n{end}") from refusal
    finally:
        end_with_all(process)


def environment() -> dict[str, str]:
    """What a process of a peer needs to find: our Java, our Python first in the path."""
    from ops.java import java_home

    python = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "JAVA_HOME": str(java_home()),
        "PATH": os.pathsep.join([python, os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": str(ROOT),
    }


def end_with_all(process: "subprocess.Popen[bytes]") -> None:
    family = []
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family, timeout=10)
