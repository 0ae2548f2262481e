"""Given, when, then: tell an account's story in days and minutes, read what was decided."""

from __future__ import annotations

import json
from typing import Any

from loyalty.in_memory_run import InMemoryRun, Place
from loyalty.program import Program
from loyalty.records import Record
from loyalty.times import DAY_MS, HOUR_MS, MINUTE_MS, format_time, parse_time

START = parse_time("2025-01-01T00:00:00.000Z")
LAG_MS = 10 * MINUTE_MS
RECEIVED = parse_time("2099-01-01T00:00:00.000Z")

EARNING = {
    "currencies": {"EUR": {"points": 1, "per_minor": 100}},
    "category_bp": {"double": 20_000},
    "pending_days": 0,
    "expiry_days": None,
    "refund_days": 30,
}
TIERS = {
    "window_days": 10,
    "levels": [
        {"tier": "base", "threshold": 0, "earn_bp": 10_000},
        {"tier": "silver", "threshold": 100, "earn_bp": 15_000},
        {"tier": "gold", "threshold": 300, "earn_bp": 20_000},
    ],
    "grace_days": 3,
}
REDEMPTION = {
    "min_points": 10,
    "hold_minutes": 15,
    "review_hold_minutes": 60,
    "cancel_days": 5,
    "negative_balance": "debt",
}
CAMPAIGN: dict[str, Any] = {
    "active_from": format_time(START),
    "active_to": format_time(START + 1_000 * DAY_MS),
    "triggers": ["click"],
    "tiers": [],
    "offer": {"offer_id": "bonus", "bonus_points": 50, "min_amount": 1_000, "valid_days": 7},
    "cap": {"max_per_member": 99, "window_days": 10},
    "budget_points": 1_000_000,
    "priority": 1,
}
FRAUD = {"deny_score": 90, "review_score": 50, "velocity": []}


def at(days: float = 0, hours: float = 0, minutes: float = 0, ms: int = 0) -> int:
    """A moment after the start of the story."""
    return START + round(days * DAY_MS) + round(hours * HOUR_MS) + round(minutes * MINUTE_MS) + ms


def campaign_body(changes: dict[str, Any]) -> dict[str, Any]:
    """`CAMPAIGN` with fields of its own, of its offer or of its cap changed."""
    body = {**CAMPAIGN, **{name: value for name, value in changes.items() if name in CAMPAIGN}}
    for part in ("offer", "cap"):
        body[part] = {**body[part], **{name: value for name, value in changes.items() if name in body[part]}}
    return body


class Story:
    """One account, `acc`, told event by event."""

    def __init__(self, since: int = START, *, eager: bool = True, **bodies: dict[str, Any]) -> None:
        """Keyword arguments change fields of the four standing documents, e.g. `earning={"pending_days": 2}`."""
        self._loop = InMemoryRun(LAG_MS, eager=eager)
        self._offsets: dict[str, int] = {}
        self._told = 0
        self.records: list[Record] = []
        """What was told, as its topics hold it."""
        standing = {"earning": EARNING, "tiers": TIERS, "redemption": REDEMPTION, "fraud": FRAUD}
        for document, body in standing.items():
            self.document(document, 1, {**body, **bodies.get(document, {})}, since)

    # -- what is told

    def document(self, document: str, version: int, body: dict[str, Any], since: int = START) -> None:
        name = f"{document}@{version}"
        event = self._event("program.document", START, event_id=name)
        event |= {"document": document, "version": version, "effective_from": format_time(since), "body": body}
        self._read("loyalty.program", name, event)

    def reward(self, reward_id: str, points: int, active: bool = True) -> None:
        self.document(f"reward/{reward_id}", 1, {"points": points, "active": active})

    def campaign(self, campaign_id: str = "spring", version: int = 1, **changes: Any) -> None:
        self.document(f"campaign/{campaign_id}", version, campaign_body(changes))

    def offered(
        self, decision_id: str, when: int, *, member_id: str = "mia", campaign: str = "campaign/spring", **changes: Any
    ) -> None:
        """An offer was made to a member, says `loyalty.decisions`; `changes` replaces fields of the decision."""
        offer_id = campaign.replace("campaign/", "offer-")
        decision = {
            "decision_id": decision_id,
            "stream": "offers",
            "sequence": 1,
            "type": "offer.decided",
            "outcome": "made",
            "account_id": "acc",
            "member_id": member_id,
            "subject": {"offer_id": offer_id},
            "occurred_at": format_time(when),
            "decided_at": format_time(when),
            "points": 0,
            "balance": {"pending": 0, "available": 0, "held": 0, "debt": 0, "qualifying": 0, "tier": "base"},
            "reasons": [{"code": "offered", "detail": "An offer.", "actual": None, "threshold": None}],
            "cause": {"event_id": "click", "topic": "loyalty.engagements", "partition": 0, "offset": 0},
            "rules": {campaign: 1},
            "evidence": {},
        }
        self._read("loyalty.decisions", "acc", {**decision, **changes})

    def signal(self, score: int, since: int, until: int, signal: str = "stolen_password") -> None:
        event = self._event("fraud.signal", since)
        event |= {"account_id": "acc", "signal": signal, "score": score, "expires_at": format_time(until)}
        self._read("loyalty.fraud-signals", "acc", event)

    def profile(self, *known_devices: str) -> None:
        event = self._event("member.profile", START)
        event |= {"account_id": "acc", "member_id": "mia", "joined_at": format_time(START)}
        event["known_devices"] = list(known_devices)
        self._read("loyalty.members", "mia:profile", event)

    def engaged(self, last: int, **devices: int) -> None:
        context = {"account_id": "acc", "last_engaged_at": format_time(last)}
        devices_at = {device: format_time(seen) for device, seen in devices.items()}
        self._read("loyalty.engagement-context", "acc", {**context, "devices": devices_at})

    def buys(self, order_id: str, amount: int, when: int, **more: Any) -> list[dict[str, Any]]:
        """One line of one unit; `amount` in minor units, of which a hundred earn a point."""
        return self.buys_lines(order_id, when, [(amount, 1)], **more)

    def buys_lines(self, order_id: str, when: int, lines: list[tuple[int, int]], **more: Any) -> list[dict[str, Any]]:
        """Lines of (amount, quantity), named 1, 2, …"""
        return self.tell(self.purchase(order_id, when, lines, **more))

    def purchase(self, order_id: str, when: int, lines: list[tuple[int, int]], **more: Any) -> dict[str, Any]:
        event = self._event("purchase", when, **more)
        event |= {"member_id": "mia", "order_id": order_id, "channel": "store", "currency": "EUR", **more}
        category = event.pop("category", "other")
        event["lines"] = [
            {"line_id": str(number), "sku": "sku", "category": category, "quantity": quantity, "amount": amount}
            for number, (amount, quantity) in enumerate(lines, start=1)
        ]
        return event

    def refunds(self, order_id: str, when: int, *units: tuple[str, int], **more: Any) -> list[dict[str, Any]]:
        event = self._event("refund", when, **more)
        lines = [{"line_id": line_id, "quantity": quantity} for line_id, quantity in units or [("1", 1)]]
        return self.tell({**event, "order_id": order_id, "lines": lines})

    def cancels_order(self, order_id: str, when: int) -> list[dict[str, Any]]:
        return self.tell(self._event("cancellation", when) | {"order_id": order_id})

    def adjusts(self, points: int, when: int, qualifying: bool = False) -> list[dict[str, Any]]:
        event = self._event("adjustment", when)
        return self.tell(event | {"points": points, "reason": "goodwill", "operator": "desk", "qualifying": qualifying})

    def requests(
        self, redemption_id: str, points: int, when: int, reward_id: str = "mug", channel: str = "store", **more: Any
    ) -> list[dict[str, Any]]:
        event = self._event("redemption.requested", when) | {"member_id": "mia", "redemption_id": redemption_id}
        return self.tell(event | {"reward_id": reward_id, "points": points, "channel": channel, **more})

    def commits(self, redemption_id: str, when: int) -> list[dict[str, Any]]:
        return self.tell(self._event("redemption.committed", when) | {"redemption_id": redemption_id})

    def cancels(self, redemption_id: str, when: int) -> list[dict[str, Any]]:
        return self.tell(self._event("redemption.cancelled", when) | {"redemption_id": redemption_id})

    def tell(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Read a transaction of `acc`; returns the decisions that follow."""
        return self._read("loyalty.transactions", "acc", event)

    def another_account_is_active(self, when: int) -> list[dict[str, Any]]:
        """Time passes: the watermark moves on to `when`, less the lag. Returns what that makes of `acc`."""
        event = self._event("adjustment", when) | {"points": 1, "reason": "r", "operator": "o", "qualifying": False}
        decisions = self._read("loyalty.transactions", "other", {**event, "account_id": "other"})
        return [decision for decision in decisions if decision["account_id"] == "acc"]

    # -- what came of it

    @property
    def decisions(self) -> list[dict[str, Any]]:
        return [decision for decision in self._loop.outcome.decisions if decision["account_id"] == "acc"]

    @property
    def dead_letters(self) -> list[dict[str, Any]]:
        return self._loop.outcome.dead_letters

    @property
    def refusals(self) -> list[str]:
        return [letter["reason"] for letter in self.dead_letters]

    @property
    def balance(self) -> dict[str, Any]:
        balance: dict[str, Any] = self.decisions[-1]["balance"]
        return balance

    @property
    def program(self) -> Program:
        return self._loop.program

    @property
    def entries(self) -> dict[str, bytes]:
        """The account's state as it is kept."""
        return self._loop.entries_of("acc")

    def fate(self, offset: int) -> str:
        return self._loop.outcome.fates[Place("loyalty.transactions", 0, offset)]

    def _event(self, kind: str, when: int, event_id: str | None = None, **_: Any) -> dict[str, Any]:
        self._told += 1
        return {
            "event_id": event_id or f"e{self._told}",
            "type": kind,
            "schema_version": 1,
            "source": "test",
            "occurred_at": format_time(when),
            "account_id": "acc",
        }

    def _read(self, topic: str, key: str, event: dict[str, Any]) -> list[dict[str, Any]]:
        offset = self._offsets.get(topic, 0)
        self._offsets[topic] = offset + 1
        before = len(self._loop.outcome.decisions)
        self.records.append(Record(topic, 0, offset, RECEIVED, key.encode(), json.dumps(event).encode()))
        self._loop.read(self.records[-1])
        return self._loop.outcome.decisions[before:]


def summary(decisions: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """(type, outcome, points) of each decision."""
    return [(decision["type"], decision["outcome"], decision["points"]) for decision in decisions]


def codes(decision: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in decision["reasons"]]
