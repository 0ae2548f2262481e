"""Elements that have to wait, kept in order in the state entries of a key."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from loyalty.state.codec import StateEntries

_ENDS = struct.Struct("<QQ")
_HEAD = "@waiting"


class EntryQueue:
    """A queue. Each element is a state entry of its own, so adding one costs the same however many there are.

    The names of its entries begin with `@`, which no entry of the domain does.
    """

    def __init__(self, entries: StateEntries, head: str = _HEAD) -> None:
        """A key may have several queues, each with another `head`."""
        self._entries = entries
        self._head = head

    def add(self, element: bytes) -> None:
        first, end = self._ends()
        self._entries.put(f"{self._head}/{end}", element)
        self._entries.put(self._head, _ENDS.pack(first, end + 1))

    def __bool__(self) -> bool:
        return self._entries.get(self._head) is not None

    def first(self) -> bytes | None:
        """The element that has waited longest; None when none waits."""
        raw = self._entries.get(self._head)
        return None if raw is None else self._entries.get(f"{self._head}/{_ENDS.unpack(raw)[0]}")

    def remove_first(self) -> None:
        first, end = self._ends()
        self._entries.remove(f"{self._head}/{first}")
        if first + 1 == end:
            self._entries.remove(self._head)
        else:
            self._entries.put(self._head, _ENDS.pack(first + 1, end))

    def release(self) -> Iterator[bytes]:
        """Every element in order, each removed before it is given out."""
        while (element := self.first()) is not None:
            self.remove_first()
            yield element

    def _ends(self) -> tuple[int, int]:
        raw = self._entries.get(self._head)
        first, end = (0, 0) if raw is None else _ENDS.unpack(raw)
        return first, end
