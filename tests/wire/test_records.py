"""Records that are refused, and their dead letters."""

from __future__ import annotations

import base64

import pytest

from loyalty.in_memory_run import InMemoryRun
from loyalty.offers.in_memory_run import InMemoryOffersRun
from loyalty.offers.validation import INPUTS
from loyalty.records import Record, Refused, dead_letter, letter_key, refuse_too_large
from loyalty.state.codec import DictEntries
from loyalty.times import parse_time
from loyalty.validation import DeadLetter, ForAccount, Validator
from loyalty.wire import engagements, transactions
from loyalty.wire.decisions import parse_dead_letter
from loyalty.wire.json import to_json
from tests.wire.examples import PURCHASE, wire

SENT_AT = parse_time("2026-11-23T10:15:00.000Z")
MEBIBYTE = 1024 * 1024
MOST = 2 * MEBIBYTE


def record(key: bytes | None, value: bytes | None, topic: str = transactions.TOPIC) -> Record:
    return Record(topic, 0, 7, SENT_AT, key, value)


def take(read: Record) -> object:
    return Validator(0, {}).take(DictEntries(), read)


def test_a_record_may_have_two_mebibytes_key_and_value_together() -> None:
    value = wire(PURCHASE)
    padded = value + b" " * (MOST - len(value) - len(b"account-1"))
    assert isinstance(take(record(b"account-1", padded)), ForAccount)
    refused = take(record(b"account-1", padded + b" "))
    assert isinstance(refused, DeadLetter)
    assert refused.content["reason"] == "schema_violation"
    assert refused.content["detail"] == (
        "The record is too large: it should have at most 2097152 bytes, key and value together, not 2097153."
    )


@pytest.mark.parametrize(("key", "value"), [(b"k" * (MOST + 1), None), (None, b"{" * (MOST + 1))])
def test_what_is_too_large_is_a_schema_violation_whatever_else_it_is(key: bytes | None, value: bytes | None) -> None:
    with pytest.raises(Refused, match="schema_violation"):
        refuse_too_large(record(key, value))


@pytest.mark.parametrize("topic", INPUTS)
def test_every_topic_of_the_offers_job_has_the_limit(topic: str) -> None:
    run = InMemoryOffersRun()
    run.read(record(b"account-1", b" " * MOST, topic))
    assert run.outcome.dead_letters[0]["reason"] == "schema_violation"


@pytest.mark.parametrize("size", [MOST, 3 * MEBIBYTE, 10 * MEBIBYTE])
@pytest.mark.parametrize("share_of_the_key", [0.0, 0.5, 1.0])
def test_a_dead_letter_fits_its_topic_whatever_was_refused(size: int, share_of_the_key: float) -> None:
    key_size = int(size * share_of_the_key)
    refused = record(b"\xff" * key_size, b"\xff" * (size - key_size))
    letter = dead_letter(refused, Refused("schema_violation", "\x00" * 10_000))
    written = to_json(letter)
    assert len(written) + len(letter_key(refused) or b"") <= 4 * MEBIBYTE - 1024
    parse_dead_letter(written)
    if size == MOST:
        assert base64.b64decode(letter["key_base64"]) + base64.b64decode(letter["value_base64"]) == b"\xff" * size


def test_what_is_left_out_of_a_dead_letter_is_said() -> None:
    letter = dead_letter(record(b"a", b" " * 4 * MEBIBYTE), Refused("schema_violation", "The record is too large."))
    assert letter["detail"] == (
        "The record is too large. Its bytes do not fit into a dead letter: they are where they were."
    )
    assert (letter["key_base64"], letter["value_base64"]) == ("YQ==", None)


def test_a_sentence_has_at_most_500_characters() -> None:
    for length in (1, 499, 500):
        assert dead_letter(record(None, None), Refused("no_hold", "é" * length))["detail"] == "é" * length
    assert dead_letter(record(None, None), Refused("no_hold", "é" * 501))["detail"] == "é" * 499 + "…"


def test_a_dead_letter_has_the_key_received_or_none_where_that_is_longer_than_a_kibibyte() -> None:
    assert letter_key(record(None, b"")) is None
    assert letter_key(record(b"", b"")) == b""
    assert letter_key(record(b"k" * 1024, b"")) == b"k" * 1024
    assert letter_key(record(b"k" * 1025, b"")) is None
    refused = take(record(b"k" * 1025, wire(PURCHASE)))
    assert isinstance(refused, DeadLetter)
    assert refused.key is None
    assert base64.b64decode(refused.content["key_base64"]) == b"k" * 1025


def test_a_decision_nested_too_deep_for_any_parser_is_a_dead_letter_of_the_offers_job() -> None:
    run = InMemoryOffersRun()
    run.read(record(b"account-1", b'{"evidence":' + b"[" * 100_000, "loyalty.decisions"))
    assert run.outcome.dead_letters[0]["reason"] == "malformed_json"


def test_a_key_that_differs_is_said_in_a_short_sentence() -> None:
    loop = InMemoryRun(0)
    loop.read(record(b"another", wire(PURCHASE, account_id="\x00" * 128)))
    offers = InMemoryOffersRun()
    offers.read(record(b"another", b"{}", engagements.TOPIC))
    letter = loop.outcome.dead_letters[0]
    assert letter["reason"] == "key_mismatch"
    assert len(letter["detail"]) < 150
