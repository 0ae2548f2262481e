"""The rolling window of an account's qualifying points (contract §4, *Tiers*).

Points count while `now - window_days < occurred_at <= now`, *now* being the moment that tiers are judged at. They are
kept as a running sum. `advance` brings it to the moment: what has left goes to a second list, from which a longer
window of a later document takes it back.
"""

from __future__ import annotations

from loyalty.program import InForce, Program
from loyalty.state.core import AccountWork
from loyalty.state.entries import Cause
from loyalty.state.lists import QUALIFYING_LIST, SLIDE, Qualifying, Timer
from loyalty.state.sorted_list import SortedList
from loyalty.times import DAY_MS
from loyalty.wire.program import TiersBody

LOOK_AGAIN = -1
"""In `Core.slide_found_by`: the next slide is not known."""


class QualifyingWindow:
    """The points inside, those that have left, and when the next leave."""

    __slots__ = ("_unit", "inside", "left", "tiers")

    tiers: InForce[TiersBody]
    """The document in force when `advance` was called last; the moment has not changed since."""

    def __init__(self, unit: AccountWork) -> None:
        self._unit = unit
        self.inside = SortedList("window", QUALIFYING_LIST, unit)
        self.left = SortedList("slid", QUALIFYING_LIST, unit)

    def advance(self, program: Program, *, slides_to_come: bool) -> None:
        """Bring the window to `now` by the document in force then.

        Points leave at their `occurred_at` + window, to the millisecond. With `slides_to_come`, for the timers that
        precede a slide at the same millisecond, what slides at that very moment is still counted; unless the account's
        time is there already, for then those slides are done.
        """
        core = self._unit.core
        now = core.now
        tiers = self.tiers = program.tiers(now)
        leaves = comes_back = now - tiers.body.window_days * DAY_MS
        if slides_to_come and (core.time is None or core.time < now):
            if tiers.since < now:
                leaves -= 1
                comes_back -= 1  # else it had left by the document before
            elif _slides_at_start(program, tiers):
                leaves -= 1
        while core.window.first is not None and core.window.first <= leaves:
            core.slide_found_by = LOOK_AGAIN
            item = self.inside.first()
            if item is None or item[0] > leaves:
                break
            self._leave(item)
        if core.window_version != tiers.version:
            core.window_version = tiers.version
            core.slide_found_by = LOOK_AGAIN
            while core.slid.first is not None and (item := self.left.last()) is not None and item[0] > comes_back:
                self.left.remove(item)
                self.inside.add(item)
                core.window_sum += item[2]

    def add(self, program: Program, cause: Cause, points: int) -> None:
        """Count points (or take them, if negative) as of the `occurred_at` of their cause, behind `advance`."""
        if not points:
            return
        core, tiers = self._unit.core, self.tiers
        item: Qualifying = (cause.occurred_at, cause.number, points, cause)
        counted = cause.occurred_at > core.now - tiers.body.window_days * DAY_MS
        if counted:
            self.inside.add(item)
            core.window_sum += points
        else:
            self.left.add(item)
        if core.slide_found_by == program.tiers_known:
            # What slides next is the earliest of what each item does by itself.
            leaves = self._slide_of(program, item, counted=counted)
            if leaves is not None and (core.slide is None or leaves < core.slide):
                core.slide = leaves

    def lower(self, cause: Cause, points: int) -> None:
        """Lower what this cause added, as of its `occurred_at`."""
        if not points:
            return
        core = self._unit.core
        key = (cause.occurred_at, cause.number)
        for items in (self.inside, self.left):
            item = items.at_or_after(key)
            if item is not None and item[:2] == key:
                items.remove(item)
                left = item[2] - points
                if left:
                    items.add((*key, left, item[3]))
                elif core.slide is not None and core.slide[2:4] == key:
                    core.slide_found_by = LOOK_AGAIN
                if items is self.inside:
                    core.window_sum -= points
                return

    def next_slide(self, program: Program) -> Timer | None:
        """The next moment at which points leave; looked for again when points or a version have come or gone."""
        core = self._unit.core
        if core.slide_found_by != program.tiers_known:
            core.slide = self.find_slide(program)
            core.slide_found_by = program.tiers_known
        return core.slide

    def find_slide(self, program: Program) -> Timer | None:
        """`next_slide`, by looking through the lists."""
        core = self._unit.core
        if core.window.first is None and core.slid.first is None:
            return None
        now = core.now
        for span in program.tiers_from(now):
            window = span.body.window_days * DAY_MS
            low = max(now, span.since) - window
            begins_without = span.since >= now and not _slides_at_start(program, span)
            item = None
            if span.version != core.window_version and core.slid.first is not None:
                # What a longer window takes back has left until `advance`; all of it is older than the rest.
                item = self.left.at_or_after((low + (span.since <= now or begins_without),))
            item = item or self.inside.at_or_after((low + begins_without,))
            if item is not None and (span.until is None or item[0] + window < span.until):
                return _slide(item, window)
        return None

    def slide_out(self, timer: Timer) -> Cause | None:
        """What was added as of one moment leaves, all of it together; the cause is the first that leaves."""
        self._unit.core.slide_found_by = LOOK_AGAIN
        cause = None
        while (item := self.inside.first()) is not None and item[0] == timer.set_at:
            cause = cause or item[3]
            self._leave(item)
        return cause

    def forget(self, too_old: int) -> None:
        """Forget points of `too_old` (ms) or before that have left."""
        self.left.remove_until(too_old)

    def _leave(self, item: Qualifying) -> None:
        self.inside.remove(item)
        self.left.add(item)
        self._unit.core.window_sum -= item[2]

    def _slide_of(self, program: Program, item: Qualifying, *, counted: bool) -> Timer | None:
        """When one item leaves the window; `counted` says whether it is inside now. As `find_slide` finds it among
        all."""
        tiers, now, occurred_at = self.tiers, self._unit.core.now, item[0]
        if counted and tiers.until is None:
            return _slide(item, tiers.body.window_days * DAY_MS)
        for span in program.tiers_from(now):
            window = span.body.window_days * DAY_MS
            if occurred_at + window < max(now, span.since):
                continue  # it is over when this version begins
            if occurred_at + window == span.since and not _slides_at_start(program, span):
                continue  # it was over before
            if not counted and (
                span.version == self._unit.core.window_version or (span.since <= now and occurred_at + window == now)
            ):
                continue
            if span.until is None or occurred_at + window < span.until:
                return _slide(item, window)
        return None


def _slides_at_start(program: Program, tiers: InForce[TiersBody]) -> bool:
    """Whether points may leave at the very moment at which this version takes effect. They lay in the window until then
    only where the window of the version before was no shorter."""
    before = program.tiers_before(tiers.since)
    return before is None or before.body.window_days >= tiers.body.window_days


def _slide(item: Qualifying, window_ms: int) -> Timer:
    return Timer(item[0] + window_ms, SLIDE, item[0], item[1], "")
