"""The operator that makes offers: the one owner of every cap and every budget."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext

from jobs.decide_for_account import rows
from jobs.domain import DEAD_LETTERS, Output
from jobs.names import OFFER_PAGES
from jobs.offers_domain import Maker
from jobs.pages import FlinkPages
from jobs.waiting import Waiting

PUBLISHED, GO, MATCHED, REFUSED = b"P", b"G", b"M", b"R"
"""What an element is, by its first byte: an offer decision that is on its topic, the word to go on, an engagement that
fits campaigns, a dead letter."""

ONLY_KEY = 0
TO_MAKER = Types.ROW([Types.INT(), Types.PRIMITIVE_ARRAY(Types.BYTE())])


def to_maker(kind: bytes, payload: bytes = b"") -> Row:
    """An element for `make-offers`, under its one key."""
    return Row(ONLY_KEY, kind + payload)


_KEY = struct.Struct("<i")


def pack_refused(key: bytes | None, value: bytes) -> bytes:
    return (_KEY.pack(-1) if key is None else _KEY.pack(len(key)) + key) + value


def unpack_refused(packed: bytes) -> Output:
    (length,) = _KEY.unpack_from(packed)
    end = _KEY.size + max(0, length)
    return Output(DEAD_LETTERS, packed[_KEY.size : end] if length >= 0 else None, packed[end:])


class MakeOffers(KeyedProcessFunction):  # type: ignore[misc]
    """Runs once, under one constant key, so nobody else can spend what it is about to.

    After each start it decides nothing until the intake says go: by then every offer that was published when the job
    started has come before, on the same edge. Engagements that come sooner, or had come before the checkpoint, wait in
    state, in their order.
    """

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._goes_on = False

    def open(self, runtime_context: RuntimeContext) -> None:
        self._pages = FlinkPages(runtime_context, OFFER_PAGES)
        self._waiting = Waiting(self._pages)

    def process_element(self, value: bytes, ctx: Any) -> Iterator[Row]:
        kind, payload = value[:1], value[1:]
        if kind == MATCHED:
            if self._goes_on:
                yield from rows(self._maker.decide(self._pages, payload))
            else:
                self._waiting.add(payload)
        elif kind == PUBLISHED:
            self._maker.learn(self._pages, payload)
        elif kind == REFUSED:
            yield from rows([unpack_refused(payload)])
        else:
            assert kind == GO
            self._goes_on = True
            for waited in self._waiting.release():
                yield from rows(self._maker.decide(self._pages, waited))
