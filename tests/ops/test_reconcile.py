"""The reconciliation finds what is wrong, and nothing where all is well."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loyalty.in_memory_run import InMemoryRun
from loyalty.records import Record
from ops.reconcile.transactions import Reconciliation, reconcile
from tests.domain.story import Story, at

READ, DECIDED, REFUSED = "loyalty.transactions", "loyalty.decisions", "loyalty.dead-letters"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> tuple[list[Record], list[Record], list[Record]]:
    """A story with a bit of everything, as the three topics would hold it."""
    records: list[Record] = []
    read = InMemoryRun.read

    def remember(loop: InMemoryRun, record: Record) -> None:
        if record.topic == READ:
            records.append(record)
        read(loop, record)

    monkeypatch.setattr(InMemoryRun, "read", remember)
    story = Story()
    story.buys("o1", 1_000, at(), event_id="once")
    story.buys("o1", 1_000, at(), event_id="once")
    story.buys("o1", 1_001, at(), event_id="once")
    story.refunds("never", at(1))
    story.refunds("o1", at(1, hours=1))
    return (
        records,
        [_record(DECIDED, offset, decision) for offset, decision in enumerate(story.decisions)],
        [_record(REFUSED, offset, letter) for offset, letter in enumerate(story.dead_letters)],
    )


def _record(topic: str, offset: int, content: dict[str, Any]) -> Record:
    return Record(topic, 0, offset, 0, b"acc", json.dumps(content).encode())


def _with(record: Record, **changes: Any) -> Record:
    content = {**json.loads(record.value or b"{}"), **changes}
    return _record(record.topic, record.offset, content)


def _found(told: tuple[list[Record], list[Record], list[Record]]) -> Reconciliation:
    return reconcile(*told)


def test_a_sound_run_reconciles(told: tuple[list[Record], list[Record], list[Record]]) -> None:
    found = _found(told)
    assert (found.read, found.used, found.duplicate, found.dead_letter, found.waiting) == (5, 2, 1, 1, 1)
    assert found.sound


def test_a_record_that_vanished_is_named(told: tuple[list[Record], list[Record], list[Record]]) -> None:
    records, decisions, _ = told
    assert reconcile(records, decisions, []).violations == ["Transaction (0, 2) was read and nothing became of it."]


def test_a_lost_decision_is_a_gap(told: tuple[list[Record], list[Record], list[Record]]) -> None:
    records, decisions, dead = told
    found = reconcile(records, decisions[:1] + decisions[2:], dead)
    assert "acc has a gap before sequence 3." in found.violations


def test_a_decision_repeated_by_delivery_is_counted_and_no_violation(
    told: tuple[list[Record], list[Record], list[Record]],
) -> None:
    records, decisions, dead = told
    found = reconcile(records, [*decisions, decisions[0]], dead)
    assert (found.repeated, found.violations) == (1, [])


def test_another_decision_under_a_sequence_that_is_taken_is_a_violation(
    told: tuple[list[Record], list[Record], list[Record]],
) -> None:
    records, decisions, dead = told
    found = reconcile(records, [*decisions, _with(decisions[0], decision_id="other")], dead)
    assert found.violations == ["acc has two different decisions of sequence 1."]


def test_points_that_do_not_add_up_are_a_violation(told: tuple[list[Record], list[Record], list[Record]]) -> None:
    records, decisions, dead = told
    found = reconcile(records, [_with(decisions[0], points=11), *decisions[1:]], dead)
    assert found.violations[0] == "acc does not add up at sequence 1."
