"""The core entry of an account: what every event and every timer needs."""

from __future__ import annotations

import msgspec

from loyalty.state.codec import EntryCodec, StateEntries
from loyalty.state.entries import NEVER, Grace
from loyalty.state.lists import Timer
from loyalty.state.migrations import CORE_UPCASTERS
from loyalty.state.unit_of_work import UnitOfWork
from loyalty.state.written_list import Folded


class Core(msgspec.Struct, array_like=True, gc=False):
    """Balances, tier and times, and the front of every list."""

    time: int | None = None
    """The highest `occurred_at` of the events that passed every check up to the duplicate check."""
    fired_up_to: int | None = None
    """The moment of the latest timer that has fired."""
    sequence: int = 0
    arrivals: int = 0
    pending: int = 0
    available: int = 0
    held: int = 0
    debt: int = 0
    tier: str | None = None
    grace: Grace | None = None
    window_sum: int = 0
    """The sum of the `window` list, not yet cut at 0."""
    window_version: int = 0
    """The version of `tiers` that the window was last brought up to date by."""
    slide: Timer | None = None
    """The next slide, as it was found when `slide_found_by` versions of `tiers` were known; -1: look again."""
    slide_found_by: int = -1
    due: Folded = msgspec.field(default_factory=Folded)
    spend: Folded = msgspec.field(default_factory=Folded)
    window: Folded = msgspec.field(default_factory=Folded)
    slid: Folded = msgspec.field(default_factory=Folded)
    keep: Folded = msgspec.field(default_factory=Folded)
    requests: Folded = msgspec.field(default_factory=Folded)
    seen: bytes = b""
    """The events that were used last (`loyalty.state.used_events`)."""
    seen_pages: int = 0
    """Whether further ones have entries of their own, and how those are named."""
    orders: bytes | None = b""
    """A short digest of the id of each order that has an entry, so that most others are known to have none without
    asking for it; None where there are too many, or a release before did not note them."""
    waiting: int | None = 0
    """How many refunds wait for their order; None where a release that did not count them began this account."""
    offered: list[str] | None = []
    """The members that have an entry of offers, so that a purchase of another one looks for none; None where there are
    too many."""
    expiry: Folded = msgspec.field(default_factory=Folded)
    """Due things of kind EXPIRY: there are many, and far off. Those from before version 3 stand in `due`."""
    seen_blocks: bytes = b""
    """A few bytes of each event in a block of `loyalty.state.used_events`, block by block."""
    seen_first_block: int = 0
    """The number of the first of these blocks."""
    seal: bytes = b""
    """Of the ledger's last decision; empty before there is one, or where a release before did not seal."""

    @property
    def now(self) -> int:
        """The moment that tiers are judged at: the account's time, or the latest timer that the watermark has fired
        beyond it."""
        time, fired = self.time, self.fired_up_to
        if time is None:
            return -NEVER if fired is None else fired
        return time if fired is None or fired < time else fired


CORE: EntryCodec[Core] = EntryCodec(Core, 5, CORE_UPCASTERS)
CORE_ENTRY = "core"
"""The entry that every event and every timer of an account reads."""


class AccountWork(UnitOfWork):
    """The unit of work of an account: all that it is made of finds the core entry here."""

    __slots__ = ("core",)

    def __init__(self, entries: StateEntries) -> None:
        super().__init__(entries)
        self.core = Core()
