"""Following streams of decisions as they are read: sequences, seals and balances.

Of a stream only its latest decision is remembered: its sequence, its seal, and what its points sum to. What cannot be
judged by that alone is left to a second reading (`loyalty.proof.second_reading`): a repeated decision, whose first
copy is gone, and a gap, since the missing decisions may be in another partition (a household that moved to another
account, a topic that was given more partitions).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from loyalty.proof.findings import At, Finding, Kind, StreamName, imbalances, name_of
from loyalty.wire.decisions import Plain
from loyalty.wire.sealing import NO_SEAL, seal_of


class Head(NamedTuple):
    """The latest decision of a stream: what an anchor is made of."""

    sequence: int
    seal: bytes


class Scope(NamedTuple):
    """What of the topic is read."""

    begins_inside: frozenset[int] = frozenset()
    """Partitions whose beginning is not read: the first decision of a stream there is taken as it stands."""
    until: str | None = None
    """Heads are kept of what was decided before this moment, in the wire's form."""


class Gap(msgspec.Struct):
    """Decisions between two of a stream that were not there when the second was read."""

    name: StreamName
    after: int
    """The sequence before it; 0 at the beginning of a stream."""
    decision: Plain
    """The one behind it."""
    at: At
    present: set[int]
    """What of it was found elsewhere."""

    @property
    def before(self) -> int:
        sequence: int = self.decision["sequence"]
        return sequence


class _Stream(msgspec.Struct, gc=False):
    """One stream in one partition, as its latest decision leaves it."""

    sequence: int = 0
    seal: bytes | None = None
    """None while it has decisions of the contract's first edition only."""
    points: int = 0
    anchored: int = 0
    anchored_seal: bytes | None = None


class Streams:
    """All streams of the partitions that are read."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._streams: dict[tuple[int, str, str], _Stream] = {}
        self.gaps: dict[tuple[int, StreamName], list[Gap]] = {}
        self.taken_as_they_stood = 0
        self.repeated = 0

    def __len__(self) -> int:
        return len({key[1:] for key in self._streams})

    def follow(self, decision: Plain, name: StreamName, at: At) -> Iterator[Finding | None]:
        """What is wrong with the next decision of its stream; None where it repeats one, as at-least-once delivery
        may. Raises ValueError where it has no sequence that a decision can have."""
        key = (at.partition, *name)
        sequence = decision["sequence"]
        if sequence < 1:  # it would pass for a repeated one
            raise ValueError(f"a sequence of {sequence}")
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = _Stream()
            if sequence != 1 and at.partition in self._scope.begins_inside:
                self.taken_as_they_stood += 1
                self._stand(stream, decision)
                return
        if sequence <= stream.sequence:
            yield self._behind(decision, name, at)
            return
        if sequence != stream.sequence + 1:
            self.gaps.setdefault((at.partition, name), []).append(Gap(name, stream.sequence, decision, at, set()))
            self._stand(stream, decision)
            return
        yield from self._next(stream, decision, at)

    def heads(self) -> dict[StreamName, Head]:
        """The latest decision of each stream that was made before the scope's `until`."""
        found: dict[StreamName, Head] = {}
        for (_, *names), stream in self._streams.items():
            name = StreamName(*names)
            if stream.anchored > found.get(name, Head(0, NO_SEAL)).sequence:
                found[name] = Head(stream.anchored, stream.anchored_seal or NO_SEAL)
        return found

    def _next(self, stream: _Stream, decision: Plain, at: At) -> Iterator[Finding]:
        said = decision.get("seal")
        if said is None:
            if stream.seal is not None:
                yield Finding(Kind.EDITED, at, f"{name_of(decision)} has no seal, and the one before it has one.")
        elif seal_of(stream.seal or NO_SEAL, decision).hex() != said:
            yield Finding(Kind.EDITED, at, broken_seal(decision))
        if decision["stream"] == "ledger":
            stream.points += decision["points"]
            for found in imbalances(stream.points, decision["balance"]):
                yield Finding(Kind.UNBALANCED, at, f"{name_of(decision)}: the account {found}.")
        self._keep(stream, decision, said)

    def _stand(self, stream: _Stream, decision: Plain) -> None:
        """A decision is where the stream goes on from: what came before it is not known here."""
        balance = decision["balance"]
        stream.points = balance["pending"] + balance["available"] + balance["held"] - balance["debt"]
        self._keep(stream, decision, decision.get("seal"))

    def _keep(self, stream: _Stream, decision: Plain, said: str | None) -> None:
        stream.sequence = decision["sequence"]
        # The published one, also where it is wrong: one edit is one finding, and what follows is held against it.
        stream.seal = stream.seal if said is None else bytes.fromhex(said)
        until = self._scope.until
        if until is not None and decision["decided_at"] < until:
            stream.anchored, stream.anchored_seal = stream.sequence, stream.seal

    def _behind(self, decision: Plain, name: StreamName, at: At) -> Finding | None:
        """A decision that is not beyond the latest: it fills a gap, too late, or repeats one."""
        for gap in self.gaps.get((at.partition, name), ()):
            if gap.after < decision["sequence"] < gap.before and decision["sequence"] not in gap.present:
                gap.present.add(decision["sequence"])
                return Finding(
                    Kind.SWAPPED,
                    at,
                    f"{name_of(decision)} stands behind decision {gap.before}, which is at offset {gap.at.offset}.",
                )
        self.repeated += 1
        return None


def broken_seal(decision: Plain) -> str:
    """What a seal says that does not follow."""
    return (
        f"{name_of(decision)} is not what was sealed: its seal does not follow from its content and the seal before "
        f"it, so one of these two decisions was changed."
    )
