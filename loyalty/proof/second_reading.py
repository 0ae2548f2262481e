"""The second reading: what a single look at a stream's latest decision could not judge.

A decision that comes again must say what its first copy said (contract §4, *What was published stays decided*);
decisions that were missing may be in another partition. Only those streams are kept that the first reading doubted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import NamedTuple

from loyalty.proof.findings import At, Finding, Kind, StreamName, name_of, place_of, stream_of
from loyalty.proof.streams import Gap, broken_seal
from loyalty.records import Record
from loyalty.wire.decisions import Plain
from loyalty.wire.json import from_json
from loyalty.wire.sealing import NO_SEAL, canonical, seal_of

Numbered = tuple[StreamName, int]
"""A decision by its stream and its sequence."""


class Repeat(NamedTuple):
    """A further copy of a decision."""

    content: bytes
    """A digest of all that two copies must have in common."""
    at: At


class Doubts(NamedTuple):
    """What the first reading leaves to the second."""

    repeats: dict[Numbered, list[Repeat]]
    gaps: list[Gap]
    accounts: set[bytes | None]
    """The record keys of what was repeated."""

    @property
    def any(self) -> bool:
        return bool(self.repeats or self.gaps)


def content_of(decision: Plain) -> bytes:
    """A digest of everything but the wall clock."""
    said = {name: value for name, value in decision.items() if name != "decided_at"}
    return blake2b(canonical(said), digest_size=16).digest()


class SecondReading:
    """Reads the topic again for the streams in doubt."""

    def __init__(self, doubts: Doubts) -> None:
        self._doubts = doubts
        self._first: set[Numbered] = set()
        self._seals: dict[Numbered, bytes | None] = {}
        """Of the decisions right before what stands behind a gap."""
        self._by_name: dict[StreamName, list[Gap]] = {}
        for gap in doubts.gaps:
            self._by_name.setdefault(gap.name, []).append(gap)
            self._seals[gap.name, gap.before - 1] = None
        self._differ: list[Finding] = []

    def take(self, record: Record) -> None:
        """The next record of a partition, in its order."""
        if record.value is None or not (self._doubts.gaps or record.key in self._doubts.accounts):
            return  # what fills a gap may be of another account, a repeat is not
        try:
            decision = from_json(record.value)
            self._take(decision, stream_of(decision), place_of(record))
        except (ValueError, LookupError, TypeError, AttributeError):
            return  # the first reading has named it

    def findings(self) -> Iterator[Finding]:
        """What is wrong, once all has been read."""
        yield from self._differ
        for gap in self._doubts.gaps:
            missing = gap.before - gap.after - 1 - len(gap.present)
            if missing:
                yield Finding(Kind.DROPPED, gap.at, _not_there(gap, missing))
                continue
            before = self._seals[gap.name, gap.before - 1]
            said = gap.decision.get("seal")
            if said is not None and seal_of(before or NO_SEAL, gap.decision).hex() != said:
                yield Finding(Kind.EDITED, gap.at, broken_seal(gap.decision))

    def _take(self, decision: Plain, name: StreamName, at: At) -> None:
        numbered = name, decision["sequence"]
        if numbered in self._seals and self._seals[numbered] is None:
            seal = decision.get("seal")
            self._seals[numbered] = None if seal is None else bytes.fromhex(seal)
        for gap in self._by_name.get(name, ()):
            if gap.after < decision["sequence"] < gap.before:
                gap.present.add(decision["sequence"])
        repeats = self._doubts.repeats.get(numbered)
        if repeats is None or numbered in self._first:
            return
        self._first.add(numbered)
        content = content_of(decision)
        self._differ += [
            Finding(
                Kind.REPEATED,
                repeat.at,
                f"{name_of(decision)} is there again with another content than at {at} (partition and offset).",
            )
            for repeat in repeats
            if repeat.content != content
        ]


def _not_there(gap: Gap, missing: int) -> str:
    first, last = gap.after + 1, gap.before - 1
    if first == last:
        which = f"Decision {first} of {gap.name} is"
    elif missing == last - first + 1:
        which = f"Decisions {first} to {last} of {gap.name} are"
    else:
        which = f"Of decisions {first} to {last} of {gap.name}, {missing} are"
    behind = f"decision {gap.before} stands at {gap.at} (partition and offset)"
    return f"{which} not there, and {behind}" + (f" behind decision {gap.after}." if gap.after else ".")


def together(doubts: Iterable[Doubts]) -> Doubts:
    """The doubts of several first readings."""
    all_of_them = Doubts({}, [], set())
    for each in doubts:
        for numbered, repeats in each.repeats.items():
            all_of_them.repeats.setdefault(numbered, []).extend(repeats)
        all_of_them.gaps.extend(each.gaps)
        all_of_them.accounts.update(each.accounts)
    return all_of_them
