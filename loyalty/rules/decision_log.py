"""The decision log: decisions in the order they are made, numbered, sealed and with the balance that they leave."""

from __future__ import annotations

from hashlib import blake2b

import orjson

from loyalty.state.account import Account
from loyalty.state.entries import Cause
from loyalty.times import format_time
from loyalty.wire.decisions import Plain
from loyalty.wire.sealing import NO_SEAL, seal

TRANSACTIONS = "loyalty.transactions"


class DecisionLog:
    """Collects the decisions that one event, or the timers of one moment, make for an account."""

    __slots__ = ("_account", "_at", "_made", "decisions")

    def __init__(self, account: Account) -> None:
        self._account = account
        self._at = (0, format_time(0))
        self._made: dict[tuple[str, str, str | None, int], int] = {}
        self.begin()

    def begin(self) -> None:
        """Nothing has been decided."""
        self.decisions: list[Plain] = []
        self._made.clear()

    def add(self, decided: Plain, cause: Cause, occurred_at: int, timer: str | None) -> None:
        """Complete a decision and log it; the account's balances must be those after it.

        The id is a digest of what caused the decision and what kind it is, and of nothing that another run could see
        differently: not the offset (a copy of the topic has others), not the sequence (a late event may shift it),
        not the wall clock.
        """
        account = self._account
        core = account.core
        core.sequence += 1
        kind, event_id = decided["type"], cause.event_id
        made = (event_id, kind, timer, occurred_at)
        ordinal = self._made.get(made, 0)
        self._made[made] = ordinal + 1
        identity = orjson.dumps((account.account_id, event_id, cause.used_at, kind, timer, occurred_at, ordinal))
        qualifying = core.window_sum
        at = self._at
        if at[0] != occurred_at:  # most decisions of one log are of one moment
            at = self._at = occurred_at, format_time(occurred_at)
        origin: Plain = {"event_id": event_id, "topic": TRANSACTIONS}
        if timer is not None:
            origin["timer"] = timer
        decision: Plain = {
            "decision_id": blake2b(identity, digest_size=16).hexdigest(),
            "stream": "ledger",
            "sequence": core.sequence,
            "account_id": account.account_id,
            "occurred_at": at[1],
            "balance": {
                "pending": core.pending,
                "available": core.available,
                "held": core.held,
                "debt": core.debt,
                "qualifying": qualifying if qualifying > 0 else 0,
                "tier": core.tier,
            },
            "cause": origin,
            **decided,
        }
        core.seal = seal(core.seal or NO_SEAL, decision)
        decision["seal"] = core.seal.hex()
        origin["partition"] = cause.partition
        origin["offset"] = cause.offset
        decision["decided_at"] = None
        self.decisions.append(decision)
