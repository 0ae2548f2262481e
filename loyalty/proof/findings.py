"""What a proof finds wrong with published decisions: the kind, the place, and a sentence that explains it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from loyalty.records import Record
from loyalty.wire.decisions import Plain


class Kind(StrEnum):
    """Kinds of findings, as the table of `loyalty verify` names them."""

    meaning: str

    def __new__(cls, name: str, meaning: str) -> Kind:
        member = str.__new__(cls, name)
        member._value_ = name
        member.meaning = meaning
        return member

    UNREADABLE = "unreadable", "It is not a decision."
    MISPLACED = "misplaced", "Its record key is not its account."
    OTHERWISE = "decided otherwise", "Its evidence and its rules lead to something else."
    EDITED = "edited", "It is not what was sealed."
    UNBALANCED = "unbalanced", "Points and balance do not agree."
    DROPPED = "dropped", "Decisions of a stream are not there."
    SWAPPED = "swapped", "A decision stands behind a later one of its stream."
    REPEATED = "repeated otherwise", "A decision is there twice, with two contents."
    CUT_OFF = "cut off", "There is less than when the anchor was taken."
    REWRITTEN = "rewritten", "There is something else than when the anchor was taken."


class At(NamedTuple):
    """Where a decision is on its topic."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class Finding(NamedTuple):
    """One thing that is wrong."""

    kind: Kind
    at: At | None
    """None where it is about a whole stream, or all of them."""
    sentence: str

    def __str__(self) -> str:
        where = "" if self.at is None else f" (partition {self.at.partition}, offset {self.at.offset})"
        return f"{self.kind}{where}: {self.sentence}"


class StreamName(NamedTuple):
    """Whose stream of decisions: an account's `ledger`, or a member's `offers`."""

    stream: str
    owner: str

    def __str__(self) -> str:
        return f"account {self.owner}" if self.stream == "ledger" else f"the offers to member {self.owner}"


def stream_of(decision: Plain) -> StreamName:
    """The stream that a decision belongs to."""
    stream = decision["stream"]
    return StreamName(stream, decision["account_id"] if stream == "ledger" else decision["member_id"])


def place_of(record: Record) -> At:
    return At(record.partition, record.offset)


def name_of(decision: Plain) -> str:
    """A decision in a sentence: whose, which, and its id."""
    return f"Decision {decision['sequence']} of {stream_of(decision)} ({decision['decision_id']})"


def imbalances(points: int, balance: dict[str, Any]) -> list[str]:
    """What contradicts itself in a ledger's balance, where the points of all decisions so far sum to `points`
    (contract §5, *Conservation*; §4, *Debt*)."""
    pending, available, held, debt = balance["pending"], balance["available"], balance["held"], balance["debt"]
    found = []
    if points != pending + available + held - debt:
        found.append("does not add up")
    if min(pending, available, held, debt) < 0:
        found.append("has a negative balance")
    if debt and available:
        found.append("owes points and has some available")
    return found
