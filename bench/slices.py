"""A run of the decision job that is measured late, in slices: when its state is as large as it is meant to be.

`python -m bench.slices accounts` compares a million accounts with ten thousand, `python -m bench.slices depth`
accounts of a thousand purchases with accounts of ten. Purchases all of them, and as many points released as earned.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable
from itertools import chain, pairwise
from typing import NamedTuple

from bench import inputs
from bench.ground import DEAD_LETTERS, DECISIONS, Ground, ground
from bench.summary import Summary, as_json, summarise
from bench.ways import STATE, WAYS, events_of, running
from ops.errors import Refusal
from ops.generator.settings import OutRecord

SLICES = 5


class Sample(NamedTuple):
    at: float
    events: int


class Course(NamedTuple):
    """An input, and from which event on it is measured."""

    accounts: int
    events: int
    measured_from: int

    @property
    def name(self) -> str:
        return f"{self.accounts}-accounts"


def measure(course: Course, seconds: float, start_within_s: float) -> tuple[Summary, int]:
    """Events/s in each slice of `seconds` in all, and how many events were decided before the first."""

    def records() -> chain[OutRecord]:
        return chain(inputs.programme(), inputs.purchases(course.events, course.accounts))

    with ground(course.name, list(course), records) as place:
        samples = run_sampled(place, course.measured_from, seconds, start_within_s)
    return summarise(rates(samples)), samples[0].events


def run_sampled(place: Ground, measured_from: int, seconds: float, start_within_s: float) -> list[Sample]:
    """Runs the decision job over the input and looks at it about once a second, once it has come far enough.

    Where it has not come that far in time it is measured from where it is then.
    """
    place.fresh(DECISIONS, DEAD_LETTERS)
    shutil.rmtree(STATE, ignore_errors=True)
    with running(WAYS["full"].command(place)) as process:
        return sample(place, lambda: process.poll() is None, measured_from, seconds, start_within_s)


def sample(
    place: Ground, going_on: Callable[[], bool], measured_from: int, seconds: float, start_within_s: float
) -> list[Sample]:
    """As `run_sampled`, of a job that runs. Raises Refusal when it ends or decides nothing."""
    latest = time.monotonic() + start_within_s
    samples: list[Sample] = []
    while True:
        if not going_on():
            raise Refusal("The decision job ended before it was measured.")
        now, done = time.monotonic(), events_of(place, WAYS["full"])
        if samples or done >= measured_from or (now > latest and done):
            samples.append(Sample(now, done))
            if done >= place.events or now - samples[0].at >= seconds:
                break
        elif now > latest:
            raise Refusal("The decision job decided nothing in time.")
        time.sleep(0.4)
    if len(samples) <= SLICES:
        raise Refusal(f"The input of {place.events:,} events was too short to be measured in {SLICES} slices.")
    return samples


def rates(samples: list[Sample], slices: int = SLICES) -> list[float]:
    """Events/s between every so many samples, so that there are as many slices."""
    borders = [samples[(len(samples) - 1) * number // slices] for number in range(slices + 1)]
    return [(later.events - earlier.events) / (later.at - earlier.at) for earlier, later in pairwise(borders)]


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
    """A million accounts in state against ten thousand, times `scale`."""
    million = int(1_000_000 * scale)
    return compare(
        "accounts",
        Course(million, million * 14 // 10, million),
        Course(int(10_000 * scale), int(400_000 * scale), int(80_000 * scale)),
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
