"""The Python end of `BatchedPython.java`: a PyFlink function, run over many elements in one crossing.

The function sees what PyFlink would show it, one element after the other. Behind that are dicts: state entries are read
ahead by the JVM, or once when they are asked for, and what was written crosses back at the end.
"""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from pyflink.datastream import TimeDomain

from jobs.runtime.release import RELEASE

Answer = tuple[bytes, tuple[str, ...], tuple[bytes | None, ...], bytes, bytes, tuple[Any, ...]]
"""What Java is to do, as six things:

- of each write to state, the number of an element of the key;
- of each, the name of the state entry;
- of each, the entry, or None where there is to be none;
- of each timer, in turn: the number of its element, whether it is of event time, the moment;
- of all that is sent, the numbers of the outputs, a byte each;
- of all that is sent, the values.

Each object that crosses costs a quarter of a microsecond, so the numbers cross as one run of bytes, 64 bits each, and a
tuple costs half of what a list does. These have to be plain tuples: a named one would cross as a reference.
"""


class JavaOperator(Protocol):
    """What Python calls in the JVM."""

    def entry(self, element: int, name: str) -> bytes | None: ...

    def broadcastState(self) -> Iterable[str]: ...

    def putBroadcast(self, key: str, value: str) -> None: ...


class BatchRunner:
    """Travels to the worker pickled, with the function in it."""

    def __init__(self, function: Any, read_first: Sequence[str]) -> None:
        """`read_first` names the state entries that the function is sure to ask for."""
        self._function = function
        self._read_first = tuple(read_first)
        self._release = RELEASE

    def open(self, operator: JavaOperator) -> list[str]:
        """Once, before all else. Gives the names of the state entries that are wanted with every element.

        Raises OtherRelease where the code that is loaded here is not the code that made the job.
        """
        self._release.refuse_unless_loaded()
        self._entries = BatchedEntries(operator, self._read_first)
        self._context = BatchedContext(operator, self._entries)
        self._function.open(self._context)
        collect_garbage_seldom()
        return list(self._read_first)

    def take(
        self,
        keys: Sequence[str],
        elements: Sequence[Any],
        first_entries: Sequence[bytes | None],
        watermark: int,
        wall_ms: int,
    ) -> Answer:
        """Elements, and event-time timers as their moments, each of the key at its place."""
        return self._run(TimeDomain.EVENT_TIME, keys, elements, first_entries, watermark, wall_ms)

    def wake(
        self,
        keys: Sequence[str],
        moments: Sequence[Any],
        first_entries: Sequence[bytes | None],
        watermark: int,
        wall_ms: int,
    ) -> Answer:
        """Timers of the wall clock."""
        return self._run(TimeDomain.PROCESSING_TIME, keys, moments, first_entries, watermark, wall_ms)

    def broadcast(self, element: Any, watermark: int) -> Answer:
        """An element of the broadcast input."""
        self._context.watermark = watermark
        return self._answer(list(self._function.process_broadcast_element(element, self._context)))

    def close(self) -> None:
        """Once, after all else."""

    def _run(
        self,
        domain: TimeDomain,
        keys: Sequence[str],
        elements: Sequence[Any],
        first_entries: Sequence[bytes | None],
        watermark: int,
        wall_ms: int,
    ) -> Answer:
        context, turn_to = self._context, self._entries.turn_to
        process_element, on_timer = self._function.process_element, self._function.on_timer
        context.domain, context.watermark, context.wall_ms = domain, watermark, wall_ms
        self._entries.first_entries = first_entries
        sent: list[Any] = []
        for number, (key, element) in enumerate(zip(keys, elements, strict=True)):
            context.key, context.element = key, number
            turn_to(key, number)
            sent += on_timer(element, context) if type(element) is int else process_element(element, context)
        return self._answer(sent)

    def _answer(self, sent: list[Any]) -> Answer:
        elements, names, entries = self._entries.written()
        moments = array("q", self._context.moments)
        self._context.moments.clear()
        outputs, values = zip(*sent, strict=True) if sent else ((), ())
        return array("q", elements).tobytes(), names, entries, moments.tobytes(), bytes(outputs), values


def collect_garbage_seldom() -> None:
    """A batch is thousands of objects that all end with it, none of them in a cycle: Python's collector would look
    through them, and through all that is loaded, again and again."""
    gc.freeze()
    gc.set_threshold(1_000_000, 50, 100)


class _Unread:
    """Stands for a state entry that had not been asked for."""


_UNREAD = _Unread()


class BatchedEntries:
    """The map state of the key that is at work, as `pyflink.datastream.state.MapState`."""

    def __init__(self, operator: JavaOperator, read_first: Sequence[str]) -> None:
        self._entry = operator.entry
        self._places = tuple(enumerate(read_first))
        self.first_entries: Sequence[bytes | None] = ()
        """Those that came with the elements, one element's after the other's."""
        self._seen: dict[str, tuple[int, dict[str, bytes | None]]] = {}
        """By key: the first of its elements, and what is known of its state entries."""
        self._element = 0
        self._known: dict[str, bytes | None] = {}
        self._written: dict[tuple[int, str], bytes | None] = {}
        self._before: dict[str, bytes | _Unread | None] = {}
        """What the entries that were written since the mark had been."""

    def turn_to(self, key: str, element: int) -> None:
        """The key of this element is at work from now on."""
        seen = self._seen.get(key)
        if seen is None:
            known = {}
            first_entries, begin = self.first_entries, element * len(self._places)
            for place, name in self._places:
                known[name] = first_entries[begin + place]
            self._seen[key] = seen = element, known
        self._element, self._known = seen

    def written(self) -> tuple[tuple[int, ...], tuple[str, ...], tuple[bytes | None, ...]]:
        """What is to be written, as element, name and entry of each; and the end of the batch."""
        written, self._written, self._seen, self._before = self._written, {}, {}, {}
        if not written:
            return (), (), ()
        elements, names = zip(*written, strict=True)
        return elements, names, tuple(written.values())

    def get(self, name: str) -> bytes | None:
        known = self._known
        if name not in known:
            known[name] = self._entry(self._element, name)
        return known[name]

    def put(self, name: str, entry: bytes) -> None:
        known, before = self._known, self._before
        if name not in before:
            before[name] = known.get(name, _UNREAD)
        known[name] = self._written[self._element, name] = entry

    def remove(self, name: str) -> None:
        known, before = self._known, self._before
        if name not in before:
            before[name] = known.get(name, _UNREAD)
        known[name] = self._written[self._element, name] = None

    def mark(self) -> None:
        """What is written of this key from here on may be taken back."""
        self._before = {}

    def take_back(self) -> None:
        """What was written since the mark, which was set at the same key."""
        before, self._before = self._before, {}
        for name, entry in before.items():
            if isinstance(entry, _Unread):
                del self._known[name], self._written[self._element, name]
            else:
                self._known[name] = self._written[self._element, name] = entry


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

    def __init__(self, operator: JavaOperator, entries: BatchedEntries) -> None:
        self._entries = entries
        self._broadcast = BatchedBroadcast(operator)
        self.key = ""
        self.element = 0
        self.domain = TimeDomain.EVENT_TIME
        self.watermark = 0
        self.wall_ms = 0
        self.moments: list[Any] = []

    def get_map_state(self, descriptor: Any) -> BatchedEntries:
        """An operator has one map, whose name the JVM knows."""
        return self._entries

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
