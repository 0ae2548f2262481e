"""What must hold of every history, late events included."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from loyalty.in_memory_run import Outcome, run
from loyalty.records import Record
from loyalty.wire.decisions import parse_dead_letter, parse_decision
from loyalty.wire.json import to_json
from tests.oracle.histories import Case, histories
from tests.oracle.tries import tried_with

some = tried_with(250)


def _run(case: Case, *, eager: bool = True) -> Outcome:
    reference = [Record(*record) for record in case.reference]
    return run(reference, [Record(*record) for record in case.transactions], case.lag_ms, eager=eager)


def _by_account(decisions: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    accounts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for decision in decisions:
        accounts[decision["account_id"]].append(decision)
    return accounts


@some
@given(histories(allow_late=True))
def test_points_are_conserved_and_sequences_have_no_gap(case: Case) -> None:
    for decisions in _by_account(_run(case).decisions).values():
        assert [decision["sequence"] for decision in decisions] == list(range(1, len(decisions) + 1))
        total = 0
        for decision in decisions:
            total += decision["points"]
            balance = decision["balance"]
            assert total == balance["pending"] + balance["available"] + balance["held"] - balance["debt"]


@some
@given(histories(allow_late=True))
def test_nothing_is_ever_overspent_and_debt_and_available_points_never_meet(case: Case) -> None:
    for decision in _run(case).decisions:
        balance = decision["balance"]
        assert (
            min(balance["pending"], balance["available"], balance["held"], balance["debt"], balance["qualifying"]) >= 0
        )
        assert not (balance["debt"] and balance["available"])


@some
@given(histories(allow_late=True))
def test_every_record_ends_as_exactly_one_thing_and_every_used_event_decides_something(case: Case) -> None:
    outcome = _run(case)
    refused = {(letter["topic"], letter["partition"], letter["offset"]) for letter in outcome.dead_letters}
    assert len(refused) == len(outcome.dead_letters)
    decided = {
        (decision["cause"]["partition"], decision["cause"]["offset"])
        for decision in outcome.decisions
        if "timer" not in decision["cause"]
    }
    for record in case.transactions:
        fate = outcome.fates[record.topic, record.partition, record.offset]  # type: ignore[index]
        assert fate in ("used", "duplicate", "dead_letter", "waiting")
        assert (fate == "dead_letter") == ((record.topic, record.partition, record.offset) in refused)
        assert (fate == "used") == ((record.partition, record.offset) in decided)


@some
@given(histories(allow_late=True))
def test_no_two_decisions_share_an_id(case: Case) -> None:
    ids = [decision["decision_id"] for decision in _run(case).decisions]
    assert len(set(ids)) == len(ids)


@some
@given(histories())
def test_it_makes_no_difference_when_the_watermark_comes_by(case: Case) -> None:
    eager, lazy = _run(case), _run(case, eager=False)
    assert _by_account(eager.decisions) == _by_account(lazy.decisions)


@some
@given(histories(partitions=3), st.randoms(use_true_random=False))
def test_it_makes_no_difference_how_partitions_are_served(case: Case, chance: Any) -> None:
    left: dict[int, list[Any]] = defaultdict(list)
    for record in case.transactions:
        left[record.partition].append(record)
    served = []
    while left:
        partition = chance.choice(sorted(left))
        served.append(left[partition].pop(0))
        if not left[partition]:
            del left[partition]
    one, other = _run(case), _run(case._replace(transactions=served))
    assert _by_account(one.decisions) == _by_account(other.decisions)
    assert one.fates == other.fates


@some
@given(histories(allow_late=True))
def test_everything_that_is_written_is_what_the_wire_says(case: Case) -> None:
    outcome = _run(case)
    for decision in outcome.decisions:
        parse_decision(to_json({**decision, "decided_at": "2026-01-01T00:00:00.000Z"}))
    for letter in outcome.dead_letters:
        parse_dead_letter(json.dumps(letter).encode())
