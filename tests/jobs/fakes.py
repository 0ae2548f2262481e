"""Flink as an operator sees it, in memory: one key at a time, state, timers and a watermark that a test sets."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from pyflink.datastream import TimeDomain

from jobs.runtime.virtual_time import NO_WATERMARK


class FakeMapState:
    """Map state of whatever key is current; or, without keys, broadcast state."""

    def __init__(self, flink: FakeFlink, keyed: bool = True) -> None:
        self._flink = flink
        self._keyed = keyed
        self.by_key: dict[str, dict[Any, Any]] = defaultdict(dict)
        self._marked: dict[Any, Any] = {}

    @property
    def _now(self) -> dict[Any, Any]:
        return self.by_key[self._flink.key if self._keyed else ""]

    def get(self, name: Any) -> Any:
        return self._now.get(name)

    def put(self, name: Any, value: Any) -> None:
        self._now[name] = value

    def remove(self, name: Any) -> None:
        self._now.pop(name, None)

    def mark(self) -> None:
        self._marked = dict(self._now)

    def take_back(self) -> None:
        self._now.clear()
        self._now.update(self._marked)

    def items(self) -> Any:
        return self._now.items()


class FakeFlink:
    """Runtime context, context and timer service in one. `timers` are (domain, moment) by key."""

    def __init__(self) -> None:
        self.key = ""
        self.watermark = NO_WATERMARK
        self.wall_ms = 1_000_000
        self.domain = TimeDomain.EVENT_TIME
        self.timers: dict[str, set[tuple[TimeDomain, int]]] = defaultdict(set)
        self.map_state = FakeMapState(self)
        self.broadcast_state = FakeMapState(self, keyed=False)

    def get_map_state(self, descriptor: Any) -> FakeMapState:
        return self.map_state

    def get_broadcast_state(self, descriptor: Any) -> FakeMapState:
        return self.broadcast_state

    def get_current_key(self) -> str:
        return self.key

    def time_domain(self) -> TimeDomain:
        return self.domain

    def timer_service(self) -> FakeFlink:
        return self

    def current_watermark(self) -> int:
        return self.watermark

    def current_processing_time(self) -> int:
        return self.wall_ms

    def register_event_time_timer(self, moment: int) -> None:
        self.timers[self.key].add((TimeDomain.EVENT_TIME, moment))

    def register_processing_time_timer(self, moment: int) -> None:
        self.timers[self.key].add((TimeDomain.PROCESSING_TIME, moment))

    def entries(self, key: str) -> dict[str, bytes]:
        return self.map_state.by_key[key]
