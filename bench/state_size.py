"""How fast the decision job is with a large state, against a small one.

`python -m bench.state_size accounts` compares a million accounts with ten thousand, `python -m bench.state_size depth`
accounts of a thousand purchases with accounts of ten. Purchases all of them, and as many points released as earned.

Each state is made once, by a run that is stopped with a savepoint. Every measured run goes on from there, large and
small in turn, so all runs of one state decide the same events from the same state. Making a million accounts takes
minutes, so `make bench` compares fewer: `--scale`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.contenders import CONTENDERS, STARTS_WITHIN_S, events_of, job_command, running
from bench.ground import DEAD_LETTERS, DECISIONS, FOLDER, Ground, purchases
from bench.summary import Summary, as_json, summarise
from bench.window import Window, watch
from ops.errors import Refusal

FILLS_AT_LEAST = 1_500
"""Events/s: a job that comes to its state more slowly is not waited for."""
STOPS_WITHIN_S = 180.0
WINDOW = Window()
MEASURED = int(16_000 * (WINDOW.warm_up_s + WINDOW.seconds))
"""How many events there are for a run that is measured: more than are decided."""
FILL_DAYS = 45
"""What the events that make the state span: longer than points are pending, so that from there on as many come to be
released as are earned."""
_CHECKPOINT = re.compile(r"Completed checkpoint \d+ for job \w+ \((\d+) bytes, checkpointDuration=(\d+) ms")


class Course(NamedTuple):
    """How many accounts, how many events make the state, and how many there are in all."""

    accounts: int
    fill: int
    events: int


class Side:
    """One of the two that are compared: an input, and a state folder that every run goes on from."""

    def __init__(self, place: Ground, folder: Path, checkpoint_interval: str) -> None:
        self._place = place
        self._folder = folder
        self._interval = checkpoint_interval

    def fill(self, events: int) -> None:
        """Decides so many events and stops with a savepoint. Raises Refusal when it takes too long."""
        place = self._place
        place.fresh(DECISIONS, DEAD_LETTERS)
        latest = time.monotonic() + STARTS_WITHIN_S + events / FILLS_AT_LEAST
        # Checkpoints that nothing goes back to would only cost time.
        with running(self._command("10m", "--fresh")) as process:
            while events_of(place, CONTENDERS["full"]) < events:
                time.sleep(1.0)
                if process.poll() is not None or time.monotonic() > latest:
                    raise Refusal(f"The decision job did not come to {events:,} events.")
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOPS_WITHIN_S)
            except subprocess.TimeoutExpired:
                raise Refusal(f"The decision job did not stop within {STOPS_WITHIN_S:.0f} s.") from None
        shutil.copyfile(self._folder / "job.json", self._folder / "filled.json")

    def run(self) -> tuple[float, list[tuple[int, int]]]:
        """Goes on from the state that was made: events/s, and the checkpoints (bytes, ms) that were completed."""
        self._place.fresh(DECISIONS, DEAD_LETTERS)
        shutil.copyfile(self._folder / "filled.json", self._folder / "job.json")
        shutil.rmtree(self._folder / "checkpoints", ignore_errors=True)
        with running(self._command(self._interval)) as process:
            found = watch(self._place, lambda: process.poll() is None, WINDOW, STARTS_WITHIN_S)
        log = (self._folder / "flink.log").read_text(encoding="utf-8", errors="replace")
        return found, [(int(size), int(took)) for size, took in _CHECKPOINT.findall(log)]

    def _command(self, interval: str, *options: str) -> list[str]:
        return job_command("--profile", "throughput", "--checkpoint-interval", interval, *options, state=self._folder)(
            self._place
        )


@contextmanager
def side(course: Course, checkpoint_interval: str) -> Iterator[Side]:
    """One side, filled; its state is removed at the end."""
    folder = FOLDER / f"state-{course.accounts}"
    shutil.rmtree(folder, ignore_errors=True)
    days = FILL_DAYS * course.events // course.fill
    with purchases(course.events, course.accounts, days) as place:
        try:
            made = Side(place, folder, checkpoint_interval)
            made.fill(course.fill)
            yield made
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def compare(name: str, large: Course, small: Course, rounds: int, checkpoint_interval: str) -> dict[str, Summary]:
    """The rates of both in turn, the ratio of each round, and the large one's checkpoints. Raises Refusal."""
    rates: dict[str, list[float]] = defaultdict(list)
    checkpoints: list[tuple[int, int]] = []
    with ExitStack() as stack:
        sides = {
            "large": stack.enter_context(side(large, checkpoint_interval)),
            "small": stack.enter_context(side(small, checkpoint_interval)),
        }
        for number in range(rounds):
            for size, one in sides.items():
                found, completed = one.run()
                rates[size].append(found)
                if size == "large":
                    checkpoints += completed
                print(f"round {number + 1}: {name}, {size}: {found:,.0f} events/s {completed}", flush=True)
    figures = {f"{name}_{size}_events_per_s": summarise(found) for size, found in rates.items()}
    figures[f"{name}_large_accounts"] = summarise([large.accounts])
    if checkpoints:
        figures[f"{name}_large_checkpoint_mb"] = summarise(size / 1e6 for size, _ in checkpoints)
        figures[f"{name}_large_checkpoint_ms"] = summarise(took for _, took in checkpoints)
    figures[f"{name}_ratio"] = summarise(
        of_large / of_small for of_large, of_small in zip(rates["large"], rates["small"], strict=True)
    )
    return figures


def accounts(scale: float, rounds: int, checkpoint_interval: str = "10s") -> dict[str, Summary]:
    """A million accounts in state, times `scale`, against ten thousand."""
    many, few = int(1_000_000 * scale), 10_000
    sides = Course(many, many, many + MEASURED), Course(few, 6 * few, 6 * few + MEASURED)
    return compare("accounts", *sides, rounds, checkpoint_interval)


def depth(scale: float, rounds: int, checkpoint_interval: str = "10s") -> dict[str, Summary]:
    """Accounts with about a thousand purchases each against accounts with about ten."""
    fill = int(240_000 * scale)
    sides = Course(fill // 800, fill, fill + MEASURED), Course(fill // 8, fill, fill + MEASURED)
    return compare("depth", *sides, rounds, checkpoint_interval)


COMPARISONS: dict[str, Callable[[float, int, str], dict[str, Summary]]] = {"accounts": accounts, "depth": depth}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.state_size", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("comparison", choices=list(COMPARISONS))
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--checkpoint-interval", default="10s")
    asked = parser.parse_args()
    print(as_json(COMPARISONS[asked.comparison](asked.scale, asked.rounds, asked.checkpoint_interval)))


if __name__ == "__main__":
    main()
