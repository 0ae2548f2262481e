"""The gate, and the queue in which transactions wait for it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from jobs.domain import Record, Watermark
from jobs.operators.start_barrier import Gate
from jobs.runtime.entry_queue import Waiting
from jobs.runtime.packing import (
    Envelope,
    pack_document,
    pack_envelope,
    unpack_document,
    unpack_envelope,
    unpack_record,
)
from jobs.topics import MEMBERS, PROGRAM, TRANSACTIONS
from loyalty.state.codec import DictEntries


def _packed(topic: str, offset: int, partition: int = 0, key: bytes | None = b"k", value: bytes | None = b"v") -> bytes:
    lengths = [-1 if part is None else len(part) for part in (key, value)]
    head = f"{topic} {partition} {offset} 1700000000000 {lengths[0]} {lengths[1]}\n"
    return head.encode() + (key or b"") + (value or b"")


def _places(records: Iterable[Record]) -> list[tuple[str, int]]:
    return [(record.topic, record.offset) for record in records]


def test_transactions_wait_in_order_until_every_reference_topic_is_read_to_its_end() -> None:
    gate = Gate(DictEntries(), {TRANSACTIONS: {0: 9}, PROGRAM: {0: 4}, MEMBERS: {0: 1, 1: 7}}, TRANSACTIONS)
    assert _places(gate.admit(_packed(TRANSACTIONS, 0))) == []
    assert _places(gate.admit(_packed(MEMBERS, 1))) == [(MEMBERS, 1)]
    assert _places(gate.admit(_packed(TRANSACTIONS, 1))) == []
    # Offset 4 itself may be gone by now: any later record will do.
    assert _places(gate.admit(_packed(PROGRAM, 6))) == [(PROGRAM, 6)]
    assert _places(gate.admit(_packed(MEMBERS, 7, partition=1))) == [
        (MEMBERS, 7),
        (TRANSACTIONS, 0),
        (TRANSACTIONS, 1),
    ]
    assert _places(gate.admit(_packed(TRANSACTIONS, 2))) == [(TRANSACTIONS, 2)]


def test_without_reference_records_nothing_waits() -> None:
    gate = Gate(DictEntries(), {TRANSACTIONS: {0: 9}, PROGRAM: {}}, TRANSACTIONS)
    assert _places(gate.admit(_packed(TRANSACTIONS, 0))) == [(TRANSACTIONS, 0)]


def test_after_a_restart_what_waited_still_waits_and_what_was_read_counts_as_read() -> None:
    pages = DictEntries()
    last = {PROGRAM: {0: 1}, MEMBERS: {0: 0}}
    first = Gate(pages, last, TRANSACTIONS)
    assert _places(first.admit(_packed(TRANSACTIONS, 0))) == []
    assert _places(first.admit(_packed(PROGRAM, 1))) == [(PROGRAM, 1)]

    again = Gate(pages, last, TRANSACTIONS)
    assert _places(again.release()) == []
    assert _places(again.admit(_packed(TRANSACTIONS, 1))) == []
    assert _places(again.admit(_packed(MEMBERS, 0))) == [(MEMBERS, 0), (TRANSACTIONS, 0), (TRANSACTIONS, 1)]

    # A failure may come between the last reference record and those that waited for it.
    third = Gate(pages, {**last, PROGRAM: {0: 2}}, TRANSACTIONS)
    assert _places(third.admit(_packed(TRANSACTIONS, 2))) == []
    fourth = Gate(pages, last, TRANSACTIONS)
    assert _places(fourth.release()) == [(TRANSACTIONS, 2)]
    assert _places(fourth.release()) == []


def test_it_knows_which_transactions_of_before_the_start_are_still_to_come() -> None:
    pages = DictEntries()
    last = {TRANSACTIONS: {0: 1, 1: 5}, PROGRAM: {0: 0}}
    gate = Gate(pages, last, TRANSACTIONS)
    assert gate.unread() == {0: 1, 1: 5}
    list(gate.admit(_packed(TRANSACTIONS, 1)))
    assert Gate(pages, last, TRANSACTIONS).unread() == {0: 1, 1: 5}, "one that waits has not been taken"
    list(gate.admit(_packed(PROGRAM, 0)))
    assert Gate(pages, last, TRANSACTIONS).unread() == {1: 5}


@given(st.lists(st.one_of(st.binary(), st.none())))
def test_the_queue_gives_back_what_it_was_given_in_order(elements: list[bytes | None]) -> None:
    """None stands for taking one out."""
    pages = DictEntries({"mine": b"1"})
    queue, expected = Waiting(pages), []
    for element in elements:
        if element is not None:
            queue.add(element)
            expected.append(element)
        elif expected:
            assert queue.first() == expected.pop(0)
            queue.remove_first()
        assert bool(queue) is bool(expected)
        assert Waiting(pages).first() == (expected[0] if expected else None)
    assert list(queue.release()) == expected
    assert pages.pages == {"mine": b"1"}, "nothing is left behind"


keys = st.one_of(st.none(), st.binary())


@given(keys, keys, st.integers(0, 1 << 62))
def test_a_record_comes_back_byte_by_byte(key: bytes | None, value: bytes | None, offset: int) -> None:
    packed = _packed(TRANSACTIONS, offset, 3, key, value)
    assert unpack_record(packed) == Record(TRANSACTIONS, 3, offset, 1_700_000_000_000, key, value)


any_text = st.text(st.characters(codec=None, exclude_categories=()))


@given(
    any_text,
    st.binary(),
    st.integers(0, 1 << 31),
    st.one_of(st.none(), st.builds(Watermark, st.integers(0, 8191), st.integers(-(1 << 48), 1 << 48))),
)
def test_a_parcel_comes_back(account_id: str, payload: bytes, documents: int, clock: Watermark | None) -> None:
    packed = pack_envelope(account_id, payload, documents, clock)
    assert unpack_envelope(packed) == Envelope(account_id, payload, documents, clock)


@given(st.integers(1, 1 << 40), any_text)
def test_a_document_comes_back(position: int, value: str) -> None:
    assert unpack_document(pack_document(position, value)) == (position, value)


def test_page_names_of_the_job_are_marked() -> None:
    pages = DictEntries()
    gate = Gate(pages, {MEMBERS: {0: 5}}, TRANSACTIONS)
    for offset, topic in zip(count(), [TRANSACTIONS, PROGRAM]):
        list(gate.admit(_packed(topic, offset)))
    assert pages.pages
    assert all(name.startswith("@") for name in pages.pages)
