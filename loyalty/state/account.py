"""An account: what it holds, and the unit of work that loads it page by page and keeps what it became.

StateEntries of an account:

| Page | Content | Kept until |
|---|---|---|
| `core` | balances, tier, grace, times, and the front of every shelf | always |
| `lot/<number>` | one lot of points | it is empty and no known order or redemption may give back to it |
| `order/<order_id>` | a purchase's lines and what came back | the account's time reaches purchase + `refund_days` |
| `redemption/<id>` | a request and what it drew | not held, and the account's time reaches request + `cancel_days` |
| `block/<n>` | of a busy account: used events | the account's time reaches that of the last use + 35 days |
| `seen/<digest>` | of a very busy account: a used event | the account's time reaches that of its use + 35 days |
| `waiting/<event_id>` | a refund that waits for its order, as it came | its order comes, or its 24 hours end |
| `waits/<order_id>` | which events wait for this order | as above |
| `facts` | members, signals, engagement context | a signal: 35 days after it expired; the rest: replaced |
| `offers/<member_id>` | offers that were made to a member | an offer: 35 days after its end |
| `bonus/<order_id>` | the offers that a purchase took up, and its amounts | as long as the order |
| `<shelf>/<n>` | the further pages of a long shelf | empty |
| `<shelf>/head` | where they are, and the front of the shelf, if that is long | it is short |

What is kept no longer is forgotten up to a day later (`loyalty.state.retention`).

Requests are remembered for velocity rules for 35 days or the longest window of any fraud document, whichever is
longer; qualifying points that have left the window for two years or the longest window of any tiers document, so that
a longer window can count them again.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import msgspec

from loyalty.state.codec import EntryCodec, StateEntries
from loyalty.state.sorted_list import Folded, ListCodec, ListHead, SortedList
from loyalty.state.unit_of_work import EntriesById, UnitOfWork

NEVER = 1 << 60
"""Stands for "does not expire" where a moment in milliseconds is sorted."""

# The kinds of due things, in the order that contract §4 gives them at the same millisecond.
HOLD, RELEASE, EXPIRY, SLIDE, GRACE, WAITING = range(6)

Due = tuple[int, int, int, int, str]
"""(due at, kind, `occurred_at` and arrival number of the event that set it, which hold, lot or event)."""
Spend = tuple[int, int, int]
"""(expires at or NEVER, opened at, lot number): the spending order of contract §4."""
Keep = tuple[int, str]
"""(forget at, page name)."""
Request = tuple[int, int]
"""(occurred at, arrival number) of a redemption request."""


class Cause(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The transaction event behind a decision or a due thing."""

    event_id: str
    partition: int
    offset: int
    occurred_at: int
    used_at: int
    """The account's time when it was used: tells two uses of one `event_id`, 35 days apart, from each other."""
    number: int
    """Arrival: the how manieth event of the account this is."""
    late: bool = False


Qualifying = tuple[int, int, int, Cause]
"""(occurred at, arrival number, points, cause)."""


class Lot(msgspec.Struct, array_like=True, gc=False):
    """Points of one purchase, bonus or positive adjustment."""

    number: int
    """Arrival among the account's lots and events; also its page."""
    cause: Cause
    order_id: str | None
    offer_id: str | None
    member_id: str | None
    earning_version: int
    releases_at: int
    expires_at: int | None
    pending: int = 0
    available: int = 0
    held: int = 0
    expired: int = 0
    forgiven: int = 0
    """How much of `expired` a refund has been forgiven already."""
    lapsed: bool = False
    """Its expiry has been done: what comes back to it expires at once."""
    keep_until: int = 0
    """An order or redemption known until then may still need it."""

    @property
    def spend_key(self) -> Spend:
        expires = NEVER if self.expires_at is None else self.expires_at
        return (expires, self.cause.occurred_at, self.number)

    @property
    def subject(self) -> dict[str, str]:
        """What a decision about this lot is about (contract §5)."""
        subject = {} if self.order_id is None else {"order_id": self.order_id}
        if self.offer_id is not None:
            subject["offer_id"] = self.offer_id
        return subject

    @property
    def empty(self) -> bool:
        return not (self.pending or self.available or self.held)


class OrderLine(msgspec.Struct, array_like=True, gc=False):
    line_id: str
    quantity: int
    points: int
    qualifying: int
    returned: int = 0


class Order(msgspec.Struct, array_like=True, gc=False):
    """A purchase as long as it can be refunded."""

    cause: Cause
    member_id: str
    lot: int
    known_until: int
    lines: list[OrderLine]


HELD, COMMITTED, CANCELLED, EXPIRED, DENIED = range(5)


class Redemption(msgspec.Struct, array_like=True, gc=False):
    cause: Cause
    member_id: str
    reward_id: str
    points: int
    status: int
    known_until: int
    redemption_version: int
    hold_until: int = 0
    drawn: list[tuple[int, int]] = []


class UsedEvent(msgspec.Struct, array_like=True, gc=False):
    digest: bytes
    used_at: int


class Waiting(msgspec.Struct, array_like=True, gc=False):
    """A refund or cancellation whose order is not known, exactly as it came."""

    cause: Cause
    order_id: str
    due_at: int
    topic: str
    timestamp_ms: int
    key: bytes | None
    value: bytes


class Signal(msgspec.Struct, array_like=True, gc=False):
    event_id: str
    signal: str
    score: int
    occurred_at: int
    expires_at: int


class Facts(msgspec.Struct, array_like=True, gc=False):
    """Reference facts of the account, as far as they have arrived."""

    known_devices: dict[str, list[str]] = {}
    consents: dict[str, tuple[int, bool, bool]] = {}
    signals: list[Signal] = []
    last_engaged_at: int | None = None
    devices: dict[str, int] = {}


class Offer(msgspec.Struct, array_like=True, gc=False):
    """An offer that was made to a member; its terms are those of the campaign's version."""

    decision_id: str
    campaign_id: str
    campaign_version: int
    offer_id: str
    made_at: int
    taken_by: str | None = None
    """The order that took it up."""


class Bonus(msgspec.Struct, array_like=True, gc=False):
    """What a purchase earned by taking up an offer, as long as it can be refunded."""

    lot: int
    offer: Offer
    points: int
    min_amount: int
    reversed: bool = False


class Bonuses(msgspec.Struct, array_like=True, gc=False):
    known_until: int
    amounts: list[int]
    """Of the order's lines, in their order; minor units."""
    bonuses: list[Bonus]


class Grace(msgspec.Struct, array_like=True, frozen=True, gc=False):
    started_at: int
    ends_at: int
    cause: Cause
    tiers_version: int


class Core(msgspec.Struct, array_like=True, gc=False):
    """What every event needs."""

    time: int | None = None
    """The highest `occurred_at` of the events that passed every check up to the duplicate check."""
    swept: int | None = None
    """The moment of the latest due thing that was done."""
    sequence: int = 0
    arrivals: int = 0
    pending: int = 0
    available: int = 0
    held: int = 0
    debt: int = 0
    tier: str | None = None
    grace: Grace | None = None
    window_sum: int = 0
    """The sum of the `window` shelf, not yet cut at 0."""
    window_version: int = 0
    """The version of `tiers` that the window was last brought up to date by."""
    slide: Due | None = None
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
    """Whether there are pages of further ones, and how they are named."""
    orders: bytes | None = b""
    """A short digest of the id of each order that has a page, so that most others are known to have none without
    asking for it; None where there are too many, or a release before did not note them."""
    waiting: int | None = 0
    """How many refunds wait for their order; None where a release that did not count them began this account."""
    offered: list[str] = []
    """The members that have a page of offers, so that a purchase of another one looks for none."""
    expiry: Folded = msgspec.field(default_factory=Folded)
    """Due things of kind EXPIRY: there are many, and far off. Those from before version 3 stand on the `due` shelf."""
    seen_blocks: bytes = b""
    """A few bytes of each event in a block of `loyalty.state.used_events`, block by block."""
    seen_first_block: int = 0
    """The number of the first of these blocks."""


_DUE: ListCodec[Due] = ListCodec(ListHead[Due], list[Due])
_SPEND: ListCodec[Spend] = ListCodec(ListHead[Spend], list[Spend])
_QUALIFYING: ListCodec[Qualifying] = ListCodec(ListHead[Qualifying], list[Qualifying])
_KEEP: ListCodec[Keep] = ListCodec(ListHead[Keep], list[Keep])
_REQUESTS: ListCodec[Request] = ListCodec(ListHead[Request], list[Request])

_LISTS_OF_V1: tuple[ListCodec[Any], ...] = (_DUE, _SPEND, _QUALIFYING, _QUALIFYING, _KEEP, _REQUESTS)
_FIRST_HEAD_OF_V1 = 14
SEEN_BY_ID = 2
"""In `Core.seen_pages`: events have a page named after their id, as version 1 gave to every one."""
_ORDERS_NOTED_MAX = 1_024


def _core_2(old: list[Any]) -> list[Any]:
    """Version 1 had the heads of the shelves in the page itself."""
    new = old[:_FIRST_HEAD_OF_V1]
    for codec, plain in zip(_LISTS_OF_V1, old[_FIRST_HEAD_OF_V1:], strict=True):
        head: ListHead[Any] = msgspec.convert(plain, codec.head.shape)
        new.append(codec.head.write(head) if head.front or head.numbers else None)
    front, firsts = old[_FIRST_HEAD_OF_V1 + 2][:2]
    first = front or firsts
    return [*new, first[0][0] if first else None, b"", SEEN_BY_ID, None, None, []]


def _core_3(old: list[Any]) -> list[Any]:
    """Version 2 had the heads alone, and the moment of the first entry of the window only."""
    heads_end = _FIRST_HEAD_OF_V1 + len(_LISTS_OF_V1)
    lists = []
    for codec, written in zip(_LISTS_OF_V1, old[_FIRST_HEAD_OF_V1:heads_end], strict=True):
        # Of a list with nothing in front this may be earlier than its first item: then it is looked at once more.
        head = None if written is None else codec.head.read(written)
        first = None if head is None else (head.front or head.firsts)[0][0]
        lists.append([first, written])
    return [*old[:_FIRST_HEAD_OF_V1], *lists, *old[heads_end + 1 :]]


def _core_4(old: list[Any]) -> list[Any]:
    """Version 3 had no blocks. The number says that a release before this one would lose them."""
    return old


CORE: EntryCodec[Core] = EntryCodec(Core, 4, {1: _core_2, 2: _core_3, 3: _core_4})
CORE_PAGE = "core"
"""The page that every event and every timer of an account reads."""
LOT: EntryCodec[Lot] = EntryCodec(Lot, 1)
ORDER: EntryCodec[Order] = EntryCodec(Order, 1)
REDEMPTION: EntryCodec[Redemption] = EntryCodec(Redemption, 1)
SEEN: EntryCodec[UsedEvent] = EntryCodec(UsedEvent, 1)
SEEN_BLOCK: EntryCodec[bytes] = EntryCodec(bytes, 1)
WAITING_PAGE: EntryCodec[Waiting] = EntryCodec(Waiting, 1)
WAITS: EntryCodec[list[str]] = EntryCodec(list[str], 1)
FACTS: EntryCodec[Facts] = EntryCodec(Facts, 1)
OFFERS: EntryCodec[list[Offer]] = EntryCodec(list[Offer], 1)
BONUSES: EntryCodec[Bonuses] = EntryCodec(Bonuses, 1)


class Account:
    """One account, loaded from its entries for one event or timer, and written back by `save`.

    Whatever an event does not ask for is not even opened.
    """

    def __init__(self, account_id: str, entries: StateEntries) -> None:
        unit = self._unit = UnitOfWork(entries)
        self.emptied: list[Lot] = []
        """Lots that were put with nothing in them; there may be something by now."""
        self.lots = EntriesById("lot", LOT, unit)
        self.orders = EntriesById("order", ORDER, unit)
        self.redemptions = EntriesById("redemption", REDEMPTION, unit)
        self.seen = EntriesById("seen", SEEN, unit)
        self.seen_blocks = EntriesById("block", SEEN_BLOCK, unit)
        self.waiting = EntriesById("waiting", WAITING_PAGE, unit)
        self.waits = EntriesById("waits", WAITS, unit)
        self.offers = EntriesById("offers", OFFERS, unit)
        self.bonuses = EntriesById("bonus", BONUSES, unit)
        self.due = SortedList("due", _DUE, unit)
        self.expiry = SortedList("expiry", _DUE, unit)
        self.spend = SortedList("spend", _SPEND, unit)
        self.window = SortedList("window", _QUALIFYING, unit)
        self.slid = SortedList("slid", _QUALIFYING, unit)
        self.keep = SortedList("keep", _KEEP, unit)
        self.requests = SortedList("requests", _REQUESTS, unit)
        self.turn_to(account_id, entries)

    def turn_to(self, account_id: str, entries: StateEntries) -> None:
        """Be this account from now on. What was not saved of the one before is dropped.

        All that an account is made of costs as much to build as a tenth of an event, so whoever decides for many
        builds one.
        """
        raw = entries.get(CORE_PAGE)
        core = self.core = Core() if raw is None else CORE.read(raw)
        self.account_id = account_id
        self._unit.turn_to(entries)
        self.emptied.clear()
        self.due.folded = core.due
        self.expiry.folded = core.expiry
        self.spend.folded = core.spend
        self.window.folded = core.window
        self.slid.folded = core.slid
        self.keep.folded = core.keep
        self.requests.folded = core.requests

    def note_order(self, order_id: str) -> None:
        """There is a page of this order from now on."""
        core = self.core
        if core.orders is not None:
            core.orders = None if len(core.orders) >= 4 * _ORDERS_NOTED_MAX else core.orders + _short(order_id)

    def forget_order(self, order_id: str) -> None:
        """There is no page of this order any more."""
        noted = self.core.orders
        if noted is not None:
            at = _aligned(noted, _short(order_id))
            if at >= 0:
                self.core.orders = noted[:at] + noted[at + 4 :]

    def may_have_order(self, order_id: str) -> bool:
        """False only if there is no page of this order."""
        noted = self.core.orders
        return noted is None or _aligned(noted, _short(order_id)) >= 0

    @property
    def now(self) -> int:
        """The moment that tiers are judged at: the account's time, or the latest due thing that the watermark has
        done beyond it."""
        core = self.core
        time, swept = core.time, core.swept
        if time is None:
            return -NEVER if swept is None else swept
        return time if swept is None or swept < time else swept

    def lot(self, number: int) -> Lot:
        lot = self.lots.get(str(number))
        assert lot is not None, f"lot {number} was forgotten too early"
        return lot

    def put_lot(self, lot: Lot) -> None:
        self.lots.put(str(lot.number), lot)
        if lot.empty:
            self.emptied.append(lot)

    def facts(self) -> Facts:
        raw = self._unit.entries.get("facts")
        return Facts() if raw is None else FACTS.read(raw)

    def put_facts(self, facts: Facts) -> None:
        self._unit.entries.put("facts", FACTS.write(facts))

    def save(self) -> None:
        unit = self._unit
        unit.save()
        unit.entries.put(CORE_PAGE, CORE.write(self.core))


def _short(text: str) -> bytes:
    return crc32(text.encode("utf-8", "surrogatepass")).to_bytes(4, "little")


def _aligned(noted: bytes, short: bytes) -> int:
    at = noted.find(short)
    while at > 0 and at % 4:
        at = noted.find(short, at + 1)
    return at
