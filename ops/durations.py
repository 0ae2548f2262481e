"""Durations as people write them on a command line."""

import re

from ops.errors import Refusal

_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def milliseconds(text: str) -> int:
    """`30s`, `10m`, `24h`, `400d` or `250ms` in milliseconds; `0` needs no unit.

    Raises:
        Refusal: it is not a whole number with one of these units.
    """
    found = re.fullmatch(r"(\d{1,15})(ms|s|m|h|d)", text.strip())
    if found is None:
        if text.strip() == "0":
            return 0
        raise Refusal(f"{text!r} is no duration; write for example 30s, 10m, 24h or 400d.")
    return int(found[1]) * _MS[found[2]]


def in_words(duration_ms: int) -> str:
    """A duration as it is written on a command line, in the largest unit that leaves a whole number."""
    unit, size = max(((unit, size) for unit, size in _MS.items() if duration_ms % size == 0), key=lambda one: one[1])
    return f"{duration_ms // size}{unit}" if duration_ms else "0"
