"""The checks in their order, and the exact clock."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loyalty.records import Record
from loyalty.state.codec import DictEntries
from loyalty.times import MINUTE_MS, format_time
from loyalty.validation import DeadLetter, Document, ForAccount, Passed, Validator, Watermark
from loyalty.wire.content import content_digest
from tests.domain.story import at

LAG = 10 * MINUTE_MS


def _adjustment(when: int, **changes: Any) -> dict[str, Any]:
    event = {
        "event_id": "e1",
        "type": "adjustment",
        "schema_version": 1,
        "source": "test",
        "occurred_at": format_time(when),
        "account_id": "acc",
        "points": 1,
        "reason": "r",
        "operator": "o",
        "qualifying": False,
    }
    return {**event, **changes}


class _Topic:
    """Hands one intake records of `loyalty.transactions`, partition by partition."""

    def __init__(self, awaited: dict[int, int] | None = None, entries: DictEntries | None = None) -> None:
        self.entries = entries or DictEntries()
        self.intake = Validator(LAG, awaited or {})
        self._offsets: dict[int, int] = {}

    def take(self, when: int, partition: int = 0, **changes: Any) -> Passed:
        return self.take_value(json.dumps(_adjustment(when, **changes)).encode(), partition)

    def take_value(
        self, value: bytes | None, partition: int = 0, key: bytes = b"acc", timestamp: int = at(99)
    ) -> Passed:
        offset = self._offsets.get(partition, 0)
        self._offsets[partition] = offset + 1
        return self.intake.take(self.entries, Record("loyalty.transactions", partition, offset, timestamp, key, value))


def _reason(passed: Any) -> str:
    assert isinstance(passed, DeadLetter)
    return str(passed.content["reason"])


def test_the_first_check_that_fails_names_the_dead_letter() -> None:
    topic = _Topic()
    early = json.dumps(_adjustment(at(1))).encode()
    wrong = json.dumps(_adjustment(at(1), points=1.0)).encode()
    assert _reason(topic.take_value(None)) == "malformed_json"
    assert _reason(topic.take_value(b"{")) == "malformed_json"
    assert _reason(topic.take_value(wrong, key=b"other", timestamp=at(0))) == "schema_violation"
    assert _reason(topic.take_value(early, key=b"other", timestamp=at(0))) == "key_mismatch"
    assert _reason(topic.take_value(early, timestamp=at(0))) == "too_early"


def test_five_minutes_ahead_of_the_record_is_not_yet_too_early() -> None:
    topic = _Topic()
    event = json.dumps(_adjustment(at(1))).encode()
    assert isinstance(topic.take_value(event, timestamp=at(1, minutes=-5)), ForAccount)
    assert _reason(topic.take_value(event, timestamp=at(1, minutes=-5, ms=-1))) == "too_early"


def test_an_event_that_passes_carries_the_digest_of_its_content() -> None:
    value = json.dumps(_adjustment(at())).encode()
    passed = _Topic().take_value(value)
    assert isinstance(passed, ForAccount)
    assert passed.delivery.digest == content_digest(value)


def test_only_a_sound_event_moves_the_clock() -> None:
    topic = _Topic()
    assert topic.take(at(1)).watermark == Watermark(0, at(1) - LAG)
    assert topic.take(at(5), points="many").watermark == Watermark(0, at(1) - LAG)
    assert topic.take(at(0, hours=20)).watermark == Watermark(0, at(1) - LAG)


def test_the_clock_is_the_least_over_the_partitions_that_have_had_an_event() -> None:
    topic = _Topic()
    topic.take(at(5), partition=0)
    assert topic.take(at(7), partition=1).watermark == Watermark(0, at(5) - LAG)
    assert topic.take(at(9), partition=0).watermark == Watermark(0, at(7) - LAG)


def test_a_quiet_partition_holds_the_clock_and_an_empty_one_does_not() -> None:
    topic = _Topic()
    topic.take(at(1), partition=0)
    for day in range(2, 9):
        assert topic.take(at(day), partition=1).watermark == Watermark(0, at(1) - LAG)


def test_a_partition_that_begins_behind_the_others_opens_an_epoch() -> None:
    topic = _Topic()
    assert topic.take(at(9), partition=0).watermark == Watermark(0, at(9) - LAG)
    assert topic.take(at(3), partition=1).watermark == Watermark(1, at(3) - LAG)
    assert topic.take(at(4), partition=1).watermark == Watermark(1, at(4) - LAG)


def test_there_is_no_clock_until_every_partition_that_held_records_was_heard() -> None:
    topic = _Topic(awaited={0: 0, 1: 1, 2: 0})
    assert topic.take(at(9), partition=0).watermark is None
    assert topic.take(at(3), partition=1).watermark is None
    assert topic.take_value(b"nonsense", partition=2).watermark == Watermark(0, at(3) - LAG)


@pytest.mark.parametrize("awaited", [{1: 1}, {}], ids=["its new records are waited for", "nothing new is there"])
def test_the_clock_survives_a_restart(awaited: dict[int, int]) -> None:
    topic = _Topic(awaited={0: 0, 1: 0})
    topic.take(at(5), partition=0)
    topic.take_value(b"nonsense", partition=1)
    restarted = _Topic(awaited, topic.entries)
    assert restarted.intake.watermark(topic.entries) == Watermark(0, at(5) - LAG)
    moved = restarted.take(at(6), partition=0).watermark
    assert moved == (Watermark(0, at(5) - LAG) if awaited else Watermark(0, at(6) - LAG))


def test_the_clock_of_the_last_release_goes_on() -> None:
    # Version 1: the latest of partition 0, nothing passed by, epoch 2, the watermark, three documents.
    kept = bytes.fromhex("01 95 81 00 cf") + at(5).to_bytes(8) + bytes.fromhex("90 02 cf") + at(4).to_bytes(8) + b"\x03"
    topic = _Topic(entries=DictEntries({"progress": kept}))
    assert topic.intake.watermark(topic.entries) == Watermark(2, at(4))
    moved = topic.take(at(6))
    assert isinstance(moved, ForAccount)
    assert (moved.watermark, moved.documents) == (Watermark(2, at(6) - LAG), 3)
    assert topic.entries.entries["progress"][0] == 1


def test_documents_are_counted_and_each_record_says_how_many_came_before_it() -> None:
    topic = _Topic()
    body = {"points": 1, "active": True}
    document = {**_adjustment(at(1)), "type": "program.document", "document": "reward/mug", "version": 1}
    document |= {"effective_from": format_time(at(1)), "body": body}
    record = Record("loyalty.program", 0, 0, 0, b"reward/mug@1", json.dumps(document).encode())
    passed = topic.intake.take(topic.entries, record)
    assert isinstance(passed, Document)
    assert passed.position == 1
    after = topic.take(at(1))
    assert isinstance(after, ForAccount)
    assert after.documents == 1


def test_a_reference_record_under_a_wrong_key_is_refused() -> None:
    context = {"account_id": "acc", "last_engaged_at": format_time(at(1)), "devices": {}}
    record = Record("loyalty.engagement-context", 0, 0, 0, b"other", json.dumps(context).encode())
    assert _reason(_Topic().intake.take(DictEntries(), record)) == "key_mismatch"
