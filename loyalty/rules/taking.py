"""Where points that are taken back come from (contract §4, *Refund and cancellation*, *Adjustments*).

First from the order's own lot; then nothing for the part of that lot that has expired already; then from other lots in
spending order. The rest is owed; under `floor` only up to what live holds hold in all, since that may come back, and
what is beyond is written off.
"""

from __future__ import annotations

from loyalty.rules import ledger, sentences
from loyalty.state.account import Account
from loyalty.state.entries import Lot
from loyalty.wire.evidence import Taken, TakingFacts, TakingFigures


def gather(account: Account, own: Lot) -> TakingFacts:
    """What there is to take from; `own` is the lot of the order."""
    return {
        "own_pending": own.pending,
        "own_available": own.available,
        "own_expired": own.expired - own.forgiven,
        "available": account.core.available,
        "held": account.core.held,
        "debt": account.core.debt,
    }


def decide(points: int, facts: TakingFacts, negative_balance: str) -> TakingFigures:
    """Where `points` come from; `negative_balance` is that of the `redemption` document in force."""
    own_lot = min(points, facts["own_pending"] + facts["own_available"])
    left = points - own_lot
    forgiven = min(left, facts["own_expired"])
    left -= forgiven
    other_lots = min(left, facts["available"] - facts["own_available"])
    left -= other_lots
    owed = min(left, max(0, facts["held"] - facts["debt"])) if negative_balance == "floor" else left
    taken: Taken = {"own_lot": own_lot, "forgiven": forgiven, "other_lots": other_lots, "debt": owed}
    return {"taken": taken, "written_off": left - owed}


def change(figures: TakingFigures) -> int:
    """The (negative) change of pending + available + held - debt."""
    taken = figures["taken"]
    return -(taken["own_lot"] + taken["other_lots"] + taken["debt"])


def apply(account: Account, own: Lot | None, figures: TakingFigures) -> None:
    """Take the points."""
    taken = figures["taken"]
    if own is not None:
        ledger.take_from_lot(account, own, taken["own_lot"])
        own.forgiven += taken["forgiven"]
        account.lots.put(own)
    ledger.take_in_spending_order(account, taken["other_lots"])
    account.core.debt += taken["debt"]


def rest_of_sentence(figures: TakingFigures) -> str:
    """What a sentence about taken points has to add."""
    taken = figures["taken"]
    return sentences.taken(taken["forgiven"], taken["debt"], figures["written_off"])
