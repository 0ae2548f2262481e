"""Members of a household: `loyalty.members` (contract §3)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from loyalty.wire.fields import Event, Text, Time
from loyalty.wire.reading import Reader

TOPIC = "loyalty.members"


class MemberProfile(Event):
    type: Literal["member.profile"]
    account_id: Text
    member_id: Text
    joined_at: Time
    name: Text | None = None
    birth_date: Text | None = None
    home_store: Text | None = None
    known_devices: list[Text] | None = None


class MemberConsent(Event):
    type: Literal["member.consent"]
    account_id: Text
    member_id: Text
    offers: bool
    profiling: bool


Member = MemberProfile | MemberConsent

parse_member: Reader[Member] = Reader(Annotated[Member, Field(discriminator="type")], told_apart=True)
"""Raises MalformedJson or SchemaViolation (`loyalty.wire.reading`)."""
