"""A domain small enough to see through, for tests of the job around it.

A transaction `{"account", "at", "add", "later": {"at", "add"}}` adds to a balance now and, if it says so, once more
at a later moment. Everything an account does is numbered. Nothing in here knows Flink.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from jobs.domain import (
    DEAD_LETTERS,
    DECISIONS,
    DeadLetter,
    Document,
    ForAccount,
    Output,
    Passed,
    Record,
    StateEntries,
    Verdict,
    Watermark,
)
from jobs.topics import PROGRAM, TRANSACTIONS

BALANCE = "balance/ü/\x00/😀"
"""A page name with everything in it that text can have."""


class StandInIntake:
    """Refuses what is no JSON object; keeps the least of the partitions' latest moments, less a lag."""

    def __init__(self, lag_ms: int) -> None:
        self._lag_ms = lag_ms
        self._unread: dict[int, int] = {}

    def begin(self, pages: StateEntries, unread: Mapping[int, int]) -> None:
        self._unread = dict(unread)

    def take(self, pages: StateEntries, record: Record) -> Iterable[Passed]:
        known = _load(pages, "progress", {"latest": {}, "epoch": 0, "clock": None, "documents": 0})
        try:
            event = json.loads(record.value or b"")
            account = str(event["account"])
        except (ValueError, TypeError, KeyError):
            if record.topic == PROGRAM and record.value:
                known["documents"] += 1
                _save(pages, "progress", known)
                yield Document(known["documents"], record.value.decode())
                return
            self._advance(known, record)
            _save(pages, "progress", known)
            yield DeadLetter(record.key, _refused(record))
            return
        if record.topic == TRANSACTIONS:
            latest = known["latest"].get(str(record.partition))
            known["latest"][str(record.partition)] = event["at"] if latest is None else max(latest, event["at"])
            self._advance(known, record)
            _save(pages, "progress", known)
        yield ForAccount(account, record.value or b"", known["documents"], self.clock(pages))

    def clock(self, pages: StateEntries) -> Watermark | None:
        known = _load(pages, "progress", {"clock": None})
        return None if known["clock"] is None else Watermark(known["epoch"], known["clock"])

    def _advance(self, known: dict[str, Any], record: Record) -> None:
        if record.offset >= self._unread.get(record.partition, 1 << 62):
            del self._unread[record.partition]
        waited_for = [partition for partition in self._unread if str(partition) not in known["latest"]]
        if known["latest"] and not waited_for:
            now = min(known["latest"].values()) - self._lag_ms
            if known["clock"] is not None and now < known["clock"]:
                known["epoch"] += 1
            known["clock"] = now


class StandInDesk:
    """Adds up, and does what is due."""

    reads_first = (BALANCE,)

    def __init__(self) -> None:
        self._documents = 0

    def learn(self, document: str) -> None:
        self._documents += 1

    def receive(self, account_id: str, pages: StateEntries, payload: bytes, watermark_ms: int | None) -> Verdict:
        event = json.loads(payload)
        if "at" not in event:
            return Verdict([], self._next_due(_load(pages, BALANCE, _EMPTY)))
        if event.get("add") is None:
            key = base64.b64decode(event["key"]) if event.get("key") is not None else None
            return Verdict([Output(DEAD_LETTERS, key, b"refused by the decider")], None)
        known = _load(pages, BALANCE, _EMPTY)
        until = event["at"] if watermark_ms is None else max(event["at"], watermark_ms)
        outputs = self._sweep(account_id, known, until)
        outputs.append(self._post(account_id, known, "added", event["at"], event["add"]))
        if "later" in event:
            known["due"] = sorted([*known["due"], [event["later"]["at"], event["later"]["add"]]])
        _save(pages, BALANCE, known)
        return Verdict(outputs, self._next_due(known))

    def fire(self, account_id: str, pages: StateEntries, watermark_ms: int) -> Verdict:
        known = _load(pages, BALANCE, _EMPTY)
        outputs = self._sweep(account_id, known, watermark_ms)
        if outputs:
            _save(pages, BALANCE, known)
        return Verdict(outputs, self._next_due(known))

    def _sweep(self, account_id: str, known: dict[str, Any], until: int) -> list[Output]:
        done = []
        while known["due"] and known["due"][0][0] <= until:
            at, add = known["due"].pop(0)
            done.append(self._post(account_id, known, "due", at, add))
        return done

    def _post(self, account_id: str, known: dict[str, Any], kind: str, at: int, add: int) -> Output:
        known["number"] += 1
        known["balance"] += add
        said = {
            "account": account_id,
            "number": known["number"],
            "kind": kind,
            "at": at,
            "balance": known["balance"],
            "documents": self._documents,
        }
        return Output(DECISIONS, account_id.encode(), json.dumps(said).encode())

    @staticmethod
    def _next_due(known: dict[str, Any]) -> int | None:
        return known["due"][0][0] if known["due"] else None


_EMPTY: dict[str, Any] = {"number": 0, "balance": 0, "due": []}


def _refused(record: Record) -> bytes:
    value = None if record.value is None else base64.b64encode(record.value).decode()
    at = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    return json.dumps({**at, "received_ms": record.timestamp_ms, "value": value}).encode()


def _load(pages: StateEntries, name: str, default: Mapping[str, Any]) -> dict[str, Any]:
    raw = pages.get(name)
    loaded: dict[str, Any] = json.loads(json.dumps(default) if raw is None else raw)
    return loaded


def _save(pages: StateEntries, name: str, content: Mapping[str, Any]) -> None:
    pages.put(name, json.dumps(content).encode())
