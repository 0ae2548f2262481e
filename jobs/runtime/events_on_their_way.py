"""Transactions between their intake and their decider, where both are in one process: read once instead of twice."""

from __future__ import annotations

from loyalty.wire.events import Transaction

MAX_BYTES = 8 * 1024 * 1024


class EventsOnTheirWay:
    """Events by the value that they were read from. Nobody changes an event; where one is not found, it is read again.

    Where the decider is in another process nobody takes them out. So what it holds is bounded: by the bytes of the
    values, of which what was read takes a few times as many. When half of that has been put, the half before it is let
    go of, whatever has been taken meanwhile: intake and decider are two threads, and share no counter.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._half = max_bytes // 2
        self._new: dict[bytes, Transaction] = {}
        self._old: dict[bytes, Transaction] = {}
        self._put = 0
        """Bytes of all that was put into the new half."""

    def put(self, value: bytes, event: Transaction) -> None:
        size = len(value)
        self._put += size
        if self._put > self._half:
            self._old, self._new, self._put = self._new, {}, size
        if size <= self._half:
            self._new[value] = event

    def take(self, value: bytes) -> Transaction | None:
        """The event, which is let go of; None where it is not here."""
        event = self._new.pop(value, None)
        return self._old.pop(value, None) if event is None else event


ON_THEIR_WAY = EventsOnTheirWay()
"""Those of this process."""
