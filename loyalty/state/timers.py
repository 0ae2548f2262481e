"""When something of an account is due: holds' ends, lots' releases and expiries, the ends of refunds that wait."""

from __future__ import annotations

from loyalty.state.core import Core
from loyalty.state.entries import NEVER
from loyalty.state.lists import EXPIRY, TIMER_LIST, Timer
from loyalty.state.sorted_list import SortedList
from loyalty.state.unit_of_work import UnitOfWork


class Timers:
    """The timers that were set, as one list. Expiries lie in a list of their own: there are many, and far off."""

    __slots__ = ("_others", "expiries")

    def __init__(self, unit: UnitOfWork) -> None:
        self._others = SortedList("due", TIMER_LIST, unit)
        self.expiries = SortedList("expiry", TIMER_LIST, unit)

    def turn_to(self, core: Core) -> None:
        """Be those of this account from now on."""
        self._others.folded = core.due
        self.expiries.folded = core.expiry

    def add(self, timer: Timer) -> None:
        (self.expiries if timer.kind == EXPIRY else self._others).add(timer)

    def remove(self, timer: Timer) -> None:
        """ValueError where it was not set."""
        # Releases before the third version of the core entry kept expiries among the others.
        if timer.kind == EXPIRY and (self.expiries.first() == timer or self.expiries.at_or_after(timer) == timer):
            self.expiries.remove(timer)
        else:
            self._others.remove(timer)

    @property
    def next_moment(self) -> int:
        """When the first is due, or a moment before; NEVER where there is none."""
        moment, expires_at = self._others.folded.first, self.expiries.folded.first
        if expires_at is not None and (moment is None or expires_at < moment):
            return expires_at
        return NEVER if moment is None else moment

    def first(self) -> Timer | None:
        """Of several at one moment the first in the contract's order."""
        first = None if self._others.folded.first is None else self._others.first()
        expires_at = self.expiries.folded.first
        if expires_at is not None and (first is None or expires_at <= first.due_at):
            expiry = self.expiries.first()
            if first is None or (expiry is not None and expiry < first):
                return expiry
        return first
