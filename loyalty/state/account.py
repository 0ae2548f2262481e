"""An account as the rules see it: what it holds, without where and how that is kept.

`loyalty.state.entries` says what there is of an account and until when.
"""

from __future__ import annotations

from zlib import crc32

from loyalty.state.codec import StateEntries
from loyalty.state.core import CORE, CORE_ENTRY, Core
from loyalty.state.entries import (
    BONUSES,
    CANCELLED,
    COMMITTED,
    DENIED,
    EXPIRED,
    FACTS,
    HELD,
    LOT,
    NEVER,
    OFFERS,
    ORDER,
    REDEMPTION,
    SEEN,
    SEEN_BLOCK,
    Bonus,
    Bonuses,
    Cause,
    Facts,
    Grace,
    Lot,
    Offer,
    Order,
    OrderLine,
    Redemption,
    Signal,
    Waiting,
)
from loyalty.state.lists import (
    EXPIRY,
    GRACE,
    HOLD,
    KEEP_LIST,
    RELEASE,
    REQUEST_LIST,
    SLIDE,
    SPEND_LIST,
    WAITING,
    Timer,
)
from loyalty.state.qualifying_window import QualifyingWindow
from loyalty.state.sorted_list import SortedList
from loyalty.state.timers import Timers
from loyalty.state.unit_of_work import EntriesById, UnitOfWork
from loyalty.state.waiting_refunds import WaitingRefunds

Due = Timer
CORE_PAGE = CORE_ENTRY

__all__ = [
    "CANCELLED",
    "COMMITTED",
    "CORE_ENTRY",
    "CORE_PAGE",
    "DENIED",
    "EXPIRED",
    "EXPIRY",
    "GRACE",
    "HELD",
    "HOLD",
    "NEVER",
    "RELEASE",
    "SLIDE",
    "WAITING",
    "Account",
    "Bonus",
    "Bonuses",
    "Cause",
    "Due",
    "Facts",
    "Grace",
    "Lot",
    "Offer",
    "Order",
    "OrderLine",
    "Redemption",
    "Signal",
    "Timer",
    "Waiting",
]

_ORDERS_NOTED_MAX = 1_024


class Account:
    """One account, loaded from its entries for one event or timer, and written back by `save`.

    Whatever an event does not ask for is not even read.
    """

    def __init__(self, account_id: str, entries: StateEntries) -> None:
        unit = self._unit = UnitOfWork(entries)
        self.emptied: list[Lot] = []
        """Lots that were put with nothing in them; there may be something by now."""
        self.window = QualifyingWindow(unit)
        self.lots = EntriesById("lot", LOT, unit)
        self.orders = EntriesById("order", ORDER, unit)
        self.redemptions = EntriesById("redemption", REDEMPTION, unit)
        self.seen = EntriesById("seen", SEEN, unit)
        self.seen_blocks = EntriesById("block", SEEN_BLOCK, unit)
        self.offers = EntriesById("offers", OFFERS, unit)
        self.bonuses = EntriesById("bonus", BONUSES, unit)
        self.timers = Timers(unit)
        self.waiting = WaitingRefunds(unit, self.timers)
        self.spend = SortedList("spend", SPEND_LIST, unit)
        self.keep = SortedList("keep", KEEP_LIST, unit)
        self.requests = SortedList("requests", REQUEST_LIST, unit)
        self.turn_to(account_id, entries)

    def turn_to(self, account_id: str, entries: StateEntries) -> None:
        """Be this account from now on. What was not saved of the one before is dropped.

        All that an account is made of costs as much to build as a tenth of an event, so whoever decides for many
        builds one.
        """
        raw = entries.get(CORE_ENTRY)
        core = self.core = Core() if raw is None else CORE.read(raw)
        self.account_id = account_id
        self._unit.turn_to(entries)
        self.emptied.clear()
        self.window.turn_to(core)
        self.timers.turn_to(core)
        self.waiting.turn_to(core)
        self.spend.folded = core.spend
        self.keep.folded = core.keep
        self.requests.folded = core.requests

    def save(self) -> None:
        unit = self._unit
        unit.save()
        unit.entries.put(CORE_ENTRY, CORE.write(self.core))

    @property
    def now(self) -> int:
        """The moment that tiers are judged at."""
        return self.core.now

    # -- lots

    def next_number(self) -> int:
        """The arrival number of the next event or lot."""
        self.core.arrivals += 1
        return self.core.arrivals

    def lot(self, number: int) -> Lot:
        """A lot that something known refers to."""
        lot = self.lots.get(str(number))
        assert lot is not None, f"lot {number} was forgotten too early"
        return lot

    def find_lot(self, number: int) -> Lot | None:
        """A lot that may have been emptied and forgotten."""
        return self.lots.get(str(number))

    def put_lot(self, lot: Lot) -> None:
        """Keep a new lot, or one that has changed."""
        self.lots.put(str(lot.number), lot)
        if lot.empty:
            self.emptied.append(lot)

    def next_lot_to_spend(self) -> Lot:
        """The available lot that spending takes from first (contract §4, *Lots*); there must be one."""
        first = self.spend.first()
        assert first is not None
        return self.lot(first[2])

    def add_available(self, lot: Lot, points: int) -> None:
        """Points of a lot become available; the lot must be put."""
        if points:
            if not lot.available:
                self.spend.add(lot.spend_key)
            lot.available += points
            self.core.available += points

    def take_available(self, lot: Lot, points: int) -> None:
        """Available points leave a lot that has so many; the lot must be put."""
        if points:
            lot.available -= points
            self.core.available -= points
            if not lot.available:
                self.spend.remove(lot.spend_key)

    # -- timers

    def schedule_for_lot(self, kind: int, at: int, lot: Lot) -> None:
        """A lot's release or expiry is due then."""
        self.timers.add(Timer(at, kind, lot.cause.occurred_at, lot.number, str(lot.number)))

    def schedule_hold_end(self, redemption_id: str, redemption: Redemption) -> None:
        """Its points go back at `hold_until`."""
        self.timers.add(_hold_end(redemption_id, redemption))

    def cancel_hold_end(self, redemption_id: str, redemption: Redemption) -> None:
        self.timers.remove(_hold_end(redemption_id, redemption))

    def cancel(self, timer: Timer) -> None:
        """One that was scheduled will not fire, or has; ValueError where it was not scheduled."""
        self.timers.remove(timer)

    @property
    def next_due_ms(self) -> int:
        """When the next timer is due, or a moment before; NEVER if there is none. The slide of the tier window and the
        end of the grace are not among them."""
        return self.timers.next_moment

    def next_timer(self) -> Timer | None:
        """What is due next, of several at one moment the first in the contract's order; likewise."""
        return self.timers.first()

    # -- orders

    def known_order(self, order_id: str) -> Order | None:
        """The order, while the account's time is earlier than its purchase + `refund_days` (contract §4, *Refund*)."""
        order = self._order(order_id)
        time = self.core.time
        return order if order is not None and time is not None and time < order.known_until else None

    def add_order(self, order_id: str, order: Order) -> None:
        """Keep the order of a purchase. Deletes an expired order with the same id first, or its bonuses would attach
        to the new one."""
        expired = self._order(order_id)
        if expired is not None:
            for entry in (f"order/{order_id}", f"bonus/{order_id}"):
                self._forget_not((expired.known_until, entry))
            self.bonuses.remove(order_id)
            self.forget_order(order_id)
        self.orders.put(order_id, order)
        self.note_order(order_id)
        self.keep.add((order.known_until, f"order/{order_id}"))

    def keep_order(self, order_id: str, order: Order) -> None:
        """Keep what has changed of a known order."""
        self.orders.put(order_id, order)

    def _order(self, order_id: str) -> Order | None:
        return self.orders.get(order_id) if self.may_have_order(order_id) else None

    def note_order(self, order_id: str) -> None:
        """There is an entry of this order from now on."""
        core = self.core
        if core.orders is not None:
            core.orders = None if len(core.orders) >= 4 * _ORDERS_NOTED_MAX else core.orders + _short(order_id)

    def forget_order(self, order_id: str) -> None:
        """There is no entry of this order any more."""
        noted = self.core.orders
        if noted is not None:
            at = _aligned(noted, _short(order_id))
            if at >= 0:
                self.core.orders = noted[:at] + noted[at + 4 :]

    def may_have_order(self, order_id: str) -> bool:
        """False only if there is no entry of this order."""
        noted = self.core.orders
        return noted is None or _aligned(noted, _short(order_id)) >= 0

    # -- offers that were made to members, and bonuses of orders that took them up

    def offers_of(self, member_id: str) -> list[Offer]:
        """The offers that are known of a member, in the order in which they are taken up."""
        if member_id not in self.core.offered:
            return []
        return self.offers.get(member_id) or []

    def keep_offers(self, member_id: str, offers: list[Offer]) -> None:
        """These are the member's offers from now on."""
        offered = self.core.offered
        if offers:
            offers.sort(key=lambda offer: (offer.made_at, offer.decision_id))
            self.offers.put(member_id, offers)
            if member_id not in offered:
                offered.append(member_id)
        else:
            self.offers.remove(member_id)
            if member_id in offered:
                offered.remove(member_id)

    def bonuses_of(self, order_id: str) -> Bonuses | None:
        """What a known order earned by taking up offers."""
        return self.bonuses.get(order_id)

    def add_bonuses(self, order_id: str, bonuses: Bonuses) -> None:
        """An order took up offers."""
        self.bonuses.put(order_id, bonuses)
        self.keep.add((bonuses.known_until, f"bonus/{order_id}"))

    def keep_bonuses(self, order_id: str, bonuses: Bonuses) -> None:
        """Keep what has changed of an order's bonuses."""
        self.bonuses.put(order_id, bonuses)

    # -- redemptions

    def known_redemption(self, redemption_id: str) -> Redemption | None:
        """The redemption, while it is held or the account's time is earlier than its request + `cancel_days`."""
        found = self.redemptions.get(redemption_id)
        time = self.core.time
        if found is None or (found.status != HELD and time is not None and time >= found.known_until):
            return None
        return found

    def keep_redemption(self, redemption_id: str, redemption: Redemption) -> None:
        """Keep a redemption that is new or has changed, until it may be forgotten; one that is held then comes up
        again when its hold ends."""
        is_new = self.redemptions.get(redemption_id) is not redemption
        self.redemptions.put(redemption_id, redemption)
        item = (redemption.known_until, f"redemption/{redemption_id}")
        if is_new or self.keep.at_or_after(item) != item:
            self.keep.add(item)

    def add_request(self, at: int, number: int) -> None:
        """A redemption was requested: velocity rules count it. `number` is its arrival."""
        self.requests.add((at, number))

    def requests_between(self, first_ms: int, last_ms: int) -> int:
        """How many redemptions were requested from `first_ms` to `last_ms`, both included."""
        return self.requests.count_between((first_ms,), (last_ms + 1,))

    # -- refunds that wait for their order

    @property
    def may_have_waiting(self) -> bool:
        """False only if no refund waits."""
        return self.waiting.may_be_some

    def add_waiting(self, waiting: Waiting) -> None:
        """A refund or cancellation waits for its order until its `due_at`."""
        self.waiting.add(waiting)

    def remove_waiting(self, waiting: Waiting) -> None:
        """It waits no longer."""
        self.waiting.remove(waiting)

    def waiting_refund(self, event_id: str) -> Waiting:
        """The refund of this event, which waits."""
        waiting = self.waiting.get(event_id)
        assert waiting is not None
        return waiting

    def waiting_for(self, order_id: str) -> list[str]:
        """The events that wait for this order, in the order in which they came."""
        return self.waiting.for_order(order_id)

    # -- reference facts

    def facts(self) -> Facts:
        raw = self._unit.entries.get("facts")
        return Facts() if raw is None else FACTS.read(raw)

    def put_facts(self, facts: Facts) -> None:
        self._unit.entries.put("facts", FACTS.write(facts))

    def _forget_not(self, item: tuple[int, str]) -> None:
        if self.keep.at_or_after(item) == item:
            self.keep.remove(item)


def _hold_end(redemption_id: str, redemption: Redemption) -> Timer:
    cause = redemption.cause
    return Timer(redemption.hold_until, HOLD, cause.occurred_at, cause.number, redemption_id)


def _short(text: str) -> bytes:
    return crc32(text.encode("utf-8", "surrogatepass")).to_bytes(4, "little")


def _aligned(noted: bytes, short: bytes) -> int:
    at = noted.find(short)
    while at > 0 and at % 4:
        at = noted.find(short, at + 1)
    return at
