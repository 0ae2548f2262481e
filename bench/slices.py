"""A run of the decision job that is measured late, in slices: when its state is as large as it is meant to be.

`python -m bench.slices accounts` compares a million accounts with ten thousand, `python -m bench.slices depth`
accounts of a thousand purchases with accounts of ten. Purchases all of them, and as many points released as earned.
Coming to a million accounts takes minutes, so `make bench` compares fewer: `--scale`.
"""

from __future__ import annotations

import argparse
import shutil
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable
from itertools import chain, pairwise
from typing import NamedTuple

from bench import inputs
from bench.ground import DEAD_LETTERS, DECISIONS, Ground, ground
from bench.summary import Summary, as_json, summarise
from bench.ways import STATE, WAYS, events_of, first_decisions, running
from ops.errors import Refusal
from ops.generator.settings import OutRecord

SLICES = 5
SHORTEST_S = 0.5
LOOK_EVERY_S = 1.0
WARM = 60_000
"""Events after which a run is measured that need not come far."""
FASTEST = 16_000
"""Events/s, more than are decided: so many are there to be decided for each second that is measured."""


class Course(NamedTuple):
    """An input, and from which event on it is measured."""

    accounts: int
    events: int
    measured_from: int

    @property
    def name(self) -> str:
        return f"{self.accounts}-accounts"


class Stretch(NamedTuple):
    """What is measured of a run: from where its decisions begin on, and how many events had been decided before."""

    begins: dict[int, int]
    before: int


def measure(course: Course, seconds: float, start_within_s: float) -> tuple[Summary, int]:
    """Events/s in each slice of `seconds` in all, and how many events were decided before the first."""

    def records() -> chain[OutRecord]:
        return chain(inputs.programme(), inputs.purchases(course.events, course.accounts))

    with ground(course.name, list(course), records) as place:
        place.fresh(DECISIONS, DEAD_LETTERS)
        shutil.rmtree(STATE, ignore_errors=True)
        with running(WAYS["full"].command(place)) as process:
            stretch = watch(place, lambda: process.poll() is None, course.measured_from, seconds, start_within_s)
        found = first_decisions(place, stretch.begins)
    return summarise(rates(found.values(), seconds)), stretch.before


def watch(
    place: Ground, going_on: Callable[[], bool], measured_from: int, seconds: float, start_within_s: float
) -> Stretch:
    """Waits until the decision job has come far enough, and then for so many seconds or the end of the input.

    Where it has not come that far in time it is measured from where it is then. Raises Refusal when it ends or decides
    nothing.
    """
    latest = time.monotonic() + start_within_s
    while (before := events_of(place, WAYS["full"])) < measured_from and time.monotonic() < latest:
        _sleep(going_on)
    if not before:
        raise Refusal("The decision job decided nothing in time.")
    begins = ends = place.ends(DECISIONS)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        _sleep(going_on)
        earlier, ends = ends, place.ends(DECISIONS)
        # Counting events costs more, and only what stands still may have come to its end.
        if ends == earlier and events_of(place, WAYS["full"]) >= place.events:
            break
    return Stretch(begins, before)


def _sleep(going_on: Callable[[], bool]) -> None:
    if not going_on():
        raise Refusal("The decision job ended before it was measured.")
    time.sleep(LOOK_EVERY_S)


def rates(moments: Iterable[int], seconds: float, slices: int = SLICES) -> list[float]:
    """Events/s in each of several slices of as long, from when events were decided (ms), over `seconds` at most.

    Raises:
        Refusal: they are too short to be rates.
    """
    ordered = sorted(moments)
    if not ordered or ordered[-1] - ordered[0] < slices * SHORTEST_S * 1000:
        raise Refusal(f"The input was too short to be measured in {slices} slices of {SHORTEST_S:g} s at least.")
    width = min(seconds * 1000, ordered[-1] - ordered[0]) / slices
    borders = [bisect_left(ordered, ordered[0] + number * width) for number in range(slices + 1)]
    return [(later - earlier) * 1000 / width for earlier, later in pairwise(borders)]


def compare(name: str, large: Course, small: Course, seconds: float, start_within_s: float) -> dict[str, Summary]:
    """The rates of both, and the ratio of their slices."""
    of_large, behind = measure(large, seconds, start_within_s)
    of_small, _ = measure(small, seconds, start_within_s)
    return {
        f"{name}_large_events_per_s": of_large,
        f"{name}_small_events_per_s": of_small,
        f"{name}_events_before": summarise([behind]),
        f"{name}_ratio": Summary(
            of_large.median / of_small.median,
            of_large.min / of_small.max,
            of_large.max / of_small.min,
            of_large.runs,
        ),
    }


def accounts(scale: float, seconds: float, start_within_s: float) -> dict[str, Summary]:
    """A million accounts in state, times `scale`, against ten thousand."""
    many, few = int(1_000_000 * scale), 10_000
    more = int(FASTEST * seconds)
    return compare(
        "accounts",
        Course(many, many + more, many),
        Course(few, WARM + more, WARM),
        seconds,
        start_within_s,
    )


def depth(scale: float, seconds: float, start_within_s: float) -> dict[str, Summary]:
    """Accounts with up to a thousand purchases each against accounts with up to ten; measured in the last 40 %."""
    events = int(300_000 * scale)
    return compare(
        "depth",
        Course(max(7, events // 1_000), events, events * 6 // 10),
        Course(events // 10, events, events * 6 // 10),
        seconds,
        start_within_s,
    )


COMPARISONS = {"accounts": accounts, "depth": depth}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.slices", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("comparison", choices=list(COMPARISONS))
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--start-within-s", type=float, default=300.0)
    asked = parser.parse_args()
    print(as_json(COMPARISONS[asked.comparison](asked.scale, asked.seconds, asked.start_within_s)))


if __name__ == "__main__":
    main()
