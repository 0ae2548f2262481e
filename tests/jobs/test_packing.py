"""Records as Java packs them, envelopes and documents: records and envelopes lie in state, so every byte is fixed."""

from __future__ import annotations

import json
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.operators.adapters import delivery_in, in_an_envelope
from jobs.runtime.packing import (
    Envelope,
    pack_document,
    pack_envelope,
    unpack_document,
    unpack_envelope,
    unpack_record,
)
from jobs.topics import MEMBERS, TRANSACTIONS
from loyalty.decider import Delivery
from loyalty.records import Record
from loyalty.validation import ForAccount, Watermark
from tests.jobs.running import ROOT

NOW = 1_700_000_000_123
LATEST = 253_402_300_799_999
"""The last millisecond of the year 9999, the latest that SQL makes here."""
RECORDS = {
    Record(TRANSACTIONS, 3, 12, NOW, b"ada", b'{"a": 1}'): b'loyalty.transactions 3 12 1700000000123 3 8\nada{"a": 1}',
    Record(TRANSACTIONS, 0, 0, NOW, None, b"v"): b"loyalty.transactions 0 0 1700000000123 -1 1\nv",
    Record(TRANSACTIONS, 0, 1, NOW, b"k", None): b"loyalty.transactions 0 1 1700000000123 1 -1\nk",
    Record(TRANSACTIONS, 0, 2, NOW, None, None): b"loyalty.transactions 0 2 1700000000123 -1 -1\n",
    Record(TRANSACTIONS, 0, 3, NOW, b"", b""): b"loyalty.transactions 0 3 1700000000123 0 0\n",
    Record(MEMBERS, 0, 4, NOW, bytes(range(256)), b"\n \xff\x00\n"): (
        b"loyalty.members 0 4 1700000000123 256 5\n" + bytes(range(256)) + b"\n \xff\x00\n"
    ),
    Record("a_B-9.x", 2_147_483_647, (1 << 63) - 1, 0, b"k", "Zoë😀".encode()): (
        b"a_B-9.x 2147483647 9223372036854775807 0 1 8\nkZo\xc3\xab\xf0\x9f\x98\x80"
    ),
    Record(TRANSACTIONS, 0, 5, -1, b"k", b"v"): b"loyalty.transactions 0 5 -1 1 1\nkv",
    Record(TRANSACTIONS, 0, 6, -1_001, b"k", b"v"): b"loyalty.transactions 0 6 -1001 1 1\nkv",
    Record(TRANSACTIONS, 0, 7, LATEST, b"k", b"v"): b"loyalty.transactions 0 7 253402300799999 1 1\nkv",
    Record(TRANSACTIONS, 0, 8, NOW, b"", b"\xe9" * 1_000_000): (
        b"loyalty.transactions 0 8 1700000000123 0 1000000\n" + b"\xe9" * 1_000_000
    ),
}


def test_java_packs_a_record_byte_by_byte_as_every_release_did() -> None:
    lines = [
        json.dumps([*record[:4], *(None if part is None else part.hex() for part in record[4:])])
        for record in map(msgspec.structs.astuple, RECORDS)
    ]
    command = [sys.executable, "-m", "tests.jobs.packed_in_java"]
    done = subprocess.run(
        command, input="\n".join(lines), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    packed = [bytes.fromhex(line) for line in done.stdout.splitlines()]
    assert packed == list(RECORDS.values())
    assert [unpack_record(one) for one in packed] == list(RECORDS)


bytes_or_none = st.one_of(st.none(), st.binary())
any_text = st.text(st.characters(codec=None, exclude_categories=()))


@given(bytes_or_none, bytes_or_none, st.integers(0, 1 << 62))
def test_a_record_comes_back_byte_by_byte(key: bytes | None, value: bytes | None, offset: int) -> None:
    lengths = [-1 if part is None else len(part) for part in (key, value)]
    packed = f"{TRANSACTIONS} 3 {offset} {NOW} {lengths[0]} {lengths[1]}\n".encode() + (key or b"") + (value or b"")
    assert unpack_record(packed) == Record(TRANSACTIONS, 3, offset, NOW, key, value)


@given(any_text, st.integers(0, 1 << 31), st.integers(0, 8191), st.binary())
def test_an_envelope_comes_back(account_id: str, documents: int, epoch: int, payload: bytes) -> None:
    packed = pack_envelope(account_id, documents, epoch, payload)
    assert unpack_envelope(packed) == Envelope(account_id, documents, epoch, payload)


@given(st.integers(1, 1 << 40), st.binary())
def test_a_document_comes_back(position: int, value: bytes) -> None:
    assert unpack_document(pack_document(position, value)) == (position, value)


PLAIN = Delivery(Record(TRANSACTIONS, 2, 12, NOW, b"ada", b'{"a":1}'))
LATE = Delivery(
    Record(TRANSACTIONS, 2, 13, NOW, "Zoë".encode(), b'{"a":2}'), True, 1_700_009_143_576, 1_700_009_143_575, b"\1\2"
)
OF_VERSION_1 = {
    "ffffffff0000000000000000020000000300000061646195"
    "96b46c6f79616c74792e7472616e73616374696f6e73020ccf0000018bcfe5687bc403616461c4077b2261223a317d"
    "c2c0c0c400": ForAccount("ada", PLAIN, 2, None),
    "0500000018ed70d08b01000003000000040000005a6fc3ab95"
    "96b46c6f79616c74792e7472616e73616374696f6e73020dcf0000018bcfe5687bc4045a6fc3abc4077b2261223a327d"
    "c3cf0000018bd070ed18cf0000018bd070ed17c4020102": ForAccount("Zoë", LATE, 3, Watermark(5, 1_700_009_143_576)),
}
"""Envelopes that the last release packed, which may wait in its savepoints."""


@pytest.mark.parametrize("packed", OF_VERSION_1)
def test_an_envelope_that_waits_in_a_savepoint_of_the_last_release_is_opened(packed: str) -> None:
    passed = OF_VERSION_1[packed]
    found = unpack_envelope(bytes.fromhex(packed))
    again = unpack_envelope(in_an_envelope(passed))
    assert found == again
    assert (found.account_id, found.documents, delivery_in(found)) == (
        passed.account_id,
        passed.documents,
        passed.delivery,
    )


def test_the_watermark_crosses_once() -> None:
    watermark = Watermark(5, 0x0123456789AB)
    delivery = Delivery(Record(TRANSACTIONS, 2, 13, NOW, b"ada", b"{}"), watermark_ms=watermark.ms)
    packed = in_an_envelope(ForAccount("ada", delivery, 3, watermark))
    assert packed.count(bytes.fromhex("0123456789ab")) == 1
    assert packed.count(bytes.fromhex("ab8967452301")) == 0
