"""All that ever happened to one account, and the questions that can be asked of it. Nothing here is ever forgotten."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .journal import AVAILABLE, HELD, REPAID, Move, Standing
from .reference import Document, Offer, Reference
from .wire import DAY_MS, HOUR_MS, Record

REMEMBERED_MS = 35 * DAY_MS
REFUND_WAITS_MS = 24 * HOUR_MS
NEVER = 10**18


class Event(NamedTuple):
    """A transaction that passed the checks of form; `arrival` is its place among those of its account."""

    record: Record
    body: dict[str, Any]
    occurred_at: int
    arrival: int
    late: bool


class Line(NamedTuple):
    """What one line of a purchase earned. `amount` (minor units) is what counts for offers: 0 in a category at 0 bp."""

    quantity: int
    points: int
    qualifying: int
    amount: int


class Order(NamedTuple):
    """A purchase that was used. Known until `refund_until`, not included; its lot has the number `lot`."""

    event: Event
    order_id: str
    lines: dict[str, Line]
    refund_until: int
    lot: int


class Return(NamedTuple):
    """Units of an order that came back, by line."""

    event: Event
    order: Order
    units: dict[str, int]


class Lot(NamedTuple):
    """Points that were earned together. No `releases_at`: available at once. No `expires_at`: never expires.

    `offer_id` is that of the offer whose bonus it is, if it is one.
    """

    number: int
    event: Event
    order_id: str | None
    member_id: str | None
    releases_at: int | None
    expires_at: int | None
    offer_id: str | None = None

    @property
    def spending_order(self) -> tuple[int, int, int]:
        """Soonest expiry first, never-expiring last, then oldest."""
        return (NEVER if self.expires_at is None else self.expires_at, self.event.occurred_at, self.event.arrival)


class TakenOffer(NamedTuple):
    """An offer that a purchase took up: its terms, and the lot of its bonus."""

    offer: Offer
    order: Order
    bonus_points: int
    min_amount: int
    lot: int


class Redemption(NamedTuple):
    """A decided request. `hold_until` is None where it was denied; it is known until `known_until`, or while held.

    Velocity remembers it until the account's time is `counts_until`.
    """

    number: int
    event: Event
    redemption_id: str
    hold_until: int | None
    known_until: int
    counts_until: int


class Grace(NamedTuple):
    """A grace that started behind `event` and ends at `ends_at`, milliseconds since 1970."""

    event: Event
    ends_at: int


class Qualifying(NamedTuple):
    """Qualifying points as of the `occurred_at` of `event`; those of an order less what came back of it."""

    event: Event
    points: int


@dataclass
class History:
    """Lists that only grow, but for `waiting`, whose refunds leave when they are applied or given up.

    `uses` pairs an event with the account's time at its first use; `given_up` are the arrivals of refunds that waited
    in vain; `undone` are the lots of bonuses that were reversed; `moments` are the `occurred_at` of the decisions;
    `done` are the due things behind us. `slides` only saves time: what `slides_of` found for an `occurred_at`.
    """

    account_id: str
    reference: Reference
    seen: list[Event] = field(default_factory=list)
    uses: list[tuple[Event, int]] = field(default_factory=list)
    given_up: set[int] = field(default_factory=set)
    orders: list[Order] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    adjustments: list[Event] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    taken: list[TakenOffer] = field(default_factory=list)
    undone: set[int] = field(default_factory=set)
    redemptions: list[Redemption] = field(default_factory=list)
    graces: list[Grace] = field(default_factory=list)
    waiting: list[Event] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)
    done: set[tuple[str, int, int]] = field(default_factory=set)
    slides: dict[int, list[int]] = field(default_factory=dict)

    # Time

    def time(self) -> int:
        """The account's time: the highest `occurred_at` of the events that passed the duplicate check."""
        return max((event.occurred_at for event in self.seen), default=-NEVER)

    def now(self) -> int:
        """The moment that tiers are judged at: the account's time, but never behind a decision already made."""
        return max(self.time(), max(self.moments, default=-NEVER))

    # Events

    def earlier_use(self, event: Event) -> Event | None:
        """The used (or waiting) event of the same id that is still remembered."""
        time = self.time()
        for used, used_at in reversed(self.uses):
            if used.body["event_id"] == event.body["event_id"] and used.arrival not in self.given_up:
                return used if time < used_at + REMEMBERED_MS else None
        return None

    # Orders

    def known_order(self, order_id: str) -> Order | None:
        time = self.time()
        known = [one for one in self.orders if one.order_id == order_id and time < one.refund_until]
        return known[-1] if known else None

    def units_back(self) -> Counter[tuple[int, str]]:
        """How many units of each line have come back; the lot's number stands for the order."""
        back: Counter[tuple[int, str]] = Counter()
        for one in self.returns:
            for line_id, units in one.units.items():
                back[one.order.lot, line_id] += units
        return back

    def kept_points(self, order: Order) -> int:
        """The points that an order has not had to give back, each line rounded down on its own."""
        back = self.units_back()
        return sum(
            line.points * (line.quantity - back[order.lot, line_id]) // line.quantity
            for line_id, line in order.lines.items()
        )

    # Offers

    def offers_that_fit(self, order: Order) -> list[tuple[Offer, Document]]:
        """The open offers that a purchase takes up and their terms, oldest first, then by `decision_id`."""
        purchase = order.event
        amount = sum(line.amount for line in order.lines.values())
        taken = [one.offer for one in self.taken]
        found = []
        for offer in self.reference.offers.get(self.account_id, []):
            campaign = self.reference.documents.get(offer.campaign, {}).get(offer.version)
            if campaign is None or offer in taken or offer.member_id != purchase.body["member_id"]:
                continue
            terms = campaign.body["offer"]
            if terms.get("currency") not in (None, purchase.body["currency"]):
                continue
            closes_at = offer.occurred_at + terms["valid_days"] * DAY_MS
            if offer.occurred_at <= purchase.occurred_at < closes_at and amount >= terms["min_amount"]:
                found.append((offer, campaign))
        return sorted(found, key=lambda one: (one[0].occurred_at, one[0].decision_id))

    def amount_left(self, order: Order) -> int:
        """The minor units of an order that count and have not come back, each line rounded down on its own."""
        back = self.units_back()
        return sum(
            line.amount * (line.quantity - back[order.lot, line_id]) // line.quantity
            for line_id, line in order.lines.items()
        )

    def bonuses_of(self, order: Order) -> list[TakenOffer]:
        """Those that have not been reversed, in the order in which they were given."""
        return [one for one in self.taken if one.order.lot == order.lot and one.lot not in self.undone]

    # Points

    def standing(self) -> Standing:
        return Standing(self.moves)

    def available_lots(self, standing: Standing) -> list[tuple[Lot, int]]:
        """The lots with available points, in spending order, and how many each has."""
        lots = [(lot, standing.by_lot[lot.number, AVAILABLE]) for lot in self.lots]
        return sorted(((lot, n) for lot, n in lots if n > 0), key=lambda one: one[0].spending_order)

    def spend(self, standing: Standing, points: int, target: str, redemption: int | None = None) -> list[Move]:
        """Takes up to so many available points, in spending order."""
        moves = []
        for lot, available in self.available_lots(standing):
            take = min(points, available)
            if take > 0:
                moves.append(Move(lot.number, AVAILABLE, target, take, redemption))
                points -= take
        return moves

    def with_debt_paid(self, moves: list[Move]) -> list[Move]:
        """The moves, and behind them those that pay debt from what has become available."""
        after = Standing(self.moves + moves)
        return moves + self.spend(after, after.debt, REPAID)

    def has_expired(self, lot: Lot) -> bool:
        return lot.expires_at is not None and ("expiry", lot.number, lot.expires_at) in self.done

    # Redemptions

    def places_of_holds(self) -> dict[int, str]:
        """Where the points of each redemption that had a hold are now: held, spent, or available again."""
        return {move.redemption: move.target for move in self.moves if move.redemption is not None}

    def place_of_hold(self, redemption: Redemption) -> str | None:
        """Where the points of a redemption are: held, spent, or None when it has none (any more)."""
        place = self.places_of_holds().get(redemption.number)
        return None if place == AVAILABLE else place

    def held_lots(self, redemption: Redemption) -> list[Move]:
        """The moves that took the points of a redemption from their lots."""
        return [move for move in self.moves if move.redemption == redemption.number and move.target == HELD]

    def known_redemption(self, redemption_id: str) -> Redemption | None:
        time = self.time()
        named = [one for one in self.redemptions if one.redemption_id == redemption_id]
        known = [one for one in named if time < one.known_until or self.place_of_hold(one) == HELD]
        return known[-1] if known else None

    # Tiers

    def tier(self) -> str:
        """The tier held: the last one decided, or else the first level, which every version names alike."""
        for decision in reversed(self.decisions):
            if decision["type"] == "tier.changed":
                return str(decision["outcome"])
        anyone = next(iter(self.reference.documents["tiers"].values()))
        return str(anyone.body["levels"][0]["tier"])

    def grace(self) -> Grace | None:
        """The grace that the account is in: started, and no tier decision since."""
        for decision in reversed(self.decisions):
            if decision["type"] in ("tier.changed", "tier.grace"):
                started = decision["type"] == "tier.grace" and decision["outcome"] == "started"
                return self.graces[-1] if started else None
        return None

    def qualifying_points(self) -> list[Qualifying]:
        """Each order's and each qualifying adjustment's, in the order of their moments, then of arrival."""
        back = self.units_back()
        found = []
        for order in self.orders:
            points = 0
            for line_id, line in order.lines.items():
                points += line.qualifying * (line.quantity - back[order.lot, line_id]) // line.quantity
            found.append(Qualifying(order.event, points))
        found += [Qualifying(event, event.body["points"]) for event in self.adjustments if event.body["qualifying"]]
        return sorted(found, key=lambda one: (one.event.occurred_at, one.event.arrival))

    def tiers_at(self, moment: int) -> Document:
        return self.reference.in_force("tiers", moment)

    def qualifying_sum(self, moment: int, and_leaving: bool = False) -> int:
        """The sum over the window that ends at `moment`; with what is about to leave it just then, if so wanted."""
        window = self.window_ms(moment)
        counted = [
            one.points
            for one in self.qualifying_points()
            if moment - window < one.event.occurred_at <= moment
            or (and_leaving and moment in self.slides_of(one.event) and not self.has_left(one.event, moment))
        ]
        return max(0, sum(counted))

    def slides_of(self, event: Event) -> list[int]:
        """When points of this event leave the window that is then in force, having lain in the window until then."""
        earned_at = event.occurred_at
        if earned_at not in self.slides:
            versions = self.reference.documents["tiers"].values()
            moments = {earned_at + one.body["window_days"] * DAY_MS for one in versions}
            self.slides[earned_at] = [
                one for one in moments if one - self.window_ms(one) == earned_at > one - 1 - self.window_ms(one - 1)
            ]
        return self.slides[earned_at]

    def window_ms(self, moment: int) -> int:
        days: int = self.tiers_at(moment).body["window_days"]
        return days * DAY_MS

    def has_left(self, event: Event, moment: int) -> bool:
        """The slide of this event's points at `moment` is behind us."""
        return ("slide", event.arrival, moment) in self.done
