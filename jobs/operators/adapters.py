"""What lies between the domain's types and what travels: an envelope's bytes, the wall clock, rows for the topics."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from jobs.runtime.outputs import MAIN
from jobs.runtime.packing import Envelope, pack_envelope
from jobs.runtime.tables import TO_DEAD_LETTERS, TO_DECISIONS
from loyalty.decider import Delivery, Verdict
from loyalty.offers.making import Offers
from loyalty.records import Record, Refused, letter_key
from loyalty.records import dead_letter as letter_of
from loyalty.validation import ForAccount
from loyalty.wire.fields import OUTPUT_BYTES_MAX
from loyalty.wire.json import to_json

# Here and not in the operators, which travel to the workers pickled.
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(Delivery).decode

Outputs = list[tuple[int, Any]]


class TooLargeForTopic(Exception):
    """A decision that its topic would refuse (contract §1): the producer would fail with it, and the job."""


def wall_clock_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def in_an_envelope(passed: ForAccount) -> bytes:
    """What the intake passed on, packed for the operator of its account."""
    watermark = passed.watermark
    epoch = 0 if watermark is None else watermark.epoch
    return pack_envelope(passed.account_id, passed.documents, epoch, _ENCODE(passed.delivery))


def delivery_in(envelope: Envelope) -> Delivery:
    """What `in_an_envelope` was given, in this release or in one before."""
    return _DECODE(envelope.payload)


def in_place_of(first: Envelope, again: Envelope) -> Envelope:
    """The record of `again` as it would have come with `first`: what the watermark had done by then stays as it was."""
    before, now = delivery_in(first), delivery_in(again)
    delivery = msgspec.structs.replace(before, record=now.record, digest=now.digest)
    return first._replace(payload=_ENCODE(delivery))


def decided(account_id: str, verdict: Verdict, now_ms: int) -> Outputs:
    """What the decider made, as rows to be written; `now_ms` is the wall clock. Raises TooLargeForTopic."""
    outputs: Outputs = []
    if verdict.decisions:
        key = account_id.encode()
        outputs = [(MAIN, (TO_DECISIONS, key, text)) for text in _fitting(key, verdict.encode(now_ms))]
    if verdict.dead_letters:
        outputs += [dead_letter(key, to_json(content)) for key, content in verdict.dead_letters]
    return outputs


def offered(offers: Offers, now_ms: int) -> Outputs:
    """The decisions about offers, as rows to be written; `now_ms` is the wall clock. Raises TooLargeForTopic."""
    keys = [decision["account_id"].encode() for decision in offers.decisions]
    texts = _fitting(max(keys, key=len, default=b""), offers.encode(now_ms))
    return [(MAIN, (TO_DECISIONS, key, text)) for key, text in zip(keys, texts, strict=True)]


def _fitting(key: bytes, texts: Iterable[bytes]) -> Iterator[bytes]:
    """The values, none too large for its topic beside this key."""
    at_most = OUTPUT_BYTES_MAX - len(key)
    for text in texts:
        if len(text) > at_most:
            raise TooLargeForTopic(f"A decision of {len(text)} bytes is more than its topic takes.")
        yield text


def refused_record(record: Record, refused: Refused) -> tuple[int, Any]:
    """The dead letter of a record as a row to be written. It always fits (`loyalty.records.dead_letter`)."""
    return dead_letter(letter_key(record), to_json(letter_of(record, refused)))


def dead_letter(key: bytes | None, value: bytes) -> tuple[int, Any]:
    """A dead letter (its JSON: `value`) as a row to be written."""
    return MAIN, (TO_DEAD_LETTERS, key, value)
