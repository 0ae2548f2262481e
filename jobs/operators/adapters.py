"""What lies between the domain's types and what travels: an envelope's bytes, the wall clock, rows for the topics."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from jobs.runtime.outputs import MAIN
from jobs.runtime.packing import Envelope, pack_envelope
from jobs.runtime.tables import TO_DEAD_LETTERS, TO_DECISIONS
from loyalty.decider import Delivery, Verdict
from loyalty.offers.making import Offers
from loyalty.validation import ForAccount
from loyalty.wire.json import to_json

# Here and not in the operators, which travel to the workers pickled.
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(Delivery).decode

Outputs = list[tuple[int, Any]]


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


def decided(account_id: str, verdict: Verdict, now_ms: int) -> Outputs:
    """What the decider made, as rows to be written; `now_ms` is the wall clock."""
    outputs: Outputs = []
    if verdict.decisions:
        key = account_id.encode()
        outputs = [(MAIN, (TO_DECISIONS, key, text)) for text in verdict.encode(now_ms)]
    if verdict.dead_letters:
        outputs += [dead_letter(key, to_json(content)) for key, content in verdict.dead_letters]
    return outputs


def offered(offers: Offers, now_ms: int) -> Outputs:
    """The decisions about offers, as rows to be written; `now_ms` is the wall clock."""
    return [
        (MAIN, (TO_DECISIONS, decision["account_id"].encode(), text))
        for decision, text in zip(offers.decisions, offers.encode(now_ms), strict=True)
    ]


def dead_letter(key: bytes | None, value: bytes) -> tuple[int, Any]:
    """A dead letter (its JSON: `value`) as a row to be written."""
    return MAIN, (TO_DEAD_LETTERS, key, value)
