"""What an account did lately: `loyalty.engagement-context` (contract §3)."""

from __future__ import annotations

from loyalty.wire.fields import Text128, Time, WireModel
from loyalty.wire.reading import Reader

TOPIC = "loyalty.engagement-context"


class EngagementContext(WireModel):
    """One record per account; it is not an event and has no envelope."""

    account_id: Text128
    last_engaged_at: Time
    devices: dict[Text128, Time]
    """When each device was last seen, those of the last 24 hours."""


parse_engagement_context: Reader[EngagementContext] = Reader(EngagementContext)
"""Raises MalformedJson or SchemaViolation (`loyalty.wire.reading`)."""
