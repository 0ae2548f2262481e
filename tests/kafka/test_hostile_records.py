"""Legal but hostile records between good purchases, through the real broker and the real job."""

from __future__ import annotations

import base64
from pathlib import Path

from loyalty.wire import transactions
from tests.kafka.on_kafka import (
    DEAD_LETTERS,
    DECISIONS,
    as_the_oracle_reads,
    assert_reconciles,
    fresh_topics,
    run_to_end,
    values,
)
from tests.kafka_records import send
from tests.oracle.checks import unsound_dead_letters
from tests.wire.examples import COMMITTED, PURCHASE, wire

GOOD = 40
PARTITION = 2
ACCOUNT = b"account-1"
MEGABYTE = 1_000_000
AT = "2026-05-02T10:15:00.000Z"


def _hostile() -> dict[str, tuple[bytes, bytes]]:
    """By name: key and value. Each fits the topic, and would lead to more than its outputs can hold."""
    many_lines = [{**PURCHASE["lines"][0], "line_id": str(number)} for number in range(10_000)]
    return {
        "a key of almost 2 MiB": (b"k" * (2 * 1024 * 1024 - 2_000), wire(PURCHASE, event_id="h1", occurred_at=AT)),
        "an id of 1.85 MB": (ACCOUNT, wire(COMMITTED, event_id="h2", occurred_at=AT, redemption_id="r" * 1_850_000)),
        "0.85 million letters of two bytes": (
            ACCOUNT,
            wire(PURCHASE, event_id="h3", occurred_at=AT, order_id="é" * 850_000),
        ),
        "ten thousand lines": (ACCOUNT, wire(PURCHASE, event_id="h4", occurred_at=AT, lines=many_lines)),
        "letters that JSON escapes": (
            ACCOUNT,
            wire(PURCHASE, event_id="h5", occurred_at=AT, order_id="\u0001" * 300_000),
        ),
        "a megabyte of escaped quotes, cut off": (ACCOUNT, b'{"raw":"' + b'\\"x\\":1,' * (MEGABYTE // 8)),
    }


def _good(number: int) -> tuple[bytes, bytes]:
    return ACCOUNT, wire(PURCHASE, event_id=f"good-{number}", order_id=f"good-{number}", occurred_at=AT)


def test_each_hostile_record_has_its_dead_letter_and_the_good_ones_around_it_are_decided(
    bootstrap: str, tmp_path: Path
) -> None:
    fresh_topics(bootstrap)
    hostile = _hostile()
    records = []
    for number in range(GOOD):
        records.append(_good(number))
        if number % 7 == 3:
            records.append(list(hostile.values())[number // 7])
    assert len(records) == GOOD + len(hostile)
    send(bootstrap, transactions.TOPIC, records, partition=PARTITION)

    run_to_end(bootstrap, tmp_path / "state")

    decided = {one["subject"]["order_id"] for one in values(bootstrap, DECISIONS) if one["type"] == "points.earned"}
    assert decided == {f"good-{number}" for number in range(GOOD)}
    letters = values(bootstrap, DEAD_LETTERS)
    assert sorted(letter["reason"] for letter in letters) == [
        "key_mismatch",
        "malformed_json",
        *["schema_violation"] * 4,
    ]
    held = {(base64.b64decode(one["key_base64"]), base64.b64decode(one["value_base64"])) for one in letters}
    assert held == set(hostile.values())
    assert unsound_dead_letters(as_the_oracle_reads(bootstrap, DEAD_LETTERS)) == []
    assert_reconciles(bootstrap)
