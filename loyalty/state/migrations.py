"""How an older core entry is brought up to date, one step a version: each step takes the plain content (lists, numbers,
strings) of one version and gives that of the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from loyalty.state.lists import KEEP_LIST, QUALIFYING_LIST, REQUEST_LIST, SPEND_LIST, TIMER_LIST
from loyalty.state.written_list import ListCodec, ListHead

SEEN_BY_ID = 2
"""In `Core.seen_pages`: events have an entry named after their id, as version 1 gave to every one."""

_LISTS: tuple[ListCodec[Any], ...] = (
    TIMER_LIST,
    SPEND_LIST,
    QUALIFYING_LIST,
    QUALIFYING_LIST,
    KEEP_LIST,
    REQUEST_LIST,
)
"""Those of versions 1 and 2, in their order."""
_FIRST_LIST = 14


def _from_1(old: list[Any]) -> list[Any]:
    """Version 1 had the heads of the lists in the entry itself."""
    new = old[:_FIRST_LIST]
    for codec, plain in zip(_LISTS, old[_FIRST_LIST:], strict=True):
        head: ListHead[Any] = msgspec.convert(plain, codec.head.shape)
        new.append(codec.head.write(head) if head.front or head.numbers else None)
    front, firsts = old[_FIRST_LIST + 2][:2]
    first = front or firsts
    return [*new, first[0][0] if first else None, b"", SEEN_BY_ID, None, None, []]


def _from_2(old: list[Any]) -> list[Any]:
    """Version 2 had the heads alone, and the moment of the first item of the window only."""
    heads_end = _FIRST_LIST + len(_LISTS)
    lists = []
    for codec, written in zip(_LISTS, old[_FIRST_LIST:heads_end], strict=True):
        # Of a list with nothing in front this may be earlier than its first item: then it is looked at once more.
        head = None if written is None else codec.head.read(written)
        first = None if head is None else (head.front or head.firsts)[0][0]
        lists.append([first, written])
    return [*old[:_FIRST_LIST], *lists, *old[heads_end + 1 :]]


def _from_3(old: list[Any]) -> list[Any]:
    """Version 3 had no blocks. The number says that a release before this one would lose them."""
    return old


def _from_4(old: list[Any]) -> list[Any]:
    """Version 4 had no seal. The number says that a release before this one would lose it."""
    return old


CORE_UPCASTERS: Mapping[int, Callable[[list[Any]], list[Any]]] = {1: _from_1, 2: _from_2, 3: _from_3, 4: _from_4}
