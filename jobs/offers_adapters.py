"""The domain as the offers job takes it: bytes in, bytes out, and the wall clock for `decided_at`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from jobs.adapters import wall_clock_ms
from jobs.domain import DECISIONS, DeadLetter, Document, Output, Record, StateEntries
from jobs.offers_domain import ForMatcher, Found, PassedOn, Published
from loyalty import records
from loyalty.offers import making, matching, validation
from loyalty.wire.json import to_json
from loyalty.wire.program import parse_program_document


class LoyaltyEngagementIntake:
    """`loyalty.offers.validation` behind the job's `EngagementValidator`."""

    def __init__(self) -> None:
        self._intake = validation.EngagementValidator()

    def begin(self, pages: StateEntries) -> None:
        self._intake = validation.EngagementValidator()

    def take(self, pages: StateEntries, record: Record) -> Iterable[PassedOn]:
        passed = self._intake.take(pages, records.Record(*record))
        if passed is None:
            return ()
        if isinstance(passed, validation.ForAccount):
            return (ForMatcher(*passed),)
        if isinstance(passed, validation.Published):
            return (Published(passed.value),)
        if isinstance(passed, validation.Document):
            return (Document(passed.position, passed.value.decode()),)
        return (DeadLetter(passed.key, to_json(passed.content)),)


class LoyaltyMatcher:
    """`loyalty.offers.matching` behind the job's `Matcher`."""

    reads_first = (matching.LEDGER_PAGE,)

    def __init__(self) -> None:
        self._matcher = matching.Matcher()

    def learn(self, document: str) -> None:
        self._matcher.learn(parse_program_document(document.encode()))

    def receive(self, account_id: str, pages: StateEntries, payload: bytes) -> Found:
        match = self._matcher.receive(account_id, pages, payload)
        return Found(match.matched, [DeadLetter(key, to_json(letter)) for key, letter in match.dead_letters])


class LoyaltyMaker:
    """`loyalty.offers.making` behind the job's `Maker`."""

    def __init__(self, now: Callable[[], int] | None = None) -> None:
        self._now = now or wall_clock_ms
        self._maker = making.OfferMaker()

    def learn(self, pages: StateEntries, payload: bytes) -> None:
        self._maker.published(pages, payload)

    def decide(self, pages: StateEntries, payload: bytes) -> Sequence[Output]:
        made = self._maker.settle(pages, payload)
        return [
            Output(DECISIONS, decision["account_id"].encode(), text)
            for decision, text in zip(made.decisions, made.encode(self._now()), strict=True)
        ]
