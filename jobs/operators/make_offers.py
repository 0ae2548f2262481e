"""The operator that makes offers: the one owner of every cap and every budget."""

from __future__ import annotations

import struct
from typing import Any

from pyflink.common import Types
from pyflink.datastream import RuntimeContext

from jobs.domain import DEAD_LETTERS, Output
from jobs.offers_domain import Maker
from jobs.operators.decide_for_account import written
from jobs.runtime.entry_queue import Waiting
from jobs.runtime.names import OFFER_PAGES
from jobs.runtime.outputs import Sent
from jobs.runtime.state_entries import FlinkEntries

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
    return _NUMBER.unpack_from(packed)[0], packed[_NUMBER.size :]


_KEY = struct.Struct("<i")


def pack_refused(key: bytes | None, value: bytes) -> bytes:
    return (_KEY.pack(-1) if key is None else _KEY.pack(len(key)) + key) + value


def unpack_refused(packed: bytes) -> Output:
    (length,) = _KEY.unpack_from(packed)
    end = _KEY.size + max(0, length)
    return Output(DEAD_LETTERS, packed[_KEY.size : end] if length >= 0 else None, packed[end:])


class MakeOffers:
    """Runs once, under one constant key, so nobody else can spend what it is about to.

    After each start it decides nothing until the intake says go: by then every offer that was published when the job
    started has come before, on the same edge. Nothing orders that edge against the other one, so an engagement also
    says how many facts were accepted before it. Those that have to wait do so in state, in their order.
    """

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._goes_on = False
        self._published: int | None = None

    def open(self, runtime_context: RuntimeContext) -> None:
        self._pages = FlinkEntries(runtime_context, OFFER_PAGES)
        self._waiting = Waiting(self._pages)
        self._none_waits = False

    def process_element(self, value: bytes, ctx: Any) -> Sent:
        if self._published is None:
            self._published = int(self._pages.get(_COUNT) or 0)
            self._none_waits = not self._waiting
        kind, payload = value[:1], value[1:]
        if kind == MATCHED:
            published, content = number_of(payload)
            if self._goes_on and self._none_waits and published <= self._published:
                yield from written(self._maker.decide(self._pages, content))
            else:
                self._waiting.add(payload)
                self._none_waits = False
        elif kind == REFUSED:
            yield from written([unpack_refused(payload)])
        else:
            if kind == PUBLISHED:
                self._maker.learn(self._pages, payload)
                self._published += 1
                self._pages.put(_COUNT, b"%d" % self._published)
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
            yield from written(self._maker.decide(self._pages, content))
