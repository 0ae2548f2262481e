"""Anchors: one number that stands for all that had been decided by a moment.

The seals of a stream are a chain, so the latest one stands for all before it. An anchor is the root of a Merkle tree
over the latest seal of every stream. Whoever keeps a root where the decisions' owner cannot change it can tell later
that an account was rewritten, seals and all, or that its latest decisions are gone: nothing on the topic shows that.

Leaf and node are hashed with different first bytes, so that neither can stand for the other (RFC 6962, §2.1). Streams
are spread over 4 096 branches by a hash of their name. An anchor also keeps the first bytes of each branch: they name
the few streams among which one was changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from loyalty.proof.findings import Finding, Kind, StreamName
from loyalty.proof.streams import Head
from loyalty.wire.sealing import canonical

BRANCHES = 4_096
_SHOWN_BYTES = 6
NAMED_MAX = 10
"""So many streams of a branch are named."""


class Anchor(NamedTuple):
    """What had been decided before `until`."""

    until: str
    """A moment in the wire's form; `decided_at` counts."""
    root: str
    """Hex SHA-256."""
    streams: int | None = None
    decisions: int | None = None
    branches: str | None = None
    """The first six bytes of each branch's digest, in hex, one after the other; these three are None where only the
    root was kept."""


def anchor(until: str, heads: Mapping[StreamName, Head]) -> Anchor:
    """The anchor of the streams' latest decisions before `until`."""
    branches = [_root(_leaves(branch)) for branch in _branches(heads)]
    shown = b"".join(branch[:_SHOWN_BYTES] for branch in branches).hex()
    decisions = sum(head.sequence for head in heads.values())
    return Anchor(until, _root(branches).hex(), len(heads), decisions, shown)


def compare(said: Anchor, heads: Mapping[StreamName, Head]) -> Finding | None:
    """What is not as it was when the anchor was taken; None where all is."""
    now = anchor(said.until, heads)
    if now.root == said.root:
        return None
    if said.streams is None or said.decisions is None or said.branches is None:
        why = f"The root of all decisions made before {said.until} is {now.root}, and was {said.root}."
        return Finding(Kind.REWRITTEN, None, why)
    assert now.decisions is not None
    fewer = said.decisions - now.decisions
    among = " ".join(_among(said.branches, now.branches or "", heads))
    if fewer > 0:
        lost = "1 decision" if fewer == 1 else f"{fewer:,} decisions"
        why = f"Of what had been decided before {said.until}, {lost} of {said.decisions:,} cannot be found. {among}"
        return Finding(Kind.CUT_OFF, None, why)
    why = f"What had been decided before {said.until} says something else than when the anchor was taken. {among}"
    return Finding(Kind.REWRITTEN, None, why)


def _among(said: str, now: str, heads: Mapping[StreamName, Head]) -> Iterator[str]:
    """Which streams the difference is among."""
    width = 2 * _SHOWN_BYTES
    differ = [at for at in range(BRANCHES) if said[at * width : (at + 1) * width] != now[at * width : (at + 1) * width]]
    if not differ:
        return
    branches = _branches(heads)
    names = [str(name) for at in differ for name in sorted(branches[at])]
    if not names:
        yield "It is of a stream that is no longer there at all."
        return
    more = f" and {len(names) - NAMED_MAX:,} more" if len(names) > NAMED_MAX else ""
    yield f"It is in {', '.join(names[:NAMED_MAX])}{more}, or in a stream that is no longer there at all."


def _branches(heads: Mapping[StreamName, Head]) -> list[dict[StreamName, Head]]:
    branches: list[dict[StreamName, Head]] = [{} for _ in range(BRANCHES)]
    for name, head in heads.items():
        branches[int.from_bytes(sha256("\n".join(name).encode()).digest()[:2], "big") % BRANCHES][name] = head
    return branches


def _leaves(branch: Mapping[StreamName, Head]) -> list[bytes]:
    return [
        sha256(b"\0" + canonical({"head": [*name, head.sequence, head.seal.hex()]})).digest()
        for name, head in sorted(branch.items())
    ]


def _root(digests: Sequence[bytes]) -> bytes:
    """Of a Merkle tree over these; one without a neighbour goes up as it is."""
    level = list(digests)
    if not level:
        return sha256(b"").digest()
    while len(level) > 1:
        pairs = [sha256(b"\1" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]
