"""The domain and the oracle make the same offers of every history, and take them up and undo them alike."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, given, settings

from loyalty.loop import run
from loyalty.offers_loop import OffersOutcome, run_offers
from loyalty.records import Record
from tests.agreement.compare import dead_letter_differences, differences, offer_differences
from tests.oracle.offer_histories import LoopCase, loop_histories, offer_histories, written
from tests.oracle.offers import Offering, decide_offers
from tests.oracle.oracle import decide_all
from tests.oracle.wire import Record as OracleRecord

HISTORIES = int(os.environ.get("LOYALTY_HISTORIES", "2000"))
"""How many histories a run tries; the project's CI never sets it below the default."""

of_engagements = settings(
    max_examples=HISTORIES // 2,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
of_the_whole_loop = settings(of_engagements, max_examples=HISTORIES // 5)


def _ours(records: list[OracleRecord]) -> list[Record]:
    return [Record(*record) for record in records]


def _assert_alike(ours: OffersOutcome, theirs: Offering) -> None:
    assert offer_differences(ours.decisions, theirs.decisions) == []
    letters = [letter for letter in theirs.dead_letters if letter["topic"] == "loyalty.engagements"]
    mine = [letter for letter in ours.dead_letters if letter["topic"] == "loyalty.engagements"]
    assert dead_letter_differences(mine, letters) == []
    for fate, places in (
        ("used", theirs.used),
        ("duplicate", theirs.duplicates),
        ("unmatched", theirs.unmatched),
    ):
        assert sorted(place for place, one in ours.fates.items() if one == fate) == sorted(places)


def _as_written(decisions: list[dict[str, Any]]) -> list[OracleRecord]:
    return written(decisions)


@of_engagements
@given(offer_histories())
def test_the_domain_and_the_oracle_make_the_same_offers(history: LoopCase) -> None:
    theirs = decide_offers(history.engagements, history.reference)
    ours = run_offers(_ours(history.reference), _ours(history.engagements))
    _assert_alike(ours, theirs)


@of_the_whole_loop
@given(loop_histories())
def test_the_domain_and_the_oracle_close_the_loop_alike(history: LoopCase) -> None:
    ledger = _as_written(run(_ours(history.reference), _ours(history.transactions), history.lag_ms).decisions)
    known = [*history.reference, *ledger]
    ours = run_offers(_ours(known), _ours(history.engagements))
    _assert_alike(ours, decide_offers(history.engagements, known))

    reference, transactions = history.with_offers(_as_written(ours.decisions))
    decided = run(_ours(reference), _ours(transactions), history.lag_ms)
    expected = decide_all(transactions, reference, history.lag_ms)
    assert differences(decided.decisions, expected.decisions) == []
    assert dead_letter_differences(decided.dead_letters, expected.dead_letters) == []
