"""The demo's story: Ada buys, reaches silver, follows an offer and redeems; refunds take points, bonus and tier back;
Bob is hijacked."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from loyalty.times import format_time, parse_time

SOURCE = "demo"


class Scene(NamedTuple):
    """A sentence to read, and the records that make it happen: (topic, key, value)."""

    said: str
    records: list[tuple[str, str, bytes]]


def _envelope(kind: str, when: str, event_id: str) -> dict[str, Any]:
    occurred_at = format_time(parse_time(when))
    return {"event_id": event_id, "type": kind, "schema_version": 1, "source": SOURCE, "occurred_at": occurred_at}


def _transaction(account_id: str, kind: str, when: str, event_id: str, **fields: Any) -> tuple[str, str, bytes]:
    event = {**_envelope(kind, when, event_id), "account_id": account_id, **fields}
    return "loyalty.transactions", account_id, json.dumps(event).encode()


def _purchase(account_id: str, when: str, order_id: str, *lines: tuple[str, str, int]) -> tuple[str, str, bytes]:
    return _transaction(
        account_id,
        "purchase",
        when,
        f"demo-{order_id}",
        member_id=account_id,
        order_id=order_id,
        channel="store",
        currency="EUR",
        store_id="store-1",
        lines=[
            {"line_id": str(number), "sku": sku, "category": category, "quantity": 1, "amount": amount}
            for number, (sku, category, amount) in enumerate(lines, start=1)
        ],
    )


def _request(account_id: str, when: str, redemption_id: str, device_id: str) -> tuple[str, str, bytes]:
    return _transaction(
        account_id,
        "redemption.requested",
        when,
        f"demo-{redemption_id}",
        member_id=account_id,
        redemption_id=redemption_id,
        reward_id="voucher-5",
        points=2_500,
        channel="app",
        device_id=device_id,
    )


def _profile(account_id: str, device_id: str) -> tuple[str, str, bytes]:
    joined = "2026-01-02T09:00:00.000Z"
    event = {
        **_envelope("member.profile", joined, f"demo-{account_id}-joins"),
        "account_id": account_id,
        "member_id": account_id,
        "joined_at": joined,
        "known_devices": [device_id],
    }
    return "loyalty.members", f"{account_id}:profile", json.dumps(event).encode()


def _consent(account_id: str) -> tuple[str, str, bytes]:
    event = {
        **_envelope("member.consent", "2026-01-02T09:01:00.000Z", f"demo-{account_id}-agrees"),
        "account_id": account_id,
        "member_id": account_id,
        "offers": True,
        "profiling": False,
    }
    return "loyalty.members", f"{account_id}:consent", json.dumps(event).encode()


def _click(account_id: str, when: str, campaign_id: str) -> tuple[str, str, bytes]:
    event = {
        **_envelope("click", when, f"demo-{account_id}-clicks"),
        "account_id": account_id,
        "member_id": account_id,
        "channel": "email",
        "campaign_id": campaign_id,
    }
    return "loyalty.engagements", account_id, json.dumps(event).encode()


def _context(account_id: str, when: str, device_id: str) -> tuple[str, str, bytes]:
    context = {"account_id": account_id, "last_engaged_at": when, "devices": {device_id: when}}
    return "loyalty.engagement-context", account_id, json.dumps(context).encode()


def reference() -> list[tuple[str, str, bytes]]:
    """What is known of Ada and Bob before they buy anything."""
    signal = {
        **_envelope("fraud.signal", "2026-02-10T02:55:00.000Z", "demo-bob-signal"),
        "account_id": "bob",
        "signal": "credential_stuffing",
        "score": 92,
        "expires_at": "2026-02-12T00:00:00.000Z",
    }
    return [
        _profile("ada", "adas-phone"),
        _profile("bob", "bobs-phone"),
        _consent("ada"),
        _context("ada", "2026-02-01T08:55:00.000Z", "adas-phone"),
        _context("bob", "2026-01-20T10:00:00.000Z", "bobs-phone"),
        ("loyalty.fraud-signals", "bob", json.dumps(signal).encode()),
    ]


def scenes() -> list[Scene]:
    """The story in event time: January and February 2026, before the generated traffic."""
    coat = _purchase("ada", "2026-01-05T10:15:00.000Z", "ada-coat", ("coat", "fashion", 24_900))
    groceries = _purchase("ada", "2026-01-08T17:40:00.000Z", "ada-food", ("basket", "grocery", 11_250))
    click = _click("ada", "2026-01-10T08:00:00.000Z", "welcome-back")
    shoes = _purchase("ada", "2026-01-12T11:30:00.000Z", "ada-shoes", ("shoes", "fashion", 2_500))
    shoes_back = _transaction(
        "ada",
        "refund",
        "2026-01-13T16:00:00.000Z",
        "demo-ada-shoes-back",
        order_id="ada-shoes",
        lines=[{"line_id": "1", "quantity": 1}],
    )
    redeems = _request("ada", "2026-02-01T09:00:00.000Z", "ada-voucher", "adas-phone")
    commits = _transaction(
        "ada", "redemption.committed", "2026-02-01T09:02:00.000Z", "demo-ada-paid", redemption_id="ada-voucher"
    )
    refund = _transaction(
        "ada",
        "refund",
        "2026-02-03T11:00:00.000Z",
        "demo-ada-returns",
        order_id="ada-coat",
        lines=[{"line_id": "1", "quantity": 1}],
    )
    bob_buys = _purchase("bob", "2026-01-06T12:00:00.000Z", "bob-tv", ("tv", "electronics", 89_900))
    first_try = _request("bob", "2026-02-10T02:50:00.000Z", "bob-first-grab", "unknown-laptop")
    thief = [_request("bob", f"2026-02-10T03:0{n}:00.000Z", f"bob-grab-{n}", "unknown-laptop") for n in range(5)]
    return [
        Scene("Ada buys a coat for 249.00 and groceries for 112.50, and reaches silver.", [coat, groceries]),
        Scene("Bob buys a television.", [bob_buys]),
        Scene("Ada agreed to offers. She clicks in a message, and is offered 300 points.", [click]),
        Scene("Two days later she buys shoes for 25.00, enough to take the offer up.", [shoes]),
        Scene("They do not fit. Back they go, and with them their points and the bonus.", [shoes_back]),
        Scene(
            "Weeks later the return window is over. Ada redeems a voucher in the app and pays with it.",
            [redeems, commits],
        ),
        Scene("She brings the coat back: its points go, and silver with them.", [refund]),
        Scene(
            "At night somebody who has Bob's password asks for a voucher. Nobody has opened Bob's app for weeks, and "
            "nobody knows the laptop: it is held back for a person to look at.",
            [first_try],
        ),
        Scene("Minutes later there is a fraud signal. The thief grabs for the points, five times.", thief),
    ]
