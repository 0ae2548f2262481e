"""Who is parked, as the topics say it."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from jobs.operators.parking import refused
from loyalty.records import Record, dead_letter
from ops.errors import Exit
from ops.parked.letters import _not_sent_again, is_parking
from ops.parked.verbs import app
from ops.reconcile.transactions import reconcile
from tests.kafka_records import read_all, send

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


def test_parked_accounts_are_listed_and_their_records_sent_again(loyalty_topics: str) -> None:
    poison, letter = STORY[0], dead_letter(STORY[0], refused("account", ZeroDivisionError()))
    assert poison.value is not None
    send(loyalty_topics, TOPIC, [(b"a", poison.value), (b"a", b"behind"), (b"b", b"other")], partition=2)
    send(loyalty_topics, "loyalty.dead-letters", [(b"a", json.dumps({**letter, "partition": 2}).encode())])
    assert CliRunner().invoke(app, ["retry", "a", "nobody", "--bootstrap", loyalty_topics]).exit_code != 0

    listed = CliRunner().invoke(app, ["list", "--bootstrap", loyalty_topics])
    assert listed.exit_code == Exit.FOUND
    assert "a: loyalty.transactions 2@0 of " in listed.stdout
    assert "1 behind it. The account is parked" in listed.stdout

    assert "Sent 1 record again." in CliRunner().invoke(app, ["retry", "a", "--bootstrap", loyalty_topics]).stdout
    again = [record for record in read_all(loyalty_topics, TOPIC) if record.partition == 2][-1]
    assert (again.key, again.value, again.offset) == (poison.key, poison.value, 3)
    assert "Nobody is parked." in CliRunner().invoke(app, ["list", "--bootstrap", loyalty_topics]).stdout
