"""The book of an account: every movement of points that ever was. Balances are sums over it, nothing is kept apart."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

# Where points can be. `repaid`, `taken`, `spent`, `expired`, `forgiven` and `written_off` are outside the balance.
OUTSIDE = "outside"
PENDING = "pending"
AVAILABLE = "available"
HELD = "held"
SPENT = "spent"
EXPIRED = "expired"
FORGIVEN = "forgiven"
TAKEN = "taken"
REPAID = "repaid"
OWED = "owed"
WRITTEN_OFF = "written_off"


class Move(NamedTuple):
    """`points` of lot number `lot` (None: of none) went from a place to another, for redemption number `redemption`."""

    lot: int | None
    source: str
    target: str
    points: int
    redemption: int | None = None


class Standing:
    """Where all points are after some moves."""

    def __init__(self, moves: Sequence[Move]) -> None:
        self.by_lot: Counter[tuple[int | None, str]] = Counter()
        self.total: Counter[str] = Counter()
        for move in moves:
            assert move.points > 0
            self.by_lot[move.lot, move.source] -= move.points
            self.by_lot[move.lot, move.target] += move.points
            self.total[move.source] -= move.points
            self.total[move.target] += move.points

    @property
    def debt(self) -> int:
        return self.total[OWED] - self.total[REPAID]

    @property
    def balance(self) -> int:
        """What the sum of all decisions' points must be."""
        return self.total[PENDING] + self.total[AVAILABLE] + self.total[HELD] - self.debt
