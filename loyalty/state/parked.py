"""What says that an account is parked: the domain failed at a record of it, and what comes for it waits."""

from __future__ import annotations

import msgspec

from loyalty.state.codec import EntryCodec


class Parked(msgspec.Struct, array_like=True, frozen=True):
    """Why it is; the record is the first of those that wait."""

    problem: str
    """The name of the exception."""


PARKED: EntryCodec[Parked] = EntryCodec(Parked, 1)
PARKED_ENTRY = "@parked"

PARKED_MEMBERS: EntryCodec[list[str]] = EntryCodec(list[str], 1)
"""In the offers job, whose members share one key: those that are parked, in the order in which they were."""
