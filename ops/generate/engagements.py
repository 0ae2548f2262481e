"""Engagements beside the transactions: who opens the app before redeeming in it, who clicks, who comes by a store.

They have dice of their own, so the transactions of a seed are the same with and without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from loyalty.times import MINUTE_MS, format_time
from loyalty.wire import engagements, members
from ops.generate.dice import Dice
from ops.generate.faults import DUPLICATE
from ops.generate.households import Household
from ops.generate.settings import OutRecord, Traffic
from ops.generate.shop import Shop
from ops.generate.transactions import Transactions

_CHANGES_OF_MIND = 0.25
"""The share of members who give or withdraw their consent while the traffic lasts; some of them do both."""

_WAYS = (
    *(("open", "email"),) * 5,
    *(("open", "push"),) * 3,
    *(("click", "email"),) * 3,
    *(("click", "app"),) * 2,
    *(("app_session", "app"),) * 4,
    ("campaign_interaction", "web"),
    ("campaign_interaction", "app"),
    ("store_visit", "store"),
)
"""(type, channel), each as often as it comes among these."""


def changes_of_mind(traffic: Traffic, accounts: Sequence[Household]) -> Iterator[OutRecord]:
    """Consents given and withdrawn while the traffic lasts, beyond the one that every member begins with.

    They are sent with the reference records: which of them counts is a matter of event time, not of arrival.
    """
    dice = Dice(f"{traffic.seed}/consents")
    for household in accounts:
        for member_id in household.members:
            if dice.roll() >= _CHANGES_OF_MIND:
                continue
            at = traffic.start_ms + dice.below(traffic.end_ms - traffic.start_ms)
            offers = dice.roll() < 0.5
            yield _consent(household, member_id, at, offers)
            if dice.roll() < 0.3:
                yield _consent(household, member_id, at + dice.between(1, 10 * 24 * 60) * MINUTE_MS, not offers)


def _consent(household: Household, member_id: str, at: int, offers: bool) -> OutRecord:
    event = {
        "event_id": f"member.consent-{member_id}-{at}",
        "type": "member.consent",
        "schema_version": 1,
        "source": "preference-centre",
        "occurred_at": format_time(at),
        "account_id": household.account_id,
        "member_id": member_id,
        "offers": offers,
        "profiling": offers,
    }
    return OutRecord(members.TOPIC, f"{member_id}:consent".encode(), orjson.dumps(event), "member.consent")


class Engagements:
    """The engagements of a season, `traffic.engagements` of them in all. Iterate `among` once."""

    def __init__(self, traffic: Traffic, shop: Shop, accounts: Sequence[Household]) -> None:
        self._traffic = traffic
        self._shop = shop
        self._accounts = accounts
        self._by_id = {household.account_id: household for household in accounts}
        self._dice = Dice(f"{traffic.seed}/engagements")
        self._left = traffic.engagements
        self._number = 0

    def among(self, transactions: Transactions) -> Iterator[OutRecord]:
        """The season's records, and the engagements between them where they belong in time."""
        before = self._traffic.start_ms
        for count, record in enumerate(transactions):
            # As many as are due by now, if they come evenly among the records.
            left_after = self._traffic.engagements * (self._traffic.events - count - 1) // self._traffic.events
            if self._left and record.kind == "redemption.requested":
                yield from self._session(record, transactions.moment)
            while self._left > left_after:
                yield from self._any(before + self._dice.below(max(1, transactions.moment - before)))
            before = transactions.moment
            yield record

    def _session(self, request: OutRecord, moment: int) -> Iterator[OutRecord]:
        """Whoever redeems in the app or on the web with a device of the household's was there just before."""
        event = orjson.loads(request.value or b"{}")
        household = self._by_id[event["account_id"]]
        device = event.get("device_id")
        if device in household.devices:
            at = moment - self._dice.between(1, 9) * MINUTE_MS
            yield from self._send(household, event["member_id"], "app_session", event["channel"], at, device)

    def _any(self, moment: int) -> Iterator[OutRecord]:
        dice = self._dice
        household = self._accounts[int(len(self._accounts) * dice.roll() ** 1.6)]
        who = dice.below(len(household.members))
        kind, channel = dice.pick(_WAYS)
        device = household.devices[who] if channel in ("app", "web", "push") else None
        yield from self._send(household, household.members[who], kind, channel, moment, device)

    def _send(
        self, household: Household, member_id: str, kind: str, channel: str, moment: int, device: str | None
    ) -> Iterator[OutRecord]:
        dice = self._dice
        self._number += 1
        event: dict[str, Any] = {
            "event_id": f"engagement-{self._traffic.seed}-{self._number}",
            "type": kind,
            "schema_version": 1,
            "source": "crm" if channel in ("email", "push") else household.store if channel == "store" else channel,
            "occurred_at": format_time(moment),
            "account_id": household.account_id,
            "member_id": member_id,
            "channel": channel,
        }
        if kind in ("open", "click", "campaign_interaction") and self._shop.campaigns:
            event["campaign_id"] = dice.pick(self._shop.campaigns)
        if device is not None:
            event["device_id"] = device
        if kind == "app_session":
            event["session_id"] = f"session-{self._traffic.seed}-{self._number}"
        value = orjson.dumps(event)
        key = member_id.encode()
        luck = dice.roll()
        if luck < self._traffic.malformed_rate:
            value = value[: len(value) // 2]
            record = OutRecord(engagements.TOPIC, key, value, "malformed", "malformed_json")
        else:
            record = OutRecord(engagements.TOPIC, key, value, kind)
        self._left -= 1
        yield record
        if self._left and luck > 1 - self._traffic.duplicate_rate:
            self._left -= 1
            yield OutRecord(engagements.TOPIC, key, value, "duplicate", DUPLICATE)
