"""When a run is at its end: read, decided, and the watermark standing still, in this order."""

from __future__ import annotations

from typing import Any, cast

import pytest

from jobs.runtime.virtual_time import NO_WATERMARK
from ops.flink.rest import JobView
from ops.jobs import end_of_run
from ops.jobs.end_of_run import EndOfRun, Offsets, merged


class FakeView:
    """A job whose every answer a test sets."""

    def __init__(self) -> None:
        self.read: Offsets = {}
        self.checkpoint_ms = 0
        self.triggered = 0
        self.sent = [NO_WATERMARK]
        self.reached = [NO_WATERMARK, NO_WATERMARK]
        self.decisions = [0]

    def positions(self) -> Offsets:
        return self.read

    def latest_checkpoint_ms(self) -> int:
        return self.checkpoint_ms

    def trigger_checkpoint(self) -> None:
        self.triggered += 1

    def metric(self, operator: str, name: str) -> list[int]:
        if operator == "select-decisions":
            return self.decisions
        return self.sent if operator == "clock-of-records" else self.reached


class Watermark:
    """Stands for the `time` module; one second a look."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return int(self.now * 1e9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Watermark:
    clock = Watermark()
    monkeypatch.setattr(end_of_run, "time", clock)
    monkeypatch.setattr(end_of_run._Committed, "offsets", lambda self: {"t": {1: 3}})
    return clock


def _end(last: Offsets, read: Offsets) -> Any:
    end = EndOfRun("127.0.0.1:1", "g", last, read)

    def look(view: FakeView) -> bool:
        return end.is_reached(cast("JobView", view))

    return look


def test_it_is_reached_when_all_is_read_then_decided_then_still_then_what_was_due_is_counted(clock: Watermark) -> None:
    # Partition 0 by a run before, 1 by what the group has committed, 2 in this run.
    view, is_reached = FakeView(), _end({"t": {0: 5, 1: 3, 2: 9}}, {"t": {0: 5}})
    view.read = {"t": {2: 8}}
    for _ in range(3):
        assert not is_reached(view)
    assert view.triggered == 0

    view.read = {"t": {2: 9}}
    assert not is_reached(view)
    view.checkpoint_ms = int(clock.now * 1000) - 1  # the barrier of this one may have been ahead of the last record
    assert not is_reached(view)
    assert view.triggered == 1
    assert not is_reached(view)
    assert view.triggered == 1
    view.checkpoint_ms = int(clock.now * 1000)
    assert not is_reached(view)

    view.sent, view.reached = [70], [70, 60]
    for _ in range(3):
        clock.now += 1
        assert not is_reached(view)
    view.reached = [70, 70]
    assert not is_reached(view)
    clock.now += 0.3
    assert not is_reached(view)
    view.sent = view.reached = [71, 71]
    assert not is_reached(view)
    clock.now += 0.3
    assert not is_reached(view)
    clock.now += 0.4
    assert not is_reached(view)
    assert view.triggered == 2  # what was due by then may still be in the making
    view.checkpoint_ms = int(clock.now * 1000)
    assert not is_reached(view)
    clock.now += 0.3
    assert not is_reached(view)
    clock.now += 0.4
    assert is_reached(view)


def test_while_decisions_come_out_that_waited_for_the_programme_it_is_not_reached(clock: Watermark) -> None:
    view, is_reached = FakeView(), _end({}, {})
    view.checkpoint_ms = int(clock.now * 1000) + 1_000_000
    view.sent = view.reached = [70]
    for number in range(10):
        view.decisions = [number]
        clock.now += 1
        assert not is_reached(view)
    for _ in range(2):  # they stand still, and the checkpoint behind them completes
        clock.now += 1
        assert not is_reached(view)
    clock.now += 1
    assert is_reached(view)


def test_without_a_clock_it_waits_longer_for_one(clock: Watermark) -> None:
    view, is_reached = FakeView(), _end({}, {})
    view.checkpoint_ms = int(clock.now * 1000) + 1
    for _ in range(4):
        assert not is_reached(view)
    clock.now += 2.0
    assert not is_reached(view)
    clock.now += 0.6
    assert not is_reached(view)
    assert view.triggered == 2
    view.checkpoint_ms = int(clock.now * 1000) + 1
    assert not is_reached(view)
    clock.now += 0.7
    assert is_reached(view)


def test_a_checkpoint_that_fails_is_asked_for_again(clock: Watermark) -> None:
    view, is_reached = FakeView(), _end({}, {})
    for _ in range(20):
        assert not is_reached(view)
        clock.now += 1
    assert view.triggered == 4


def test_positions_are_merged_to_the_greater() -> None:
    assert merged({"a": {0: 1, 1: 5}}, {"a": {0: 2, 1: -1}, "b": {0: 0}}) == {"a": {0: 2, 1: 5}, "b": {0: 0}}
