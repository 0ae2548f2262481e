"""The quick net: fixed histories, with what the unchanged code makes of each.

They are drawn by Hypothesis as the agreement tests draw theirs, in the same way each time. What is kept of a history is
its input, as plain records, so that it can be given to changed code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.oracle.histories import histories
from tests.oracle.offer_histories import LoopCase, loop_histories, offer_histories, written
from tests.oracle.window_histories import window_histories
from tests.oracle.wire import Record

READ_BY_THE_OFFERS_JOB = ("loyalty.members", "loyalty.program", "loyalty.decisions")

T = TypeVar("T")


class History(NamedTuple):
    """One input of one of the two jobs; `lag_ms` None is the offers job."""

    reference: list[Record]
    records: list[Record]
    lag_ms: int | None
    eager: bool = True


def drawn_histories(number: int) -> list[History]:
    """`number` histories of accounts, twice as many of windows, half as many of offers, and a quarter as many of the
    whole loop, half of them with late events."""
    found: list[History] = []
    for case in _drawn(histories(), number):
        found.append(History(case.reference, case.transactions, case.lag_ms))
    for case in _drawn(histories(allow_late=True, partitions=1), number // 4):
        found.append(History(case.reference, case.transactions, case.lag_ms))
    for case in _drawn(window_histories(), 2 * number):
        found.append(History(case.reference, case.transactions, case.lag_ms))
    for loop in _drawn(offer_histories(), number // 2):
        found.append(History(_read_by_the_offers_job(loop), loop.engagements, None))
    for allow_late in (False, True):
        for loop in _drawn(loop_histories(allow_late), number // 8):
            found.extend(_both_jobs(loop))
    return found


def result(history: History) -> bytes:
    """What the code that is loaded now publishes: decisions, dead letters, and what became of each record."""
    make: Callable[..., Any] = import_module("loyalty.records").Record
    reference = [make(*record) for record in history.reference]
    records = [make(*record) for record in history.records]
    if history.lag_ms is None:
        outcome = import_module("loyalty.offers.in_memory_run").run_offers(reference, records)
    else:
        run = import_module("loyalty.in_memory_run").run
        outcome = run(reference, records, history.lag_ms, eager=history.eager)
    fates = [(*place, fate) for place, fate in outcome.fates.items()]
    return orjson.dumps([outcome.decisions, outcome.dead_letters, fates], default=repr)


def _drawn(strategy: st.SearchStrategy[T], number: int) -> Iterator[T]:
    found: list[T] = []

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(case: T) -> None:
        found.append(case)

    draw()
    return iter(found)


def _read_by_the_offers_job(loop: LoopCase) -> list[Record]:
    return [record for record in loop.reference if record.topic in READ_BY_THE_OFFERS_JOB]


def _both_jobs(loop: LoopCase) -> Iterator[History]:
    """Offers of what the ledger decides, then the ledger with these offers; due things are done at once or late."""
    ledger = History(loop.reference, loop.transactions, loop.lag_ms)
    offers = History([*_read_by_the_offers_job(loop), *_decisions(ledger)], loop.engagements, None)
    yield offers
    reference, transactions = loop.with_offers(_decisions(offers))
    yield History(reference, transactions, loop.lag_ms)
    yield History(reference, transactions, loop.lag_ms, eager=False)


def _decisions(history: History) -> list[Record]:
    decisions: list[dict[str, Any]] = orjson.loads(result(history))[0]
    return written(decisions)
