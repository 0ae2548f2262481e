"""What stands in the sorted lists of an account."""

from __future__ import annotations

from typing import NamedTuple

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

TIMER_LIST: ListCodec[Timer] = ListCodec(ListHead[Timer], list[Timer])
SPEND_LIST: ListCodec[Spend] = ListCodec(ListHead[Spend], list[Spend])
QUALIFYING_LIST: ListCodec[Qualifying] = ListCodec(ListHead[Qualifying], list[Qualifying])
KEEP_LIST: ListCodec[Keep] = ListCodec(ListHead[Keep], list[Keep])
REQUEST_LIST: ListCodec[Request] = ListCodec(ListHead[Request], list[Request])
