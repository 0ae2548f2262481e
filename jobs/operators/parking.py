"""Parking: what the domain fails at stops one account, and nothing else.

An exception of the domain is a defect, and it comes again each time: a job that failed with it would start again for
ever, and nothing behind the record would be decided. So what was written of the account is taken back, the record
becomes a dead letter that says so, and the account is *parked*: what comes for it waits in state, in order. When the
record is sent again (`loyalty parked retry`, after a release that can decide it), it is decided in its place, and those
behind it follow, each as of when it came.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from jobs.runtime.state_entries import FlinkEntries, StateNotThere
from loyalty.records import Record, Refused, dead_letter, letter_key
from loyalty.state.codec import UnknownEntryVersion
from loyalty.state.parked import PARKED, PARKED_ENTRY, Parked
from loyalty.wire.json import to_json

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

REASON = "schema_violation"
"""Of the contract's reasons (§6) the one that fits: this release cannot make sense of the record."""
PARKS = "is parked: deciding this record failed"
"""What the sentence of such a dead letter says, and of no other."""

OF_THE_WHOLE_JOB = (StateNotThere, UnknownEntryVersion, MemoryError)
"""These are about no account: the job fails with them."""


def attempt(entries: FlinkEntries, whose: str, domain: Callable[..., T], *given: Any) -> T | Exception:
    """What the domain makes of what it is given, or the exception that it failed with; then nothing of it is kept."""
    entries.mark()
    try:
        return domain(*given)
    except OF_THE_WHOLE_JOB:
        raise
    except Exception as problem:  # noqa: BLE001 whatever it is, it is of one account
        entries.take_back()
        _LOG.exception("The domain failed for %s; the job goes on with the others.", whose)
        return problem


def refused(whose: str, problem: Exception) -> Refused:
    """Why the record is a dead letter. The exception's own words may repeat personal fields; they are in the log."""
    return Refused(
        REASON,
        f"The {whose} {PARKS} ({type(problem).__name__}). What comes for it from now on waits; `loyalty parked retry` "
        "sends this record again, which lets it go on.",
    )


class Unchecked(NamedTuple):
    """The dead letter of a record that could not even be checked: whose it is nobody knows, so nobody is parked by
    it."""

    key: bytes | None
    value: bytes


def checked(check: Callable[[FlinkEntries, Record], T], entries: FlinkEntries, record: Record) -> T | Unchecked:
    """What the checks make of a record."""
    try:
        return check(entries, record)
    except OF_THE_WHOLE_JOB:
        raise
    except Exception as problem:  # noqa: BLE001 whatever it is, it is of one record
        place = f"{record.topic} {record.partition}@{record.offset}"
        _LOG.exception("The record %s could not be checked; the job goes on with the others.", place)
        why = Refused(REASON, f"This release failed at checking the record ({type(problem).__name__}).")
        return Unchecked(letter_key(record), to_json(dead_letter(record, why)))


class ParkedAccount:
    """Whether the account that Flink is at is parked. Asked for only where something of it waits."""

    def __init__(self, entries: FlinkEntries) -> None:
        self._entries = entries

    def __bool__(self) -> bool:
        return self._entries.get(PARKED_ENTRY) is not None

    def park(self, problem: Exception) -> None:
        self._entries.put(PARKED_ENTRY, PARKED.write(Parked(type(problem).__name__)))

    def let_go(self) -> None:
        self._entries.remove(PARKED_ENTRY)
