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


def test_where_nobody_takes_them_there_are_never_more_than_fit_and_the_last_are_there() -> None:
    read = _read(40)
    size = max(len(value) for value, _ in read)
    for count in range(1, len(read)):
        events = EventsOnTheirWay(max_bytes=10 * size)
        for value, event in read[:count]:
            events.put(value, event)
        left = [value for value, event in read[:count] if events.take(value) is event]
        assert sum(map(len, left)) <= 10 * size
        assert [value for value, _ in read[:count]][-min(count, 5) :] == left[-min(count, 5) :]


def test_one_that_is_larger_than_all_that_fits_is_not_kept() -> None:
    ((value, event),) = _read(1)
    events = EventsOnTheirWay(max_bytes=len(value))
    events.put(value, event)
    assert events.take(value) is None
