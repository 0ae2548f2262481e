"""The transactions, as they arrive: one loop over time, with what follows from an event in between.

Arrival goes forward in time. What an event says of itself (`occurred_at`) lies up to four minutes behind its arrival,
so that neighbours overtake each other, yet all stay within the default watermark lag.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from loyalty.times import DAY_MS, MINUTE_MS, format_time
from loyalty.wire.transactions import TOPIC
from ops.generate import faults
from ops.generate.faults import send
from ops.generate.households import Household, Order
from ops.generate.redemptions import Redemptions
from ops.generate.reference import Alarm
from ops.generate.season import DISORDER_MS, Season
from ops.generate.settings import OutRecord

_RECORDS_A_VISIT = 1.3
"""What one visit brings about on average; only the pace over the whole time depends on it."""


class Transactions:
    """The transactions of a season. Iterate them once."""

    def __init__(self, season: Season, expected: Sequence[Alarm]) -> None:
        self._season = season
        self._redemptions = Redemptions(season)
        self.moment = season.traffic.start_ms
        """When the record that was given last arrives (ms)."""
        for alarm in expected:
            if alarm.hijacked:
                begins_at = alarm.occurred_at + 2 * MINUTE_MS
                self._redemptions.burst(alarm.household, begins_at, f"device-stranger-{alarm.occurred_at}")

    def __iter__(self) -> Iterator[OutRecord]:
        season, traffic, dice = self._season, self._season.traffic, self._season.dice
        left = traffic.events
        visit_at = traffic.start_ms
        malformed, fault = traffic.malformed_rate, traffic.malformed_rate + traffic.fault_rate
        record: OutRecord | None
        while left:
            due_at = season.due_at(visit_at)
            moment = visit_at if due_at is None else due_at
            season.look_around(moment)
            luck = dice.roll()
            if luck < malformed:
                record = faults.malformed(season, moment)
            elif luck < fault:
                record = faults.refused(season, moment)
            elif due_at is not None:
                record = season.next_due(moment)
                if record is None:
                    continue
            else:
                record = self._visit(moment)
                pace = (traffic.end_ms - moment) / max(1.0, left / _RECORDS_A_VISIT)
                visit_at = min(moment + int(dice.gap(pace)), traffic.end_ms - 1)
            left -= 1
            self.moment = moment
            yield record

    def _visit(self, moment: int) -> OutRecord:
        household = self._season.somebody()
        luck = self._season.dice.below(1000)
        if luck < 20:
            return self._adjustment(household, moment)
        if luck > 992:
            return self._refund_first(household, moment)
        if luck < 230 and self._season.rewards and household.can_spend(moment) >= self._season.rewards[0][1]:
            if luck < 24:
                self._redemptions.burst(household, moment + 1000, household.devices[0])
            return self._redemptions.request(household, moment)
        return self._buy(household, moment)

    def _buy(self, household: Household, arrives_at: int) -> OutRecord:
        event, points = self._season.purchase(household, arrives_at)
        if self._season.traffic.late_rate and self._season.dice.roll() < self._season.traffic.late_rate:
            event["occurred_at"] = format_time(arrives_at - self._season.dice.between(15, 360) * MINUTE_MS)
        self._keep(household, event, arrives_at, points)
        return send(self._season, household, event, arrives_at)

    def _keep(self, household: Household, event: dict[str, Any], bought_at: int, points: int) -> Order:
        """Remembers what can come back of an order, and decides what will."""
        dice = self._season.dice
        order = Order(event["order_id"], {line["line_id"]: line["quantity"] for line in event["lines"]}, points)
        self._season.orders.append((bought_at, household, order))
        household.coming.append((bought_at + self._season.shop.pending_days * DAY_MS + DISORDER_MS, points))
        luck = dice.below(100)
        if luck < 9:
            days = dice.between(1, 9) if luck < 6 else dice.between(9, 40)
            later = bought_at + days * DAY_MS + dice.below(DAY_MS)
            self._season.after(later, lambda at: self._refund(household, order, at))
            if luck < 3:
                self._season.after(later + dice.below(DAY_MS), lambda at: self._refund(household, order, at))
        elif luck < 12:
            later = bought_at + dice.between(1, 48 * 60) * MINUTE_MS
            self._season.after(later, lambda at: self._cancel(household, order, at))
        return order

    def _refund(self, household: Household, order: Order, arrives_at: int) -> OutRecord | None:
        back: list[dict[str, Any]] = []
        units_before = sum(order.left.values())
        for line_id, units in order.left.items():
            if units and (not back or self._season.dice.roll() < 0.3):
                quantity = self._season.dice.between(1, units)
                order.left[line_id] = units - quantity
                back.append({"line_id": line_id, "quantity": quantity})
        if not back:
            return None
        lost = order.points * (units_before - sum(order.left.values())) // units_before
        order.points -= lost
        household.spendable -= lost
        event = self._season.envelope("refund", household, household.store, arrives_at)
        event["order_id"] = order.order_id
        event["lines"] = back
        return send(self._season, household, event, arrives_at)

    def _cancel(self, household: Household, order: Order, arrives_at: int) -> OutRecord:
        order.left = {}
        household.spendable -= order.points
        event = self._season.envelope("cancellation", household, "webshop", arrives_at)
        event["order_id"] = order.order_id
        return send(self._season, household, event, arrives_at)

    def _refund_first(self, household: Household, arrives_at: int) -> OutRecord:
        """A refund that overtakes its purchase by up to three minutes."""
        purchase_at = arrives_at + self._season.dice.between(5, 180) * 1000
        bought, points = self._season.purchase(household, arrives_at)
        bought["occurred_at"] = format_time(arrives_at - 1000)
        line = bought["lines"][0]
        event = self._season.envelope("refund", household, household.store, arrives_at)
        event["occurred_at"] = format_time(arrives_at)
        event["order_id"] = bought["order_id"]
        event["lines"] = [{"line_id": line["line_id"], "quantity": 1}]

        def purchase(at: int) -> OutRecord:
            self._keep(household, bought, at, points).left[line["line_id"]] -= 1
            return send(self._season, household, bought, at)

        self._season.after(purchase_at, purchase)
        return OutRecord(TOPIC, household.key, orjson.dumps(event), "refund")

    def _adjustment(self, household: Household, arrives_at: int) -> OutRecord:
        dice = self._season.dice
        event = self._season.envelope("adjustment", household, "service-desk", arrives_at)
        given = dice.roll() < 0.8
        event["points"] = dice.between(1, 30) * 100 * (1 if given else -1)
        event["reason"] = "goodwill" if given else "correction"
        event["operator"] = f"operator-{dice.between(1, 12)}"
        event["qualifying"] = dice.roll() < 0.3
        household.spendable = max(0, household.spendable + event["points"])
        return send(self._season, household, event, arrives_at)
