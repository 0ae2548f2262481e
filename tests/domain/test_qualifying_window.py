"""The window of qualifying points knows what slides out of it next without looking through its lists."""

from __future__ import annotations

from hypothesis import given

from loyalty.in_memory_run import InMemoryRun
from loyalty.records import Record
from loyalty.state.account import Account
from loyalty.state.codec import DictEntries
from tests.oracle.histories import Case, histories
from tests.oracle.tries import tried_with
from tests.oracle.window_histories import window_histories


@tried_with(300)
@given(window_histories() | histories())
def test_what_slides_next_is_what_looking_through_the_lists_finds_after_every_event(history: Case) -> None:
    loop = InMemoryRun(history.lag_ms)
    for record in (*history.reference, *history.transactions):
        loop.read(Record(*record))
        for account_id in loop.account_ids:
            account = Account(account_id, DictEntries(dict(loop.entries_of(account_id))))
            if account.core.slide_found_by == loop.program.tiers_known:
                assert account.core.slide == account.window.find_slide(loop.program)
