"""The Python end of `BatchedPython.java`: a PyFlink function, run over many elements in one crossing.

The function sees what PyFlink would show it, one element after the other. Behind that are dicts: pages are read ahead
by the JVM, or once when they are asked for, and what was written crosses back at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from pyflink.common import Row
from pyflink.datastream import OutputTag, TimeDomain

Answer = tuple[list[Any], list[Any], list[Any]]
"""Writes to state as (element, name, page or None), timers as (element, whether of event time, moment), both flat; and
outputs as (edge, value)."""


class JavaOperator(Protocol):
    """What Python calls in the JVM."""

    def page(self, element: int, name: str) -> bytes | None: ...

    def broadcastState(self) -> Iterable[str]: ...

    def putBroadcast(self, key: str, value: str) -> None: ...


class BatchRunner:
    """Travels to the worker pickled, with the function in it."""

    def __init__(self, function: Any, read_first: Sequence[str], sides: Sequence[str]) -> None:
        """`read_first` names the pages that the function is sure to ask for, `sides` its side outputs."""
        self._function = function
        self._read_first = tuple(read_first)
        self._edges = {side: number for number, side in enumerate(sides, 1)}

    def open(self, operator: JavaOperator) -> list[str]:
        """Once, before all else. Gives the pages that are wanted with every element."""
        self._pages = BatchedPages(operator)
        self._context = BatchedContext(operator, self._pages)
        self._function.open(self._context)
        return list(self._read_first)

    def take(
        self, keys: list[str], elements: list[Any], first_pages: list[bytes | None], watermark: int, wall_ms: int
    ) -> Answer:
        """Elements, and event-time timers as their moments, each of the key at its place."""
        return self._run(TimeDomain.EVENT_TIME, keys, elements, first_pages, watermark, wall_ms)

    def wake(
        self, keys: list[str], moments: list[Any], first_pages: list[bytes | None], watermark: int, wall_ms: int
    ) -> Answer:
        """Timers of the wall clock."""
        return self._run(TimeDomain.PROCESSING_TIME, keys, moments, first_pages, watermark, wall_ms)

    def broadcast(self, element: Any, watermark: int) -> Answer:
        """An element of the broadcast input."""
        self._context.watermark = watermark
        return [], [], self._sent(self._function.process_broadcast_element(element, self._context))

    def _run(
        self,
        domain: TimeDomain,
        keys: list[str],
        elements: list[Any],
        first_pages: list[bytes | None],
        watermark: int,
        wall_ms: int,
    ) -> Answer:
        pages, context, function, read_first = self._pages, self._context, self._function, self._read_first
        context.domain, context.watermark, context.wall_ms = domain, watermark, wall_ms
        width = len(read_first)
        outputs: list[Any] = []
        for number, element in enumerate(elements):
            key = keys[number]
            context.key, context.element = key, number
            if not pages.turn_to(key):
                first = first_pages[number * width : (number + 1) * width]
                pages.begin(key, number, dict(zip(read_first, first, strict=True)))
            if type(element) is int:
                outputs += self._sent(function.on_timer(element, context))
            else:
                outputs += self._sent(function.process_element(element, context))
        moments, context.moments = context.moments, []
        return pages.written(), moments, outputs

    def _sent(self, results: Iterable[Any]) -> list[Any]:
        sent = []
        for result in results:
            if type(result) is tuple and isinstance(result[0], OutputTag):
                sent.append((self._edges[result[0].tag_id], _plain(result[1])))
            else:
                sent.append((0, _plain(result)))
        return sent


def _plain(value: Any) -> Any:
    """Rows as tuples, within others too: Java cannot take a row of Python's."""
    if isinstance(value, (Row, tuple)):
        return tuple(map(_plain, value))
    return value


class _OfKey(NamedTuple):
    element: int
    """One of this key, by which the JVM knows it."""
    known: dict[str, bytes | None]
    written: set[str]


class BatchedPages:
    """The map state of the key that is at work, as `pyflink.datastream.state.MapState`."""

    def __init__(self, operator: JavaOperator) -> None:
        self._operator = operator
        self._keys: dict[str, _OfKey] = {}
        self._now = _OfKey(0, {}, set())

    def turn_to(self, key: str) -> bool:
        """Whether this key has been at work in this batch before."""
        found = self._keys.get(key)
        if found is None:
            return False
        self._now = found
        return True

    def begin(self, key: str, element: int, known: dict[str, bytes | None]) -> None:
        self._now = self._keys[key] = _OfKey(element, known, set())

    def written(self) -> list[Any]:
        """What is to be written, and the end of the batch."""
        writes: list[Any] = []
        for element, known, written in self._keys.values():
            for name in written:
                writes += (element, name, known[name])
        self._keys = {}
        return writes

    def get(self, name: str) -> bytes | None:
        known = self._now.known
        if name not in known:
            known[name] = self._operator.page(self._now.element, name)
        return known[name]

    def put(self, name: str, page: bytes) -> None:
        self._now.known[name] = page
        self._now.written.add(name)

    def remove(self, name: str) -> None:
        self._now.known[name] = None
        self._now.written.add(name)


class BatchedBroadcast:
    """The broadcast state, as `pyflink.datastream.state.BroadcastState`."""

    def __init__(self, operator: JavaOperator) -> None:
        self._operator = operator

    def items(self) -> Iterable[tuple[str, str]]:
        flat = list(self._operator.broadcastState())
        return list(zip(flat[::2], flat[1::2], strict=True))

    def put(self, key: str, value: str) -> None:
        self._operator.putBroadcast(key, value)


class BatchedContext:
    """What PyFlink gives a function, all in one: runtime context, context of an element or a timer, timer service."""

    def __init__(self, operator: JavaOperator, pages: BatchedPages) -> None:
        self._pages = pages
        self._broadcast = BatchedBroadcast(operator)
        self.key = ""
        self.element = 0
        self.domain = TimeDomain.EVENT_TIME
        self.watermark = 0
        self.wall_ms = 0
        self.moments: list[Any] = []

    def get_map_state(self, descriptor: Any) -> BatchedPages:
        """An operator has one map, whose name the JVM knows."""
        return self._pages

    def get_broadcast_state(self, descriptor: Any) -> BatchedBroadcast:
        return self._broadcast

    def get_current_key(self) -> str:
        return self.key

    def time_domain(self) -> TimeDomain:
        return self.domain

    def timer_service(self) -> BatchedContext:
        return self

    def current_watermark(self) -> int:
        return self.watermark

    def current_processing_time(self) -> int:
        return self.wall_ms

    def register_event_time_timer(self, moment: int) -> None:
        self.moments += (self.element, True, moment)

    def register_processing_time_timer(self, moment: int) -> None:
        self.moments += (self.element, False, moment)
