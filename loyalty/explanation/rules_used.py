"""The documents that a decision was made by, and the very threshold of one that decided."""

from __future__ import annotations

from typing import NamedTuple

from loyalty.program import CAMPAIGN, Program
from loyalty.times import format_time
from loyalty.wire.decisions import Plain


class RuleUsed(NamedTuple):
    """A version of a document, and what of it decided."""

    document: str
    version: int
    effective_from: str | None
    """None where the version is not known here."""
    field: str | None = None
    """The place in the document that the deciding reason was held against."""
    value: int | str | None = None


def rules_used(decision: Plain, program: Program) -> list[RuleUsed]:
    """Each document of the decision's `rules`."""
    document, field = _decided(decision)
    first = decision["reasons"][0]
    found = []
    for name, version in decision["rules"].items():
        try:
            since = format_time(program.version(name, version).since)
        except LookupError:
            since = None
        here = name == document
        found.append(RuleUsed(name, version, since, field if here else None, first["threshold"] if here else None))
    return found


def _decided(decision: Plain) -> tuple[str | None, str | None]:
    """The document and the field that the first reason was held against."""
    code = decision["reasons"][0]["code"]
    if code.startswith("velocity:"):
        return "fraud", f"velocity, {code.removeprefix('velocity:')}: max_requests"
    if code == "fraud_signal":
        return "fraud", "deny_score" if decision["outcome"] == "denied" else "review_score"
    if code == "reward_unavailable":
        return f"reward/{decision['subject'].get('reward_id')}", "points"
    if code in ("cap_reached", "budget_exhausted"):
        field = "cap.max_per_member" if code == "cap_reached" else "budget_points"
        return next((name for name in decision["rules"] if name.startswith(CAMPAIGN)), None), field
    return _FIELDS.get(code, (None, None))


_FIELDS = {
    "below_minimum": ("redemption", "min_points"),
    "no_engagement": ("fraud", "engagement_within_minutes"),
    "unknown_device": ("fraud", "unknown_device_outcome"),
    "threshold_reached": ("tiers", "levels: threshold"),
    "grace_ended": ("tiers", "levels: threshold"),
    "points_reversed": ("tiers", "levels: threshold"),
    "window_slid": ("tiers", "levels: threshold"),
    "rules_changed": ("tiers", "levels: threshold"),
}
