"""The start barrier, and the queue in which transactions wait for it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from jobs.operators.start_barrier import StartBarrier
from jobs.runtime.entry_queue import EntryQueue
from jobs.topics import MEMBERS, PROGRAM, TRANSACTIONS
from loyalty.records import Record
from loyalty.state.codec import DictEntries


def _packed(topic: str, offset: int, partition: int = 0, key: bytes | None = b"k", value: bytes | None = b"v") -> bytes:
    lengths = [-1 if part is None else len(part) for part in (key, value)]
    head = f"{topic} {partition} {offset} 1700000000000 {lengths[0]} {lengths[1]}\n"
    return head.encode() + (key or b"") + (value or b"")


def _places(records: Iterable[Record]) -> list[tuple[str, int]]:
    return [(record.topic, record.offset) for record in records]


def test_transactions_wait_in_order_until_every_reference_topic_is_read_to_its_end() -> None:
    barrier = StartBarrier(DictEntries(), {TRANSACTIONS: {0: 9}, PROGRAM: {0: 4}, MEMBERS: {0: 1, 1: 7}}, TRANSACTIONS)
    assert _places(barrier.admit(_packed(TRANSACTIONS, 0))) == []
    assert _places(barrier.admit(_packed(MEMBERS, 1))) == [(MEMBERS, 1)]
    assert _places(barrier.admit(_packed(TRANSACTIONS, 1))) == []
    # Offset 4 itself may be gone by now: any later record will do.
    assert _places(barrier.admit(_packed(PROGRAM, 6))) == [(PROGRAM, 6)]
    assert _places(barrier.admit(_packed(MEMBERS, 7, partition=1))) == [
        (MEMBERS, 7),
        (TRANSACTIONS, 0),
        (TRANSACTIONS, 1),
    ]
    assert _places(barrier.admit(_packed(TRANSACTIONS, 2))) == [(TRANSACTIONS, 2)]


def test_without_reference_records_nothing_waits() -> None:
    barrier = StartBarrier(DictEntries(), {TRANSACTIONS: {0: 9}, PROGRAM: {}}, TRANSACTIONS)
    assert _places(barrier.admit(_packed(TRANSACTIONS, 0))) == [(TRANSACTIONS, 0)]


def test_after_a_restart_what_waited_still_waits_and_what_was_read_counts_as_read() -> None:
    entries = DictEntries()
    last = {PROGRAM: {0: 1}, MEMBERS: {0: 0}}
    first = StartBarrier(entries, last, TRANSACTIONS)
    assert _places(first.admit(_packed(TRANSACTIONS, 0))) == []
    assert _places(first.admit(_packed(PROGRAM, 1))) == [(PROGRAM, 1)]

    again = StartBarrier(entries, last, TRANSACTIONS)
    assert _places(again.release()) == []
    assert _places(again.admit(_packed(TRANSACTIONS, 1))) == []
    assert _places(again.admit(_packed(MEMBERS, 0))) == [(MEMBERS, 0), (TRANSACTIONS, 0), (TRANSACTIONS, 1)]

    # A failure may come between the last reference record and those that waited for it.
    third = StartBarrier(entries, {**last, PROGRAM: {0: 2}}, TRANSACTIONS)
    assert _places(third.admit(_packed(TRANSACTIONS, 2))) == []
    fourth = StartBarrier(entries, last, TRANSACTIONS)
    assert _places(fourth.release()) == [(TRANSACTIONS, 2)]
    assert _places(fourth.release()) == []


def test_it_knows_which_transactions_of_before_the_start_are_still_to_come() -> None:
    entries = DictEntries()
    last = {TRANSACTIONS: {0: 1, 1: 5}, PROGRAM: {0: 0}}
    barrier = StartBarrier(entries, last, TRANSACTIONS)
    assert barrier.unread() == {0: 1, 1: 5}
    list(barrier.admit(_packed(TRANSACTIONS, 1)))
    assert StartBarrier(entries, last, TRANSACTIONS).unread() == {0: 1, 1: 5}, "one that waits has not been taken"
    list(barrier.admit(_packed(PROGRAM, 0)))
    assert StartBarrier(entries, last, TRANSACTIONS).unread() == {1: 5}


@given(st.lists(st.one_of(st.binary(), st.none())))
def test_the_queue_gives_back_what_it_was_given_in_order(elements: list[bytes | None]) -> None:
    """None stands for taking one out."""
    entries = DictEntries({"mine": b"1"})
    queue, expected = EntryQueue(entries), []
    for element in elements:
        if element is not None:
            queue.add(element)
            expected.append(element)
        elif expected:
            assert queue.first() == expected.pop(0)
            queue.remove_first()
        assert bool(queue) is bool(expected)
        assert EntryQueue(entries).first() == (expected[0] if expected else None)
    assert list(queue.release()) == expected
    assert entries.entries == {"mine": b"1"}, "nothing is left behind"


def test_state_entries_of_the_job_are_marked() -> None:
    entries = DictEntries()
    barrier = StartBarrier(entries, {MEMBERS: {0: 5}}, TRANSACTIONS)
    for offset, topic in zip(count(), [TRANSACTIONS, PROGRAM]):
        list(barrier.admit(_packed(topic, offset)))
    assert entries.entries
    assert all(name.startswith("@") for name in entries.entries)
