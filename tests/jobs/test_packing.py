"""Records as Java packs them: they are kept in state, so every byte is fixed."""

from __future__ import annotations

import json
import subprocess
import sys

from jobs.domain import Record
from jobs.runtime.packing import unpack_record
from jobs.topics import MEMBERS, TRANSACTIONS
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
        json.dumps([*record[:4], *(None if part is None else part.hex() for part in record[4:])]) for record in RECORDS
    ]
    command = [sys.executable, "-m", "tests.jobs.packed_in_java"]
    done = subprocess.run(
        command, input="\n".join(lines), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    packed = [bytes.fromhex(line) for line in done.stdout.splitlines()]
    assert packed == list(RECORDS.values())
    assert [unpack_record(one) for one in packed] == list(RECORDS)
