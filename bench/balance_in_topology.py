"""`python -m bench.balance_in_topology BOOTSTRAP STATE`: a running balance through the whole decision topology.

The job is `loyalty run decisions` with another domain in it, which does what the peers do and no more. What it costs is
the price of the plumbing.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.balance import ENTRY, add_purchase
from jobs.config import DecisionsConfig
from jobs.decisions_topology import DecisionsDomain, build
from jobs.kinds import DECISIONS_KIND
from jobs.profiles import Profile
from jobs.topics import PROGRAM, TRANSACTIONS
from loyalty.decider import Delivery, Verdict
from loyalty.records import Record
from loyalty.state.codec import StateEntries
from loyalty.validation import Document, ForAccount, Ignored, Passed, Watermark
from loyalty.wire.events import Transaction
from loyalty.wire.program import ProgramDocument
from ops.jobs.run import Until, run


class BalanceValidator:
    """Passes every transaction on, with the broker's clock."""

    def __init__(self, unread: Mapping[int, int]) -> None:
        self._latest = 0
        self._documents = 0

    def take(self, entries: StateEntries, record: Record) -> Passed:
        key, value = record.key, record.value
        if key is not None and value is not None and record.topic == TRANSACTIONS:
            self._latest = max(self._latest, record.timestamp_ms)
            return ForAccount(key.decode(), Delivery(record), self._documents, self.watermark(entries))
        if value is not None and record.topic == PROGRAM:
            self._documents += 1
            return Document(self._documents, "any", value, self.watermark(entries))
        return Ignored(self.watermark(entries))

    def watermark(self, entries: StateEntries) -> Watermark | None:
        return Watermark(0, self._latest) if self._latest else None


class BalanceDecider:
    """Adds up."""

    def learn(self, document: ProgramDocument) -> None: ...

    def receive(
        self, account_id: str, entries: StateEntries, delivery: Delivery, event: Transaction | None = None
    ) -> Verdict:
        assert delivery.record.value is not None
        return Verdict([add_purchase(entries, delivery.record.value)], [], None, "used")

    def fire(self, account_id: str, entries: StateEntries, watermark_ms: int) -> Verdict:
        return Verdict([], [], None, "timer")


def add_balances(environment: Any, config: DecisionsConfig) -> None:
    build(environment, config, DecisionsDomain(BalanceValidator, BalanceDecider(), (ENTRY,)))


def main(bootstrap: str, state: str) -> None:
    config = DecisionsConfig(bootstrap=bootstrap, profile=Profile.THROUGHPUT)
    run(DECISIONS_KIND, config, Until(Path(state), fresh=True), add_balances)


if __name__ == "__main__":
    # Classes of the main module would travel to the workers by value; by its name this module is imported there.
    from bench import balance_in_topology

    balance_in_topology.main(*sys.argv[1:])
