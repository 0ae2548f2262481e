"""Each reason of a dead letter, through the real broker and the real job: one run with every case in it."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import Any, NamedTuple

import pytest

from loyalty.times import format_time
from loyalty.wire import context, fraud, members, program, transactions
from tests.kafka.on_kafka import DEAD_LETTERS, REFERENCE, Plain, assert_reconciles, fresh_topics, run_to_end, values
from tests.kafka_records import Kept, read_all, send
from tests.wire.examples import (
    ADJUSTMENT,
    CANCELLATION,
    COMMITTED,
    CONSENT,
    CONTEXT,
    PROFILE,
    PURCHASE,
    REFUND,
    REQUESTED,
    SIGNAL,
    document,
    wire,
)

ACCOUNT = b"account-1"
PARTITION = 2
MINUTE_MS = 60_000


class Case(NamedTuple):
    """A record, and what must become of it."""

    name: str
    reason: str | None
    """None: it is sound, and there for the others."""
    key: bytes | None
    value: bytes | None
    topic: str = transactions.TOPIC


def _event(example: Plain, name: str, at: str = "2026-05-02T10:15:00.000Z", **fields: Any) -> bytes:
    return wire(example, event_id=f"event-{name}", occurred_at=at, **fields)


def _case(reason: str | None, example: Plain, name: str, **fields: Any) -> Case:
    return Case(name, reason, ACCOUNT, _event(example, name, **fields))


def _ahead(minutes: int) -> str:
    return format_time(int(time.time() * 1000) + minutes * MINUTE_MS)


def _cases() -> list[Case]:
    """In the order in which they are sent, all to one partition."""
    sound = _event(PURCHASE, "sound")
    return [
        _case(None, PURCHASE, "purchase", order_id="order-1"),
        _case(None, ADJUSTMENT, "gift", points=5000),
        Case("null value", "malformed_json", ACCOUNT, None),
        Case("empty value", "malformed_json", ACCOUNT, b""),
        Case("truncated", "malformed_json", ACCOUNT, sound[: len(sound) // 2]),
        Case("invalid UTF-8", "malformed_json", ACCOUNT, sound.replace(b"till-7", b"\xff\xfe\x00")),
        Case("null key and value", "malformed_json", None, None),
        Case("bytes that are no text, key and value", "malformed_json", b"\x80\x00\xff", b"\x00\xff\x80"),
        Case("byte order mark", "malformed_json", ACCOUNT, b"\xef\xbb\xbf" + sound),
        Case("array", "schema_violation", ACCOUNT, b"[" + sound + b"]"),
        Case("null key and wrong type", "schema_violation", None, wire(PURCHASE, currency=978)),
        _case("schema_violation", PURCHASE, "fraction of a unit", lines=[{**PURCHASE["lines"][0], "quantity": 1.0}]),
        Case("null key", "key_mismatch", None, sound),
        Case("empty key", "key_mismatch", b"", sound),
        Case("invalid UTF-8 key", "key_mismatch", b"\xff" + ACCOUNT, sound),
        Case("another's key", "key_mismatch", "account-é".encode(), sound),
        _case("too_early", PURCHASE, "six minutes ahead", at=_ahead(6), order_id="order-early"),
        _case("too_early", PURCHASE, "a day ahead", at=_ahead(24 * 60), order_id="order-day"),
        _case("conflicting_duplicate", PURCHASE, "purchase", order_id="order-1", source="another till"),
        _case("no_programme", PURCHASE, "before all", at="2024-02-29T00:00:00.000Z", order_id="order-old"),
        _case("duplicate_order", PURCHASE, "order again", order_id="order-1"),
        _case("unknown_currency", PURCHASE, "currency", order_id="order-2", currency="XTS"),
        _case("unknown_partner", PURCHASE, "partner", order_id="order-3", channel="partner", partner_id="nobody"),
        _case("unknown_partner", PURCHASE, "left", order_id="order-4", channel="partner", partner_id="envelopes"),
        _case("over_refund", REFUND, "too many", order_id="order-1", lines=[{"line_id": "1", "quantity": 3}]),
        _case("unknown_order", REFUND, "never came", order_id="order-nowhere"),
        _case("unknown_order", CANCELLATION, "never came either", order_id="order-nowhere"),
        _case(None, REQUESTED, "request", redemption_id="r-1", reward_id="espresso", points=1000, channel="store"),
        _case("duplicate_redemption", REQUESTED, "request again", redemption_id="r-1"),
        _case("unknown_redemption", COMMITTED, "never asked", redemption_id="r-nowhere"),
        _case(None, COMMITTED, "commit", redemption_id="r-1"),
        _case("no_hold", COMMITTED, "commit again", redemption_id="r-1"),
        # A day and the watermark's lag later, so that what waited for its order no longer does.
        Case(
            "later",
            None,
            b"account-2",
            _event(ADJUSTMENT, "later", at="2026-05-03T10:25:00.000Z", account_id="account-2", points=1),
        ),
    ]


def _reference_cases() -> list[Case]:
    return [
        Case("programme cut short", "malformed_json", b"fraud@9", b'{"type": "program.doc', program.TOPIC),
        Case("bad programme", "schema_violation", b"earning@9", wire(document("earning", 9), body={}), program.TOPIC),
        Case("programme's key", "key_mismatch", b"fraud@8", wire(document("fraud", 9)), program.TOPIC),
        Case("profile's key", "key_mismatch", b"member-1", wire(PROFILE), members.TOPIC),
        Case("consent", "schema_violation", b"member-1:consent", wire(CONSENT, offers="yes"), members.TOPIC),
        Case("signal", "schema_violation", ACCOUNT, wire(SIGNAL, score=101), fraud.TOPIC),
        Case("context", "schema_violation", ACCOUNT, wire(CONTEXT, devices=["d"]), context.TOPIC),
    ]


class Refused(NamedTuple):
    """A record that was refused: as it was sent, as the broker keeps it, and its dead letter."""

    case: Case
    kept: Kept
    letter: Plain
    key: bytes | None


@pytest.fixture(scope="module")
def refused(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Refused]:
    """All cases, decided in one run."""
    fresh_topics(bootstrap)
    cases = [*_cases(), *_reference_cases()]
    for topic in (*REFERENCE, transactions.TOPIC):
        partition = 0 if topic == program.TOPIC else PARTITION
        send(bootstrap, topic, [(case.key, case.value) for case in cases if case.topic == topic], partition)
    run_to_end(bootstrap, tmp_path_factory.mktemp("run") / "state")
    kept = {
        topic: [one for one in read_all(bootstrap, topic) if (one.key, one.value) in of]
        for topic, of in _bytes_by_topic(cases).items()
    }
    letters: dict[tuple[str, int, int], tuple[Plain, bytes | None]] = {}
    for record in read_all(bootstrap, DEAD_LETTERS):
        letter = json.loads(record.value or b"null")
        place = letter["topic"], letter["partition"], letter["offset"]
        assert place not in letters, f"two dead letters of {place}"
        letters[place] = letter, record.key
    found = {}
    for case in cases:
        one = kept[case.topic].pop(0)
        if case.reason is not None:
            assert one[:3] in letters, f"{case.name} did not become a dead letter"
            letter, key = letters.pop(one[:3])
            found[case.name] = Refused(case, one, letter, key)
    assert letters == {}, "sound records were refused"
    return found


def _bytes_by_topic(cases: list[Case]) -> dict[str, set[tuple[bytes | None, bytes | None]]]:
    """The programme's topic holds the catalogue's documents too: what was sent here is told by its bytes."""
    return {topic: {(one.key, one.value) for one in cases if one.topic == topic} for topic in {c.topic for c in cases}}


NAMES = [case.name for case in (*_cases(), *_reference_cases()) if case.reason is not None]


@pytest.mark.parametrize("name", NAMES)
def test_a_refused_record_becomes_a_dead_letter_that_holds_it_as_it_came(
    refused: dict[str, Refused], name: str
) -> None:
    case, kept, letter, key = refused[name]
    assert letter["reason"] == case.reason
    assert (letter["topic"], letter["partition"], letter["offset"]) == (kept.topic, kept.partition, kept.offset)
    assert letter["received_at"] == format_time(kept.timestamp_ms)
    assert _bytes(letter["key_base64"]) == case.key
    assert _bytes(letter["value_base64"]) == case.value
    assert key == case.key, "a dead letter's key is the key that was received"
    assert re.fullmatch(r"[A-Z0-9].{10,}\.", letter["detail"], re.DOTALL), letter["detail"]
    assert letter.keys() == {
        "reason", "detail", "topic", "partition", "offset", "received_at", "key_base64", "value_base64",
    }  # fmt: skip


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def test_the_cases_are_all_the_reasons_of_the_contract(refused: dict[str, Refused]) -> None:
    assert {one.letter["reason"] for one in refused.values()} == {
        "malformed_json", "schema_violation", "key_mismatch", "too_early", "conflicting_duplicate", "no_programme",
        "duplicate_order", "unknown_currency", "unknown_partner", "over_refund", "unknown_order",
        "duplicate_redemption", "unknown_redemption", "no_hold",
    }  # fmt: skip


def test_the_sound_records_among_them_are_decided(bootstrap: str, refused: dict[str, Refused]) -> None:
    found = assert_reconciles(bootstrap)
    assert found.used == sum(case.reason is None for case in _cases())
    assert found.duplicate == found.waiting == 0
    assert sum(found.reasons.values()) == sum(case.reason is not None for case in _cases())
    assert len(values(bootstrap, DEAD_LETTERS)) == len(refused)
