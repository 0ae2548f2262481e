"""An account as the rules see it: what it holds, without where and how that is kept.

`loyalty.state.entries` says what there is of an account and until when.
"""

from __future__ import annotations

from loyalty.state.codec import StateEntries
from loyalty.state.core import CORE, CORE_ENTRY, AccountWork, Core
from loyalty.state.entries import (
    FACTS,
    HELD,
    OFFERS,
    REDEMPTION,
    SEEN,
    SEEN_BLOCK,
    Facts,
    Offer,
    Redemption,
)
from loyalty.state.lists import KEEP_LIST, REQUEST_LIST
from loyalty.state.lots import Lots
from loyalty.state.orders import Orders
from loyalty.state.qualifying_window import QualifyingWindow
from loyalty.state.sorted_list import SortedList
from loyalty.state.timers import Timers
from loyalty.state.unit_of_work import EntriesById
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
        unit = self._unit = AccountWork(entries)
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
        self._unit.core = core
        self.lots.emptied.clear()
        self.lots.spend.folded = core.spend
        self.timers.others.folded = core.due
        self.timers.expiries.folded = core.expiry
        self.window.inside.folded = core.window
        self.window.left.folded = core.slid
        self.keep.folded = core.keep
        self.requests.folded = core.requests

    def save(self) -> None:
        unit = self._unit
        unit.save()
        unit.entries.put(CORE_ENTRY, CORE.write(self.core))

    def next_number(self) -> int:
        """The arrival number of the next event or lot."""
        self.core.arrivals += 1
        return self.core.arrivals

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

    # -- reference facts

    def facts(self) -> Facts:
        raw = self._unit.entries.get("facts")
        return Facts() if raw is None else FACTS.read(raw)

    def put_facts(self, facts: Facts) -> None:
        self._unit.entries.put("facts", FACTS.write(facts))
