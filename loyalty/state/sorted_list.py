"""A sorted list that stays cheap however long it gets.

The smallest entries stand in front, inside the page that is read for every event anyway; the rest lies in pages of
its own that are read only when an entry in them is asked for. So an event of an account with thousands of lots
touches as few bytes as one of an account with ten.

Most events only ask when the first entry is due, and add one that is due later. So an account keeps its shelves
*folded* (`Folded`): the moment of the first entry is at hand, the front is read when an entry is asked for, and what is
added meanwhile lies unsorted behind it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from loyalty.state.codec import EntryCodec, StateEntries

Entry = TypeVar("Entry", bound=tuple[Any, ...])

FRONT_MAX = 24
PAGE_MAX = 48
TAIL_MAX = 24
HEAD_MAX = 1_024
"""Bytes: the core page is read and written with every event, a longer head is not."""


_write_entry = msgspec.msgpack.Encoder().encode


class SortedListHead(msgspec.Struct, Generic[Entry], array_like=True, gc=False):
    """What is kept of a shelf in the account's core page; written down by itself, so that it is read only when asked
    for."""

    front: list[Entry] = []
    firsts: list[Entry] = []
    numbers: list[int] = []
    next_number: int = 0


class SortedList(Generic[Entry]):
    """A view of one shelf of one account; writes its pages at `save`. Whoever opened it keeps `head`, if `changed`."""

    __slots__ = ("_codec", "_dirty", "_gone", "_loaded", "_name", "_pages", "changed", "head")

    def __init__(
        self, name: str, head: SortedListHead[Entry], pages: StateEntries, codec: EntryCodec[list[Entry]]
    ) -> None:
        self._name = name
        self.head = head
        self.changed = False
        self._pages = pages
        self._codec = codec
        self._loaded: dict[int, list[Entry]] = {}
        self._dirty: set[int] = set()
        self._gone: set[int] = set()

    def _page(self, number: int) -> list[Entry]:
        page = self._loaded.get(number)
        if page is None:
            raw = self._pages.get(f"{self._name}/{number}")
            page = self._loaded[number] = [] if raw is None else self._codec.read(raw)
        return page

    def _new_page(self, at: int, entries: list[Entry]) -> None:
        number = self.head.next_number
        self.head.next_number += 1
        self.head.firsts.insert(at, entries[0])
        self.head.numbers.insert(at, number)
        self._loaded[number] = entries
        self._dirty.add(number)

    def _drop_page(self, at: int) -> None:
        self.changed = True
        number = self.head.numbers.pop(at)
        del self.head.firsts[at]
        self._loaded.pop(number, None)
        self._dirty.discard(number)
        self._gone.add(number)

    def __bool__(self) -> bool:
        return bool(self.head.front or self.head.numbers)

    def __iter__(self) -> Iterator[Entry]:
        """Every entry, smallest first. The shelf must not change meanwhile."""
        yield from self.head.front
        for number in self.head.numbers:
            yield from self._page(number)

    def add(self, entry: Entry) -> None:
        head = self.head
        self.changed = True
        if head.numbers and entry >= head.firsts[0]:
            at = bisect_right(head.firsts, entry) - 1
            page = self._page(head.numbers[at])
            insort(page, entry)
            self._dirty.add(head.numbers[at])
            if len(page) > PAGE_MAX:
                # Most shelves grow at their end: there a full page stays full.
                end = PAGE_MAX if page[-1] is entry else PAGE_MAX // 2
                rest = page[end:]
                del page[end:]
                self._new_page(at + 1, rest)
            return
        insort(head.front, entry)
        if len(head.front) > FRONT_MAX:
            half = head.front[FRONT_MAX // 2 :]
            del head.front[FRONT_MAX // 2 :]
            self._new_page(0, half)

    def remove(self, entry: Entry) -> None:
        """Take out an entry that is on the shelf; ValueError when it is not."""
        head = self.head
        self.changed = True
        if head.numbers and entry >= head.firsts[0]:
            at = bisect_right(head.firsts, entry) - 1
            page = self._page(head.numbers[at])
            page.remove(entry)
            self._dirty.add(head.numbers[at])
            if not page:
                self._drop_page(at)
            return
        head.front.remove(entry)

    def first(self) -> Entry | None:
        head = self.head
        if not head.front:
            if not head.numbers:
                return None
            self._fill_front()
        return head.front[0]

    def _fill_front(self) -> None:
        head, page = self.head, self._page(self.head.numbers[0])
        if len(page) <= FRONT_MAX:
            head.front = page
            self._drop_page(0)
            return
        self.changed = True
        head.front = page[:FRONT_MAX]
        del page[:FRONT_MAX]
        head.firsts[0] = page[0]
        self._dirty.add(head.numbers[0])

    def last(self) -> Entry | None:
        if self.head.numbers:
            return self._page(self.head.numbers[-1])[-1]
        return self.head.front[-1] if self.head.front else None

    def at_or_after(self, bound: tuple[Any, ...]) -> Entry | None:
        """The smallest entry that is not below `bound` (a prefix of an entry will do)."""
        front = self.head.front
        if front and front[-1] >= bound:
            return front[bisect_left(front, bound)]
        start = max(bisect_right(self.head.firsts, bound) - 1, 0)
        for number in self.head.numbers[start:]:
            page = self._page(number)
            if page and page[-1] >= bound:
                return page[bisect_left(page, bound)]
        return None

    def count_between(self, low: tuple[Any, ...], high: tuple[Any, ...]) -> int:
        """How many entries are not below `low` and below `high`."""
        count = bisect_left(self.head.front, high) - bisect_left(self.head.front, low)
        for at, number in enumerate(self.head.numbers):
            if self.head.firsts[at] >= high:
                break
            if at + 1 < len(self.head.firsts) and self.head.firsts[at + 1] < low:
                continue
            page = self._page(number)
            count += bisect_left(page, high) - bisect_left(page, low)
        return count

    def save(self) -> None:
        """Writes what changed, all but the head."""
        if self._dirty or self._gone:
            for number in self._dirty:
                self._pages.put(f"{self._name}/{number}", self._codec.write(self._loaded[number]))
            for number in self._gone:
                self._pages.remove(f"{self._name}/{number}")
            self._dirty.clear()
            self._gone.clear()


class Folded(msgspec.Struct, array_like=True, gc=False):
    """A shelf as the core page holds it. The entries of a shelf that is kept so begin with a moment, in ms."""

    first: int | None = None
    """The moment of the first entry; None where the shelf is empty."""
    head: bytes | None = None
    """The head, written down by itself; empty where it is so long that it has a page of its own."""
    tail: bytes = b""
    """Entries that were added since, one behind the other."""
    tail_count: int = 0
    tail_first: int | None = None
    """The least moment in the tail; None where a release before did not note it, or it is empty."""


class SortedListCodec(Generic[Entry]):
    """Reads and writes the parts of a folded shelf."""

    def __init__(self, head: EntryCodec[SortedListHead[Entry]], page: EntryCodec[list[Entry]]) -> None:
        self.head = head
        self.page = page
        self._read_entries = msgspec.msgpack.Decoder(page.shape).decode

    def read_tail(self, folded: Folded) -> list[Entry]:
        # The head of a msgpack array of so many elements.
        entries: list[Entry] = self._read_entries(b"\xdc" + folded.tail_count.to_bytes(2, "big") + folded.tail)
        return entries


class Owner(Protocol):
    """Whose shelves they are."""

    unfolded: dict[FoldedList[Any], SortedList[Any]]
    """Those that have been unfolded in this unit of work."""

    @property
    def pages(self) -> StateEntries: ...


def _is_behind(moment: int | None, head: SortedListHead[Any]) -> bool:
    """Whether an entry of this moment comes behind all that is in front."""
    if moment is None:
        return False
    if head.numbers:
        return moment > int(head.firsts[0][0])
    return bool(head.front) and moment > int(head.front[-1][0])


class FoldedList(Generic[Entry]):
    """A `SortedList` that is unfolded when an entry is asked for; `save` leaves its `Folded` as it is to be kept.

    It holds nothing itself, so one does for all accounts that an owner turns to.
    """

    __slots__ = ("_codec", "_folded", "_head_page", "_name", "_owner")

    def __init__(self, name: str, codec: SortedListCodec[Entry], owner: Owner, folded: Callable[[Any], Folded]) -> None:
        """`folded` gives the owner's present `Folded` of this shelf."""
        self._name = name
        self._head_page = f"{name}/head"
        self._codec = codec
        self._owner = owner
        self._folded = folded

    def _open(self) -> SortedList[Entry]:
        """All of it."""
        shelf = self._unfold()
        folded = self._folded(self._owner)
        if folded.tail_count:
            self._merge(shelf, folded)
        return shelf

    def _open_front(self) -> SortedList[Entry]:
        """Enough of it to ask for its first entry. What comes behind the front may stay in the tail: of a shelf from
        which one takes at one end and to which one adds at the other, no more than the front is touched."""
        shelf = self._unfold()
        folded = self._folded(self._owner)
        if folded.tail_count and not (shelf.head.front and _is_behind(folded.tail_first, shelf.head)):
            self._merge(shelf, folded)
        return shelf

    def _unfold(self) -> SortedList[Entry]:
        owner, codec = self._owner, self._codec
        known = owner.unfolded.get(self)
        if known is not None:
            return known
        folded = self._folded(owner)
        written = owner.pages.get(self._head_page) if folded.head == b"" else folded.head
        head: SortedListHead[Entry] = SortedListHead() if written is None else codec.head.read(written)
        shelf = owner.unfolded[self] = SortedList(self._name, head, owner.pages, codec.page)
        return shelf

    def _merge(self, shelf: SortedList[Entry], folded: Folded) -> None:
        for entry in self._codec.read_tail(folded):
            shelf.add(entry)
        folded.tail = b""
        folded.tail_count = 0
        folded.tail_first = None

    def add(self, entry: Entry) -> None:
        owner = self._owner
        folded = self._folded(owner)
        moment = entry[0]
        if folded.first is None or moment < folded.first:
            folded.first = moment
        if folded.tail_count < TAIL_MAX:
            shelf = owner.unfolded.get(self)
            if shelf is None or _is_behind(moment, shelf.head):
                try:
                    folded.tail += _write_entry(entry)
                except OverflowError:  # a number wider than 64 bits
                    pass
                else:
                    if not folded.tail_count or (folded.tail_first is not None and moment < folded.tail_first):
                        folded.tail_first = moment
                    folded.tail_count += 1
                    return
        self._open().add(entry)

    def remove(self, entry: Entry) -> None:
        """Take out an entry that is on the shelf; ValueError when it is not."""
        shelf = self._open_front()
        front = shelf.head.front
        if not front or entry > front[-1]:
            shelf = self._open()
        shelf.remove(entry)
        self.first()

    def first(self) -> Entry | None:
        first = self._open_front().first()
        self._folded(self._owner).first = None if first is None else first[0]
        return first

    def last(self) -> Entry | None:
        return self._open().last()

    def at_or_after(self, bound: tuple[Any, ...]) -> Entry | None:
        """The smallest entry that is not below `bound` (a prefix of an entry will do)."""
        return self._open().at_or_after(bound)

    def count_between(self, low: tuple[Any, ...], high: tuple[Any, ...]) -> int:
        """How many entries are not below `low` and below `high`."""
        return self._open().count_between(low, high)

    def __iter__(self) -> Iterator[Entry]:
        """Every entry, smallest first. The shelf must not change meanwhile."""
        yield from self._open()

    def save(self) -> None:
        """Writes what changed, all but what its `Folded` holds."""
        shelf = self._owner.unfolded.get(self)
        if shelf is not None and shelf.changed:
            shelf.save()
            shelf.changed = False
            self._keep_head(shelf.head)

    def _keep_head(self, head: SortedListHead[Entry]) -> None:
        folded, pages = self._folded(self._owner), self._owner.pages
        written = self._codec.head.write(head) if head.front or head.numbers else None
        if written is not None and len(written) > HEAD_MAX:
            pages.put(self._head_page, written)
            folded.head = b""
            return
        if folded.head == b"":
            pages.remove(self._head_page)
        folded.head = written
