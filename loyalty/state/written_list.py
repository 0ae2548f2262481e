"""How a sorted list is written down: what the core entry holds of it, its head, and its chunks."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from loyalty.state.codec import EntryCodec

Item = TypeVar("Item", bound=tuple[Any, ...])
"""An item begins with an integer, in most lists a moment in ms."""

UNKNOWN = -1

write_item = msgspec.msgpack.Encoder().encode


class Folded(msgspec.Struct, array_like=True, gc=False):
    """What the core entry holds of a list."""

    first: int | None = None
    """The moment of the first item; None where the list is empty."""
    head: bytes | None = None
    """The head, written down by itself; empty where it is so long that it has an entry of its own."""
    tail: bytes = b""
    """Items that were added since, one behind the other."""
    tail_count: int = 0
    tail_first: int | None = None
    """The least moment in the tail; None where a release before did not note it, or it is empty."""


class ListHead(msgspec.Struct, Generic[Item], array_like=True, gc=False):
    """The smallest items of a list, and where its chunks begin."""

    front: list[Item] = []
    firsts: list[Item] = []
    """The first item of each chunk, or one before it."""
    numbers: list[int] = []
    """What each chunk is named by."""
    next_number: int = 0
    counts: list[int] = []
    """How many items each chunk has; UNKNOWN where a release before this noted none."""


class ListCodec(Generic[Item]):
    """How the parts of a list are written down."""

    def __init__(self, head: type[ListHead[Item]], chunk: type[list[Item]]) -> None:
        self.head: EntryCodec[ListHead[Item]] = EntryCodec(head, 1)
        self.chunk: EntryCodec[list[Item]] = EntryCodec(chunk, 1)
        self._read_items: msgspec.msgpack.Decoder[list[Item]] = msgspec.msgpack.Decoder(chunk)

    def read_tail(self, folded: Folded) -> list[Item]:
        # The head of a msgpack array of so many elements.
        return self._read_items.decode(b"\xdc" + folded.tail_count.to_bytes(2, "big") + folded.tail)
