"""What the offers job asks of the domain: three objects, one an operator, under the rules of `jobs.domain`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from jobs.domain import DeadLetter, Document, Output, Record, StateEntries


class Published(NamedTuple):
    """A fact for the maker: an offer decision that is on its topic already, a consent. `payload` reaches `Maker.learn`
    as it is."""

    payload: bytes


class ForMatcher(NamedTuple):
    """Something for one account: `payload` reaches `Matcher.receive` as it is.

    It waits there until `documents` programme documents have come; what the matcher makes of it waits until `published`
    facts have reached the maker: as many of each as had been accepted before it.
    """

    account_id: str
    payload: bytes
    documents: int
    published: int


class Found(NamedTuple):
    """What a matcher made of something."""

    matched: bytes | None
    """Reaches `Maker.decide` as it is; None where no campaign fits."""
    refused: Sequence[DeadLetter]


PassedOn = DeadLetter | Document | ForMatcher | Published


class EngagementValidator(Protocol):
    """Checks every record once. One instance, one set of pages."""

    def begin(self, pages: StateEntries) -> None:
        """Called once after every start and restart, before anything else."""
        ...

    def take(self, pages: StateEntries, record: Record) -> Iterable[PassedOn]:
        """What becomes of a record. Engagements come only after all reference records that there were at the start."""
        ...


class Matcher(Protocol):
    """Finds the campaigns that an engagement may trigger. One instance an operator instance, one set of pages an
    account."""

    @property
    def reads_first(self) -> Sequence[str]:
        """The pages that are asked for every time, so that they may come together with the record."""
        ...

    def learn(self, document: str) -> None:
        """A programme document, in the order of acceptance; after a restart all of them again."""
        ...

    def receive(self, account_id: str, pages: StateEntries, payload: bytes) -> Found:
        """Judge what the intake passed on, an engagement or a fact."""
        ...


class Maker(Protocol):
    """Owns caps and budgets. One instance, one set of pages."""

    def learn(self, pages: StateEntries, payload: bytes) -> None:
        """A fact. An offer decision that was published is decided for good, by this job or by one before it."""
        ...

    def decide(self, pages: StateEntries, payload: bytes) -> Sequence[Output]:
        """Decide an engagement that fits campaigns."""
        ...
