"""The domain and the oracle decide every history alike."""

from __future__ import annotations

from hypothesis import given

from loyalty.in_memory_run import InMemoryRun, run
from loyalty.records import Record
from loyalty.state.account import Account
from loyalty.state.codec import DictEntries
from tests.agreement.compare import dead_letter_differences, differences
from tests.oracle import oracle
from tests.oracle.histories import Case, histories
from tests.oracle.tries import tried_with
from tests.oracle.window_histories import window_histories
from tests.oracle.wire import Record as OracleRecord


def ours(records: list[OracleRecord]) -> list[Record]:
    return [Record(*record) for record in records]


@tried_with(2_000)
@given(histories())
def test_the_domain_and_the_oracle_decide_every_history_alike(history: Case) -> None:
    theirs = oracle.decide_all(history.transactions, history.reference, history.lag_ms)
    mine = run(ours(history.reference), ours(history.transactions), history.lag_ms)
    assert differences(mine.decisions, theirs.decisions) == []
    assert dead_letter_differences(mine.dead_letters, theirs.dead_letters) == []


@tried_with(400)
@given(window_histories())
def test_the_domain_and_the_oracle_decide_every_history_of_changing_windows_alike(history: Case) -> None:
    theirs = oracle.decide_all(history.transactions, history.reference, history.lag_ms)
    mine = run(ours(history.reference), ours(history.transactions), history.lag_ms)
    assert differences(mine.decisions, theirs.decisions) == []


@tried_with(500)
@given(histories())
def test_what_is_at_hand_of_the_lists_is_what_they_hold_after_every_event(history: Case) -> None:
    loop = InMemoryRun(history.lag_ms)
    for record in (*ours(history.reference), *ours(history.transactions)):
        loop.read(record)
        for account_id in loop.account_ids:
            account = Account(account_id, DictEntries(dict(loop.entries_of(account_id))))
            for items in (account.keep, account.lots.spend, account.requests, account.timers.expiries):
                assert items.folded.first == next((item[0] for item in items), None)
