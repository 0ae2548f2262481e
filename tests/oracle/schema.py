"""The fields of every event and document (contract §1, §2, §3): is a parsed value what its topic carries?"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from .wire import parse_time

Check = Callable[[Any], bool]

LARGEST = 2**53 - 1
MOST_LINES = 4_000


def text(most: int) -> Check:
    """Some characters (code points), at most so many."""
    return lambda value: isinstance(value, str) and 0 < len(value) <= most


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def time(value: Any) -> bool:
    return parse_time(value) is not None


def currency(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()


def integer(low: int = -LARGEST, high: int = LARGEST) -> Check:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def exact_count(value: Any) -> bool:
    """Computed numbers are exact, whatever their size (contract §4)."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def one_of(*allowed: str) -> Check:
    return lambda value: isinstance(value, str) and value in allowed


def exactly(wanted: int) -> Check:
    return integer(wanted, wanted)


def not_zero(value: Any) -> bool:
    return integer()(value) and value != 0


def nullable(check: Check) -> Check:
    return lambda value: value is None or check(value)


def list_of(check: Check, at_least: int = 0, at_most: int = 1_000) -> Check:
    return lambda value: (
        isinstance(value, list) and at_least <= len(value) <= at_most and all(check(item) for item in value)
    )


def map_of(name: Check, item: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(name(key) and item(value[key]) for key in value)


def unique(name: str) -> Check:
    """No two of a list's objects have the same `name`."""
    return lambda value: len({item[name] for item in value}) == len(value)


def both(*checks: Check) -> Check:
    """All of them, each asked only when those before it said yes."""
    return lambda value: all(check(value) for check in checks)


def fields(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these fields; others are ignored, an optional one may be null."""

    def check(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and all(name in value and required[name](value[name]) for name in required)
            and all(value.get(name) is None or may(value[name]) for name, may in (optional or {}).items())
        )

    return check


TEXT = text(128)
SHORT = text(64)
"""`line_id`, `sku`, `category`, `signal`, `tier` and the names of rules."""
ANY_TEXT = text(LARGEST)
POSITIVE = integer(1)
COUNT = integer(0)
CHANNEL = one_of("store", "web", "app", "partner")
OUTCOME = one_of("review", "deny")

ENVELOPE: dict[str, Check] = {
    "event_id": TEXT,
    "type": TEXT,
    "schema_version": exactly(1),
    "source": TEXT,
    "occurred_at": time,
}

PURCHASE_LINE = fields({"line_id": SHORT, "sku": SHORT, "category": SHORT, "quantity": POSITIVE, "amount": COUNT})
REFUND_LINE = fields({"line_id": SHORT, "quantity": POSITIVE})

TRANSACTIONS: dict[str, Check] = {
    "purchase": fields(
        {
            "account_id": TEXT,
            "member_id": TEXT,
            "order_id": TEXT,
            "channel": CHANNEL,
            "currency": currency,
            "lines": both(list_of(PURCHASE_LINE, at_least=1, at_most=MOST_LINES), unique("line_id")),
        },
        {"store_id": TEXT, "partner_id": TEXT, "payment_id": TEXT, "device_id": TEXT},
    ),
    "refund": fields(
        {"account_id": TEXT, "order_id": TEXT, "lines": list_of(REFUND_LINE, at_least=1, at_most=MOST_LINES)}
    ),
    "cancellation": fields({"account_id": TEXT, "order_id": TEXT}),
    "adjustment": fields(
        {"account_id": TEXT, "points": not_zero, "reason": text(500), "operator": TEXT, "qualifying": flag}
    ),
    "redemption.requested": fields(
        {
            "account_id": TEXT,
            "member_id": TEXT,
            "redemption_id": TEXT,
            "reward_id": TEXT,
            "points": POSITIVE,
            "channel": CHANNEL,
        },
        {"device_id": TEXT, "campaign_id": TEXT},
    ),
    "redemption.committed": fields({"account_id": TEXT, "redemption_id": TEXT}),
    "redemption.cancelled": fields({"account_id": TEXT, "redemption_id": TEXT}),
}

ENGAGEMENT = fields(
    {"account_id": TEXT, "member_id": TEXT, "channel": TEXT},
    {"campaign_id": TEXT, "device_id": TEXT, "session_id": TEXT},
)
TRIGGERS = ("click", "open", "app_session", "store_visit", "campaign_interaction")
ENGAGEMENTS: dict[str, Check] = dict.fromkeys(TRIGGERS, ENGAGEMENT)

MEMBERS: dict[str, Check] = {
    "member.profile": fields(
        {"account_id": TEXT, "member_id": TEXT, "joined_at": time},
        {"name": text(256), "birth_date": TEXT, "home_store": TEXT, "known_devices": list_of(TEXT)},
    ),
    "member.consent": fields({"account_id": TEXT, "member_id": TEXT, "offers": flag, "profiling": flag}),
}

FRAUD_SIGNALS: dict[str, Check] = {
    "fraud.signal": fields({"account_id": TEXT, "signal": SHORT, "score": integer(0, 100), "expires_at": time}),
}

CONTEXT = fields({"account_id": TEXT, "last_engaged_at": time, "devices": map_of(TEXT, time)})


def ascending_from_zero(levels: Any) -> bool:
    thresholds = [level["threshold"] for level in levels]
    return thresholds[0] == 0 and all(low < high for low, high in pairwise(thresholds))


def engagement_rule(body: Any) -> bool:
    """The rule's outcome is needed as soon as the rule is on."""
    return body["engagement_within_minutes"] is None or body.get("no_engagement_outcome") is not None


LEVEL = fields({"tier": SHORT, "threshold": COUNT, "earn_bp": COUNT})
VELOCITY_RULE = fields({"name": SHORT, "max_requests": COUNT, "window_minutes": POSITIVE, "outcome": OUTCOME})

DOCUMENTS: dict[str, Check] = {
    "earning": fields(
        {
            "currencies": map_of(currency, fields({"points": COUNT, "per_minor": POSITIVE})),
            "category_bp": map_of(SHORT, COUNT),
            "pending_days": COUNT,
            "expiry_days": nullable(COUNT),
            "refund_days": COUNT,
        }
    ),
    "tiers": fields(
        {
            "window_days": POSITIVE,
            "levels": both(list_of(LEVEL, at_least=1), unique("tier"), ascending_from_zero),
            "grace_days": COUNT,
        }
    ),
    "redemption": fields(
        {
            "min_points": COUNT,
            "hold_minutes": COUNT,
            "review_hold_minutes": COUNT,
            "cancel_days": COUNT,
            "negative_balance": one_of("debt", "floor"),
        }
    ),
    "fraud": both(
        fields(
            {
                "deny_score": integer(0, 100),
                "review_score": integer(0, 100),
                "velocity": both(list_of(VELOCITY_RULE), unique("name")),
                "engagement_within_minutes": nullable(COUNT),
                "unknown_device_outcome": nullable(OUTCOME),
            },
            {"no_engagement_outcome": OUTCOME},
        ),
        engagement_rule,
    ),
    "campaign": fields(
        {
            "active_from": time,
            "active_to": time,
            "triggers": list_of(one_of(*TRIGGERS)),
            "tiers": list_of(SHORT),
            "offer": fields(
                {"offer_id": TEXT, "bonus_points": COUNT, "min_amount": COUNT, "valid_days": COUNT},
                {"currency": currency},
            ),
            "cap": fields({"max_per_member": COUNT, "window_days": POSITIVE}),
            "budget_points": COUNT,
            "priority": integer(),
        }
    ),
    "partner": fields({"earn_bp": COUNT, "active": flag}),
    "reward": fields({"points": POSITIVE, "active": flag}),
}


def known_document(event: Any) -> bool:
    """The body fits the kind of document that the name says."""
    kind, slash, name = event["document"].partition("/")
    is_one_of_many = kind in ("campaign", "partner", "reward")
    return kind in DOCUMENTS and is_one_of_many == bool(slash and name) and DOCUMENTS[kind](event["body"])


PROGRAM: dict[str, Check] = {
    "program.document": both(
        fields({"document": TEXT, "version": POSITIVE, "effective_from": time, "body": fields({})}),
        known_document,
    ),
}


# Of a decision only what others look at: the tier that an account holds, and the offers that are made.
BALANCE = fields(
    {"tier": ANY_TEXT, **dict.fromkeys(("pending", "available", "held", "debt", "qualifying"), exact_count)}
)
DECISION = fields(
    {
        "decision_id": ANY_TEXT,
        "stream": one_of("ledger", "offers"),
        "sequence": POSITIVE,
        "type": ANY_TEXT,
        "outcome": ANY_TEXT,
        "account_id": ANY_TEXT,
        "subject": map_of(ANY_TEXT, ANY_TEXT),
        "occurred_at": time,
        "balance": BALANCE,
        "rules": map_of(ANY_TEXT, POSITIVE),
    },
    {"member_id": ANY_TEXT},
)


def is_event(parsed: Any, types: Mapping[str, Check]) -> bool:
    """The envelope of every event, a type that the topic carries, and that type's fields."""
    return fields(ENVELOPE)(parsed) and parsed["type"] in types and types[parsed["type"]](parsed)
