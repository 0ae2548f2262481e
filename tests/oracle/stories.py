"""Histories written by hand: a programme in round numbers, and one line for each thing that happens."""

import json
from collections import Counter
from typing import Any

from .oracle import Result, decide_all
from .wire import DAY_MS, HOUR_MS, MINUTE_MS, Record, parse_time, time_text

Plain = dict[str, Any]

DAY_0 = parse_time("2024-02-26T00:00:00.000Z") or 0

PROGRAMME: dict[str, Plain] = {
    "earning": {
        "currencies": {"EUR": {"points": 1, "per_minor": 1}},
        "category_bp": {},
        "pending_days": 0,
        "expiry_days": None,
        "refund_days": 30,
    },
    "tiers": {
        "window_days": 10,
        "levels": [
            {"tier": "basic", "threshold": 0, "earn_bp": 10_000},
            {"tier": "silver", "threshold": 1_000, "earn_bp": 15_000},
            {"tier": "gold", "threshold": 2_000, "earn_bp": 20_000},
        ],
        "grace_days": 3,
    },
    "redemption": {
        "min_points": 1,
        "hold_minutes": 30,
        "review_hold_minutes": 60,
        "cancel_days": 20,
        "negative_balance": "debt",
    },
    "fraud": {
        "deny_score": 80,
        "review_score": 50,
        "velocity": [],
        "engagement_within_minutes": None,
        "no_engagement_outcome": "review",
        "unknown_device_outcome": None,
    },
    **{f"reward/r{points}": {"points": points, "active": True} for points in (5, 10, 15, 20, 100)},
}


def at(days: float = 0, hours: float = 0, minutes: float = 0, ms: int = 0) -> int:
    """A moment, counted from day 0, in milliseconds since 1970."""
    return DAY_0 + round(days * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS) + ms


class Story:
    """Collects records; each verb sends one transaction of account `a` (or another) at a moment."""

    def __init__(self, lag_ms: int = 0, **changed: Plain) -> None:
        """`changed` gives fields of the documents that differ from `PROGRAMME`, by document."""
        self.lag_ms = lag_ms
        self.transactions: list[Record] = []
        self.reference: list[Record] = []
        self.offsets: Counter[tuple[str, int]] = Counter()
        self.events = 0
        for name, body in PROGRAMME.items():
            self.document(name, {**body, **changed.get(name, {})}, effective_from=at(-100))

    def decide(self) -> Result:
        return decide_all(self.transactions, self.reference, self.lag_ms)

    # Reference

    def document(self, name: str, body: Plain, version: int = 1, effective_from: int = 0) -> None:
        event = self.envelope("program.document", at(-200))
        event.update(document=name, version=version, effective_from=time_text(effective_from), body=body)
        self.refer("loyalty.program", f"{name}@{version}", event)

    def new_version(self, name: str, effective_from: int, version: int = 2, **changed: Any) -> None:
        self.document(name, {**PROGRAMME.get(name, {}), **changed}, version, effective_from)

    def signal(self, score: int, starts: int, expires: int, name: str = "takeover") -> None:
        event = self.envelope("fraud.signal", starts)
        event.update(account_id="a", signal=name, score=score, expires_at=time_text(expires))
        self.refer("loyalty.fraud-signals", "a", event)

    def context(self, last_engaged_at: int, *devices: str) -> None:
        seen = {device: time_text(last_engaged_at) for device in devices}
        context = {"account_id": "a", "last_engaged_at": time_text(last_engaged_at), "devices": seen}
        self.refer("loyalty.engagement-context", "a", context)

    def profile(self, *devices: str) -> None:
        event = self.envelope("member.profile", at())
        event.update(account_id="a", member_id="m", joined_at=time_text(at()), known_devices=list(devices))
        self.refer("loyalty.members", "m:profile", event)

    def erase(self, key: str) -> None:
        """A null value: what the key names is to be forgotten."""
        self.reference.append(self.record("loyalty.members", 0, at(), key.encode(), None))

    def refer(self, topic: str, key: str, event: Plain) -> None:
        self.reference.append(self.record(topic, 0, at(), key.encode(), json.dumps(event).encode()))

    # Transactions

    def envelope(self, kind: str, moment: int) -> Plain:
        self.events += 1
        return {
            "event_id": f"e{self.events}",
            "type": kind,
            "schema_version": 1,
            "source": "story",
            "occurred_at": time_text(moment),
        }

    def record(self, topic: str, partition: int, moment: int, key: bytes | None, value: bytes | None) -> Record:
        self.offsets[topic, partition] += 1
        return Record(topic, partition, self.offsets[topic, partition] - 1, moment, key, value)

    def send(self, kind: str, moment: int, account_id: str = "a", partition: int = 0, **fields: Any) -> Plain:
        """Sends an event and returns it; `fields` also override those of the envelope."""
        event = {**self.envelope(kind, moment), "account_id": account_id, **fields}
        self.send_bytes(json.dumps(event).encode(), account_id.encode(), moment, partition)
        return event

    def send_bytes(
        self, value: bytes | None, key: bytes | None = b"a", moment: int = DAY_0, partition: int = 0
    ) -> None:
        self.transactions.append(self.record("loyalty.transactions", partition, moment, key, value))

    def purchase(self, moment: int, order_id: str, *amounts: int, quantity: int = 1, **fields: Any) -> Plain:
        """One line (`l0`, `l1`, …) of so many units for each amount, which is that of the whole line."""
        lines = [
            {"line_id": f"l{number}", "sku": "s", "category": "c", "quantity": quantity, "amount": amount}
            for number, amount in enumerate(amounts)
        ]
        usual: Plain = {"member_id": "m", "order_id": order_id, "channel": "store", "currency": "EUR", "lines": lines}
        return self.send("purchase", moment, **{**usual, **fields})

    def refund(self, moment: int, order_id: str, *units: tuple[str, int], **fields: Any) -> Plain:
        lines = [{"line_id": line_id, "quantity": quantity} for line_id, quantity in units]
        return self.send("refund", moment, order_id=order_id, lines=lines, **fields)

    def cancellation(self, moment: int, order_id: str, **fields: Any) -> Plain:
        return self.send("cancellation", moment, order_id=order_id, **fields)

    def adjustment(self, moment: int, points: int, qualifying: bool = False, **fields: Any) -> Plain:
        usual: Plain = {"reason": "goodwill", "operator": "op", "points": points, "qualifying": qualifying}
        return self.send("adjustment", moment, **{**usual, **fields})

    def request(self, moment: int, redemption_id: str, points: int, **fields: Any) -> Plain:
        """Asks for the reward of so many points, in a store."""
        usual: Plain = {"member_id": "m", "redemption_id": redemption_id, "channel": "store", "points": points}
        return self.send("redemption.requested", moment, **{**usual, "reward_id": f"r{points}", **fields})

    def commit(self, moment: int, redemption_id: str) -> Plain:
        return self.send("redemption.committed", moment, redemption_id=redemption_id)

    def cancel(self, moment: int, redemption_id: str) -> Plain:
        return self.send("redemption.cancelled", moment, redemption_id=redemption_id)


# Reading what was decided


def told(result: Result, account_id: str = "a") -> list[tuple[Any, ...]]:
    """Each decision of an account in short: type, outcome (but `posted`), points (but 0), timer (if any)."""
    return [
        tuple(
            part
            for part in (
                one["type"],
                one["outcome"] if one["outcome"] != "posted" else None,
                one["points"] or None,
                one["cause"].get("timer"),
            )
            if part is not None
        )
        for one in result.decisions
        if one["account_id"] == account_id
    ]


def balance(result: Result, account_id: str = "a") -> Plain:
    """The balance after an account's last decision."""
    last: Plain = [one for one in result.decisions if one["account_id"] == account_id][-1]["balance"]
    return last


def dead(result: Result) -> list[str]:
    return [letter["reason"] for letter in result.dead_letters]


def codes(decision: Plain) -> list[str]:
    return [reason["code"] for reason in decision["reasons"]]


def of_type(result: Result, kind: str) -> list[Plain]:
    return [one for one in result.decisions if one["type"] == kind]
