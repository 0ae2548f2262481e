"""What is known before the first transaction: members, consents, fraud signals and the engagement context."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from loyalty.times import DAY_MS, HOUR_MS, MINUTE_MS, format_time
from loyalty.wire import context, fraud, members
from ops.generate.dice import Dice
from ops.generate.households import Household
from ops.generate.settings import OutRecord, Traffic

_SIGNALS = ("account_takeover", "credential_stuffing", "velocity_spike", "stolen_card")
_ENGAGED_OF_100, _LAPSED_OF_100 = 85, 12
"""Of a hundred accounts so many were seen on the last day, so many at some earlier time; the rest never."""


class Alarm(NamedTuple):
    """A fraud signal, and whether somebody really is at the account."""

    household: Household
    signal: str
    score: int
    occurred_at: int
    expires_at: int
    hijacked: bool


def alarms(traffic: Traffic, accounts: Sequence[Household]) -> list[Alarm]:
    """The fraud signals of the whole time, in the order of their time."""
    dice = Dice(f"{traffic.seed}/alarms")
    found = []
    for _ in range(min(max(1, len(accounts) // 30), max(1, traffic.events // 300))):
        occurred_at = traffic.start_ms + dice.below(traffic.end_ms - traffic.start_ms)
        found.append(
            Alarm(
                dice.pick(accounts),
                dice.pick(_SIGNALS),
                dice.between(35, 99),
                occurred_at,
                occurred_at + dice.between(1, 72) * HOUR_MS,
                hijacked=dice.roll() < 0.5,
            )
        )
    return sorted(found, key=lambda alarm: (alarm.occurred_at, alarm.household.account_id))


def reference_records(
    traffic: Traffic, accounts: Sequence[Household], expected: Sequence[Alarm]
) -> Iterator[OutRecord]:
    """One profile and one consent a member, one engagement context for most accounts, and the signals."""
    dice = Dice(f"{traffic.seed}/reference")
    for household in accounts:
        for member_id, device in zip(household.members, household.devices, strict=True):
            yield _profile(traffic, dice, household, member_id, device)
            yield _consent(traffic, dice, household, member_id)
        fate = dice.below(100)
        if fate < _ENGAGED_OF_100:
            yield _context(household, traffic.end_ms - dice.below(DAY_MS))
        elif fate < _ENGAGED_OF_100 + _LAPSED_OF_100:
            yield _context(household, traffic.start_ms + dice.below(traffic.end_ms - traffic.start_ms))
    for number, alarm in enumerate(expected):
        yield OutRecord(
            fraud.TOPIC,
            alarm.household.key,
            orjson.dumps(
                {
                    "event_id": f"signal-{traffic.seed}-{number}",
                    "type": "fraud.signal",
                    "schema_version": 1,
                    "source": "fraud-engine",
                    "occurred_at": format_time(alarm.occurred_at),
                    "account_id": alarm.household.account_id,
                    "signal": alarm.signal,
                    "score": alarm.score,
                    "expires_at": format_time(alarm.expires_at),
                }
            ),
            "fraud.signal",
        )


def _member_event(kind: str, household: Household, member_id: str, occurred_at: int) -> dict[str, Any]:
    return {
        "event_id": f"{kind}-{member_id}-{occurred_at}",
        "type": kind,
        "schema_version": 1,
        "source": "crm",
        "occurred_at": format_time(occurred_at),
        "account_id": household.account_id,
        "member_id": member_id,
    }


def _profile(traffic: Traffic, dice: Dice, household: Household, member_id: str, device: str) -> OutRecord:
    joined_at = traffic.start_ms - dice.between(1, 700) * DAY_MS
    event = _member_event("member.profile", household, member_id, joined_at)
    event["joined_at"] = event["occurred_at"]
    event["home_store"] = household.store
    event["known_devices"] = [device] if dice.roll() < 0.9 else []
    return OutRecord(members.TOPIC, f"{member_id}:profile".encode(), orjson.dumps(event), "member.profile")


def _consent(traffic: Traffic, dice: Dice, household: Household, member_id: str) -> OutRecord:
    event = _member_event("member.consent", household, member_id, traffic.start_ms - dice.between(1, 1000) * MINUTE_MS)
    event["offers"] = dice.roll() < 0.7
    event["profiling"] = dice.roll() < 0.5
    return OutRecord(members.TOPIC, f"{member_id}:consent".encode(), orjson.dumps(event), "member.consent")


def _context(household: Household, last_engaged_at: int) -> OutRecord:
    seen = format_time(last_engaged_at)
    content = {
        "account_id": household.account_id,
        "last_engaged_at": seen,
        "devices": {household.devices[0]: seen},
    }
    return OutRecord(context.TOPIC, household.key, orjson.dumps(content), "engagement-context")
