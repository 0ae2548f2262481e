"""The checks of what is published find what they are for, and nothing in what is sound."""

import base64
import hashlib
import json
from typing import Any

import pytest

from .checks import (
    Personal,
    Plain,
    broken_seals,
    canonical,
    decided_otherwise,
    personal_texts,
    seal_of,
    told_in_clear,
    unsound_dead_letters,
)
from .wire import Record


def decision(sequence: int, stream: str = "ledger", account_id: str = "a", **changed: Any) -> Plain:
    return {
        "decision_id": f"{stream}-{account_id}-{sequence}",
        "stream": stream,
        "sequence": sequence,
        "account_id": account_id,
        "member_id": "m",
        "decided_at": "2026-11-23T10:15:00.000Z",
        "reasons": [{"code": "purchase", "detail": "Bought for 10.00.", "actual": None, "threshold": None}],
        "cause": {"event_id": "e", "topic": "loyalty.transactions", "partition": 1, "offset": sequence},
        "evidence": {"late": False},
        **changed,
    }


def chain(*decisions: Plain) -> list[Plain]:
    """The decisions, each with its seal, all of one stream."""
    seal = "0" * 64
    sealed = []
    for one in decisions:
        seal = seal_of(one, seal)
        sealed.append({**one, "seal": seal})
    return sealed


def four() -> list[Plain]:
    return chain(*(decision(number) for number in range(1, 5)))


# The seal


def test_the_seal_is_a_digest_of_the_seal_before_and_of_the_decision_without_where_and_when() -> None:
    [first, second] = chain(decision(1, note='a "b"\n\x01/é\U0001f600'), decision(2))
    text = (
        '{"account_id":"a","cause":{"event_id":"e","topic":"loyalty.transactions"},"decision_id":"ledger-a-1",'
        '"evidence":{"late":false},"member_id":"m","note":"a \\"b\\"\\n\\u0001/é\U0001f600","reasons":[{"actual":null,'
        '"code":"purchase","detail":"Bought for 10.00.","threshold":null}],"sequence":1,"stream":"ledger"}'
    )
    assert first["seal"] == hashlib.sha256(f"{'0' * 64}\n{text}".encode()).hexdigest()
    assert second["seal"] == seal_of(second, first["seal"]) != seal_of(second, "0" * 64)


def test_names_come_in_the_order_of_their_code_points_and_numbers_in_full() -> None:
    assert canonical({"\U0001f600": 1, "ﬀ": -2, "b": 10**30, "B": [], "a": {}}) == (
        '{"B":[],"a":{},"b":1000000000000000000000000000000,"ﬀ":-2,"\U0001f600":1}'
    )


def test_a_whole_chain_has_no_break_in_whatever_order_and_place_it_is_published() -> None:
    offers = chain(decision(1, "offers"), decision(2, "offers", account_id="b"))
    elsewhere = [
        {**one, "decided_at": "2027-01-01T00:00:00.000Z", "cause": {**one["cause"], "partition": 9, "offset": 9}}
        for one in four()
    ]
    others = chain(decision(1, account_id="b"))
    assert broken_seals([*reversed(elsewhere), *offers, *others, *elsewhere]) == []


@pytest.mark.parametrize(
    ("spoilt", "broken"),
    [
        (lambda all_: [{**all_[0], "points": 1}, *all_[1:]], [1]),
        (lambda all_: [{**all_[0], "cause": {**all_[0]["cause"], "timer": "hold"}}, *all_[1:]], [1]),
        (lambda all_: [all_[0], {**all_[2], "sequence": 2}, {**all_[1], "sequence": 3}, all_[3]], [2, 3, 4]),
        (lambda all_: [all_[0], all_[2], all_[3]], [3, 3]),
        (lambda all_: all_[1:], [2, 2]),
        (lambda all_: [*all_[:3], {**all_[3], "seal": None}], [4]),
        (lambda all_: [*all_[:3], {**all_[3], "seal": all_[3]["seal"].upper()}], [4]),
        (lambda all_: [*all_[:3], {**all_[3], "evidence": {"late": 0}}], [4]),
        (lambda all_: [*all_[:3], {**all_[3], "evidence": {"rate": 1.5}}], [4]),
    ],
    ids=["changed", "other timer", "swapped", "dropped", "first dropped", "unsealed", "upper case", "typed", "number"],
)
def test_who_changes_drops_or_swaps_a_decision_breaks_the_chain(spoilt: Any, broken: list[int]) -> None:
    found = [int(sentence.split("decision ")[1].split(":")[0]) for sentence in broken_seals(spoilt(four()))]
    assert found == broken


def test_decisions_of_the_first_edition_stay_readable_before_the_first_seal() -> None:
    old = [decision(1), decision(2)]
    assert broken_seals(old) == []
    assert broken_seals([*old, *chain(decision(3), decision(4))]) == []
    assert len(broken_seals([*old[:1], *chain(decision(3), decision(4))])) == 1  # the second is lost


# Decided once


def test_a_repetition_says_the_same_but_for_the_hour() -> None:
    again = decision(1, decided_at="2026-11-23T10:16:00.000Z")
    assert decided_otherwise([decision(1), decision(2), again]) == []


@pytest.mark.parametrize(
    "again",
    [
        decision(1, points=1),
        decision(1, evidence={"late": 0}),
        decision(1, seal="0" * 64),
        {**decision(1), "sequence": 2},
        decision(1, decision_id="another"),
    ],
    ids=["points", "type of a value", "seal", "place", "id"],
)
def test_no_decision_has_two_contents_and_no_place_two_decisions(again: Plain) -> None:
    assert len(decided_otherwise([decision(1), again])) == 1


# Personal texts and dead letters


def test_names_birth_dates_and_devices_are_found_in_evidence_and_details_as_words() -> None:
    def record(topic: str, event: Plain) -> Record:
        return Record(topic, 0, 0, 0, b"m", json.dumps(event).encode())

    inputs = [
        record("loyalty.members", {"name": "Ada L.", "birth_date": "1815-12-10", "known_devices": ["d1"]}),
        record("loyalty.transactions", {"device_id": "d2", "name": None, "lines": []}),
        record("loyalty.engagement-context", {"devices": {"d3": "2026-11-23T10:15:00.000Z"}}),
        Record("loyalty.members", 0, 0, 0, b"m:profile", None),
        Record("loyalty.members", 0, 0, 0, b"m", b"{"),
    ]
    personal = personal_texts(inputs)
    assert {one.text for one in personal} == {"Ada L.", "1815-12-10", "d1", "d2", "d3"}
    told = [
        decision(1, evidence={"facts": {"member": {"born": "1815-12-10"}}}),
        decision(2, evidence={"facts": {"d3": 1}}),
        decision(3, reasons=[{"code": "x", "detail": "Ada L. used d2 for it."}]),
        decision(4, evidence={"digest": "d1d2d3"}, reasons=[{"code": "x", "detail": "Nothing d10."}]),
    ]
    assert told_in_clear(told, personal) == [
        "ledger-a-1: evidence tells the birth date '1815-12-10'",
        "ledger-a-2: evidence tells the device 'd3'",
        "ledger-a-3: a detail tells the name 'Ada L.'",
        "ledger-a-3: a detail tells the device 'd2'",
    ]


@pytest.mark.parametrize(
    ("received", "own", "detail", "faults"),
    [
        (b"a", b"a", "No number.", 0),
        (None, None, "n" * 500, 0),
        (b"k" * 1024, b"k" * 1024, "No number.", 0),
        (b"k" * 1025, None, "No number.", 0),
        (b"k" * 1025, b"k" * 1025, "No number.", 1),
        (b"a", None, "No number.", 1),
        (b"a", b"a", "n" * 501, 1),
        (b"a", b"a", "", 1),
        (b"a", b"a", "Ada is no number.", 1),
    ],
)
def test_a_dead_letter_has_the_key_that_came_if_short_and_a_short_detail(
    received: bytes | None, own: bytes | None, detail: str, faults: int
) -> None:
    key = None if received is None else base64.b64encode(received).decode()
    value = json.dumps({"reason": "schema_violation", "detail": detail, "key_base64": key}).encode()
    found = unsound_dead_letters([Record("loyalty.dead-letters", 0, 0, 0, own, value)], [Personal("name", "Ada")])
    assert len(found) == faults
