"""What every event of a run is made of: the households, the numbers, the dice, and what comes later."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from loyalty.times import MINUTE_MS, format_time
from ops.generate.dice import Dice
from ops.generate.households import Household, Order
from ops.generate.settings import OutRecord, Traffic
from ops.generate.shop import Shop

DISORDER_MS = 4 * MINUTE_MS
"""What an event says of itself (`occurred_at`) lies up to so long behind its arrival."""
_LATELY = 200

FollowUp = Callable[[int], OutRecord | None]
"""What happens later, told when it arrives; None: it has become pointless."""


class Season:
    """One run over the whole time."""

    def __init__(self, traffic: Traffic, shop: Shop, accounts: Sequence[Household]) -> None:
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
        self._changes = [traffic.start_ms, *shop.changes(), traffic.end_ms * 2]
        self.look_around(traffic.start_ms)

    def look_around(self, moment: int) -> None:
        """Knows the rewards and partners that there are at `moment` (ms)."""
        if self._changes[0] > moment:
            return
        self.rewards = self.shop.rewards_at(moment)
        self.partners = self.shop.partners_at(moment)
        self._changes = [change for change in self._changes if change > moment]

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

    def due_at(self, visit_at: int) -> int | None:
        """When the next thing follows, if that is not after the next visit (ms)."""
        return self._later[0][0] if self._later and self._later[0][0] <= visit_at else None

    def next_due(self, moment: int) -> OutRecord | None:
        """What follows next, as it arrives at `moment` (ms)."""
        return heapq.heappop(self._later)[2](moment)

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
