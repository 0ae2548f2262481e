"""Who is parked, as the topics say it."""

from __future__ import annotations

import json

from jobs.operators.parking import refused
from loyalty.records import Record, dead_letter
from ops.parked.letters import _not_sent_again, is_parking
from ops.reconcile.transactions import reconcile

TOPIC = "loyalty.transactions"


def _record(offset: int, account: str, event: str) -> Record:
    value = json.dumps({"event_id": event, "account_id": account}).encode()
    return Record(TOPIC, 0, offset, 0, account.encode(), value)


STORY = [
    _record(0, "a", "poison"),
    _record(1, "a", "second"),
    _record(2, "b", "first"),
    _record(3, "a", "third"),
]


def test_an_account_is_parked_by_its_first_failure_and_what_came_behind_it_is_counted() -> None:
    (found,) = _not_sent_again(STORY, {0: "why"})
    assert (found.record.offset, found.why, found.behind) == (0, "why", 2)


def test_sent_again_it_is_parked_no_longer_unless_it_failed_again() -> None:
    again = [*STORY, _record(4, "a", "poison")]
    assert _not_sent_again(again, {0: "why"}) == []
    (found,) = _not_sent_again(again, {0: "why", 4: "again"})
    assert (found.record.offset, found.why) == (4, "again")


def test_only_the_sentence_of_parking_says_that_somebody_is_parked() -> None:
    letter = dead_letter(STORY[0], refused("account", ZeroDivisionError()))
    assert is_parking(letter)
    assert len(letter["detail"]) <= 500
    assert not is_parking({**letter, "detail": "The field key is parked."})


def test_what_waits_behind_a_parked_account_reconciles_as_waiting() -> None:
    letter = dead_letter(STORY[0], refused("account", ZeroDivisionError()))
    letters = [Record("loyalty.dead-letters", 0, 0, 0, b"a", json.dumps(letter).encode())]
    found = reconcile(STORY, [], letters)
    assert (found.read, found.dead_letter, found.waiting) == (4, 1, 2)
    assert found.violations == ["Transaction (0, 2) was read and nothing became of it."]
