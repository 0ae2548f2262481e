"""Transactions between their intake and their decider, where both are in one process: read once instead of twice."""

from __future__ import annotations

from loyalty.wire.events import Transaction

MAX_BYTES = 8 * 1024 * 1024


class EventsOnTheirWay:
    """Events by the value that they were read from. Nobody changes an event; where one is not found, it is read again.

    Where the decider is in another process nobody takes them out. So what it holds is bounded: by the bytes of the
    values, of which what was read takes a few times as many.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._events: dict[bytes, Transaction] = {}
        self._bytes = 0

    def put(self, value: bytes, event: Transaction) -> None:
        size = len(value)
        if self._bytes + size > self._max_bytes:
            self._events.clear()
            self._bytes = 0
            if size > self._max_bytes:
                return
        if value not in self._events:
            self._bytes += size
        self._events[value] = event

    def take(self, value: bytes) -> Transaction | None:
        """The event, which is let go of; None where it is not here."""
        event = self._events.pop(value, None)
        if event is not None:
            self._bytes -= len(value)
        return event


ON_THEIR_WAY = EventsOnTheirWay()
"""Those of this process."""
