"""A sorted list gives what a plain one gives, however it is folded and opened in between."""

from __future__ import annotations

from bisect import bisect_left

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from loyalty.state.sorted_list import CHUNK_MAX, FRONT_MAX, HEAD_MAX, TAIL_MAX, SortedList
from loyalty.state.unit_of_work import UnitOfWork
from loyalty.state.written_list import Folded, ListCodec, ListHead
from tests.domain.counting import CountingEntries
from tests.oracle.tries import tried_with

Item = tuple[int, int]

CODEC: ListCodec[Item] = ListCodec(ListHead[Item], list[Item])
WIDE = 2**70


class Kept:
    """A list that is written down and folded again, beside a plain one of what must be in it."""

    def __init__(self) -> None:
        self.entries = CountingEntries()
        self.unit = UnitOfWork(self.entries)
        self.expected: list[Item] = []
        self.list: SortedList[Item] = SortedList("s", CODEC, self.unit)

    def fold(self) -> None:
        self.unit.save()
        self.unit.turn_to(self.entries)
        self.list.folded = msgspec.msgpack.decode(self.written, type=Folded)

    def fold_as_an_older_release(self) -> None:
        """It knows nothing of how many items a chunk has."""
        self.fold()
        folded = self.list.folded
        written = folded.head or self.entries.get("s/head")
        if written is not None:
            head = CODEC.head.read(written)
            head.counts = []
            if folded.head:
                folded.head = CODEC.head.write(head)
            else:
                self.entries.put("s/head", CODEC.head.write(head))

    @property
    def written(self) -> bytes:
        """As it stands in a core entry."""
        return msgspec.msgpack.encode(self.list.folded)

    def add(self, item: Item) -> None:
        self.list.add(item)
        self.expected = sorted([*self.expected, item])

    def remove(self, at: int) -> None:
        if self.expected:
            self.list.remove(self.expected.pop(at % len(self.expected)))

    def check_the_moment(self) -> None:
        assert self.list.folded.first == (self.expected[0][0] if self.expected else None)

    def check(self, bound: int) -> None:
        expected, at = self.expected, bisect_left(self.expected, (bound,))
        assert list(self.list) == expected
        assert self.list.first() == (expected[0] if expected else None)
        assert self.list.last() == (expected[-1] if expected else None)
        assert self.list.at_or_after((bound,)) == (expected[at] if at < len(expected) else None)
        assert self.list.count_between((bound,), (bound + 20,)) == bisect_left(expected, (bound + 20,)) - at


moments = st.integers(0, 60)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), moments),
        st.tuples(st.just("add a wide one"), moments),
        st.tuples(st.just("add many"), moments),
        st.tuples(st.just("remove"), st.integers(0, 500)),
        st.tuples(st.just("remove many"), st.integers(0, 500)),
        st.tuples(st.just("fold"), moments),
        st.tuples(st.just("fold as an older release"), moments),
        st.tuples(st.just("check"), moments),
    ),
    max_size=40,
)


@tried_with(300)
@given(steps)
def test_a_sorted_list_gives_what_a_plain_one_gives(plan: list[tuple[str, int]]) -> None:
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
        elif what == "fold as an older release":
            kept.fold_as_an_older_release()
        else:
            kept.check(value)
        kept.check_the_moment()
    kept.fold()
    kept.check_the_moment()
    kept.check(30)


def test_what_is_added_leaves_the_list_folded() -> None:
    kept = Kept()
    for moment in range(TAIL_MAX):
        kept.add((moment, moment))
    assert not kept.unit.opened
    kept.add((TAIL_MAX, 0))
    assert kept.unit.opened


def test_a_long_list_keeps_only_its_front_in_the_core_entry() -> None:
    kept = Kept()
    for moment in range(10 * CHUNK_MAX):
        kept.add((moment, moment))
        kept.fold()
    assert kept.entries.entries
    assert len(kept.written) < 600
    kept.check(100)


def test_a_head_that_has_become_long_moves_to_an_entry_and_comes_back() -> None:
    kept = Kept()
    for moment in range(10**9, 10**9 + 100 * CHUNK_MAX):
        kept.add((moment, moment))
        kept.fold()
    assert "s/head" in kept.entries.entries
    assert len(kept.written) < HEAD_MAX
    kept.check(10**9 + 100)
    while kept.expected:
        kept.remove(0)
        kept.fold()
    assert kept.entries.entries == {}


def cost_of(kept: Kept, moment: int) -> tuple[int, int]:
    """How many entries, and how many bytes of them, it takes to add an item and count those of a span up to it."""
    kept.fold()
    kept.entries.begin()
    kept.list.add((moment, moment))
    assert kept.list.count_between((moment - 1_000,), (moment + 1,)) == 1_001
    kept.fold()
    return kept.entries.touched, kept.entries.bytes


def test_what_it_takes_to_count_a_span_grows_with_the_root_of_the_length_only() -> None:
    kept = Kept()
    costs = {}
    for moment in range(10**9, 10**9 + 20_001):
        kept.list.add((moment, moment))
        if moment % 500 == 499:
            kept.fold()
        if moment % 10**9 in (4_999, 19_999):
            costs[moment % 10**9 + 1] = cost_of(kept, moment + 1)
            kept.list.remove((moment + 1, moment + 1))
    (_, bytes_before), (entries, size) = costs[5_000], costs[20_000]
    assert entries <= 6  # the head and two chunks read, the head and one or two chunks written
    assert size < 3 * bytes_before


def test_what_an_older_release_did_not_count_is_counted_once() -> None:
    kept = Kept()
    for moment in range(50 * CHUNK_MAX):
        kept.add((moment, moment))
    kept.fold_as_an_older_release()
    reads = []
    for _ in range(2):
        kept.entries.begin()
        assert kept.list.count_between((1,), (50 * CHUNK_MAX,)) == 50 * CHUNK_MAX - 1
        reads.append(len(kept.entries.read))
        kept.fold()
    assert reads[0] > 40
    assert reads[1] <= 3
