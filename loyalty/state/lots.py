"""Lots of points, and the order in which they are spent."""

from __future__ import annotations

from loyalty.state.core import AccountWork
from loyalty.state.entries import LOT, Lot
from loyalty.state.lists import SPEND_LIST
from loyalty.state.sorted_list import SortedList
from loyalty.state.unit_of_work import EntriesById


class Lots:
    """Lots by number. Those with available points stand in a list, in spending order (contract §4, *Lots*)."""

    __slots__ = ("_by_number", "_unit", "emptied", "spend")

    def __init__(self, unit: AccountWork) -> None:
        self._unit = unit
        self._by_number = EntriesById("lot", LOT, unit)
        self.spend = SortedList("spend", SPEND_LIST, unit)
        self.emptied: list[Lot] = []
        """Lots that were put with nothing in them; there may be something by now."""

    def get(self, number: str) -> Lot | None:
        """None where it was emptied and forgotten."""
        return self._by_number.get(number)

    def known(self, number: int) -> Lot:
        """A lot that something known refers to."""
        lot = self._by_number.get(str(number))
        assert lot is not None, f"lot {number} was forgotten too early"
        return lot

    def put(self, lot: Lot) -> None:
        """Keep a new lot, or one that has changed."""
        self._by_number.put(str(lot.number), lot)
        if lot.empty:
            self.emptied.append(lot)

    def forget(self, lot: Lot) -> None:
        self._by_number.remove(str(lot.number))

    def next_to_spend(self) -> Lot:
        """The available one that spending takes from first (contract §4, *Lots*); there must be one."""
        first = self.spend.first()
        assert first is not None
        return self.known(first[2])

    def add_available(self, lot: Lot, points: int) -> None:
        """Points of a lot become available; the lot must be put."""
        if points:
            if not lot.available:
                self.spend.add(lot.spend_key)
            lot.available += points
            self._unit.core.available += points

    def take_available(self, lot: Lot, points: int) -> None:
        """Available points leave a lot that has so many; the lot must be put."""
        if points:
            lot.available -= points
            self._unit.core.available -= points
            if not lot.available:
                self.spend.remove(lot.spend_key)
