"""What the entries of an account hold, and how they are written down.

| Entry | Content | Kept until |
|---|---|---|
| `core` | balances, tier, grace, times, and the front of every list (`loyalty.state.core`) | always |
| `lot/<number>` | one lot of points | it is empty and no known order or redemption may give back to it |
| `order/<order_id>` | a purchase's lines and what came back | the account's time reaches purchase + `refund_days` |
| `redemption/<id>` | a request and what it drew | not held, and the account's time reaches request + `cancel_days` |
| `block/<n>` | of a busy account: used events | the account's time reaches that of the last use + 35 days |
| `seen/<digest>` | of a very busy account: a used event | the account's time reaches that of its use + 35 days |
| `waiting/<event_id>` | a refund that waits for its order, as it came | its order comes, or its 24 hours end |
| `waits/<order_id>` | which events wait for this order: the head of a list of them | as above |
| `waits-of/<order_id>/<n>` | its chunks, if it is long | as above |
| `facts` | members, signals, engagement context | a signal: 35 days after it expired; the rest: replaced |
| `offers/<member_id>` | offers that were made to a member | an offer: 35 days after its end |
| `bonus/<order_id>` | the offers that a purchase took up, and its amounts | as long as the order |
| `<list>/<n>` | the chunks of a long list | empty |
| `<list>/head` | where they are, and the front of the list, if that is long | it is short |

What is kept no longer is forgotten up to a day later (`loyalty.state.retention`).

Requests are remembered for velocity rules for 35 days or the longest window of any fraud document, whichever is
longer; qualifying points that have left the window for two years or the longest window of any tiers document, so that
a longer window can count them again.
"""

from __future__ import annotations

import msgspec

from loyalty.state.codec import EntryCodec

NEVER = 1 << 60
"""Stands for "does not expire" where a moment in milliseconds is sorted."""

HELD, COMMITTED, CANCELLED, EXPIRED, DENIED = range(5)
"""What may have become of a redemption."""


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


class Lot(msgspec.Struct, array_like=True, gc=False):
    """Points of one purchase, bonus or positive adjustment."""

    number: int
    """Arrival among the account's lots and events; also its entry's name."""
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
    expired_already: bool = False
    """Its expiry has been done: what comes back to it expires at once."""
    keep_until: int = 0
    """An order or redemption known until then may still need it."""

    @property
    def spend_key(self) -> tuple[int, int, int]:
        """Where it stands in the spending order of contract §4: (expires at or NEVER, opened at, number)."""
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
    """Empty: it is asked for where offers are made only. A release before kept it here too."""
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


LOT: EntryCodec[Lot] = EntryCodec(Lot, 1)
ORDER: EntryCodec[Order] = EntryCodec(Order, 1)
REDEMPTION: EntryCodec[Redemption] = EntryCodec(Redemption, 1)
SEEN: EntryCodec[UsedEvent] = EntryCodec(UsedEvent, 1)
SEEN_BLOCK: EntryCodec[bytes] = EntryCodec(bytes, 1)
WAITING_REFUND: EntryCodec[Waiting] = EntryCodec(Waiting, 1)
FACTS: EntryCodec[Facts] = EntryCodec(Facts, 1)
OFFERS: EntryCodec[list[Offer]] = EntryCodec(list[Offer], 1)
BONUSES: EntryCodec[Bonuses] = EntryCodec(Bonuses, 1)
