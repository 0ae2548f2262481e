"""The transactions, as they arrive: one loop over time, with what follows from an event waiting in a heap.

Arrival goes forward in time. What an event says of itself (`occurred_at`) lies up to four minutes behind its arrival,
so that neighbours overtake each other, yet all stay within the default watermark lag.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from loyalty.times import DAY_MS, HOUR_MS, MINUTE_MS, format_time
from loyalty.wire.transactions import TOPIC
from ops.generate import faults
from ops.generate.dice import Dice
from ops.generate.households import Household, Order
from ops.generate.reference import Alarm
from ops.generate.settings import OutRecord, Traffic
from ops.generate.shop import Shop

DISORDER_MS = 4 * MINUTE_MS
_LATELY = 200
_RECORDS_A_VISIT = 1.3
"""What one visit brings about on average; only the pace over the whole time depends on it."""

FollowUp = Callable[[int], OutRecord | None]
"""What happens later, told when it arrives; None: it has become pointless."""


class Season:
    """One run over the whole time. Iterate it once."""

    def __init__(self, traffic: Traffic, shop: Shop, accounts: Sequence[Household], expected: Sequence[Alarm]) -> None:
        self.traffic = traffic
        self.shop = shop
        self.accounts = accounts
        self.dice = Dice(f"{traffic.seed}/transactions")
        self.numbered = 0
        # What was sent lately, to be sent wrongly again.
        self.orders: deque[tuple[int, Household, Order]] = deque(maxlen=_LATELY)
        self.requests: deque[tuple[int, Household, dict[str, Any]]] = deque(maxlen=_LATELY)
        self.given_up: deque[tuple[int, Household, str]] = deque(maxlen=_LATELY)
        self._later: list[tuple[int, int, FollowUp]] = []
        self._queued = 0
        self.moment = traffic.start_ms
        """When the record that was given last arrives (ms)."""
        self._changes = [*shop.changes(), traffic.end_ms * 2]
        self._look_around(traffic.start_ms)
        for alarm in expected:
            if alarm.hijacked:
                self.burst(alarm.household, alarm.occurred_at + 2 * MINUTE_MS, f"device-stranger-{alarm.occurred_at}")

    def __iter__(self) -> Iterator[OutRecord]:
        traffic, dice = self.traffic, self.dice
        left = traffic.events
        visit_at = traffic.start_ms
        malformed, fault = traffic.malformed_rate, traffic.malformed_rate + traffic.fault_rate
        record: OutRecord | None
        while left:
            follows = bool(self._later) and self._later[0][0] <= visit_at
            moment = self._later[0][0] if follows else visit_at
            if moment >= self._changes[0]:
                self._look_around(moment)
            luck = dice.roll()
            if luck < malformed:
                record = faults.malformed(self, moment)
            elif luck < fault:
                record = faults.refused(self, moment)
            elif follows:
                record = heapq.heappop(self._later)[2](moment)
                if record is None:
                    continue
            else:
                record = self._visit(moment)
                pace = (traffic.end_ms - moment) / max(1.0, left / _RECORDS_A_VISIT)
                visit_at = min(moment + int(dice.gap(pace)), traffic.end_ms - 1)
            left -= 1
            self.moment = moment
            yield record

    # What others of this package use.

    def somebody(self) -> Household:
        """Some come often: half of the visits are those of three accounts in ten."""
        return self.accounts[int(len(self.accounts) * self.dice.roll() ** 1.6)]

    def number(self) -> str:
        """A number that this run has not used; the seed keeps those of two runs apart."""
        self.numbered += 1
        return f"{self.traffic.seed}-{self.numbered}"

    def envelope(self, kind: str, household: Household, source: str, arrives_at: int) -> dict[str, Any]:
        """The fields that every transaction has; most say a time a little before they arrive."""
        luck = self.dice.roll()
        occurred_at = arrives_at - int((luck - 0.7) * 3 * DISORDER_MS) if luck > 0.7 else arrives_at
        return {
            "event_id": f"event-{self.number()}",
            "type": kind,
            "schema_version": 1,
            "source": source,
            "occurred_at": format_time(occurred_at),
            "account_id": household.account_id,
        }

    def after(self, moment: int, follow_up: FollowUp) -> None:
        """Has it happen when the traffic has come to `moment` (ms)."""
        self._queued += 1
        heapq.heappush(self._later, (moment, self._queued, follow_up))

    def purchase(self, household: Household, arrives_at: int) -> tuple[dict[str, Any], int]:
        """A new purchase, and the points that it may bring."""
        dice, shop = self.dice, self.shop
        who = dice.below(len(household.members))
        luck = dice.below(100)
        partner = None
        if luck < 55 or (luck >= 95 and not self.partners):
            channel, source = "store", household.store
        elif luck < 75:
            channel, source = "web", "webshop"
        elif luck < 95:
            channel, source = "app", "app"
        else:
            channel, source, partner = "partner", "partner-gateway", dice.pick(self.partners)
        event = self.envelope("purchase", household, source, arrives_at)
        event["member_id"] = household.members[who]
        event["order_id"] = f"order-{self.number()}"
        event["channel"] = channel
        event["currency"] = household.currency
        if channel == "store":
            event["store_id"] = household.store
        elif partner is not None:
            event["partner_id"] = partner
        else:
            event["device_id"] = household.devices[who]
            event["payment_id"] = f"payment-{self.numbered}"
        points, per_minor = shop.rates[household.currency]
        worth = 0
        lines = []
        for line in range(1, 2 + int(5 * dice.roll() ** 1.5)):
            category = shop.categories[int(len(shop.categories) * dice.roll() ** 1.7)]
            quantity = 1 if dice.roll() < 0.7 else dice.between(2, 4)
            amount = quantity * int(90 + 4000 * dice.roll() ** 3)
            worth += amount * shop.category_bp.get(category, 10_000)
            lines.append(
                {
                    "line_id": str(line),
                    "sku": f"{category}-{dice.below(200)}",
                    "category": category,
                    "quantity": quantity,
                    "amount": amount,
                }
            )
        event["lines"] = lines
        return event, worth * points // (per_minor * 10_000)

    def send(self, household: Household, event: dict[str, Any], arrives_at: int) -> OutRecord:
        """The event as a record; now and then it will be sent once more."""
        value = orjson.dumps(event)
        if self.dice.roll() < self.traffic.duplicate_rate:
            again = faults.again(self, household, event, value)
            self.after(arrives_at + self.dice.between(1000, DISORDER_MS), lambda _: again)
        return OutRecord(TOPIC, household.key, value, event["type"])

    def burst(self, household: Household, begins_at: int, device: str) -> None:
        """Four to six requests within three minutes."""
        for at in range(self.dice.between(4, 6)):
            self.after(
                begins_at + at * 30_000 + self.dice.below(30_000),
                lambda arrives_at: self._request(household, arrives_at, device=device, keeps=False),
            )

    # The visits.

    def _look_around(self, moment: int) -> None:
        self.rewards = self.shop.rewards_at(moment)
        self.partners = self.shop.partners_at(moment)
        self._changes = [change for change in self._changes if change > moment]

    def _visit(self, moment: int) -> OutRecord:
        household = self.somebody()
        luck = self.dice.below(1000)
        if luck < 20:
            return self._adjustment(household, moment)
        if luck > 992:
            return self._refund_first(household, moment)
        if luck < 230 and self.rewards and household.can_spend(moment) >= self.rewards[0][1]:
            if luck < 24:
                self.burst(household, moment + 1000, household.devices[0])
            return self._request(household, moment)
        return self._buy(household, moment)

    def _buy(self, household: Household, arrives_at: int) -> OutRecord:
        event, points = self.purchase(household, arrives_at)
        if self.traffic.late_rate and self.dice.roll() < self.traffic.late_rate:
            event["occurred_at"] = format_time(arrives_at - self.dice.between(15, 360) * MINUTE_MS)
        self._keep(household, event, arrives_at, points)
        return self.send(household, event, arrives_at)

    def _keep(self, household: Household, event: dict[str, Any], bought_at: int, points: int) -> Order:
        """Remembers what can come back of an order, and decides what will."""
        dice = self.dice
        order = Order(event["order_id"], {line["line_id"]: line["quantity"] for line in event["lines"]}, points)
        self.orders.append((bought_at, household, order))
        household.coming.append((bought_at + self.shop.pending_days * DAY_MS + DISORDER_MS, points))
        luck = dice.below(100)
        if luck < 9:
            days = dice.between(1, 9) if luck < 6 else dice.between(9, 40)
            later = bought_at + days * DAY_MS + dice.below(DAY_MS)
            self.after(later, lambda at: self._refund(household, order, at))
            if luck < 3:
                self.after(later + dice.below(DAY_MS), lambda at: self._refund(household, order, at))
        elif luck < 12:
            self.after(bought_at + dice.between(1, 48 * 60) * MINUTE_MS, lambda at: self._cancel(household, order, at))
        return order

    def _refund(self, household: Household, order: Order, arrives_at: int) -> OutRecord | None:
        back: list[dict[str, Any]] = []
        units_before = sum(order.left.values())
        for line_id, units in order.left.items():
            if units and (not back or self.dice.roll() < 0.3):
                quantity = self.dice.between(1, units)
                order.left[line_id] = units - quantity
                back.append({"line_id": line_id, "quantity": quantity})
        if not back:
            return None
        lost = order.points * (units_before - sum(order.left.values())) // units_before
        order.points -= lost
        household.spendable -= lost
        event = self.envelope("refund", household, household.store, arrives_at)
        event["order_id"] = order.order_id
        event["lines"] = back
        return self.send(household, event, arrives_at)

    def _cancel(self, household: Household, order: Order, arrives_at: int) -> OutRecord:
        order.left = {}
        household.spendable -= order.points
        event = self.envelope("cancellation", household, "webshop", arrives_at)
        event["order_id"] = order.order_id
        return self.send(household, event, arrives_at)

    def _refund_first(self, household: Household, arrives_at: int) -> OutRecord:
        """A refund that overtakes its purchase by up to three minutes."""
        purchase_at = arrives_at + self.dice.between(5, 180) * 1000
        bought, points = self.purchase(household, arrives_at)
        bought["occurred_at"] = format_time(arrives_at - 1000)
        line = bought["lines"][0]
        event = self.envelope("refund", household, household.store, arrives_at)
        event["occurred_at"] = format_time(arrives_at)
        event["order_id"] = bought["order_id"]
        event["lines"] = [{"line_id": line["line_id"], "quantity": 1}]

        def purchase(at: int) -> OutRecord:
            self._keep(household, bought, at, points).left[line["line_id"]] -= 1
            return self.send(household, bought, at)

        self.after(purchase_at, purchase)
        return OutRecord(TOPIC, household.key, orjson.dumps(event), "refund")

    def _adjustment(self, household: Household, arrives_at: int) -> OutRecord:
        dice = self.dice
        event = self.envelope("adjustment", household, "service-decider", arrives_at)
        given = dice.roll() < 0.8
        event["points"] = dice.between(1, 30) * 100 * (1 if given else -1)
        event["reason"] = "goodwill" if given else "correction"
        event["operator"] = f"operator-{dice.between(1, 12)}"
        event["qualifying"] = dice.roll() < 0.3
        household.spendable = max(0, household.spendable + event["points"])
        return self.send(household, event, arrives_at)

    # The redemptions.

    def _request(
        self, household: Household, arrives_at: int, device: str | None = None, keeps: bool = True
    ) -> OutRecord:
        """A request for something the household believes it can pay; `keeps`: it will also be told how that ends."""
        dice = self.dice
        has = household.can_spend(arrives_at)
        payable = [reward for reward in self.rewards if reward[1] <= has]
        reward_id, points = dice.pick(payable if payable and dice.roll() < 0.95 else self.rewards or [("none", 1000)])
        who = dice.below(len(household.members))
        luck = dice.below(100)
        channel = "web" if device or luck < 30 else "app" if luck < 70 else "store"
        source = household.store if channel == "store" else "webshop" if channel == "web" else "app"
        event = self.envelope("redemption.requested", household, source, arrives_at)
        event["member_id"] = household.members[who]
        event["redemption_id"] = redemption_id = f"redemption-{self.number()}"
        event["reward_id"] = reward_id
        event["points"] = points if dice.roll() < 0.99 else points + 100
        event["channel"] = channel
        if device is not None:
            event["device_id"] = device
        elif channel != "store" and luck % 20:
            event["device_id"] = household.devices[who]
        self.requests.append((arrives_at, household, event))
        if keeps:
            household.spendable = max(0, has - points)
            self._settle(household, redemption_id, points, arrives_at)
        return self.send(household, event, arrives_at)

    def _settle(self, household: Household, redemption_id: str, points: int, requested_at: int) -> None:
        """Most are committed, some given up, some forgotten, and a few come back later."""
        dice = self.dice
        luck = dice.below(100)
        soon = requested_at + dice.between(60, 20 * 60) * 1000
        if luck < 75:
            self.after(soon, lambda at: self._end("redemption.committed", household, redemption_id, at))
            if luck < 5:
                later = soon + dice.between(1, 20 * 24) * HOUR_MS
                self.after(later, lambda at: self._end("redemption.cancelled", household, redemption_id, at, points))
        elif luck < 85:

            def give_up(at: int) -> OutRecord:
                self.given_up.append((at, household, redemption_id))
                return self._end("redemption.cancelled", household, redemption_id, at, points)

            self.after(soon, give_up)

    def _end(
        self, kind: str, household: Household, redemption_id: str, arrives_at: int, given_back: int = 0
    ) -> OutRecord:
        household.spendable += given_back
        event = self.envelope(kind, household, "checkout", arrives_at)
        event["redemption_id"] = redemption_id
        return OutRecord(TOPIC, household.key, orjson.dumps(event), kind)
