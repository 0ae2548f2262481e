"""Decisions and dead letters: `loyalty.decisions`, `loyalty.dead-letters` (contract §5 and §6)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints
from typing_extensions import TypedDict

from loyalty.wire.fields import Exact, ExactNonNegative, NonNegative, Positive, Text, Time, WireModel
from loyalty.wire.reading import Reader

TOPIC = "loyalty.decisions"
DEAD_LETTER_TOPIC = "loyalty.dead-letters"

Stream = Literal["ledger", "offers"]

DecisionType = Literal[
    "points.earned",
    "points.released",
    "points.reversed",
    "points.adjusted",
    "points.expired",
    "tier.changed",
    "tier.grace",
    "redemption.decided",
    "redemption.settled",
    "redemption.released",
    "reward.issued",
    "reward.revoked",
    "offer.decided",
]

FixedReasonCode = Literal[
    # points.*
    "purchase",
    "offer_bonus",
    "return_window_ended",
    "refund",
    "cancellation",
    "adjustment",
    "lot_expired",
    # tier.*
    "threshold_reached",
    "grace_ended",
    "points_reversed",
    "window_slid",
    "rules_changed",
    # redemption.decided, beside velocity:<name>
    "reward_unavailable",
    "below_minimum",
    "fraud_signal",
    "insufficient_points",
    "no_engagement",
    "unknown_device",
    "approved",
    # redemption.settled, redemption.released
    "committed",
    "cancelled",
    "hold_expired",
    # reward.*
    "redeemed",
    "offer_taken",
    "redemption_cancelled",
    "order_reversed",
    # offer.decided
    "no_consent",
    "cap_reached",
    "budget_exhausted",
    "lower_priority",
    "offered",
]
ReasonCode = FixedReasonCode | Annotated[str, StringConstraints(strict=True, pattern=r"^velocity:[\s\S]")]

Timer = Literal["hold", "release", "expiry", "slide", "grace"]

SubjectField = Literal["redemption_id", "reward_id", "offer_id", "order_id"]

DeadLetterReason = Literal[
    "malformed_json",
    "schema_violation",
    "key_mismatch",
    "too_early",
    "conflicting_duplicate",
    "no_programme",
    "duplicate_order",
    "unknown_currency",
    "unknown_partner",
    "over_refund",
    "unknown_order",
    "duplicate_redemption",
    "unknown_redemption",
    "no_hold",
]


Plain = dict[str, Any]
"""A decision, or a part of one, as it is made: what its JSON says."""


class ReasonFields(TypedDict):
    """One entry of `reasons` as it is made."""

    code: str
    detail: str
    actual: int | None
    threshold: int | None


def reason(code: str, detail: str, actual: int | None = None, threshold: int | None = None) -> ReasonFields:
    """One entry of a decision's `reasons`; `detail` is a sentence that can be read aloud."""
    return {"code": code, "detail": detail, "actual": actual, "threshold": threshold}


Seal = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{64}$")]


class Balance(WireModel):
    """Of an account, after a decision."""

    pending: ExactNonNegative
    available: ExactNonNegative
    """Without what is held."""
    held: ExactNonNegative
    debt: ExactNonNegative
    qualifying: ExactNonNegative
    tier: Text


class Reason(WireModel):
    code: ReasonCode
    detail: Text
    """A sentence that a support agent can read aloud."""
    actual: Exact | Text | None = None
    threshold: Exact | Text | None = None


class Cause(WireModel):
    """The event behind a decision; for a due thing the one that set it, with `timer`."""

    event_id: Text
    topic: Text
    partition: NonNegative
    offset: NonNegative
    timer: Timer | None = None


class Decision(WireModel):
    decision_id: Text
    stream: Stream
    sequence: Positive
    type: DecisionType
    outcome: Text
    """`approved`, `review`, `denied`; `made`, `suppressed`; the new tier; `started`, `ended`; `posted`."""
    account_id: Text
    member_id: Text | None
    subject: dict[SubjectField, Text]
    occurred_at: Time
    decided_at: Time
    points: Exact
    balance: Balance
    reasons: Annotated[list[Reason], Field(min_length=1)]
    cause: Cause
    rules: dict[Text, Positive]
    evidence: dict[str, Any]
    """The facts that it was decided on; its shape goes by `type` (`loyalty.wire.evidence`)."""
    seal: Seal | None = None
    """Chains it to the decision before it in its stream; decisions of the contract's first edition have none."""


class DeadLetter(WireModel):
    reason: DeadLetterReason
    detail: Text
    topic: Text
    partition: NonNegative
    offset: NonNegative
    received_at: Time
    key_base64: str | None
    value_base64: str | None


parse_decision: Reader[Decision] = Reader(Decision)
parse_dead_letter: Reader[DeadLetter] = Reader(DeadLetter)
