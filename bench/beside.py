"""`python -m bench.beside REVISION`: the CPU of a purchase in Python alone, in this tree beside another revision's.

The two take turns, each run in a process of its own, so that what disturbs one disturbs the other. With a third
contender, this tree without its seals, what the seal costs stands apart.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.summary import as_json, summarise

ROOT = Path(__file__).parent.parent
RECEIVED_AT_MS = 1_800_000_000_000
"""The records' own timestamp: later than all that the generator makes."""
ONE_RUN = f"""
from itertools import chain
from bench import domain, inputs
records = chain(inputs.programme(), inputs.purchases({{events}}, accounts=500))
print(domain.run(*domain.packed(records, {RECEIVED_AT_MS}))[0])
"""
"""Uses nothing but what revisions since ef77d44 have as well."""
UNSEALED = """
import loyalty.rules.decision_log
loyalty.rules.decision_log.seal = lambda previous, sealed: previous
"""


def _measured(tree: Path, events: int, before: str = "") -> float:
    """CPU of a purchase, µs."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-c", before + ONE_RUN.format(events=events)]
    done = subprocess.run(command, cwd=tree, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.splitlines()[-1])


def beside(other: Path, events: int, runs: int) -> dict[str, list[float]]:
    """The CPU of a purchase in each run, µs, by contender."""
    spent: dict[str, list[float]] = defaultdict(list)
    for _ in range(runs):
        spent["other"].append(_measured(other, events))
        spent["this"].append(_measured(ROOT, events))
        spent["this, unsealed"].append(_measured(ROOT, events, UNSEALED))
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.beside", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("revision", nargs="?", default="HEAD")
    parser.add_argument("--events", type=int, default=8_000)
    parser.add_argument("--runs", type=int, default=7)
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="loyalty-beside-") as folder:
        tree = Path(folder) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), asked.revision], check=True)
        try:
            spent = beside(tree, asked.events, asked.runs)
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)
    print(f"{'':<18}{'µs a purchase':>14}{'÷ other, by pairs':>20}")
    for name, values in spent.items():
        ratio = median(value / other for value, other in zip(values, spent["other"], strict=True))
        print(f"{name:<18}{median(values):>14.1f}{ratio:>20.3f}")
    print(as_json({name: summarise(values) for name, values in spent.items()}))


if __name__ == "__main__":
    main()
