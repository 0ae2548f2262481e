"""Records as Kafka holds them, and the dead letter of one that was refused."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from loyalty.times import FIRST_MS, LAST_MS, format_time


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


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode("ascii")


def dead_letter(record: Record, refused: Refused) -> dict[str, Any]:
    """Contract §6. `received_at` is the record's timestamp: when the broker (or the producer) put it on the topic."""
    return {
        "reason": refused.reason,
        "detail": refused.detail,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "received_at": format_time(min(max(record.timestamp_ms, FIRST_MS), LAST_MS)),
        "key_base64": _base64(record.key),
        "value_base64": _base64(record.value),
    }
