"""The whole job on a real broker, with the stand-in domain: what comes out is the same however it is run."""

from __future__ import annotations

import base64
import json
import random
from collections import defaultdict
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from jobs.topics import MEMBERS, PROGRAM, TRANSACTIONS
from loyalty.state.codec import DictEntries
from loyalty.wire.program import parse_program_document
from tests.jobs.running import dead_letters, decisions, finish, standin_command
from tests.jobs.standin import StandInDecider, document, for_account
from tests.kafka_records import read_all, send

START = 1_700_000_000_000
PARTITIONS = 4
DOCUMENTS = 300
EVENTS = 3_000
KEYS = [None, b"", b"\x00", b"\xff\xfe\x00", "Zoë😀".encode(), b"plain"]
BY_DECIDER = b'{"reason":"refused by the decider"}'
ODD_ACCOUNTS = ["Zoë", "😀", "a\x00b", "with space", "\\n", "\uffff", "ÿ"]


def _transactions(seed: int) -> list[list[dict[str, Any]]]:
    """For each partition, events of its own accounts; all partitions end at the same moment."""
    chance = random.Random(seed)
    made = []
    for partition in range(PARTITIONS):
        accounts = [f"account-{partition}-{number}" for number in range(40)] + ODD_ACCOUNTS[partition::PARTITIONS]
        at = START
        events = []
        for _ in range(EVENTS // PARTITIONS):
            at += chance.randrange(50)
            event: dict[str, Any] = {"account": chance.choice(accounts), "at": at, "add": chance.randrange(1, 100)}
            if chance.random() < 0.5:
                event["later"] = {"at": at + chance.randrange(10_000), "add": -1}
            events.append(event)
        made.append(events)
    return made


def _expected(transactions: list[list[dict[str, Any]]], watermark_ms: int) -> dict[str, list[dict[str, Any]]]:
    """What the stand-in makes of it without any Flink: every event in order, then what is due at the end."""
    decider = StandInDecider()
    for number in range(DOCUMENTS):
        decider.learn(parse_program_document(document(number + 1)))
    entries: dict[str, DictEntries] = defaultdict(DictEntries)
    expected: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for events in transactions:
        for event in events:
            account = event["account"]
            delivery = for_account(account, event, DOCUMENTS).delivery
            expected[account] += decider.receive(account, entries[account], delivery).decisions
    for account, kept in entries.items():
        expected[account] += decider.fire(account, kept, watermark_ms).decisions
    return expected


def _first_difference(account: str, found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> str:
    pairs = enumerate(zip_longest(found, expected))
    return next(f"{account}, decision {at}: {one}, not {other}" for at, (one, other) in pairs if one != other)


@pytest.mark.parametrize(
    ("parallelism", "delivery", "profile"),
    [(1, "at-least-once", "latency"), (4, "exactly-once", "throughput")],
)
def test_decides_the_same_with_every_parallelism_delivery_and_profile(
    loyalty_topics: str, tmp_path: Path, parallelism: int, delivery: str, profile: str
) -> None:
    transactions = _transactions(seed=1)
    end = max(events[-1]["at"] for events in transactions)
    # Each partition ends at the same moment, so that is the final watermark, to the millisecond.
    for partition, events in enumerate(transactions):
        exact = {"account": f"account-{partition}-0", "at": end, "add": 1}
        events.append({**exact, "later": {"at": end + 1, "add": 1000}})
        events.insert(0, {"account": f"quiet-{partition}", "at": START, "add": 1, "later": {"at": end, "add": 500}})
        events.insert(0, {"account": f"early-{partition}", "at": START, "add": 1, "later": {"at": end + 1, "add": 1}})
        # One that has to wait for the programme has no further event that would wake it.
        events[:0] = [{"account": f"once-{partition}-{number}", "at": START, "add": 1} for number in range(500)]

    # The transactions are there before the programme, and there are far more of them.
    for partition, events in enumerate(transactions):
        # Dead letters by the intake, from the middle, with keys and values that are anything but text.
        middle = len(events) // 2
        odd = [(key, b"\xff\x00" + bytes([partition])) for key in KEYS] + [
            (b"null", None),
            (b"big", b"\xe9" * 1_000_000),
        ]
        for_decider = [
            {"account": "refused", "at": START, "key": None if key is None else base64.b64encode(key).decode()}
            for key in KEYS
        ]
        records: list[tuple[bytes | None, bytes | None]] = [(b"", json.dumps(event).encode()) for event in events]
        records[middle:middle] = odd
        records[1:1] = [(b"", json.dumps(event).encode()) for event in for_decider]
        send(loyalty_topics, TRANSACTIONS, records, partition=partition)
    facts = [(b"", json.dumps({"account": f"account-0-{number}"}).encode()) for number in range(40)]
    send(loyalty_topics, MEMBERS, facts)
    send(loyalty_topics, PROGRAM, [(b"%d" % number, document(number + 1)) for number in range(DOCUMENTS)])

    said = finish(
        standin_command(
            loyalty_topics,
            tmp_path / "state",
            until_end=True,
            parallelism=parallelism,
            delivery=delivery,
            profile=profile,
        )
    )

    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for decision in decisions(loyalty_topics):
        del decision["decided_at"]
        found[decision["account"]].append(decision)
    expected = _expected(transactions, end)
    assert [
        _first_difference(account, found[account], expected[account])
        for account in {**found, **expected}
        if found[account] != expected[account]
    ] == [], said
    assert sum(decision["kind"] == "due" for of in found.values() for decision in of) > 1_000
    for partition in range(PARTITIONS):
        assert found[f"quiet-{partition}"][-1]["kind"] == "due", "what is due at the final watermark has been done"
        assert len(found[f"early-{partition}"]) == 1, "what is due a millisecond later has not"
    count = sum(len(of) for of in found.values())
    assert f"{count:,} decisions" in said

    letters = dead_letters(loyalty_topics)
    of_decider = [letter for letter in letters if letter.value == BY_DECIDER]
    assert sorted(letter.key or repr(letter.key).encode() for letter in of_decider) == sorted(
        key or repr(key).encode() for key in KEYS * PARTITIONS
    )
    kept = {(record.partition, record.offset): record for record in read_all(loyalty_topics, TRANSACTIONS)}
    of_validator = [letter for letter in letters if letter.value != BY_DECIDER]
    assert len(of_validator) == PARTITIONS * (len(KEYS) + 2)
    for letter in of_validator:
        content = json.loads(letter.value or b"")
        refused = kept.pop((content["partition"], content["offset"]))
        assert letter.key == refused.key
        assert content["received_ms"] == refused.timestamp_ms
        assert (None if content["value"] is None else base64.b64decode(content["value"])) == refused.value
