"""The operator that finds the campaigns which an engagement may trigger; most engagements end here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobs.domain import DEAD_LETTERS, Output, StateEntries, Verdict
from jobs.offers_domain import Matcher
from jobs.operators.decide_for_account import DecideForAccount
from jobs.operators.make_offers import MATCHED, REFUSED, number_of, numbered, pack_refused, to_maker
from jobs.runtime.outputs import MAIN, Sent

TO_MAKER = "make-offers"
"""Stands for a topic."""


class MatchCampaigns(DecideForAccount):
    """Any number of instances, each with the programme and its share of the accounts.

    It waits for programme documents as the decision job does. All that comes of it goes to `make-offers`, dead letters
    too: an operator with a broadcast has no side outputs while a timer fires.
    """

    def __init__(self, matcher: Matcher) -> None:
        super().__init__(_AsDesk(matcher))

    def _settle(self, account_id: str, verdict: Verdict, epoch: int, timers: Any) -> Sent:
        return [
            (MAIN, to_maker(MATCHED, value) if topic == TO_MAKER else to_maker(REFUSED, pack_refused(key, value)))
            for topic, key, value in verdict.outputs
        ]


class _AsDesk:
    """A matcher as a decider for which nothing is ever due."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self.reads_first: Sequence[str] = matcher.reads_first

    def learn(self, document: str) -> None:
        self._matcher.learn(document)

    def receive(self, account_id: str, pages: StateEntries, payload: bytes, watermark_ms: int | None) -> Verdict:
        published, content = number_of(payload)
        matched, refused = self._matcher.receive(account_id, pages, content)
        outputs = [] if matched is None else [Output(TO_MAKER, None, numbered(published, matched))]
        return Verdict(outputs + [Output(DEAD_LETTERS, key, value) for key, value in refused], None)

    def fire(self, account_id: str, pages: StateEntries, watermark_ms: int) -> Verdict:
        return Verdict([], None)
