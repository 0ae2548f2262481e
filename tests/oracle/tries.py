"""How many generated histories a property is tried with.

`LOYALTY_HISTORIES` is how many the agreement of domain and oracle is tried with; every other property follows in
proportion. It is 2 000 in the tests, 8 000 in `make oracle`, and as many as fit a minute in `make check`.
"""

import os

from hypothesis import HealthCheck, settings

FULL = 2_000
HISTORIES = int(os.environ.get("LOYALTY_HISTORIES", FULL))
AT_LEAST = 5

ANY_PACE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
"""Histories are long and their properties take what they take."""


def tried_with(histories: int) -> settings:
    """Settings of a property that the tests try with so many histories, in proportion to `LOYALTY_HISTORIES`."""
    return settings(ANY_PACE, max_examples=max(AT_LEAST, histories * HISTORIES // FULL))
