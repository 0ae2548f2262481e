"""The reconciliation of offers finds what is wrong, and nothing where all is well."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from loyalty.offers.in_memory_run import InMemoryOffersRun
from loyalty.records import Record
from loyalty.times import parse_time
from loyalty.wire import engagements, members, program
from loyalty.wire.json import to_json
from ops.generate.send import traffic_records
from ops.generate.settings import Traffic
from ops.program.documents import FOLDER
from ops.program.publish import check
from ops.reconcile.transactions import Reconciliation, reconcile

SENT_AT = parse_time("2026-11-01T00:00:00.000Z")
DECIDED_AT = "2026-11-02T00:00:00.000Z"


class Told(NamedTuple):
    """Members, programme, and the offers decided, as their topics would hold them."""

    members: list[Record]
    program: list[Record]
    decisions: list[dict[str, Any]]

    def found(self, *more: dict[str, Any]) -> Reconciliation:
        decided = [
            Record("loyalty.decisions", 0, offset, SENT_AT, b"", json.dumps(decision).encode())
            for offset, decision in enumerate([*self.decisions, *more])
        ]
        return reconcile([], decided, [], self.members, self.program)

    def made(self) -> dict[str, Any]:
        return next(decision for decision in self.decisions if decision["outcome"] == "made")


@pytest.fixture(scope="module")
def told() -> Told:
    documents = [
        Record(program.TOPIC, 0, offset, SENT_AT, one.key.encode(), one.document.model_dump_json().encode())
        for offset, one in enumerate(check(FOLDER))
    ]
    traffic = [
        Record(made.topic, 0, offset, SENT_AT, made.key, made.value)
        for offset, made in enumerate(traffic_records(Traffic(4, 50, 40, engagements=2_000)))
        if made.topic in (members.TOPIC, engagements.TOPIC)
    ]
    loop = InMemoryOffersRun()
    for record in [*documents, *traffic]:
        loop.read(record)
    decisions = [{**json.loads(to_json(one)), "decided_at": DECIDED_AT} for one in loop.outcome.decisions]
    return Told([record for record in traffic if record.topic == members.TOPIC], documents, decisions)


def test_sound_offers_reconcile(told: Told) -> None:
    found = told.found()
    assert found.violations == []
    assert found.offers_made > 20
    assert found.offers_suppressed > 20
    assert found.decisions == len(told.decisions)


def test_a_decision_that_is_repeated_is_counted_and_one_that_says_something_else_is_found(told: Told) -> None:
    assert told.found({**told.made(), "decided_at": "2026-11-02T00:00:01.000Z"}).repeated == 1
    assert told.found({**told.made(), "outcome": "suppressed"}).violations == [
        f"Offer decision {told.made()['decision_id']} of {told.made()['member_id']} is there with two contents."
    ]


def test_a_second_offer_of_one_event_is_found(told: Told) -> None:
    made = told.made()
    sequence = sum(decision["member_id"] == made["member_id"] for decision in told.decisions) + 1
    found = told.found({**made, "decision_id": "another", "sequence": sequence}).violations
    assert any(f"{made['member_id']} was made 2 offers by event" in one for one in found)


@pytest.mark.parametrize(
    ("sequence", "said"), [(1, "has two different offer decisions of sequence 1"), (999, "has a gap in the sequence")]
)
def test_a_sequence_with_a_gap_or_a_number_twice_is_found(told: Told, sequence: int, said: str) -> None:
    other = {**told.made(), "decision_id": "another", "outcome": "suppressed", "sequence": sequence}
    assert any(said in one for one in told.found(other).violations)


def test_a_budget_that_is_overspent_and_a_cap_that_is_passed_are_found(told: Told) -> None:
    (campaign,) = told.made()["rules"]
    poor = []
    for record in told.program:
        document = json.loads(record.value or b"")
        if document["document"] == campaign:
            document["body"] |= {"budget_points": 299, "cap": {"max_per_member": 0, "window_days": 1}}
        poor.append(Record(*(*_but_value(record), json.dumps(document).encode())))
    found = told._replace(program=poor).found().violations
    assert any(f"The offers of {campaign} use" in one for one in found)
    assert f"{told.made()['member_id']} was made more offers of {campaign} than its cap allows." in found


def _but_value(record: Record) -> tuple[str, int, int, int, bytes | None]:
    return record.topic, record.partition, record.offset, record.timestamp_ms, record.key


def test_an_offer_to_a_member_who_has_not_agreed_is_found(told: Told) -> None:
    member_id = told.made()["member_id"]
    wrong = f"{member_id} was made an offer without having agreed to offers."
    others = [record for record in told.members if record.key != f"{member_id}:consent".encode()]
    assert wrong in told._replace(members=others).found().violations

    withdrawn = []
    for record in told.members:
        fact = json.loads(record.value or b"")
        if fact["type"] == "member.consent":
            fact["offers"] = False
        withdrawn.append(Record(*(*_but_value(record), json.dumps(fact).encode())))
    assert wrong in told._replace(members=withdrawn).found().violations
    just_sent = [Record(one.topic, 0, one.offset, parse_time(DECIDED_AT), one.key, one.value) for one in withdrawn]
    assert wrong not in told._replace(members=just_sent).found().violations, "it may not have been known yet"
