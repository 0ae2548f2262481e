"""Events between their intake and their decider: given once, and never more of them than fit."""

from __future__ import annotations

from bench import inputs
from jobs.runtime.events_on_their_way import EventsOnTheirWay
from loyalty.wire.events import Transaction, read_transaction


def _read(count: int) -> list[tuple[bytes, Transaction]]:
    values = [record.value or b"" for record in inputs.purchases(count, 7)]
    return [(value, read_transaction(value)) for value in values]


def test_an_event_is_given_once_to_who_has_its_bytes() -> None:
    events = EventsOnTheirWay()
    (value, event), (other, _) = _read(2)
    events.put(value, event)
    assert events.take(other) is None
    assert events.take(bytes(bytearray(value))) is event
    assert events.take(value) is None


def test_where_nobody_takes_them_they_are_let_go_before_they_are_more_than_fit() -> None:
    read = _read(40)
    size = max(len(value) for value, _ in read)
    events = EventsOnTheirWay(max_bytes=10 * size)
    for value, event in read:
        events.put(value, event)
        assert events.take(value) is event, "the last that came is always there"
        events.put(value, event)
        events.put(value, event)
    left = [value for value, _ in read if events.take(value) is not None]
    assert 0 < sum(map(len, left)) <= 10 * size


def test_what_was_taken_makes_room() -> None:
    read = _read(40)
    events = EventsOnTheirWay(max_bytes=2 * max(len(value) for value, _ in read))
    events.put(*read[0])
    for value, event in read[1:]:
        events.put(value, event)
        assert events.take(value) is event
    assert events.take(read[0][0]) is read[0][1]


def test_one_that_is_larger_than_all_that_fits_is_not_kept() -> None:
    ((value, event),) = _read(1)
    events = EventsOnTheirWay(max_bytes=len(value) - 1)
    events.put(value, event)
    assert events.take(value) is None
