"""Engagement events: `loyalty.engagements` (contract §3)."""

from __future__ import annotations

from typing import Literal

from loyalty.wire.fields import Event, Text128
from loyalty.wire.reading import Reader

TOPIC = "loyalty.engagements"

EngagementType = Literal["click", "open", "app_session", "store_visit", "campaign_interaction"]


class Engagement(Event):
    type: EngagementType
    account_id: Text128
    member_id: Text128
    channel: Text128
    """Any: e-mail and push are channels of an engagement, though nothing is bought there."""
    campaign_id: Text128 | None = None
    device_id: Text128 | None = None
    session_id: Text128 | None = None


parse_engagement: Reader[Engagement] = Reader(Engagement)
"""Raises MalformedJson or SchemaViolation (`loyalty.wire.reading`)."""
