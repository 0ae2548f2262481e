"""Searching for the smallest change of a fact that makes a difference, and proving it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from loyalty.wire.decisions import Plain

FARTHEST = 1 << 60


class Change(NamedTuple):
    """A change of one fact, and what would have been decided then."""

    reason: str
    """The code of the reason that it takes away, or `approved` and the like: what it would undo."""
    sentence: str
    """`with 120 more points available (1,620)`; why there is none, where `outcome` is None."""
    outcome: str | None
    """What would have been decided; None where no change was found."""
    facts: Plain | None = None
    """The changed facts, as the pure decide function was given them."""


def smallest(does: Callable[[int], bool], farthest: int = FARTHEST) -> int | None:
    """The least number from 1 to `farthest` from which on `does` holds; None where it does not even there."""
    above = 1
    while not does(above):
        if above >= farthest:
            return None
        above = min(farthest, above * 2)
    below = above // 2
    while below + 1 < above:
        middle = (below + above) // 2
        below, above = (below, middle) if does(middle) else (middle, above)
    proven = does(above) and not (above > 1 and does(above - 1))
    return above if proven else None


def more(number: int, what: str) -> str:
    return f"1 more {what}" if number == 1 else f"{number:,} more {what}s"


def fewer(number: int, what: str) -> str:
    return f"1 fewer {what}" if number == 1 else f"{number:,} fewer {what}s"


def none_found(code: str, why: str) -> Change:
    return Change(code, why, None)
