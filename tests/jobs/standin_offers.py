"""A domain small enough to see through, for tests of the offers job around it.

An engagement `{"account", "id"}` is offered one point of one budget, as long as it has one; a member record
`{"account"}` is a fact that its account remembers. Nothing in here knows Flink.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from jobs.domain import DECISIONS as DECIDED
from jobs.domain import DeadLetter, Document, Output, Record, StateEntries
from jobs.offers_domain import ForMatcher, Found, PassedOn, Published
from jobs.topics import DECISIONS, PROGRAM

BUDGET = 100


class StandInEngagementIntake:
    """Refuses what is no JSON object."""

    def begin(self, pages: StateEntries) -> None:
        """Holds nothing."""

    def take(self, pages: StateEntries, record: Record) -> Iterable[PassedOn]:
        value = record.value or b""
        documents = int(pages.get("documents") or 0)
        if record.topic == PROGRAM:
            pages.put("documents", b"%d" % (documents + 1))
            return (Document(documents + 1, value.decode()),)
        try:
            account = str(json.loads(value)["account"])
        except (ValueError, TypeError, KeyError):
            return (DeadLetter(record.key, b"refused by the intake"),)
        published = int(pages.get("published") or 0)
        if record.topic == DECISIONS:
            pages.put("published", b"%d" % (published + 1))
            return (Published(value),)
        return (ForMatcher(account, value, documents, published),)


class StandInMatcher:
    """Every engagement fits; one that says `refuse` is refused."""

    reads_first = ()

    def __init__(self) -> None:
        self._documents = 0

    def learn(self, document: str) -> None:
        self._documents += 1

    def receive(self, account_id: str, pages: StateEntries, payload: bytes) -> Found:
        event = json.loads(payload)
        if "id" not in event:
            pages.put("fact", payload)
            return Found(None, ())
        if "refuse" in event:
            return Found(None, [DeadLetter(None, b"refused by the matcher"), DeadLetter(b"", b"twice")])
        return Found(json.dumps({**event, "documents": self._documents}).encode(), ())


class StandInMaker:
    """Gives each engagement a point until the budget is used up; what was published stays as it is."""

    def learn(self, pages: StateEntries, payload: bytes) -> None:
        event = json.loads(payload)
        if pages.get(event["id"]) is None:
            pages.put(event["id"], b"published")
            pages.put("used", b"%d" % (int(pages.get("used") or 0) + event["points"]))

    def decide(self, pages: StateEntries, payload: bytes) -> Sequence[Output]:
        event = json.loads(payload)
        if pages.get(event["id"]) is not None:
            return ()
        used = int(pages.get("used") or 0)
        points = 1 if used < BUDGET else 0
        pages.put(event["id"], b"decided")
        pages.put("used", b"%d" % (used + points))
        return (Output(DECIDED, event["account"].encode(), json.dumps({**event, "points": points}).encode()),)
