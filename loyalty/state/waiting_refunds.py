"""Refunds and cancellations that wait for their order, as they came, and which of them wait for which order."""

from __future__ import annotations

from loyalty.state.core import AccountWork
from loyalty.state.entries import WAITING_REFUND, Waiting
from loyalty.state.lists import WAITING, WAITING_LIST, WAITING_LIST_HEAD, Timer, WaitingEvent
from loyalty.state.sorted_list import SortedList
from loyalty.state.timers import Timers
from loyalty.state.unit_of_work import EntriesById
from loyalty.state.written_list import ListHead


class WaitingRefunds:
    """Each waits in an entry of its own; of each order that some wait for there is a list of them."""

    __slots__ = ("_by_id", "_changed", "_heads", "_lists", "_timers", "_unit")

    def __init__(self, unit: AccountWork, timers: Timers) -> None:
        self._unit = unit
        self._timers = timers
        self._by_id = EntriesById("waiting", WAITING_REFUND, unit)
        self._heads = EntriesById("waits", WAITING_LIST_HEAD, unit)
        self._lists: dict[str, tuple[SortedList[WaitingEvent], ListHead[WaitingEvent]]] = {}
        """Those that were opened, by order."""
        self._changed: set[str] = set()

    def known(self, event_id: str) -> Waiting:
        """The refund of this event, which waits."""
        waiting = self._by_id.get(event_id)
        assert waiting is not None
        return waiting

    def for_order(self, order_id: str) -> list[str]:
        """The events that wait for an order, in the order in which they came."""
        return [item[1] for item in self._list(order_id)[0]]

    def add(self, waiting: Waiting) -> None:
        """It waits for its order until its `due_at`."""
        core = self._unit.core
        if core.waiting is not None:
            core.waiting += 1
        cause = waiting.cause
        self._by_id.put(cause.event_id, waiting)
        self._list(waiting.order_id)[0].add((cause.number, cause.event_id))
        self._changed.add(waiting.order_id)
        self._timers.add(_end_of(waiting))

    def remove(self, waiting: Waiting) -> None:
        """It waits no longer."""
        core = self._unit.core
        if core.waiting is not None:
            core.waiting -= 1
        cause = waiting.cause
        self._by_id.remove(cause.event_id)
        items = self._list(waiting.order_id)[0]
        item = (cause.number, cause.event_id)
        if items.at_or_after(item) != item:  # the first version of the list had no numbers
            item = next(known for known in items if known[1] == cause.event_id)
        items.remove(item)
        self._changed.add(waiting.order_id)
        self._timers.remove(_end_of(waiting))

    def save(self) -> None:
        """Write the lists that changed; their heads are entries by id."""
        for order_id in self._changed:
            items, head = self._lists[order_id]
            items.save()
            if head.front or head.numbers:
                self._heads.put(order_id, head)
            else:
                self._heads.remove(order_id)
        self._changed.clear()

    def close(self) -> None:
        self._lists.clear()
        self._changed.clear()

    def _list(self, order_id: str) -> tuple[SortedList[WaitingEvent], ListHead[WaitingEvent]]:
        known = self._lists.get(order_id)
        if known is not None:
            return known
        if not self._lists:
            self._unit.opened.append(self)
        head: ListHead[WaitingEvent] = self._heads.get(order_id) or ListHead()
        opened = SortedList(f"waits-of/{order_id}", WAITING_LIST, self._unit, head), head
        self._lists[order_id] = opened
        return opened


def _end_of(waiting: Waiting) -> Timer:
    cause = waiting.cause
    return Timer(waiting.due_at, WAITING, cause.occurred_at, cause.number, cause.event_id)
