"""A folded shelf gives what a sorted list gives, however it is folded and unfolded in between."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.state.codec import DictEntries, EntryCodec
from loyalty.state.sorted_list import (
    FRONT_MAX,
    HEAD_MAX,
    PAGE_MAX,
    TAIL_MAX,
    Folded,
    FoldedList,
    SortedList,
    SortedListCodec,
    SortedListHead,
)

Entry = tuple[int, int]

CODEC: SortedListCodec[Entry] = SortedListCodec(EntryCodec(SortedListHead[Entry], 1), EntryCodec(list[Entry], 1))
WIDE = 2**70


class Kept:
    """A shelf that is written down and folded again, beside a sorted list of what must be on it."""

    def __init__(self) -> None:
        self.pages = DictEntries()
        self.folded = Folded()
        self.unfolded: dict[FoldedList[Any], SortedList[Any]] = {}
        self.expected: list[Entry] = []
        self.shelf: FoldedList[Entry] = FoldedList("s", CODEC, self, attrgetter("folded"))

    def fold(self) -> None:
        for shelf in self.unfolded:
            shelf.save()
        self.unfolded.clear()
        self.folded = msgspec.msgpack.decode(msgspec.msgpack.encode(self.folded), type=Folded)

    def add(self, entry: Entry) -> None:
        self.shelf.add(entry)
        self.expected = sorted([*self.expected, entry])

    def remove(self, at: int) -> None:
        if self.expected:
            self.shelf.remove(self.expected.pop(at % len(self.expected)))

    def check_the_moment(self) -> None:
        assert self.folded.first == (self.expected[0][0] if self.expected else None)

    def check(self, bound: int) -> None:
        expected, at = self.expected, bisect_left(self.expected, (bound,))
        assert list(self.shelf) == expected
        assert self.shelf.first() == (expected[0] if expected else None)
        assert self.shelf.last() == (expected[-1] if expected else None)
        assert self.shelf.at_or_after((bound,)) == (expected[at] if at < len(expected) else None)
        assert self.shelf.count_between((bound,), (bound + 20,)) == bisect_left(expected, (bound + 20,)) - at


moments = st.integers(0, 60)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), moments),
        st.tuples(st.just("add a wide one"), moments),
        st.tuples(st.just("add many"), moments),
        st.tuples(st.just("remove"), st.integers(0, 500)),
        st.tuples(st.just("remove many"), st.integers(0, 500)),
        st.tuples(st.just("fold"), moments),
        st.tuples(st.just("check"), moments),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_a_folded_shelf_gives_what_a_sorted_list_gives(plan: list[tuple[str, int]]) -> None:
    kept = Kept()
    number = 0
    for what, value in plan:
        number += 1
        if what == "add":
            kept.add((value, number))
        elif what == "add a wide one":
            kept.add((value, WIDE + number))
        elif what == "add many":
            for each in range(TAIL_MAX):
                number += 1
                kept.add(((value + 7 * each) % 60, number))
        elif what == "remove":
            kept.remove(value)
        elif what == "remove many":
            for each in range(FRONT_MAX):
                kept.remove(value * each)
        elif what == "fold":
            kept.fold()
        else:
            kept.check(value)
        kept.check_the_moment()
    kept.fold()
    kept.check_the_moment()
    kept.check(30)


def test_what_is_added_leaves_the_shelf_folded() -> None:
    kept = Kept()
    for moment in range(TAIL_MAX):
        kept.add((moment, moment))
    assert not kept.unfolded
    kept.add((TAIL_MAX, 0))
    assert kept.unfolded


def test_a_long_shelf_keeps_only_its_front_in_the_core_page() -> None:
    kept = Kept()
    for moment in range(10 * PAGE_MAX):
        kept.add((moment, moment))
        kept.fold()
    assert kept.pages.pages
    assert len(msgspec.msgpack.encode(kept.folded)) < 600
    kept.check(100)


def test_a_head_that_has_become_long_moves_to_a_page_and_comes_back() -> None:
    kept = Kept()
    pages = kept.pages
    for moment in range(10**9, 10**9 + 100 * PAGE_MAX):
        kept.add((moment, moment))
        kept.fold()
    assert "s/head" in pages.pages
    assert len(msgspec.msgpack.encode(kept.folded)) < HEAD_MAX
    kept.check(10**9 + 100)
    while kept.expected:
        kept.remove(0)
        kept.fold()
    assert pages.pages == {}
