"""Fraud signals: `loyalty.fraud-signals` (contract §3)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from loyalty.wire.fields import Event, Text64, Text128, Time
from loyalty.wire.reading import Reader

TOPIC = "loyalty.fraud-signals"


class FraudSignal(Event):
    """Live from its `occurred_at` up to, not including, `expires_at`."""

    type: Literal["fraud.signal"]
    account_id: Text128
    signal: Text64
    score: Annotated[int, Field(strict=True, ge=0, le=100)]
    expires_at: Time


parse_fraud_signal: Reader[FraudSignal] = Reader(FraudSignal)
"""Raises MalformedJson or SchemaViolation (`loyalty.wire.reading`)."""
