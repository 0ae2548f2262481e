"""Members of a household: `loyalty.members` (contract §3)."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

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


class Erasure(NamedTuple):
    """A null value: what its key names is forgotten, as if it had never come (contract §3)."""

    member_id: str
    of: Literal["profile", "consent"]


def parse_erasure(key: bytes | None) -> Erasure | None:
    """What the key of a record without a value names; None where it names nothing of a member."""
    try:
        member_id, _, of = (key or b"").decode().rpartition(":")
    except UnicodeDecodeError:
        return None
    if not member_id or (of != "profile" and of != "consent"):
        return None
    return Erasure(member_id, "profile" if of == "profile" else "consent")


parse_member: Reader[Member] = Reader(Annotated[Member, Field(discriminator="type")], told_apart=True)
"""Raises MalformedJson or SchemaViolation (`loyalty.wire.reading`)."""
