"""Records as Kafka holds them, and the dead letter of one that was refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec

from loyalty.times import FIRST_MS, LAST_MS, format_time
from loyalty.wire.fields import OUTPUT_BYTES_MAX, RECORD_BYTES_MAX
from loyalty.wire.members import Erasure, parse_erasure

DETAIL_CHARACTERS_MAX = 500
"""Of a dead letter's sentence (contract §6)."""
KEY_BYTES_MAX = 1024
"""Of a dead letter's own record key (contract §6)."""
LETTER_BYTES_MAX = (OUTPUT_BYTES_MAX - 16 * 1024) // 4 * 3
"""Of the key and value that a dead letter holds: base64 makes four bytes of three, and all else in it is small."""


class Record(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A record and where it was. `timestamp_ms` is the record's own timestamp, ms since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


class Refused(Exception):
    """A record cannot be used; it becomes a dead letter."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def refuse_too_large(record: Record) -> None:
    """Raises Refused for a record of more than 2 MiB, key and value together (contract §1)."""
    key, value = record.key, record.value
    size = (0 if key is None else len(key)) + (0 if value is None else len(value))  # every record passes here
    if size > RECORD_BYTES_MAX:
        raise Refused(
            "schema_violation",
            f"The record is too large: it should have at most {RECORD_BYTES_MAX} bytes, key and value together, not "
            f"{size}.",
        )


def dead_letter(record: Record, refused: Refused) -> dict[str, Any]:
    """Contract §6. `received_at` is the record's timestamp: when the broker (or the producer) put it on the topic.

    It holds the bytes of every record that is not too large. Of one that is, which a broker takes where it was
    compressed, what would not fit is left out: it is where it was, and the sentence says so.
    """
    key, value, detail = record.key, record.value, refused.detail
    if _size(key) + _size(value) > LETTER_BYTES_MAX:
        value = None
        detail += " Its bytes do not fit into a dead letter: they are where they were."
        if _size(key) > LETTER_BYTES_MAX:
            key = None
    if len(detail) > DETAIL_CHARACTERS_MAX:
        detail = detail[: DETAIL_CHARACTERS_MAX - 1] + "…"
    return {
        "reason": refused.reason,
        "detail": detail,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "received_at": format_time(min(max(record.timestamp_ms, FIRST_MS), LAST_MS)),
        "key_base64": _base64(key),
        "value_base64": _base64(value),
    }


def is_sent_again(record: Record, again: Record) -> bool:
    """Whether it is the same record sent once more, as it was or repaired: then its event is the same."""
    if record.topic != again.topic:
        return False
    return record.value == again.value or ((event := _event_id(record)) is not None and event == _event_id(again))


def _event_id(record: Record) -> str | None:
    try:
        event = json.loads(record.value or b"")
    except (ValueError, RecursionError):
        return None
    found = event.get("event_id") if isinstance(event, dict) else None
    return found if isinstance(found, str) else None


def erasure_of(record: Record) -> Erasure:
    """What a record of `loyalty.members` without a value erases. Raises Refused where its key names nothing that can
    be."""
    erasure = parse_erasure(record.key)
    if erasure is None:
        raise Refused("key_mismatch", "The record has no value, and its key names nothing that can be erased.")
    return erasure


def letter_key(record: Record) -> bytes | None:
    """The record key of a dead letter: the one received, or None where it is longer than 1 KiB (contract §6)."""
    return None if _size(record.key) > KEY_BYTES_MAX else record.key


def _size(part: bytes | None) -> int:
    return 0 if part is None else len(part)


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode("ascii")
