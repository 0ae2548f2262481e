"""A domain small enough to see through, for tests of the offers job around it.

An engagement `{"account", "id"}` is offered one point of one budget, as long as it has one; a member record
`{"account"}` is a fact that its account remembers. Nothing in here knows Flink.
"""

from __future__ import annotations

import json

from jobs.offers_topology import OffersDomain
from jobs.topics import DECISIONS, PROGRAM
from loyalty.offers.making import Offers
from loyalty.offers.matching import Match
from loyalty.offers.validation import DeadLetter, Document, ForAccount, Passed, Published
from loyalty.records import Record
from loyalty.state.codec import StateEntries
from loyalty.wire.program import ProgramDocument

BUDGET = 100


class StandInEngagementValidator:
    """Refuses what is no JSON object."""

    def take(self, entries: StateEntries, record: Record) -> Passed | None:
        value = record.value or b""
        documents = int(entries.get("documents") or 0)
        if record.topic == PROGRAM:
            entries.put("documents", b"%d" % (documents + 1))
            return Document(documents + 1, "any", value)
        try:
            account = str(json.loads(value)["account"])
        except (ValueError, TypeError, KeyError):
            return DeadLetter(record.key, {"reason": "refused by the intake"})
        published = int(entries.get("published") or 0)
        if record.topic == DECISIONS:
            entries.put("published", b"%d" % (published + 1))
            return Published(published + 1, value)
        return ForAccount(account, value, documents, published)


class StandInMatcher:
    """Every engagement fits; one that says `refuse` is refused."""

    def __init__(self) -> None:
        self._documents = 0

    def learn(self, document: ProgramDocument) -> None:
        self._documents += 1

    def receive(self, account_id: str, entries: StateEntries, payload: bytes) -> Match:
        event = json.loads(payload)
        if "id" not in event:
            entries.put("fact", payload)
            return Match(None, [], "reference")
        if "refuse" in event:
            return Match(None, [(None, {"reason": "refused"}), (b"", {"reason": "twice"})], "dead_letter")
        return Match(json.dumps({**event, "documents": self._documents}).encode(), [], "used")

    def record_of(self, payload: bytes) -> Record | None:
        return None


class StandInMaker:
    """Gives each engagement a point until the budget is used up; what was published stays as it is."""

    def published(self, entries: StateEntries, payload: bytes) -> None:
        event = json.loads(payload)
        if entries.get(event["id"]) is None:
            entries.put(event["id"], b"published")
            entries.put("used", b"%d" % (int(entries.get("used") or 0) + event["points"]))

    def settle(self, entries: StateEntries, payload: bytes) -> Offers:
        event = json.loads(payload)
        if entries.get(event["id"]) is not None:
            return Offers([])
        used = int(entries.get("used") or 0)
        points = 1 if used < BUDGET else 0
        entries.put(event["id"], b"decided")
        entries.put("used", b"%d" % (used + points))
        return Offers([{**event, "account_id": event["account"], "points": points}])


def standin_offers_domain() -> OffersDomain:
    """The whole of it, as the job takes it."""
    return OffersDomain(StandInEngagementValidator(), StandInMatcher(), StandInMaker(), ())
