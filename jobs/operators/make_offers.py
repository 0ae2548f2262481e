"""The operator that makes offers: the one owner of every cap and every budget."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Protocol

from pyflink.common import Types
from pyflink.datastream import RuntimeContext

from jobs.operators.adapters import dead_letter, offered, wall_clock_ms
from jobs.runtime.entry_queue import EntryQueue
from jobs.runtime.names import OFFER_ENTRIES
from jobs.runtime.outputs import Sent
from jobs.runtime.state_entries import FlinkEntries
from loyalty.offers.making import Offers
from loyalty.state.codec import StateEntries

PUBLISHED, GO, MATCHED, REFUSED = b"P", b"G", b"M", b"R"
"""What an element is, by its first byte: a fact for the maker, the word to go on, an engagement that fits campaigns, a
dead letter."""

ONLY_KEY = 0
TO_MAKER = Types.ROW([Types.INT(), Types.PRIMITIVE_ARRAY(Types.BYTE())])


def to_maker(kind: bytes, payload: bytes = b"") -> tuple[int, bytes]:
    """An element for `make-offers`, under its one key."""
    return ONLY_KEY, kind + payload


_NUMBER = struct.Struct("<Q")
_COUNT = "@published"


def numbered(published: int, payload: bytes) -> bytes:
    """`payload` behind the number of facts that have to reach the maker before it."""
    return _NUMBER.pack(published) + payload


def number_of(packed: bytes) -> tuple[int, bytes]:
    """What `numbered` was given."""
    return _NUMBER.unpack_from(packed)[0], packed[_NUMBER.size :]


_KEY = struct.Struct("<i")


def pack_refused(key: bytes | None, value: bytes) -> bytes:
    return (_KEY.pack(-1) if key is None else _KEY.pack(len(key)) + key) + value


def unpack_refused(packed: bytes) -> tuple[bytes | None, bytes]:
    (length,) = _KEY.unpack_from(packed)
    end = _KEY.size + max(0, length)
    return packed[_KEY.size : end] if length >= 0 else None, packed[end:]


class Maker(Protocol):
    """`loyalty.offers.making.OfferMaker`, or what a test puts in its place. One instance, one set of state entries."""

    def published(self, entries: StateEntries, payload: bytes, /) -> None:
        """A fact. An offer decision that was published is decided for good, by this job or by one before it."""
        ...

    def settle(self, entries: StateEntries, payload: bytes, /) -> Offers:
        """Decide an engagement that fits campaigns."""
        ...


class MakeOffers:
    """Runs once, under one constant key, so nobody else can spend what it is about to.

    After each start it decides nothing until the intake says go: by then every offer that was published when the job
    started has come before, on the same output. Nothing orders that one against the other, so an engagement also says
    how many facts were accepted before it. Those that have to wait do so in state, in their order.
    """

    def __init__(self, maker: Maker, now: Callable[[], int] = wall_clock_ms) -> None:
        self._maker = maker
        self._now = now
        self._goes_on = False
        self._published: int | None = None

    def open(self, runtime_context: RuntimeContext) -> None:
        self._entries = FlinkEntries(runtime_context, OFFER_ENTRIES)
        self._waiting = EntryQueue(self._entries)
        self._none_waits = False

    def process_element(self, value: bytes, ctx: Any) -> Sent:
        if self._published is None:
            self._published = int(self._entries.get(_COUNT) or 0)
            self._none_waits = not self._waiting
        kind, payload = value[:1], value[1:]
        if kind == MATCHED:
            published, content = number_of(payload)
            if self._goes_on and self._none_waits and published <= self._published:
                yield from self._settle(content)
            else:
                self._waiting.add(payload)
                self._none_waits = False
        elif kind == REFUSED:
            yield dead_letter(*unpack_refused(payload))
        else:
            if kind == PUBLISHED:
                self._maker.published(self._entries, payload)
                self._published += 1
                self._entries.put(_COUNT, b"%d" % self._published)
            else:
                assert kind == GO
                self._goes_on = True
            yield from self._catch_up(self._published)

    def on_timer(self, timestamp: int, ctx: Any) -> Sent:
        """Sets none."""
        return ()

    def _catch_up(self, known: int) -> Sent:
        """Decide those that need wait no longer."""
        while self._goes_on and not self._none_waits:
            waited = self._waiting.first()
            if waited is None:
                self._none_waits = True
                return
            published, content = number_of(waited)
            if published > known:
                return
            self._waiting.remove_first()
            yield from self._settle(content)

    def _settle(self, content: bytes) -> Sent:
        return offered(self._maker.settle(self._entries, content), self._now())
