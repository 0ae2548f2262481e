"""`python -m bench [--quick] [--write]`: every figure of `docs/explanation/performance.md`; what `make bench` runs.

The contenders run in turn, round after round, so that whatever else the machine does meets all of them. The last line
is one JSON object.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from bench import catch_up, inputs, latency, parallel, report, state_size
from bench.contenders import CONTENDERS, Timed, run
from bench.ground import balances, purchases
from bench.summary import Summary, as_json, summarise
from ops.errors import Refusal

SECONDS = {
    "full": 10,
    "balance": 10,
    "whole": 8,
    "sql": 10,
    "java": 10,
    "textbook": 8,
    "quix": 8,
    "streams": 8,
    "loop": 6,
}
"""How long each is measured, where the input lasts that long; what has a compiler to warm up needs longer. The full job
ends before points come to be released, from where on an event is two decisions."""
COMPARED = tuple(name for name in CONTENDERS if name != "whole")
"""The balance through the whole topology is no goal's, and `bench.profile` runs it too."""
QUICK_CONTENDERS = ("full", "balance", "sql", "java", "textbook", "quix")
RATIOS = {
    "full_to_sql": ("full", "sql"),
    "full_to_textbook": ("full", "textbook"),
    "full_to_quix": ("full", "quix"),
    "balance_to_java": ("balance", "java"),
}
IN_A_RATIO = {name for pair in RATIOS.values() for name in pair}
ROUNDS_OF_OTHERS = 3
"""A contender that is in no ratio is beside the others for its rate alone."""


def compare(rounds: int, events: int, accounts: int, names: Sequence[str], share: float) -> dict[str, Summary]:
    """Rounds of all contenders on the same purchases; `share` of the usual seconds. Raises Refusal."""
    runs: dict[str, list[Timed]] = defaultdict(list)

    with purchases(events, accounts) as place:
        expected: dict[str, list[int]] = {}
        for number in range(rounds):
            for name in names:
                if number >= ROUNDS_OF_OTHERS and name not in IN_A_RATIO:
                    continue
                contender = CONTENDERS[name]
                found = run(place, contender, SECONDS[name] * share)
                runs[name].append(found)
                _say(
                    f"round {number + 1}: {contender.title}: {found.events_per_s:,.0f} events/s, {found.cpu_us:,.0f} "
                    f"µs of CPU an event, first record after {found.start_s:.1f} s ({found.events:,} events)"
                )
                if number == 0 and not contender.full:
                    expected = expected or inputs.expected_balances(events, accounts)
                    check_balances(balances(place.bootstrap, contender.out), expected, contender.title)
    figures = {}
    for name, of_way in runs.items():
        figures[f"{name}_events_per_s"] = summarise(one.events_per_s for one in of_way)
        figures[f"{name}_cpu_us"] = summarise(one.cpu_us for one in of_way)
        figures[f"{name}_start_s"] = summarise(one.start_s for one in of_way)
    for ratio, (one, other) in RATIOS.items():
        if one in runs and other in runs:
            figures[ratio] = summarise(
                ours.events_per_s / theirs.events_per_s for ours, theirs in zip(runs[one], runs[other], strict=True)
            )
    return figures


def check_balances(found: dict[str, tuple[int, int]], expected: dict[str, list[int]], title: str) -> None:
    """Every account's latest balance is that of as many purchases as its sequence says. Raises Refusal."""
    wrong = [account for account, (sequence, balance) in found.items() if expected[account][sequence] != balance]
    if wrong or not found:
        raise Refusal(f"{title} has {len(wrong)} of {len(found)} balances wrong, {wrong[:1]} among them.")


def measure(quick: bool) -> dict[str, Summary]:
    """All figures. One that cannot be had is said on standard error and left out."""
    figures: dict[str, Summary] = {}

    def add(what: str, part: Callable[[], dict[str, Summary]]) -> None:
        _say(what)
        try:
            figures.update(part())
        except Refusal as refusal:
            print(f"{what}: not measured: {refusal.message}", file=sys.stderr, flush=True)

    if quick:
        add("the contenders, once each", lambda: compare(1, 100_000, 5_000, QUICK_CONTENDERS, 0.35))
        add("latency", lambda: latency.measure(windows=2, window_s=5.0))
        return figures
    add("the contenders, in turn", lambda: compare(5, 1_000_000, 20_000, COMPARED, 1.0))
    add("latency", latency.measure)
    add("catch-up after an outage", catch_up.measure)
    add("many accounts against few", lambda: state_size.accounts(0.2, rounds=3))
    add("deep accounts against shallow", lambda: state_size.depth(0.5, rounds=3))
    add("parallelism", lambda: parallel.measure(rounds=3))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short round: under three minutes")
    parser.add_argument("--write", action="store_true", help="put table and chart into docs/")
    asked = parser.parse_args()
    began = time.monotonic()
    figures = measure(asked.quick)
    _say(f"done after {(time.monotonic() - began) / 60:.1f} minutes")
    for line in report.lines(figures):
        print(line)
    if asked.write:
        report.write(figures, "make bench-quick" if asked.quick else "make bench")
    print(as_json(figures))


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


if __name__ == "__main__":
    main()
