"""Numbers, times and spans as people say them, for the sentences of reasons."""

from __future__ import annotations

from loyalty.times import DAY_MS, HOUR_MS, MINUTE_MS
from loyalty.times import format_time as _wire_text

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_SPANS = ((DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute"), (1_000, "second"))


def counted(number: int, what: str) -> str:
    """`1 point`, `3,112 points`."""
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


def points(number: int) -> str:
    return "1 point" if number == 1 else f"{number:,} points"


def were(number: int) -> str:
    return "was" if number == 1 else "were"


def moment(ms: int) -> str:
    """`20 January 2026, 10:00 UTC`."""
    text = _wire_text(ms)
    return f"{int(text[8:10])} {_MONTHS[int(text[5:7]) - 1]} {int(text[:4])}, {text[11:16]} UTC"


def span(ms: int) -> str:
    """`3 days`, `90 minutes`, `1 day 2 hours`: exact down to a second, what is less is left out."""
    parts = []
    for size, name in _SPANS:
        number, ms = divmod(ms, size)
        if number:
            parts.append(counted(number, name))
    return " ".join(parts) or "less than a second"
