"""Orders that can be refunded, and the bonuses of those that took up offers."""

from __future__ import annotations

from zlib import crc32

from loyalty.state.core import Core
from loyalty.state.entries import BONUSES, ORDER, Bonuses, Order
from loyalty.state.lists import Keep
from loyalty.state.sorted_list import SortedList
from loyalty.state.unit_of_work import EntriesById, UnitOfWork

_NOTED_MAX = 1_024
_SHORT = 4
"""So many bytes of a digest of each order's id are in the core entry."""


class Orders:
    """Orders by id. Of most ids it is known that there is none without asking for it."""

    __slots__ = ("_bonuses", "_by_id", "_core", "_keep")

    def __init__(self, unit: UnitOfWork, keep: SortedList[Keep]) -> None:
        self._core = Core()
        self._keep = keep
        self._by_id = EntriesById("order", ORDER, unit)
        self._bonuses = EntriesById("bonus", BONUSES, unit)

    def turn_to(self, core: Core) -> None:
        """Be those of this account from now on."""
        self._core = core

    def get(self, order_id: str) -> Order | None:
        """Whether or not it is known still."""
        return self._by_id.get(order_id) if self._may_be(order_id) else None

    def put(self, order_id: str, order: Order) -> None:
        """Keep what has changed of an order."""
        self._by_id.put(order_id, order)

    def add(self, order_id: str, order: Order) -> None:
        """Keep a new order. Deletes an expired one with the same id first, or its bonuses would attach to the new
        one."""
        expired = self.get(order_id)
        if expired is not None:
            for item in ((expired.known_until, f"order/{order_id}"), (expired.known_until, f"bonus/{order_id}")):
                if self._keep.at_or_after(item) == item:
                    self._keep.remove(item)
            self._bonuses.remove(order_id)
            self.forget(order_id)
        self._by_id.put(order_id, order)
        noted = self._core.orders
        if noted is not None:
            self._core.orders = None if len(noted) >= _SHORT * _NOTED_MAX else noted + _short(order_id)
        self._keep.add((order.known_until, f"order/{order_id}"))

    def forget(self, order_id: str) -> None:
        """It need not be looked at: an expired order goes before one with its id is added."""
        self._by_id.remove(order_id)
        noted = self._core.orders
        if noted is not None:
            at = _aligned(noted, _short(order_id))
            if at >= 0:
                self._core.orders = noted[:at] + noted[at + _SHORT :]

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

    def _may_be(self, order_id: str) -> bool:
        """False only if there is no entry of this order."""
        noted = self._core.orders
        return noted is None or _aligned(noted, _short(order_id)) >= 0


def _short(text: str) -> bytes:
    return crc32(text.encode("utf-8", "surrogatepass")).to_bytes(_SHORT, "little")


def _aligned(noted: bytes, short: bytes) -> int:
    at = noted.find(short)
    while at > 0 and at % _SHORT:
        at = noted.find(short, at + 1)
    return at
