"""The domain and the oracle make the same offers of every history, and take them up and undo them alike."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given

from loyalty.in_memory_run import run
from loyalty.offers.in_memory_run import OffersOutcome, run_offers
from loyalty.records import Record
from loyalty.wire.decisions import parse_decision
from loyalty.wire.json import to_json
from tests.agreement.compare import dead_letter_differences, differences, offer_differences
from tests.oracle.offer_histories import LoopCase, loop_histories, offer_histories, written
from tests.oracle.offers import Offering, decide_offers
from tests.oracle.oracle import decide_all
from tests.oracle.tries import tried_with
from tests.oracle.wire import Record as OracleRecord

READ_BY_THE_OFFERS_JOB = ("loyalty.members", "loyalty.program", "loyalty.decisions")


def _ours(records: list[OracleRecord]) -> list[Record]:
    return [Record(*record) for record in records]


def _of_engagements(letters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Both jobs read the reference topics; whose dead letters those are, is not the oracle's to say."""
    return [letter for letter in letters if letter["topic"] == "loyalty.engagements"]


def _assert_the_same_offers(ours: OffersOutcome, theirs: Offering) -> None:
    assert offer_differences(ours.decisions, theirs.decisions) == []
    assert dead_letter_differences(_of_engagements(ours.dead_letters), _of_engagements(theirs.dead_letters)) == []
    for fate, places in (("used", theirs.used), ("duplicate", theirs.duplicates), ("unmatched", theirs.unmatched)):
        assert sorted(place for place, one in ours.fates.items() if one == fate) == sorted(places)
    _assert_each_has_its_id(ours.decisions)


def _assert_each_has_its_id(decisions: list[dict[str, Any]]) -> None:
    assert len({decision["decision_id"] for decision in decisions}) == len(decisions)


@tried_with(800)
@given(offer_histories())
def test_the_domain_and_the_oracle_make_the_same_offers(history: LoopCase) -> None:
    reference = [record for record in history.reference if record.topic in READ_BY_THE_OFFERS_JOB]
    ours = run_offers(_ours(reference), _ours(history.engagements))
    _assert_the_same_offers(ours, decide_offers(history.engagements, reference))


@tried_with(200)
@given(loop_histories())
def test_the_domain_and_the_oracle_close_the_loop_alike(history: LoopCase) -> None:
    ledger = written(run(_ours(history.reference), _ours(history.transactions), history.lag_ms).decisions)
    known = [*(record for record in history.reference if record.topic in READ_BY_THE_OFFERS_JOB), *ledger]
    offers = run_offers(_ours(known), _ours(history.engagements))
    _assert_the_same_offers(offers, decide_offers(history.engagements, known))

    reference, transactions = history.with_offers(written(offers.decisions))
    ours = run(_ours(reference), _ours(transactions), history.lag_ms)
    theirs = decide_all(transactions, reference, history.lag_ms)
    assert differences(ours.decisions, theirs.decisions) == []
    assert dead_letter_differences(ours.dead_letters, theirs.dead_letters) == []
    _assert_each_has_its_id(ours.decisions)

    seldom = run(_ours(reference), _ours(transactions), history.lag_ms, eager=False)
    assert differences(seldom.decisions, theirs.decisions) == []


@tried_with(50)
@given(loop_histories(allow_late=True))
def test_late_events_and_offers_leave_the_books_in_order_and_decisions_as_the_wire_says(history: LoopCase) -> None:
    reference = [record for record in history.reference if record.topic in READ_BY_THE_OFFERS_JOB]
    offers = run_offers(_ours(reference), _ours(history.engagements))
    known, transactions = history.with_offers(written(offers.decisions))
    outcome = run(_ours(known), _ours(transactions), history.lag_ms)
    _assert_each_has_its_id(outcome.decisions)
    last: dict[str, dict[str, Any]] = {}
    points: Counter[str] = Counter()
    for decision in outcome.decisions:
        balance = decision["balance"]
        points[decision["account_id"]] += decision["points"]
        held = balance["pending"] + balance["available"] + balance["held"]
        assert points[decision["account_id"]] == held - balance["debt"]
        assert not (balance["debt"] and balance["available"])
        assert decision["sequence"] == 1 + last.get(decision["account_id"], {"sequence": 0})["sequence"]
        last[decision["account_id"]] = decision
    for decision in [*offers.decisions, *outcome.decisions]:
        parse_decision(to_json({**decision, "decided_at": "2026-01-01T00:00:00.000Z"}))
