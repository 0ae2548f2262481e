"""Requests for rewards, and how they end."""

from __future__ import annotations

import orjson

from loyalty.times import HOUR_MS
from loyalty.wire.transactions import TOPIC
from ops.generate.faults import send
from ops.generate.households import Household
from ops.generate.season import Season
from ops.generate.settings import OutRecord


class Redemptions:
    """The redemptions of a season."""

    def __init__(self, season: Season) -> None:
        self._season = season

    def burst(self, household: Household, begins_at: int, device: str) -> None:
        """Four to six requests within three minutes."""
        for at in range(self._season.dice.between(4, 6)):
            self._season.after(
                begins_at + at * 30_000 + self._season.dice.below(30_000),
                lambda arrives_at: self.request(household, arrives_at, device=device, keeps=False),
            )

    def request(
        self, household: Household, arrives_at: int, device: str | None = None, keeps: bool = True
    ) -> OutRecord:
        """A request for something the household believes it can pay; `keeps`: it will also be told how that ends."""
        dice = self._season.dice
        has = household.can_spend(arrives_at)
        payable = [reward for reward in self._season.rewards if reward[1] <= has]
        wanted = payable if payable and dice.roll() < 0.95 else self._season.rewards
        reward_id, points = dice.pick(wanted or [("none", 1000)])
        who = dice.below(len(household.members))
        luck = dice.below(100)
        channel = "web" if device or luck < 30 else "app" if luck < 70 else "store"
        source = household.store if channel == "store" else "webshop" if channel == "web" else "app"
        event = self._season.envelope("redemption.requested", household, source, arrives_at)
        event["member_id"] = household.members[who]
        event["redemption_id"] = redemption_id = f"redemption-{self._season.number()}"
        event["reward_id"] = reward_id
        event["points"] = points if dice.roll() < 0.99 else points + 100
        event["channel"] = channel
        if device is not None:
            event["device_id"] = device
        elif channel != "store" and luck % 20:
            event["device_id"] = household.devices[who]
        self._season.requests.append((arrives_at, household, event))
        if keeps:
            household.spendable = max(0, has - points)
            self._settle(household, redemption_id, points, arrives_at)
        return send(self._season, household, event, arrives_at)

    def _settle(self, household: Household, redemption_id: str, points: int, requested_at: int) -> None:
        """Most are committed, some given up, some forgotten, and a few come back later."""
        dice, after = self._season.dice, self._season.after
        luck = dice.below(100)
        soon = requested_at + dice.between(60, 20 * 60) * 1000
        if luck < 75:
            after(soon, lambda at: self._end("redemption.committed", household, redemption_id, at))
            if luck < 5:
                later = soon + dice.between(1, 20 * 24) * HOUR_MS
                after(later, lambda at: self._end("redemption.cancelled", household, redemption_id, at, points))
        elif luck < 85:

            def give_up(at: int) -> OutRecord:
                self._season.given_up.append((at, household, redemption_id))
                return self._end("redemption.cancelled", household, redemption_id, at, points)

            after(soon, give_up)

    def _end(
        self, kind: str, household: Household, redemption_id: str, arrives_at: int, given_back: int = 0
    ) -> OutRecord:
        household.spendable += given_back
        event = self._season.envelope(kind, household, "checkout", arrives_at)
        event["redemption_id"] = redemption_id
        return OutRecord(TOPIC, household.key, orjson.dumps(event), kind)
