"""A sorted list that stays cheap however long it gets.

| Part | What is in it | Where it is kept |
|---|---|---|
| its first moment, and the *tail* | when the first item is due; items added since, unsorted | in the core entry |
| the *head* | the smallest items (the *front*); where the chunks begin | in the core entry, a long one apart |
| the *chunks* | all other items, some dozens each | each in an entry of its own |

Most events only ask when the first item is due, and add one that is due later: they touch the first part alone. The
head is read when an item is asked for, a chunk when an item in it is. So an event of an account with thousands of lots
touches as few bytes as one of an account with ten.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Any, Generic

from loyalty.state.unit_of_work import UnitOfWork
from loyalty.state.written_list import UNKNOWN, Folded, Item, ListCodec, ListHead, write_item

FRONT_MAX = 24
CHUNK_MAX = 48
"""Of a list with more chunks than this each may have as many items as there are chunks: head and chunk stay alike in
length, at the square root of the list's."""
TAIL_MAX = 24
HEAD_MAX = 1_024
"""Bytes: the core entry is read and written with every event, a longer head is not."""


class SortedList(Generic[Item]):
    """One list of the key that a unit of work is about; the unit's `save` writes what changed.

    `folded` is what the core entry holds of it: whoever turns to another key sets it. Where a list is used apart from a
    core entry, whoever uses it reads, gives and keeps its `head` instead, and calls `save`.
    """

    __slots__ = ("_changed", "_chunks", "_codec", "_dirty", "_gone", "_head", "_is_folded", "_name", "_unit", "folded")

    def __init__(self, name: str, codec: ListCodec[Item], unit: UnitOfWork, head: ListHead[Item] | None = None) -> None:
        self._name = name
        self._codec = codec
        self._unit = unit
        self.folded = Folded()
        self._head = head
        """None where it has not been read."""
        self._is_folded = head is None
        if head is not None:
            _note_unknown_counts(head)
        self._chunks: dict[int, list[Item]] = {}
        """Those that were read or made, by number."""
        self._dirty: set[int] = set()
        self._gone: set[int] = set()
        self._changed = False

    # -- what it is used by

    def add(self, item: Item) -> None:
        folded = self.folded
        moment = item[0]
        if folded.first is None or moment < folded.first:
            folded.first = moment
        if folded.tail_count < TAIL_MAX and self._is_folded and (self._head is None or self._is_behind_front(moment)):
            try:
                folded.tail += write_item(item)
            except OverflowError:  # a number wider than 64 bits
                pass
            else:
                if not folded.tail_count or (folded.tail_first is not None and moment < folded.tail_first):
                    folded.tail_first = moment
                folded.tail_count += 1
                return
        self._insert(self._open(), item)

    def remove(self, item: Item) -> None:
        """Take out an item that is in the list; ValueError when it is not."""
        head = self._open_front()
        if not head.front or item > head.front[-1]:
            self._open()
        self._changed = True
        if head.numbers and item >= head.firsts[0]:
            at = bisect_right(head.firsts, item) - 1
            chunk = self._chunk(head.numbers[at])
            chunk.remove(item)
            if chunk:
                self._chunk_changed(head, at)
            else:
                self._drop_chunk(head, at)
        else:
            head.front.remove(item)
        self.first()

    def first(self) -> Item | None:
        head = self._open_front()
        if not head.front and head.numbers:
            self._fill_front(head)
        first = head.front[0] if head.front else None
        self.folded.first = None if first is None else first[0]
        return first

    def remove_until(self, moment: int) -> None:
        """Take out all that begin with this moment or one before."""
        while (item := self.first()) is not None and item[0] <= moment:
            self.remove(item)

    def last(self) -> Item | None:
        head = self._open()
        if head.numbers:
            return self._chunk(head.numbers[-1])[-1]
        return head.front[-1] if head.front else None

    def at_or_after(self, bound: tuple[Any, ...]) -> Item | None:
        """The smallest item that is not below `bound` (a prefix of an item will do)."""
        head = self._open()
        front = head.front
        if front and front[-1] >= bound:
            return front[bisect_left(front, bound)]
        start = max(bisect_right(head.firsts, bound) - 1, 0)
        for number in head.numbers[start:]:
            chunk = self._chunk(number)
            if chunk and chunk[-1] >= bound:
                return chunk[bisect_left(chunk, bound)]
        return None

    def count_between(self, low: tuple[Any, ...], high: tuple[Any, ...]) -> int:
        """How many items are not below `low` and below `high`. Reads two chunks, however many lie between."""
        head = self._open()
        count = bisect_left(head.front, high) - bisect_left(head.front, low)
        first = max(bisect_right(head.firsts, low) - 1, 0)
        behind = bisect_left(head.firsts, high)
        for at in {first, behind - 1} if first < behind else ():
            chunk = self._chunk(head.numbers[at])
            count += bisect_left(chunk, high) - bisect_left(chunk, low)
        for at in range(first + 1, behind - 1):
            if head.counts[at] == UNKNOWN:
                head.counts[at] = len(self._chunk(head.numbers[at]))
                self._changed = True
        return count + sum(head.counts[first + 1 : behind - 1])

    def __iter__(self) -> Iterator[Item]:
        """Every item, smallest first. The list must not change meanwhile."""
        head = self._open()
        yield from head.front
        for number in head.numbers:
            yield from self._chunk(number)

    # -- the unit of work

    def save(self) -> None:
        """Write what changed, but for what `folded` (or the given head) holds."""
        if not self._changed:
            return
        self._changed = False
        entries = self._unit.entries
        for number in self._dirty:
            entries.put(f"{self._name}/{number}", self._codec.chunk.write(self._chunks[number]))
        for number in self._gone:
            entries.remove(f"{self._name}/{number}")
        self._dirty.clear()
        self._gone.clear()
        if self._is_folded and self._head is not None:
            self._keep_head(self._head)

    def close(self) -> None:
        """Drop what was read and not saved, for the unit of work turns to another key."""
        self._head = None
        self._chunks.clear()
        self._dirty.clear()
        self._gone.clear()
        self._changed = False

    def _keep_head(self, head: ListHead[Item]) -> None:
        folded, entries = self.folded, self._unit.entries
        written = self._codec.head.write(head) if head.front or head.numbers else None
        if written is not None and len(written) > HEAD_MAX:
            entries.put(f"{self._name}/head", written)
            folded.head = b""
            return
        if folded.head == b"":
            entries.remove(f"{self._name}/head")
        folded.head = written

    # -- opening

    def _read_head(self) -> ListHead[Item]:
        written = self.folded.head
        if written == b"":
            written = self._unit.entries.get(f"{self._name}/head")
        head = self._head = ListHead() if written is None else self._codec.head.read(written)
        if head.numbers:
            _note_unknown_counts(head)
        self._unit.opened.append(self)
        return head

    def _open(self) -> ListHead[Item]:
        """The head, with nothing left in the tail."""
        head = self._head
        if head is None:
            head = self._read_head()
        if self.folded.tail_count:
            self._merge_tail(head)
        return head

    def _open_front(self) -> ListHead[Item]:
        """Enough to ask for the first item. What comes behind the front may stay in the tail: of a list from which one
        takes at one end and to which one adds at the other, no more than the front is touched."""
        head = self._head
        if head is None:
            head = self._read_head()
        folded = self.folded
        if folded.tail_count and not (head.front and self._is_behind_front(folded.tail_first)):
            self._merge_tail(head)
        return head

    def _is_behind_front(self, moment: int | None) -> bool:
        """Whether an item of this moment comes behind all that is in front."""
        head = self._head
        if moment is None or head is None:
            return False
        if head.numbers:
            return moment > int(head.firsts[0][0])
        return bool(head.front) and moment > int(head.front[-1][0])

    def _merge_tail(self, head: ListHead[Item]) -> None:
        folded = self.folded
        for item in self._codec.read_tail(folded):
            self._insert(head, item)
        folded.tail = b""
        folded.tail_count = 0
        folded.tail_first = None

    # -- front and chunks

    def _insert(self, head: ListHead[Item], item: Item) -> None:
        self._changed = True
        if head.numbers and item >= head.firsts[0]:
            at = bisect_right(head.firsts, item) - 1
            chunk = self._chunk(head.numbers[at])
            insort(chunk, item)
            limit = max(CHUNK_MAX, len(head.numbers))
            if len(chunk) > limit:
                # Most lists grow at their end: there a full chunk stays full.
                end = limit if chunk[-1] is item else limit // 2
                rest = chunk[end:]
                del chunk[end:]
                self._new_chunk(head, at + 1, rest)
            self._chunk_changed(head, at)
            return
        insort(head.front, item)
        if len(head.front) > FRONT_MAX:
            half = head.front[FRONT_MAX // 2 :]
            del head.front[FRONT_MAX // 2 :]
            self._new_chunk(head, 0, half)

    def _fill_front(self, head: ListHead[Item]) -> None:
        self._changed = True
        chunk = self._chunk(head.numbers[0])
        if len(chunk) <= FRONT_MAX:
            head.front = chunk
            self._drop_chunk(head, 0)
            return
        head.front = chunk[:FRONT_MAX]
        del chunk[:FRONT_MAX]
        head.firsts[0] = chunk[0]
        self._chunk_changed(head, 0)

    def _chunk(self, number: int) -> list[Item]:
        chunk = self._chunks.get(number)
        if chunk is None:
            raw = self._unit.entries.get(f"{self._name}/{number}")
            chunk = self._chunks[number] = [] if raw is None else self._codec.chunk.read(raw)
        return chunk

    def _new_chunk(self, head: ListHead[Item], at: int, items: list[Item]) -> None:
        number = head.next_number
        head.next_number += 1
        head.firsts.insert(at, items[0])
        head.numbers.insert(at, number)
        head.counts.insert(at, len(items))
        self._chunks[number] = items
        self._dirty.add(number)

    def _chunk_changed(self, head: ListHead[Item], at: int) -> None:
        head.counts[at] = len(self._chunk(head.numbers[at]))
        self._dirty.add(head.numbers[at])

    def _drop_chunk(self, head: ListHead[Item], at: int) -> None:
        number = head.numbers.pop(at)
        del head.firsts[at], head.counts[at]
        self._chunks.pop(number, None)
        self._dirty.discard(number)
        self._gone.add(number)


def _note_unknown_counts(head: ListHead[Any]) -> None:
    """A release before this wrote none, and dropped those that it read."""
    if len(head.counts) != len(head.numbers):
        head.counts = [UNKNOWN] * len(head.numbers)
