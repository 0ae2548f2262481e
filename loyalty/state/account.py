"""An account as the rules see it: what it holds, without where and how that is kept.

`loyalty.state.entries` says what there is of an account and until when.
"""

from __future__ import annotations

from loyalty.state.codec import StateEntries
from loyalty.state.core import CORE, CORE_ENTRY, Core
from loyalty.state.entries import (
    FACTS,
    HELD,
    OFFERS,
    REDEMPTION,
    SEEN,
    SEEN_BLOCK,
    Bonuses,
    Facts,
    Lot,
    Offer,
    Order,
    Redemption,
    Waiting,
)
from loyalty.state.lists import HOLD, KEEP_LIST, REQUEST_LIST, Timer
from loyalty.state.lots import Lots
from loyalty.state.orders import Orders
from loyalty.state.qualifying_window import QualifyingWindow
from loyalty.state.sorted_list import SortedList
from loyalty.state.timers import Timers
from loyalty.state.unit_of_work import EntriesById, UnitOfWork
from loyalty.state.waiting_refunds import WaitingRefunds
from loyalty.times import DAY_MS

MEMBERS_WITH_OFFERS_MAX = 250
REMEMBER_REQUESTS_MS = 35 * DAY_MS
"""A request counts for velocity so long, from the account's time at which it was decided (contract §4)."""


class Account:
    """One account, loaded from its entries for one event or timer, and written back by `save`.

    Whatever an event does not ask for is not even read.
    """

    def __init__(self, account_id: str, entries: StateEntries) -> None:
        unit = self._unit = UnitOfWork(entries)
        self.keep = SortedList("keep", KEEP_LIST, unit)
        self.lots = Lots(unit)
        self.orders = Orders(unit, self.keep)
        self.timers = Timers(unit)
        self.waiting = WaitingRefunds(unit, self.timers)
        self.window = QualifyingWindow(unit)
        self.redemptions = EntriesById("redemption", REDEMPTION, unit)
        self.requests = SortedList("requests", REQUEST_LIST, unit)
        self.seen = EntriesById("seen", SEEN, unit)
        self.seen_blocks = EntriesById("block", SEEN_BLOCK, unit)
        self._offers = EntriesById("offers", OFFERS, unit)
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
        self.lots.turn_to(core)
        self.orders.turn_to(core)
        self.timers.turn_to(core)
        self.waiting.turn_to(core)
        self.window.turn_to(core)
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

    def next_number(self) -> int:
        """The arrival number of the next event or lot."""
        self.core.arrivals += 1
        return self.core.arrivals

    # -- lots

    def lot(self, number: int) -> Lot:
        """A lot that something known refers to."""
        lot = self.lots.get(str(number))
        assert lot is not None, f"lot {number} was forgotten too early"
        return lot

    def put_lot(self, lot: Lot) -> None:
        """Keep a new lot, or one that has changed."""
        self.lots.put(lot)

    def next_lot_to_spend(self) -> Lot:
        """The available lot that spending takes from first (contract §4, *Lots*); there must be one."""
        return self.lots.next_to_spend()

    def add_available(self, lot: Lot, points: int) -> None:
        """Points of a lot become available; the lot must be put."""
        self.lots.add_available(lot, points)

    def take_available(self, lot: Lot, points: int) -> None:
        """Available points leave a lot that has so many; the lot must be put."""
        self.lots.take_available(lot, points)

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

    # -- orders, and the bonuses of those that took up offers

    def known_order(self, order_id: str) -> Order | None:
        """The order, while the account's time is earlier than its purchase + `refund_days` (contract §4, *Refund*)."""
        order = self.orders.get(order_id)
        time = self.core.time
        return order if order is not None and time is not None and time < order.known_until else None

    def add_order(self, order_id: str, order: Order) -> None:
        """Keep the order of a purchase."""
        self.orders.add(order_id, order)

    def keep_order(self, order_id: str, order: Order) -> None:
        """Keep what has changed of a known order."""
        self.orders.put(order_id, order)

    def bonuses_of(self, order_id: str) -> Bonuses | None:
        """What a known order earned by taking up offers."""
        return self.orders.bonuses_of(order_id)

    def add_bonuses(self, order_id: str, bonuses: Bonuses) -> None:
        """An order took up offers."""
        self.orders.add_bonuses(order_id, bonuses)

    def keep_bonuses(self, order_id: str, bonuses: Bonuses) -> None:
        """Keep what has changed of an order's bonuses."""
        self.orders.put_bonuses(order_id, bonuses)

    # -- offers that were made to members

    def offers_of(self, member_id: str) -> list[Offer]:
        """The offers that are known of a member, in the order in which they are taken up."""
        members = self.core.offered
        if members is not None and member_id not in members:
            return []
        return self._offers.get(member_id) or []

    def keep_offers(self, member_id: str, offers: list[Offer]) -> None:
        """These are the member's offers from now on."""
        if offers:
            offers.sort(key=lambda offer: (offer.made_at, offer.decision_id))
            self._offers.put(member_id, offers)
        else:
            self._offers.remove(member_id)
        members = self.core.offered
        if members is None or bool(offers) == (member_id in members):
            return
        if offers:
            members.append(member_id)
        else:
            members.remove(member_id)
        if len(members) > MEMBERS_WITH_OFFERS_MAX:
            self.core.offered = None

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
        time = at if self.core.time is None else self.core.time
        self.requests.add((at, number))
        self.keep.add((time + REMEMBER_REQUESTS_MS, f"request/{at}/{number}"))

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


def _hold_end(redemption_id: str, redemption: Redemption) -> Timer:
    cause = redemption.cause
    return Timer(redemption.hold_until, HOLD, cause.occurred_at, cause.number, redemption_id)
