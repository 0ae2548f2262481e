"""Members of a household: `loyalty.members` (contract §3)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from loyalty.wire.fields import ENTRIES_MAX, LIMIT_OF_EDITION_2, Event, Text128, Text256, Time
from loyalty.wire.reading import Reader

TOPIC = "loyalty.members"


class MemberProfile(Event):
    type: Literal["member.profile"]
    account_id: Text128
    member_id: Text128
    joined_at: Time
    name: Text256 | None = None
    birth_date: Text128 | None = None
    home_store: Text128 | None = None
    known_devices: Annotated[list[Text128], Field(max_length=ENTRIES_MAX), LIMIT_OF_EDITION_2] | None = None


class MemberConsent(Event):
    type: Literal["member.consent"]
    account_id: Text128
    member_id: Text128
    offers: bool
    profiling: bool


Member = MemberProfile | MemberConsent

parse_member: Reader[Member] = Reader(Annotated[Member, Field(discriminator="type")], told_apart=True)
"""Raises MalformedJson or SchemaViolation (`loyalty.wire.reading`)."""
