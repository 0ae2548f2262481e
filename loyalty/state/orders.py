"""Orders that can be refunded, and the bonuses of those that took up offers."""

from __future__ import annotations

from zlib import crc32

from loyalty.state.core import AccountWork
from loyalty.state.entries import BONUSES, ORDER, Bonuses, Order
from loyalty.state.lists import Keep
from loyalty.state.sorted_list import SortedList
from loyalty.state.unit_of_work import EntriesById

_NOTED_MAX = 1_024
_SHORT = 4
"""So many bytes of a digest of each order's id are in the core entry."""


class Orders:
    """Orders by id. Of most ids it is known that there is none without asking for it."""

    __slots__ = ("_bonuses", "_by_id", "_keep", "_unit")

    def __init__(self, unit: AccountWork, keep: SortedList[Keep]) -> None:
        self._unit = unit
        self._keep = keep
        self._by_id = EntriesById("order", ORDER, unit)
        self._bonuses = EntriesById("bonus", BONUSES, unit)

    def get(self, order_id: str) -> Order | None:
        """Whether or not it is known still."""
        noted = self._unit.core.orders
        if noted is not None and _aligned(noted, _short(order_id)) < 0:
            return None
        return self._by_id.get(order_id)

    def known(self, order_id: str) -> Order | None:
        """The order, while the account's time is earlier than its purchase + `refund_days` (contract §4, *Refund*)."""
        order = self.get(order_id)
        time = self._unit.core.time
        return order if order is not None and time is not None and time < order.known_until else None

    def put(self, order_id: str, order: Order) -> None:
        """Keep what has changed of an order."""
        self._by_id.put(order_id, order)

    def add(self, order_id: str, order: Order) -> None:
        """Keep a new order, behind `known`. Deletes an expired one with the same id first, or its bonuses would attach
        to the new one."""
        expired = self._by_id.get(order_id) if self._by_id.was_found(order_id) else None
        if expired is not None:
            for item in ((expired.known_until, f"order/{order_id}"), (expired.known_until, f"bonus/{order_id}")):
                if self._keep.at_or_after(item) == item:
                    self._keep.remove(item)
            self._bonuses.remove(order_id)
            self.forget(order_id)
        self._by_id.put(order_id, order)
        core = self._unit.core
        noted = core.orders
        if noted is not None:
            core.orders = None if len(noted) >= _SHORT * _NOTED_MAX else noted + _short(order_id)
        self._keep.add((order.known_until, f"order/{order_id}"))

    def forget(self, order_id: str) -> None:
        """It need not be looked at: an expired order goes before one with its id is added."""
        self._by_id.remove(order_id)
        noted = self._unit.core.orders
        if noted is not None:
            at = _aligned(noted, _short(order_id))
            if at >= 0:
                self._unit.core.orders = noted[:at] + noted[at + _SHORT :]

    def bonuses_of(self, order_id: str) -> Bonuses | None:
        """What an order earned by taking up offers."""
        return self._bonuses.get(order_id)

    def put_bonuses(self, order_id: str, bonuses: Bonuses) -> None:
        """Keep what has changed of them."""
        self._bonuses.put(order_id, bonuses)

    def add_bonuses(self, order_id: str, bonuses: Bonuses) -> None:
        """An order took up offers."""
        self._bonuses.put(order_id, bonuses)
        self._keep.add((bonuses.known_until, f"bonus/{order_id}"))

    def forget_bonuses(self, order_id: str, time: int) -> None:
        """Those of an order that is known no longer at this account's time."""
        found = self._bonuses.get(order_id)
        if found is not None and found.known_until <= time:
            self._bonuses.remove(order_id)


def _short(text: str) -> bytes:
    return crc32(text.encode("utf-8", "surrogatepass")).to_bytes(_SHORT, "little")


def _aligned(noted: bytes, short: bytes) -> int:
    at = noted.find(short)
    while at > 0 and at % _SHORT:
        at = noted.find(short, at + 1)
    return at
