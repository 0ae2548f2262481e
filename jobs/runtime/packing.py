"""The runs of bytes that cross between the JVM and Python, one an element.

What costs in PyFlink is the crossing, above all of rows. So Java packs a Kafka record into bytes (`PackRecords.java`),
and the intake packs what it passes on the same way.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from jobs.domain import Record, Watermark

_ACCOUNT = struct.Struct("<iqII")


def unpack_record(packed: bytes) -> Record:
    """The record that Java packed: `topic partition offset timestamp key-length value-length`, a line feed, key, value.

    A length of -1 stands for null, which is not the same as empty.
    """
    head, _, body = packed.partition(b"\n")
    topic, partition, offset, timestamp_ms, key_length, value_length = head.split(b" ")
    length = int(key_length)
    key = body[:length] if length >= 0 else None
    value = None if value_length == b"-1" else body[length:] if length > 0 else body
    return Record(topic.decode(), int(partition), int(offset), int(timestamp_ms), key, value)


class Envelope(NamedTuple):
    """What `check-records` sends to `decide-for-account`; `documents` as in `jobs.domain.ForAccount`."""

    account_id: str
    payload: bytes
    documents: int
    clock: Watermark | None


def pack_envelope(account_id: str, payload: bytes, documents: int, clock: Watermark | None) -> bytes:
    account = account_id.encode("utf-8", "surrogatepass")
    epoch, at_ms = (-1, 0) if clock is None else clock
    return _ACCOUNT.pack(epoch, at_ms, documents, len(account)) + account + payload


def unpack_envelope(packed: bytes) -> Envelope:
    epoch, at_ms, documents, length = _ACCOUNT.unpack_from(packed)
    end = _ACCOUNT.size + length
    account_id = packed[_ACCOUNT.size : end].decode("utf-8", "surrogatepass")
    return Envelope(account_id, packed[end:], documents, None if epoch < 0 else Watermark(epoch, at_ms))


def pack_document(position: int, value: str) -> bytes:
    return b"%d\n" % position + value.encode("utf-8", "surrogatepass")


def unpack_document(packed: bytes) -> tuple[int, str]:
    position, _, value = packed.partition(b"\n")
    return int(position), value.decode("utf-8", "surrogatepass")
