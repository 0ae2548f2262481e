"""The stretch of a run that is measured: so many seconds of it, once it has warmed up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from bench.contenders import first_decisions
from bench.ground import DECISIONS, Ground
from ops.errors import Refusal

LOOK_EVERY_S = 1.0
BEHIND_S = 10.0
"""How long after the window, by our clock, a decision may come that closes it by the broker's."""


class Window(NamedTuple):
    """It opens `warm_up_s` after the first decision. Ten seconds hold one of the checkpoints that come every ten."""

    warm_up_s: float = 4.0
    seconds: float = 10.0


def watch(place: Ground, going_on: Callable[[], bool], window: Window, start_within_s: float) -> float:
    """Events/s in the window of a run that has been started and whose decisions are all that the topic holds.

    Raises:
        Refusal: the run ended, decided nothing in time, or had nothing more to decide before the window closed.
    """
    latest = time.monotonic() + start_within_s
    begun = False
    while time.monotonic() < latest and going_on():
        time.sleep(LOOK_EVERY_S)
        with suppress(Refusal):  # nothing written yet
            if not begun and place.count(DECISIONS):
                begun, latest = True, time.monotonic() + window.warm_up_s + window.seconds + BEHIND_S
            if begun and place.written(DECISIONS).seconds > window.warm_up_s + window.seconds:
                return rate(first_decisions(place, dict.fromkeys(place.ends(DECISIONS), 0)).values(), window)
    raise Refusal(
        f"The decision job {'ended or had nothing left' if begun else 'decided nothing'} before "
        f"{window.seconds:g} s of it could be measured."
    )


def rate(moments: Iterable[int], window: Window) -> float:
    """Events/s in the window, from when events were decided (ms).

    Raises:
        Refusal: the last one was decided before the window closed.
    """
    ordered = sorted(moments)
    opens = ordered[0] + window.warm_up_s * 1000 if ordered else 0.0
    closes = opens + window.seconds * 1000
    if not ordered or ordered[-1] < closes:
        raise Refusal(f"Nothing was left to decide before {window.seconds:g} s had been measured.")
    return sum(opens <= at < closes for at in ordered) / window.seconds
