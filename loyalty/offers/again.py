"""An engagement that was used and is sent again: where a member is parked by it (`jobs.operators.parking`), it is
decided in the place of the one that failed."""

from __future__ import annotations

import msgspec

from loyalty.offers.payloads import MATCHED
from loyalty.records import Record
from loyalty.state.codec import EntryCodec


class SentAgain(msgspec.Struct, array_like=True, frozen=True):
    """Which engagement came again, and where."""

    account_id: str
    member_id: str
    event_id: str
    partition: int
    offset: int
    timestamp_ms: int


SENT_AGAIN: EntryCodec[SentAgain] = EntryCodec(SentAgain, 1)


def member_of(matched: bytes) -> str:
    """Whose match it is."""
    return MATCHED.read(matched).member_id


def record_of(matched: bytes) -> Record:
    """The record behind a match, without its value, which does not come as far."""
    event = MATCHED.read(matched)
    key = event.member_id.encode()
    return Record(event.topic, event.partition, event.offset, event.timestamp_ms, key, None)


def in_place_of(matched: bytes, again: bytes) -> bytes | None:
    """The match of a record that was sent again, if it is this one's."""
    event, sent = MATCHED.read(matched), SENT_AGAIN.read(again)
    if (event.account_id, event.member_id, event.event_id) != (sent.account_id, sent.member_id, sent.event_id):
        return None
    place = {"partition": sent.partition, "offset": sent.offset, "timestamp_ms": sent.timestamp_ms}
    return MATCHED.write(msgspec.structs.replace(event, **place))
