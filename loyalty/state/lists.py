"""What stands in the sorted lists of an account."""

from __future__ import annotations

from typing import Any, NamedTuple

from loyalty.state.codec import EntryCodec
from loyalty.state.entries import Cause
from loyalty.state.written_list import ListCodec, ListHead

# The kinds of due things, in the order that contract §4 gives them at the same millisecond.
HOLD, RELEASE, EXPIRY, SLIDE, GRACE, WAITING = range(6)


class Timer(NamedTuple):
    """Something that will be due; they sort in the order in which they fire."""

    due_at: int
    kind: int
    set_at: int
    """The `occurred_at` of the event that set it."""
    arrival: int
    """The number of that event, or of the lot."""
    key: str
    """Which hold, lot or waiting event."""


Spend = tuple[int, int, int]
"""(expires at or NEVER, opened at, lot number): the spending order of contract §4."""
Keep = tuple[int, str]
"""(forget at, name of the entry)."""
Request = tuple[int, int]
"""(occurred at, arrival number) of a redemption request."""
Qualifying = tuple[int, int, int, Cause]
"""(occurred at, arrival number, points, cause)."""
WaitingEvent = tuple[int, str]
"""(arrival number, event id) of a refund that waits for an order."""

TIMER_LIST: ListCodec[Timer] = ListCodec(ListHead[Timer], list[Timer])
SPEND_LIST: ListCodec[Spend] = ListCodec(ListHead[Spend], list[Spend])
QUALIFYING_LIST: ListCodec[Qualifying] = ListCodec(ListHead[Qualifying], list[Qualifying])
KEEP_LIST: ListCodec[Keep] = ListCodec(ListHead[Keep], list[Keep])
REQUEST_LIST: ListCodec[Request] = ListCodec(ListHead[Request], list[Request])
WAITING_LIST: ListCodec[WaitingEvent] = ListCodec(ListHead[WaitingEvent], list[WaitingEvent])


def _with_numbers(event_ids: list[str]) -> list[Any]:
    """Version 1 was a plain list of ids. Their places stand for their numbers, which were no smaller."""
    return [list(enumerate(event_ids))]


WAITING_LIST_HEAD: EntryCodec[ListHead[WaitingEvent]] = EntryCodec(ListHead[WaitingEvent], 2, {1: _with_numbers})
