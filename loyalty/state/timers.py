"""When something of an account is due: holds' ends, lots' releases and expiries, the ends of refunds that wait."""

from __future__ import annotations

from loyalty.state.entries import Lot, Redemption
from loyalty.state.lists import EXPIRY, HOLD, TIMER_LIST, Timer
from loyalty.state.sorted_list import SortedList
from loyalty.state.unit_of_work import UnitOfWork


class Timers:
    """The timers that were set, as one list. Expiries lie in a list of their own: there are many, and far off."""

    __slots__ = ("expiries", "others")

    def __init__(self, unit: UnitOfWork) -> None:
        self.others = SortedList("due", TIMER_LIST, unit)
        self.expiries = SortedList("expiry", TIMER_LIST, unit)

    def add(self, timer: Timer) -> None:
        (self.expiries if timer.kind == EXPIRY else self.others).add(timer)

    def add_for_lot(self, kind: int, at: int, lot: Lot) -> None:
        """A lot's release or expiry is due then."""
        timer = Timer(at, kind, lot.cause.occurred_at, lot.number, str(lot.number))
        (self.expiries if kind == EXPIRY else self.others).add(timer)

    def add_hold_end(self, redemption_id: str, redemption: Redemption) -> None:
        """Its points go back at `hold_until`."""
        self.others.add(_hold_end(redemption_id, redemption))

    def remove_hold_end(self, redemption_id: str, redemption: Redemption) -> None:
        self.others.remove(_hold_end(redemption_id, redemption))

    def remove(self, timer: Timer) -> None:
        """ValueError where it was not set."""
        # Releases before the third version of the core entry kept expiries among the others.
        if timer.kind == EXPIRY and (self.expiries.first() == timer or self.expiries.at_or_after(timer) == timer):
            self.expiries.remove(timer)
        else:
            self.others.remove(timer)

    def first(self) -> Timer | None:
        """Of several at one moment the first in the contract's order."""
        first = None if self.others.folded.first is None else self.others.first()
        expires_at = self.expiries.folded.first
        if expires_at is not None and (first is None or expires_at <= first.due_at):
            expiry = self.expiries.first()
            if first is None or (expiry is not None and expiry < first):
                return expiry
        return first


def _hold_end(redemption_id: str, redemption: Redemption) -> Timer:
    cause = redemption.cause
    return Timer(redemption.hold_until, HOLD, cause.occurred_at, cause.number, redemption_id)
