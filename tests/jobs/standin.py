"""A domain small enough to see through, for tests of the job around it.

A transaction `{"account", "at", "add", "later": {"at", "add"}}` adds to a balance now and, if it says so, once more
at a later moment. Everything an account does is numbered. Nothing in here knows Flink.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from jobs.decisions_topology import DecisionsDomain
from jobs.topics import PROGRAM, TRANSACTIONS
from loyalty.decider import Delivery, Verdict
from loyalty.records import Record
from loyalty.state.codec import StateEntries
from loyalty.validation import DeadLetter, Document, ForAccount, Passed, Watermark
from loyalty.wire.events import Transaction
from loyalty.wire.program import ProgramDocument

BALANCE = "balance/ü/\x00/😀"
"""The name of a state entry, with everything in it that text can have."""


def document(number: int) -> bytes:
    """A programme document, of any content."""
    body = {"points": 100, "active": True}
    return json.dumps(
        {
            "event_id": f"document-{number}",
            "type": "program.document",
            "schema_version": 1,
            "source": "tests",
            "occurred_at": "2026-01-01T00:00:00.000Z",
            "document": "reward/any",
            "version": number,
            "effective_from": "2026-01-01T00:00:00.000Z",
            "body": body,
        }
    ).encode()


def for_account(
    account: str, event: Mapping[str, Any], documents: int, watermark: Watermark | None = None
) -> ForAccount:
    """A transaction as the validator passes it on."""
    record = Record(TRANSACTIONS, 0, 0, 0, b"", json.dumps(event).encode())
    delivery = Delivery(record, watermark_ms=None if watermark is None else watermark.ms)
    return ForAccount(account, delivery, documents, watermark)


class StandInValidator:
    """Refuses what is no JSON object; keeps the least of the partitions' latest moments, less a lag."""

    def __init__(self, lag_ms: int, unread: Mapping[int, int]) -> None:
        self._lag_ms = lag_ms
        self._unread = dict(unread)

    def take(self, entries: StateEntries, record: Record) -> Passed:
        known = _load(entries, "progress", {"latest": {}, "epoch": 0, "watermark": None, "documents": 0})
        if record.topic == PROGRAM and record.value:
            known["documents"] += 1
            _save(entries, "progress", known)
            return Document(known["documents"], "any", record.value, self.watermark(entries))
        try:
            event = json.loads(record.value or b"")
            account = str(event["account"])
        except (ValueError, TypeError, KeyError):
            self._advance(known, record)
            _save(entries, "progress", known)
            return DeadLetter(record.key, _refused(record), self.watermark(entries))
        if record.topic == TRANSACTIONS:
            latest = known["latest"].get(str(record.partition))
            known["latest"][str(record.partition)] = event["at"] if latest is None else max(latest, event["at"])
            self._advance(known, record)
            _save(entries, "progress", known)
        watermark = self.watermark(entries)
        delivery = Delivery(record, watermark_ms=None if watermark is None else watermark.ms)
        return ForAccount(account, delivery, known["documents"], watermark)

    def watermark(self, entries: StateEntries) -> Watermark | None:
        known = _load(entries, "progress", {"watermark": None})
        return None if known["watermark"] is None else Watermark(known["epoch"], known["watermark"])

    def _advance(self, known: dict[str, Any], record: Record) -> None:
        if record.offset >= self._unread.get(record.partition, 1 << 62):
            del self._unread[record.partition]
        waited_for = [partition for partition in self._unread if str(partition) not in known["latest"]]
        if known["latest"] and not waited_for:
            now = min(known["latest"].values()) - self._lag_ms
            if known["watermark"] is not None and now < known["watermark"]:
                known["epoch"] += 1
            known["watermark"] = now


class StandInDecider:
    """Adds up, and does what is due."""

    def __init__(self) -> None:
        self._documents = 0

    def learn(self, document: ProgramDocument) -> None:
        self._documents += 1

    def receive(
        self, account_id: str, entries: StateEntries, delivery: Delivery, event: Transaction | None = None
    ) -> Verdict:
        asked = json.loads(delivery.record.value or b"")
        known = _load(entries, BALANCE, _EMPTY)
        if "at" not in asked:
            return _verdict([], known)
        if asked.get("add") is None:
            key = base64.b64decode(asked["key"]) if asked.get("key") is not None else None
            return Verdict([], [(key, {"reason": "refused by the decider"})], None, "dead_letter")
        at, watermark_ms = asked["at"], delivery.watermark_ms
        decisions = self._do_due(account_id, known, at if watermark_ms is None else max(at, watermark_ms))
        decisions.append(self._post(account_id, known, "added", at, asked["add"]))
        if "later" in asked:
            known["due"] = sorted([*known["due"], [asked["later"]["at"], asked["later"]["add"]]])
        _save(entries, BALANCE, known)
        return _verdict(decisions, known)

    def fire(self, account_id: str, entries: StateEntries, watermark_ms: int) -> Verdict:
        known = _load(entries, BALANCE, _EMPTY)
        decisions = self._do_due(account_id, known, watermark_ms)
        if decisions:
            _save(entries, BALANCE, known)
        return _verdict(decisions, known)

    def _do_due(self, account_id: str, known: dict[str, Any], until: int) -> list[dict[str, Any]]:
        done = []
        while known["due"] and known["due"][0][0] <= until:
            at, add = known["due"].pop(0)
            done.append(self._post(account_id, known, "due", at, add))
        return done

    def _post(self, account_id: str, known: dict[str, Any], kind: str, at: int, add: int) -> dict[str, Any]:
        known["number"] += 1
        known["balance"] += add
        return {
            "account": account_id,
            "number": known["number"],
            "kind": kind,
            "at": at,
            "balance": known["balance"],
            "documents": self._documents,
        }


def standin_domain(lag_ms: int) -> DecisionsDomain:
    """The whole of it, as the job takes it."""
    return DecisionsDomain(partial(StandInValidator, lag_ms), StandInDecider(), (BALANCE,))


def _verdict(decisions: list[dict[str, Any]], known: dict[str, Any]) -> Verdict:
    return Verdict(decisions, [], known["due"][0][0] if known["due"] else None, "used")


_EMPTY: dict[str, Any] = {"number": 0, "balance": 0, "due": []}


def _refused(record: Record) -> dict[str, Any]:
    value = None if record.value is None else base64.b64encode(record.value).decode()
    at = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    return {**at, "received_ms": record.timestamp_ms, "value": value}


def _load(entries: StateEntries, name: str, default: Mapping[str, Any]) -> dict[str, Any]:
    raw = entries.get(name)
    loaded: dict[str, Any] = json.loads(json.dumps(default) if raw is None else raw)
    return loaded


def _save(entries: StateEntries, name: str, content: Mapping[str, Any]) -> None:
    entries.put(name, json.dumps(content).encode())
