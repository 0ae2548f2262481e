"""A valid example of every kind of record on the wire, as parsed JSON."""

from __future__ import annotations

import json
from typing import Any

ENVELOPE: dict[str, Any] = {
    "event_id": "event-1",
    "schema_version": 1,
    "source": "till-7",
    "occurred_at": "2026-11-23T10:15:00.000Z",
}

PURCHASE: dict[str, Any] = {
    **ENVELOPE,
    "type": "purchase",
    "account_id": "account-1",
    "member_id": "member-1",
    "order_id": "order-1",
    "channel": "store",
    "currency": "EUR",
    "store_id": "store-3",
    "lines": [
        {"line_id": "1", "sku": "sku-1", "category": "grocery", "quantity": 2, "amount": 1298},
        {"line_id": "2", "sku": "sku-2", "category": "beauty", "quantity": 1, "amount": 799},
    ],
}
REFUND: dict[str, Any] = {
    **ENVELOPE,
    "type": "refund",
    "account_id": "account-1",
    "order_id": "order-1",
    "lines": [{"line_id": "1", "quantity": 1}],
}
CANCELLATION: dict[str, Any] = {
    **ENVELOPE,
    "type": "cancellation",
    "account_id": "account-1",
    "order_id": "order-1",
}
ADJUSTMENT: dict[str, Any] = {
    **ENVELOPE,
    "type": "adjustment",
    "account_id": "account-1",
    "points": -250,
    "reason": "goodwill given twice",
    "operator": "operator-4",
    "qualifying": False,
}
REQUESTED: dict[str, Any] = {
    **ENVELOPE,
    "type": "redemption.requested",
    "account_id": "account-1",
    "member_id": "member-1",
    "redemption_id": "redemption-1",
    "reward_id": "espresso",
    "points": 300,
    "channel": "app",
    "device_id": "device-1",
}
COMMITTED: dict[str, Any] = {
    **ENVELOPE,
    "type": "redemption.committed",
    "account_id": "account-1",
    "redemption_id": "redemption-1",
}
CANCELLED: dict[str, Any] = {**COMMITTED, "type": "redemption.cancelled"}

TRANSACTIONS: dict[str, dict[str, Any]] = {
    example["type"]: example
    for example in (PURCHASE, REFUND, CANCELLATION, ADJUSTMENT, REQUESTED, COMMITTED, CANCELLED)
}

ENGAGEMENT: dict[str, Any] = {
    **ENVELOPE,
    "type": "click",
    "account_id": "account-1",
    "member_id": "member-1",
    "channel": "email",
}
PROFILE: dict[str, Any] = {
    **ENVELOPE,
    "type": "member.profile",
    "account_id": "account-1",
    "member_id": "member-1",
    "joined_at": "2024-02-29T08:00:00.000Z",
    "known_devices": ["device-1"],
}
CONSENT: dict[str, Any] = {
    **ENVELOPE,
    "type": "member.consent",
    "account_id": "account-1",
    "member_id": "member-1",
    "offers": True,
    "profiling": False,
}
SIGNAL: dict[str, Any] = {
    **ENVELOPE,
    "type": "fraud.signal",
    "account_id": "account-1",
    "signal": "account_takeover",
    "score": 80,
    "expires_at": "2026-11-24T10:15:00.000Z",
}
CONTEXT: dict[str, Any] = {
    "account_id": "account-1",
    "last_engaged_at": "2026-11-23T10:00:00.000Z",
    "devices": {"device-1": "2026-11-23T10:00:00.000Z"},
}

BODIES: dict[str, dict[str, Any]] = {
    "earning": {
        "currencies": {"EUR": {"points": 1, "per_minor": 100}},
        "category_bp": {"grocery": 10000},
        "pending_days": 14,
        "expiry_days": None,
        "refund_days": 30,
    },
    "tiers": {
        "window_days": 365,
        "levels": [
            {"tier": "bronze", "threshold": 0, "earn_bp": 10000},
            {"tier": "silver", "threshold": 1000, "earn_bp": 12500},
        ],
        "grace_days": 30,
    },
    "redemption": {
        "min_points": 100,
        "hold_minutes": 30,
        "review_hold_minutes": 1440,
        "cancel_days": 14,
        "negative_balance": "debt",
    },
    "fraud": {
        "deny_score": 80,
        "review_score": 50,
        "velocity": [{"name": "burst", "max_requests": 3, "window_minutes": 10, "outcome": "deny"}],
        "engagement_within_minutes": 60,
        "no_engagement_outcome": "review",
        "unknown_device_outcome": None,
    },
    "campaign/spring": {
        "active_from": "2026-03-01T00:00:00.000Z",
        "active_to": "2026-06-01T00:00:00.000Z",
        "triggers": ["click", "store_visit"],
        "tiers": [],
        "offer": {
            "offer_id": "spring-200",
            "bonus_points": 200,
            "min_amount": 3000,
            "valid_days": 14,
            "currency": "EUR",
        },
        "cap": {"max_per_member": 1, "window_days": 30},
        "budget_points": 100000,
        "priority": -1,
    },
    "partner/fuel": {"earn_bp": 15000, "active": True},
    "reward/espresso": {"points": 300, "active": True},
}


def document(name: str, version: int = 1, **changes: Any) -> dict[str, Any]:
    """A programme document with a valid body, some of whose fields are changed."""
    return {
        **ENVELOPE,
        "type": "program.document",
        "document": name,
        "version": version,
        "effective_from": "2026-01-01T00:00:00.000Z",
        "body": {**BODIES[name], **changes},
    }


DECISION: dict[str, Any] = {
    "decision_id": "decision-1",
    "stream": "ledger",
    "sequence": 7,
    "type": "redemption.decided",
    "outcome": "denied",
    "account_id": "account-1",
    "member_id": "member-1",
    "subject": {"redemption_id": "redemption-1", "reward_id": "espresso"},
    "occurred_at": "2026-11-23T10:15:00.000Z",
    "decided_at": "2026-11-23T10:15:00.042Z",
    "points": 0,
    "balance": {"pending": 2**60, "available": 0, "held": 0, "debt": 0, "qualifying": 10, "tier": "bronze"},
    "reasons": [
        {
            "code": "velocity:burst",
            "detail": "4 requests within 10 minutes; 3 are allowed.",
            "actual": 4,
            "threshold": 3,
        }
    ],
    "cause": {"event_id": "event-1", "topic": "loyalty.transactions", "partition": 0, "offset": 12},
    "rules": {"redemption": 1, "fraud": 2, "reward/espresso": 1},
    "evidence": {"late": False},
}
DEAD_LETTER: dict[str, Any] = {
    "reason": "malformed_json",
    "detail": "The record has no value.",
    "topic": "loyalty.transactions",
    "partition": 3,
    "offset": 0,
    "received_at": "2026-11-23T10:15:00.000Z",
    "key_base64": None,
    "value_base64": None,
}


def wire(example: dict[str, Any], **changes: Any) -> bytes:
    """The example as it travels, with some fields changed."""
    return json.dumps({**example, **changes}, ensure_ascii=False).encode()


def without(example: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in example.items() if name != field}
