"""What several runs of one figure say together, and the JSON that every command here prints last."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Summary(NamedTuple):
    """One figure over several runs, in the unit that its name ends in."""

    median: float
    min: float
    max: float
    runs: int


def summarise(measured: Iterable[float]) -> Summary:
    """The median, so that one disturbed run does not decide. Raises ValueError when nothing was measured."""
    values = [float(value) for value in measured]
    if not values:
        raise ValueError("nothing was measured")
    return Summary(statistics.median(values), min(values), max(values), len(values))


def as_json(figures: Mapping[str, Summary]) -> str:
    """One line: an object from each figure to its median, min, max and runs; four significant digits and more."""
    return json.dumps(
        {
            name: {
                "median": _short(found.median),
                "min": _short(found.min),
                "max": _short(found.max),
                "runs": found.runs,
            }
            for name, found in figures.items()
        }
    )


def _short(value: float) -> float:
    return round(value, 3) if abs(value) < 1_000 else round(value)
