"""The log: decisions in the order they are made, numbered and with the balance they leave."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson

from loyalty.state.account import Account, Cause
from loyalty.times import format_time

TRANSACTIONS = "loyalty.transactions"


def reason(code: str, detail: str, actual: int | None = None, threshold: int | None = None) -> dict[str, Any]:
    """One entry of a decision's `reasons`; `detail` is a sentence that can be read aloud."""
    return {"code": code, "detail": detail, "actual": actual, "threshold": threshold}


class DecisionLog:
    """Collects the decisions that one event, or the due things of one moment, make for an account."""

    __slots__ = ("_account", "_at", "_made", "decisions")

    def __init__(self, account: Account) -> None:
        self._account = account
        self._at: tuple[int, str] | None = None
        self._made: dict[tuple[str, str, str | None, int], int] = {}
        self.begin()

    def begin(self) -> None:
        """Nothing has been decided."""
        self.decisions: list[dict[str, Any]] = []
        self._made.clear()

    def post(
        self,
        kind: str,
        *,
        cause: Cause,
        occurred_at: int,
        reasons: list[dict[str, Any]],
        rules: dict[str, int],
        evidence: dict[str, Any],
        subject: dict[str, str] | None = None,
        member_id: str | None = None,
        outcome: str = "posted",
        points: int = 0,
        timer: str | None = None,
    ) -> None:
        """Add a decision of type `kind`; the account's balances must be those after it.

        The id is a digest of what caused the decision and what kind it is, and of nothing that another run could see
        differently: not the offset (a copy of the topic has others), not the sequence (a late event may shift it),
        not the wall clock.
        """
        account = self._account
        core = account.core
        core.sequence += 1
        event_id = cause.event_id
        made = (event_id, kind, timer, occurred_at)
        ordinal = self._made.get(made, 0)
        self._made[made] = ordinal + 1
        identity = orjson.dumps((account.account_id, event_id, cause.used_at, kind, timer, occurred_at, ordinal))
        qualifying = core.window_sum
        origin: dict[str, Any] = {
            "event_id": event_id,
            "topic": TRANSACTIONS,
            "partition": cause.partition,
            "offset": cause.offset,
        }
        if timer is not None:
            origin["timer"] = timer
        else:
            evidence["late"] = cause.late
        self.decisions.append(
            {
                "decision_id": blake2b(identity, digest_size=16).hexdigest(),
                "stream": "ledger",
                "sequence": core.sequence,
                "type": kind,
                "outcome": outcome,
                "account_id": account.account_id,
                "member_id": member_id,
                "subject": subject or {},
                "occurred_at": self._text_of(occurred_at),
                "decided_at": None,
                "points": points,
                "balance": {
                    "pending": core.pending,
                    "available": core.available,
                    "held": core.held,
                    "debt": core.debt,
                    "qualifying": qualifying if qualifying > 0 else 0,
                    "tier": core.tier,
                },
                "reasons": reasons,
                "cause": origin,
                "rules": rules,
                "evidence": evidence,
            }
        )

    def _text_of(self, occurred_at: int) -> str:
        """Most decisions of one log are of one moment."""
        at = self._at
        if at is None or at[0] != occurred_at:
            at = self._at = occurred_at, format_time(occurred_at)
        return at[1]
