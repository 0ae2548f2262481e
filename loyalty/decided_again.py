"""Deciding again: what the rules make of a decision's own evidence, by the versions of the documents that it names.

`verify`, what-if and recovery come through here; it is one loop over the same pure functions that decided. Whatever a
decision says that its evidence and its rules do not lead to is a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from loyalty.program import Program
from loyalty.rules import adjustments, bonuses, earning, holds, lots, offers, redemption, reversals, tiers
from loyalty.rules.case import Decided, Rules
from loyalty.wire.decisions import Plain
from loyalty.wire.evidence import EVIDENCE
from loyalty.wire.reading import violation

Decide = Callable[[Any, Rules], Decided | None]
"""A pure decide function: the decision that facts and rules lead to, or None where they lead to none."""


def _offer(facts: Any, rules: Rules) -> Decided:
    return offers.decide(facts, offers.limits_of(rules.campaign(facts["campaign_id"])))


DECIDE: Mapping[str, tuple[Decide, ...]] = {
    "points.earned": (earning.decide, bonuses.decide),
    "points.released": (lots.decide_release,),
    "points.reversed": (reversals.decide, bonuses.decide_reversal),
    "points.adjusted": (adjustments.decide, adjustments.decide),
    "points.expired": (lots.decide_expiry,),
    "tier.changed": (tiers.decide_change,),
    "tier.grace": (tiers.decide_grace,),
    "redemption.decided": (redemption.decide,),
    "redemption.settled": (holds.decide_settlement,),
    "redemption.released": (holds.decide_release,),
    "reward.issued": (holds.decide_issue, bonuses.decide_issue),
    "reward.revoked": (holds.decide_revocation, bonuses.decide_revocation),
    "offer.decided": (_offer,),
}
"""By the decision's type, beside the shapes of `loyalty.wire.evidence.EVIDENCE`."""


def decide_again(decision: Plain, program: Program) -> Decided | None:
    """What facts and rules of a published decision lead to now.

    Raises LookupError where the evidence lacks a fact, or a version of a document is not known.
    """
    documents = {name: program.version(name, version) for name, version in decision["rules"].items()}
    return DECIDE[decision["type"]][_shape(decision)](decision["evidence"], Rules(documents))


def difference(decision: Plain, program: Program) -> str | None:
    """In what a published decision differs from what its evidence and its rules lead to, in a sentence; None where in
    nothing. A decision of the contract's first edition, whose evidence has no version, cannot be decided again."""
    evidence = decision["evidence"]
    if "version" not in evidence:
        return "Its evidence is of the contract's first edition and cannot be decided again."
    try:
        _reader(decision["type"], _shape(decision)).validate_python(evidence)
        again = decide_again(decision, program)
    except ValidationError as error:
        return f"Its evidence is not complete: {violation(error.errors()[0])}"
    except LookupError as error:
        return f"It cannot be decided again: {error}."
    if again is None:
        return "Its evidence leads to no decision."
    said = {"outcome": decision["outcome"], "points": decision["points"], "reasons": decision["reasons"]}
    found = {"outcome": again.outcome, "points": again.points, "reasons": again.reasons}
    for name, figure in again.figures.items():
        said[f"evidence.{name}"], found[f"evidence.{name}"] = evidence.get(name), figure
    for name, value in found.items():
        if said[name] != value:
            return f"It says {name} {said[name]!r}, and its evidence leads to {value!r}."
    return None


def _shape(decision: Plain) -> int:
    """Which of the shapes of its type the evidence has."""
    if len(EVIDENCE[decision["type"]]) == 1:
        return 0
    if decision["type"] == "points.adjusted":
        return 0 if decision["evidence"]["points"] > 0 else 1
    return 1 if "offer_id" in decision["subject"] else 0


@cache
def _reader(kind: str, shape: int) -> TypeAdapter[Any]:
    return TypeAdapter(EVIDENCE[kind][shape])
