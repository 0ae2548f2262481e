"""`loyalty run all`: the whole loop on this machine, each job in a process of its own."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, NamedTuple

import psutil
import typer

from ops.errors import Exit, Refusal
from ops.options import BootstrapOption
from ops.own_command import own_command
from ops.parent import PARENT

LOOK_EVERY_S = 0.2
STOPS_WITHIN_S = 120.0


FIRST = "decisions"
"""The job that somebody waits for at a checkout. On the same cores the others give way to it."""
YIELDS = 10
"""Their niceness, as the operating system's scheduler counts it."""


class Part(NamedTuple):
    """One job of the loop: what its lines begin with, and the words of its command."""

    name: str
    words: Sequence[str]


def run_all_command(
    bootstrap: BootstrapOption,
    until_end: Annotated[
        bool,
        typer.Option(
            "--until-end",
            help="Stop when what the topics held at the start has been decided: first the offers, then the decisions.",
        ),
    ] = False,
    state: Annotated[
        Path, typer.Option(help="The folder in which each job has one that says where it stopped.")
    ] = Path(".loyalty"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget where they stopped; start over.")] = False,
    context: Annotated[
        bool, typer.Option(help="Also run the SQL model that tells the fraud gate who was engaged when.")
    ] = True,
) -> None:
    """Run every job of the loop on this machine. Ctrl-C stops all of them cleanly; so does the end of one.

    With --until-end the jobs run one after the other: offers first, since a purchase takes up what had been offered
    when it is decided. The tiers that offers look at are then those which earlier runs decided. The engagement
    context is taken as it is on its topic.
    """
    options = ["--bootstrap", bootstrap, *(["--fresh"] if fresh else [])]
    offers = Part("offers", ["run", "offers", *options, "--state", str(state / "offers")])
    decisions = Part("decisions", ["run", "decisions", *options, "--state", str(state / "decisions")])
    if until_end:
        for part in (offers, decisions):
            if not supervise([part._replace(words=[*part.words, "--until-end"])]):
                return
    else:
        model = Part("context", ["sql", "run", "engagement_context", *options, "--state", str(state / "context")])
        supervise([decisions, offers, *([model] if context else [])])


def supervise(parts: Sequence[Part], say: Callable[[str], None] | None = None) -> bool:
    """Runs all parts, and prints their lines behind their names, until all have ended; False where it was told to stop.

    Told to stop (SIGINT, SIGTERM), or when one fails, it tells the others to stop and waits for their savepoints; told
    twice, it does not wait.

    Raises:
        Refusal: a part failed; which one, and its exit code.
    """
    say = say or (lambda line: print(line, flush=True))
    width = max(len(part.name) for part in parts)
    running: dict[str, subprocess.Popen[str]] = {}
    printers = []
    asked = _Asked()
    alive, ours = os.pipe()
    with asked:
        try:
            for part in parts:
                running[part.name] = process = _start(part.words, alive)
                if part.name != FIRST:
                    psutil.Process(process.pid).nice(YIELDS)  # and so whatever it starts
                printer = threading.Thread(target=_print_lines, args=(f"{part.name:<{width}} | ", process, say))
                printer.start()
                printers.append(printer)
            failed = _wait(running, asked)
        finally:
            for process in running.values():
                _kill(process)
            for printer in printers:
                printer.join()
            os.close(alive)
            os.close(ours)
    if failed is not None:
        name, code = failed
        raise Refusal(f"The job {name} ended with exit code {code}; the others were stopped.", Exit.FAILED)
    return asked.times == 0


def _start(words: Sequence[str], alive: int) -> subprocess.Popen[str]:
    # In a session of its own, so that Ctrl-C at a terminal does not reach it a second time beside our SIGTERM. It ends
    # with this process all the same: the pipe that it watches has its other end here, and nowhere else.
    return subprocess.Popen(
        own_command(words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONUNBUFFERED": "1", PARENT: str(alive)},
        pass_fds=[alive],
        start_new_session=True,
    )


def _print_lines(prefix: str, process: subprocess.Popen[str], say: Callable[[str], None]) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            say(prefix + line.rstrip("\n"))


class _Asked:
    """How often this process has been asked to stop."""

    def __init__(self) -> None:
        self.times = 0

    def __enter__(self) -> "_Asked":
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.times += 1


def _kill(process: subprocess.Popen[str]) -> None:
    """Ends it and its Java, which are a session of their own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(running: Mapping[str, subprocess.Popen[str]], asked: _Asked) -> tuple[str, int] | None:
    """Until all have ended; gives the first that failed."""
    failed: tuple[str, int] | None = None
    told_at: float | None = None
    while any(process.poll() is None for process in running.values()):
        if failed is None:
            failed = next(((name, code) for name, process in running.items() if (code := process.poll())), None)
        if told_at is None and (failed is not None or asked.times):
            told_at = time.monotonic()
            for process in running.values():
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
        if asked.times > 1 or (told_at is not None and time.monotonic() - told_at > STOPS_WITHIN_S):
            for process in running.values():
                _kill(process)
        time.sleep(LOOK_EVERY_S)
    return failed or next(((name, code) for name, process in running.items() if (code := process.poll())), None)
