"""The JVM's end of an operator, in memory: what `BatchedPython.java` does, for measurements and tests."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Sequence
from typing import Any

from jobs.runtime.batch_runner import Answer, BatchRunner
from jobs.runtime.subprocess_runner import SubprocessRunner
from jobs.runtime.virtual_time import NO_WATERMARK

WALL_MS = 1_000_000


class InMemoryOperator:
    """State and timers by key, and what Python asked for beyond the state entries that came with an element."""

    def __init__(self, function: Any, read_first: Sequence[str] = (), *, in_subprocess: bool = False) -> None:
        self.state: dict[str, dict[str, bytes]] = {}
        self.documents: dict[str, str] = {}
        self.timers: set[tuple[str, bool, int]] = set()
        """Key, whether it is of event time, moment."""
        self.asked: list[str] = []
        self.watermark = NO_WATERMARK
        self._by_moment: list[tuple[int, str]] = []
        self._keys: Sequence[str] = ()
        runner = BatchRunner(function, read_first)
        self._runner = SubprocessRunner(runner) if in_subprocess else runner
        self._read_first = self._runner.open(self)

    def cross(self, keys: Sequence[str], gathered: Sequence[Any], *, wall: bool = False) -> list[tuple[int, Any]]:
        """Elements, or moments of timers, of these keys; gives what was sent."""
        self._keys = keys
        nothing: dict[str, bytes] = {}
        first = [self.state.get(key, nothing).get(name) for key in keys for name in self._read_first]
        call = self._runner.wake if wall else self._runner.take
        return self._carry_out(call(keys, gathered, first, self.watermark, WALL_MS))

    def broadcast(self, element: bytes) -> list[tuple[int, Any]]:
        """An element of the broadcast input; gives what was sent."""
        return self._carry_out(self._runner.broadcast(element, self.watermark))

    def due(self) -> list[tuple[int, str]]:
        """Moment and key of the event-time timers that the watermark has reached. They are set no longer."""
        found = []
        while self._by_moment and self._by_moment[0][0] <= self.watermark:
            moment, key = heapq.heappop(self._by_moment)
            self.timers.remove((key, True, moment))
            found.append((moment, key))
        return found

    def _carry_out(self, answer: Answer) -> list[tuple[int, Any]]:
        written, names, contents, moments, outputs, values = answer
        for element, name, entry in zip(array("q", written), names, contents, strict=True):
            entries = self.state.setdefault(self._keys[element], {})
            if entry is None:
                entries.pop(name, None)
            else:
                entries[name] = entry
        for element, of_event_time, moment in zip(*[iter(array("q", moments))] * 3, strict=True):
            timer = self._keys[element], bool(of_event_time), moment
            if timer not in self.timers:
                self.timers.add(timer)
                if of_event_time:
                    heapq.heappush(self._by_moment, (moment, self._keys[element]))
        return list(zip(outputs, values, strict=True))

    def close(self) -> None:
        self._runner.close()

    def entry(self, element: int, name: str) -> bytes | None:
        self.asked.append(name)
        return self.state.get(self._keys[element], {}).get(name)

    def broadcastState(self) -> list[str]:
        return [part for entry in self.documents.items() for part in entry]

    def putBroadcast(self, key: str, value: str) -> None:
        self.documents[key] = value
