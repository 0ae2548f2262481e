"""`python -m bench.balance_in_topology BOOTSTRAP STATE`: a running balance through the whole decision topology.

The job is `loyalty run decisions` with another domain in it, which does what the peers do and no more. What it costs is
the price of the plumbing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.balance import PAGE, add_purchase
from jobs.config import DecisionsConfig
from jobs.decisions_topology import build
from jobs.domain import DECISIONS, Document, ForAccount, Output, Passed, Record, StateEntries, Verdict, Watermark
from jobs.kinds import DECISIONS_KIND
from jobs.profiles import Profile
from jobs.topics import PROGRAM, TRANSACTIONS
from ops.jobs.run import Until, run


class BalanceIntake:
    """Passes every transaction on, with the broker's clock."""

    def __init__(self) -> None:
        self._latest = 0
        self._documents = 0

    def begin(self, pages: StateEntries, unread: Mapping[int, int]) -> None: ...

    def take(self, pages: StateEntries, record: Record) -> Iterable[Passed]:
        key, value = record.key, record.value
        if key is None or value is None:
            return ()
        if record.topic == TRANSACTIONS:
            self._latest = max(self._latest, record.timestamp_ms)
            return (ForAccount(key.decode(), value, self._documents, Watermark(0, self._latest)),)
        if record.topic == PROGRAM:
            self._documents += 1
            return (Document(self._documents, value.decode()),)
        return ()

    def clock(self, pages: StateEntries) -> Watermark | None:
        return Watermark(0, self._latest) if self._latest else None


class BalanceDesk:
    """Adds up."""

    reads_first = (PAGE,)

    def learn(self, document: str) -> None: ...

    def receive(self, account_id: str, pages: StateEntries, payload: bytes, watermark_ms: int | None) -> Verdict:
        return Verdict([Output(DECISIONS, *add_purchase(pages, payload))], None)

    def fire(self, account_id: str, pages: StateEntries, watermark_ms: int) -> Verdict:
        return Verdict([], None)


def add_balances(environment: Any, config: DecisionsConfig) -> None:
    build(environment, config, BalanceIntake(), BalanceDesk())


def main(bootstrap: str, state: str) -> None:
    config = DecisionsConfig(bootstrap=bootstrap, profile=Profile.THROUGHPUT)
    run(DECISIONS_KIND, config, Until(Path(state), fresh=True), add_balances)


if __name__ == "__main__":
    # Classes of the main module would travel to the workers by value; by its name this module is imported there.
    from bench import balance_in_topology

    balance_in_topology.main(*sys.argv[1:])
