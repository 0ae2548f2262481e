"""Who shops: accounts with their members, devices and stores, and what the generator remembers of each."""

from __future__ import annotations

from ops.generate.dice import Dice
from ops.generate.settings import Traffic
from ops.generate.shop import Shop

_MEMBERS = (1, 1, 1, 2, 2, 2, 2, 3, 4)
_CURRENCY_OF_TEN = 8
"""Eight households in ten pay in the programme's first currency."""


class Order:
    """An order, and the units of it that were not brought back."""

    __slots__ = ("left", "order_id", "points")

    def __init__(self, order_id: str, left: dict[str, int], points: int) -> None:
        self.order_id = order_id
        self.points = points
        """What it brought, less what went with the units that came back; an estimate."""
        self.left = left


class Household:
    """An account. What it believes to have is an estimate: only the decision job knows."""

    __slots__ = (
        "account_id",
        "coming",
        "currency",
        "devices",
        "key",
        "members",
        "spendable",
        "store",
    )

    def __init__(self, number: int, members: int, currency: str, store: str) -> None:
        self.account_id = f"account-{number:06}"
        self.key = self.account_id.encode()
        self.members = [f"member-{number:06}-{member}" for member in range(1, members + 1)]
        self.devices = [f"device-{number:06}-{member}" for member in range(1, members + 1)]
        self.currency = currency
        self.store = store
        self.spendable = 0
        self.coming: list[tuple[int, int]] = []
        """(from when on they can be spent, points), in the order of purchase."""

    def can_spend(self, moment: int) -> int:
        """The points that it believes to have at `moment` (ms)."""
        coming = self.coming
        while coming and coming[0][0] <= moment:
            self.spendable += coming.pop(0)[1]
        return self.spendable


def households(traffic: Traffic, shop: Shop) -> list[Household]:
    dice = Dice(f"{traffic.seed}/households")
    first, *others = shop.currencies
    found = []
    for number in range(traffic.accounts):
        members = dice.pick(_MEMBERS)
        currency = first if not others or dice.below(10) < _CURRENCY_OF_TEN else dice.pick(others)
        found.append(Household(number, members, currency, f"store-{dice.between(1, 40):02}"))
    return found
