"""The runs of bytes that cross between the JVM and Python, one an element.

What costs in PyFlink is the crossing, above all of rows. So Java packs a Kafka record into bytes (`PackRecords.java`),
and the intake packs what it passes on the same way. Records and envelopes that wait lie in state: what every release
wrote has to be read.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from loyalty.records import Record

_VERSION = 2
_HEAD = struct.Struct("<III")
"""Version (8 bits) and epoch (24), documents, length of the account id."""
_FIRST_HEAD = struct.Struct("<iqII")
"""Of version 1: epoch (-1 before there is a watermark), watermark (ms), documents, length of the account id."""


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
    """What the intake sends to the operator of an account."""

    account_id: str
    documents: int
    """How many programme documents had been accepted before it: as many have to be there before it is opened."""
    epoch: int
    """Of the watermark behind it; 0 before there is one. The watermark itself is in the payload, where it is needed."""
    payload: bytes


def pack_envelope(account_id: str, documents: int, epoch: int, payload: bytes) -> bytes:
    account = account_id.encode("utf-8", "surrogatepass")
    return _HEAD.pack(_VERSION << 24 | epoch, documents, len(account)) + account + payload


def unpack_envelope(packed: bytes) -> Envelope:
    """The envelope, whichever release packed it."""
    first, documents, length = _HEAD.unpack_from(packed)
    if first >> 24 != _VERSION:
        return _unpack_first(packed)
    end = 12 + length
    return Envelope(packed[12:end].decode("utf-8", "surrogatepass"), documents, first & 0xFFFFFF, packed[end:])


def _unpack_first(packed: bytes) -> Envelope:
    """Of version 1, where the top byte of the first number is of the epoch, and so 0 or 255. The watermark was in the
    payload as well."""
    epoch, _, documents, length = _FIRST_HEAD.unpack_from(packed)
    end = _FIRST_HEAD.size + length
    account_id = packed[_FIRST_HEAD.size : end].decode("utf-8", "surrogatepass")
    return Envelope(account_id, documents, max(0, epoch), packed[end:])


def pack_document(position: int, value: bytes) -> bytes:
    return b"%d\n" % position + value


def unpack_document(packed: bytes) -> tuple[int, bytes]:
    position, _, value = packed.partition(b"\n")
    return int(position), value
