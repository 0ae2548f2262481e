"""The explanation of one decision, put together: for people as text (`ops/explanation`), for programs as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from loyalty.decided_again import difference
from loyalty.explanation.chain import Chain, chain_of
from loyalty.explanation.lots import LotChange, lot_changes
from loyalty.explanation.rules_used import RuleUsed, rules_used
from loyalty.explanation.search import Change
from loyalty.explanation.what_if import changes
from loyalty.program import Program
from loyalty.wire.decisions import Plain


class Explanation(NamedTuple):
    """Why a decision is as it is."""

    decision: Plain
    sentences: list[str]
    """Its reasons, the deciding one first."""
    balance_before: Plain | None
    """None before the first decision, and for offers."""
    lots: list[LotChange] | None
    """None where they cannot be told."""
    rules: list[RuleUsed]
    chain: Chain
    changes: list[Change]
    decided_otherwise: str | None
    """In what it differs from what its evidence and its rules lead to now; None where in nothing."""


def explain(decision: Plain, history: Sequence[Plain], offers: Sequence[Plain], program: Program) -> Explanation:
    """Explains a decision. `history` is all of the account's ledger, `offers` all that was decided about offers to its
    members; an explanation without them says less and is not wrong."""
    on_ledger = decision["stream"] == "ledger"
    up_to_now = [one for one in history if not on_ledger or one["sequence"] <= decision["sequence"]]
    before = [one for one in up_to_now if on_ledger and one["sequence"] == decision["sequence"] - 1]
    if not on_ledger:
        known = decision["evidence"].get("ledger_sequence", 0)
        up_to_now = [one for one in up_to_now if one["sequence"] <= known]
    otherwise = difference(decision, program)
    # What its evidence does not lead to cannot be searched for other outcomes either.
    can_be_decided = otherwise is None
    return Explanation(
        decision,
        [reason["detail"] for reason in decision["reasons"]],
        before[0]["balance"] if before else None,
        lot_changes(up_to_now, decision["sequence"], program) if on_ledger else [],
        rules_used(decision, program),
        chain_of(decision, up_to_now, offers, program) if can_be_decided else Chain([]),
        changes(decision, program, history) if can_be_decided else [],
        otherwise,
    )
