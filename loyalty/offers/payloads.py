"""What travels from one operator of the offers job to another; all of it may wait in state."""

from __future__ import annotations

import msgspec

from loyalty.offers.campaigns import Candidate
from loyalty.state.codec import EntryCodec, Payload


class Matched(msgspec.Struct, array_like=True, frozen=True):
    """An engagement that fits at least one campaign, with all that a decision about it depends on but caps and
    budgets."""

    account_id: str
    member_id: str
    event_id: str
    type: str
    occurred_at: int
    used_at: int
    """The member's time when it was used: tells two uses of one `event_id`, 35 days apart, from each other."""
    topic: str
    partition: int
    offset: int
    tier: str
    """The account's tier at `occurred_at`."""
    ledger_sequence: int
    """Of the latest decision of the account's ledger that was known; 0 before there is one."""
    amounts: tuple[int, int, int, int, int]
    """Its balance: pending, available, held, debt, qualifying."""
    balance_tier: str
    candidates: list[Candidate]
    """The campaigns that fit, in the order in which they are considered."""
    timestamp_ms: int = 0
    """Of the record."""


class PublishedOffer(msgspec.Struct, array_like=True, frozen=True):
    """A decision of this job as it was read back."""

    member_id: str
    sequence: int
    event_id: str
    occurred_at: int
    campaign_id: str
    code: str
    """`offered` where it was made, else the reason why not."""
    bonus_points: int
    seal: bytes = b""


class Consented(msgspec.Struct, array_like=True, frozen=True):
    """What a member agreed to at a moment, or withdrew."""

    member_id: str
    occurred_at: int
    offers: bool


MATCHED: EntryCodec[Matched] = EntryCodec(Matched, 1)
PUBLISHED_OFFER: Payload[PublishedOffer] = Payload(b"o", EntryCodec(PublishedOffer, 1))
CONSENTED: Payload[Consented] = Payload(b"c", EntryCodec(Consented, 1))
ERASED: Payload[str] = Payload(b"x", EntryCodec(str, 1))
"""The member whose consent is erased."""
