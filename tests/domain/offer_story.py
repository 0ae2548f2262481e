"""Given, when, then for offers: campaigns, consents and engagements, told one by one."""

from __future__ import annotations

import json
from typing import Any

from loyalty.in_memory_run import Place
from loyalty.offers.in_memory_run import Checkpoint, InMemoryOffersRun
from loyalty.program import Program
from loyalty.records import Record
from loyalty.times import format_time
from loyalty.wire.json import to_json
from loyalty.wire.program import parse_program_document
from tests.domain.story import RECEIVED, START, TIERS, at, campaign_body

BALANCE = {"pending": 0, "available": 0, "held": 0, "debt": 0, "qualifying": 0, "tier": "base"}


class OfferStory:
    """Members of accounts `acc` and others; `mia` has agreed to offers unless told otherwise."""

    def __init__(self, agreed: bool = True) -> None:
        self.loop = InMemoryOffersRun()
        self._offsets: dict[str, int] = {}
        self._told = 0
        self.program = Program()
        self.document("tiers", TIERS)
        if agreed:
            self.consents(True, at(-1))

    def document(self, document: str, body: dict[str, Any], version: int = 1, since: int = START) -> None:
        name = f"{document}@{version}"
        event = self.event("program.document", START, event_id=name)
        event |= {"document": document, "version": version, "effective_from": format_time(since), "body": body}
        self.read("loyalty.program", name, event)
        self.program.learn(parse_program_document(json.dumps(event).encode()))

    def campaign(self, campaign_id: str = "spring", version: int = 1, since: int = START, **changes: Any) -> None:
        self.document(f"campaign/{campaign_id}", campaign_body(changes), version, since)

    def consents(self, offers: bool, when: int, member_id: str = "mia", account_id: str = "acc") -> None:
        event = self.event("member.consent", when)
        event |= {"account_id": account_id, "member_id": member_id, "offers": offers, "profiling": False}
        self.read("loyalty.members", f"{member_id}:consent", event)

    def holds(self, tier: str, when: int, sequence: int, account_id: str = "acc", **balance: int) -> None:
        """A decision of the account's ledger that says its tier and its balance."""
        decision = {
            "decision_id": f"{account_id}-{sequence}",
            "stream": "ledger",
            "sequence": sequence,
            "type": "tier.changed",
            "outcome": tier,
            "account_id": account_id,
            "occurred_at": format_time(when),
            "balance": {**BALANCE, **balance, "tier": tier},
        }
        self.read("loyalty.decisions", account_id, decision)

    def clicks(self, when: int, kind: str = "click", **more: Any) -> list[dict[str, Any]]:
        """An engagement of `mia`; returns the decisions that follow."""
        return self.tell(self.engagement(when, kind, **more))

    def engagement(self, when: int, kind: str = "click", **more: Any) -> dict[str, Any]:
        return {**self.event(kind, when), "account_id": "acc", "member_id": "mia", "channel": "email", **more}

    def tell(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        return self.read("loyalty.engagements", event["member_id"], event)

    def read_back(self, decision: dict[str, Any]) -> None:
        """One of the job's own decisions comes from `loyalty.decisions`."""
        written = json.loads(to_json({**decision, "decided_at": decision["occurred_at"]}))
        self.read("loyalty.decisions", decision["account_id"], written)

    def crash_and_go_on(self, checkpoint: Checkpoint) -> None:
        self.loop = InMemoryOffersRun(checkpoint)

    @property
    def refusals(self) -> list[str]:
        return [letter["reason"] for letter in self.loop.outcome.dead_letters]

    def fate(self, offset: int) -> str:
        return self.loop.outcome.fates[Place("loyalty.engagements", 0, offset)]

    def event(self, kind: str, when: int, event_id: str | None = None) -> dict[str, Any]:
        self._told += 1
        return {
            "event_id": event_id or f"e{self._told}",
            "type": kind,
            "schema_version": 1,
            "source": "test",
            "occurred_at": format_time(when),
        }

    def read(self, topic: str, key: str, event: dict[str, Any]) -> list[dict[str, Any]]:
        offset = self._offsets.get(topic, 0)
        self._offsets[topic] = offset + 1
        return self.loop.read(Record(topic, 0, offset, RECEIVED, key.encode(), json.dumps(event).encode()))


def outcomes(decisions: list[dict[str, Any]]) -> list[str]:
    """`spring offered`, `summer cap_reached`, …"""
    return [f"{next(iter(one['rules'])).split('/', 1)[1]} {one['reasons'][0]['code']}" for one in decisions]
