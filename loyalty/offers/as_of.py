"""What held at a moment: entries that each begin with the moment (event time, ms) since when they hold, ascending."""

from __future__ import annotations

from bisect import bisect_right
from typing import TypeVar

from loyalty.program import REMEMBER_QUALIFYING_MS

E = TypeVar("E", tuple[int, bool], tuple[int, int, str])

REMEMBER_PAST_MS = REMEMBER_QUALIFYING_MS
"""How far back an engagement finds the consent and the tier of its event time: two years."""


def latest(entries: list[E], moment: int) -> E | None:
    """The last entry that is not after `moment`; each begins with the moment since when it holds."""
    at = bisect_right(entries, moment, key=lambda entry: entry[0])
    return entries[at - 1] if at else None


def pruned(entries: list[E]) -> list[E]:
    """Without what was replaced more than two years before the newest entry."""
    since = entries[-1][0] - REMEMBER_PAST_MS
    first = 0
    while first + 1 < len(entries) and entries[first + 1][0] <= since:
        first += 1
    return entries[first:]
