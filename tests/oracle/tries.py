"""How many generated histories a property is tried with.

`LOYALTY_HISTORIES` is how many the agreement of domain and oracle is tried with; every other property follows in
proportion. It is 2 000 in the tests, 8 000 in `make oracle`, and as many as fit a minute in `make check`.
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

FULL = 2_000
HISTORIES = int(os.environ.get("LOYALTY_HISTORIES", FULL))
AT_LEAST = 5

ANY_PACE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
"""Histories are long and their properties take what they take."""


def tried_with(histories: int) -> settings:
    """Settings of a property that the tests try with so many histories, in proportion to `LOYALTY_HISTORIES`."""
    return settings(ANY_PACE, max_examples=max(AT_LEAST, histories * HISTORIES // FULL))


BATCH = 100
MOST_BATCHES = 20


def try_until_nothing_is_missing(
    histories: SearchStrategy[T], count: Callable[[T], None], missing: Callable[[], set[Any]]
) -> None:
    """Generates histories and counts what they bring about, until nothing is missing or 2 000 have been tried.

    What Hypothesis generates changes with the modules that happen to be loaded, whose constants it tries: a fixed
    number of histories is enough in one run of the tests and not in another.
    """
    for batch in range(MOST_BATCHES):
        if missing():
            some = settings(ANY_PACE, max_examples=BATCH, database=None)
            seed(batch)(some(given(histories)(count)))()
