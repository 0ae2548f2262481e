"""The offers job in one process and without Kafka or Flink: for replays, audits and tests.

The same three stages as in the job, each with its own entries; only the plumbing between them is plain. What the job
has to carry and wait for is in `EngagementValidator` (`documents`, `published`); here every stage is up to date at
once.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple

from loyalty.in_memory_run import Place
from loyalty.offers.making import OfferMaker
from loyalty.offers.matching import Matcher
from loyalty.offers.validation import INPUTS, DeadLetter, Document, EngagementValidator, Published
from loyalty.records import Record
from loyalty.state.codec import DictEntries
from loyalty.wire import engagements
from loyalty.wire.program import parse_program_document


class OffersOutcome(NamedTuple):
    """What a run made of its input."""

    decisions: list[dict[str, Any]]
    dead_letters: list[dict[str, Any]]
    fates: dict[Place, str]
    """What became of each record: `used`, `unmatched`, `duplicate`, `dead_letter`, `document` or `reference`."""


class Checkpoint(NamedTuple):
    """The state of the three stages at one moment."""

    intake: dict[str, bytes]
    documents: list[bytes]
    accounts: dict[str, dict[str, bytes]]
    maker: dict[str, bytes]


class InMemoryOffersRun:
    """Decides about engagements as they are given; goes on from a checkpoint, if one is given."""

    def __init__(self, checkpoint: Checkpoint | None = None) -> None:
        intake, documents, accounts, maker = checkpoint or Checkpoint({}, [], {}, {})
        self._intake = EngagementValidator()
        self._intake_entries = DictEntries(dict(intake))
        self._matcher = Matcher()
        self._documents: list[bytes] = []
        for document in documents:
            self._learn(document)
        self._account_entries = {account_id: DictEntries(dict(entries)) for account_id, entries in accounts.items()}
        self._maker = OfferMaker()
        self._maker_entries = DictEntries(dict(maker))
        self.outcome = OffersOutcome([], [], {})

    def checkpoint(self) -> Checkpoint:
        """A copy of all state."""
        accounts = {account_id: dict(entries.entries) for account_id, entries in self._account_entries.items()}
        return Checkpoint(
            dict(self._intake_entries.entries), list(self._documents), accounts, dict(self._maker_entries.entries)
        )

    def read(self, record: Record) -> list[dict[str, Any]]:
        """Take one record; returns the decisions that follow. Those of one partition must be given in its order."""
        place = Place(record.topic, record.partition, record.offset)
        passed = self._intake.take(self._intake_entries, record)
        if passed is None:
            fate = "unmatched" if record.topic == engagements.TOPIC else "reference"
        elif isinstance(passed, DeadLetter):
            fate = "dead_letter"
            self.outcome.dead_letters.append(passed.content)
        elif isinstance(passed, Document):
            fate = "document"
            self._learn(passed.value)
        elif isinstance(passed, Published):
            fate = "reference"
            self._maker.published(self._maker_entries, passed.value)
        else:
            entries = self._account_entries.setdefault(passed.account_id, DictEntries())
            match = self._matcher.receive(passed.account_id, entries, passed.payload)
            fate = match.fate
            self.outcome.dead_letters.extend(content for _, content in match.dead_letters)
            if match.matched is not None:
                offers = self._maker.settle(self._maker_entries, match.matched)
                self.outcome.decisions.extend(offers.decisions)
                self.outcome.fates[place] = fate
                return offers.decisions
        self.outcome.fates[place] = fate
        return []

    def _learn(self, document: bytes) -> None:
        self._documents.append(document)
        self._matcher.learn(parse_program_document(document))


def run_offers(reference: Iterable[Record], records: Iterable[Record]) -> OffersOutcome:
    """A bounded run: reference facts first (programme, members, ledger decisions, offers published before), then the
    engagements, and whatever of the other topics comes between them. Records of topics that the offers job does not
    read are passed over."""
    loop = InMemoryOffersRun()
    for record in chain(reference, records):
        if record.topic in INPUTS:
            loop.read(record)
    return loop.outcome
