"""How a job that runs here gets on, said in lines."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from jobs.kinds import JobKind
from jobs.runtime.names import REFUSED, SELECT_DEAD_LETTERS, SELECT_DECISIONS
from ops.flink.rest import FlinkUnreachable, JobView
from ops.jobs.end_of_run import Offsets

T = TypeVar("T")

LOOK_EVERY_S = 0.25
LOOK_SELDOM_S = 1.0
"""Once a job runs that is not waited for. Each look costs Flink some milliseconds of CPU."""
SAY_EVERY_S = 2.0


class Progress:
    """What is known of a job from looking at it."""

    def __init__(self, kind: JobKind, view: JobView, say: Callable[[str], None], starts: str, began: float) -> None:
        """`starts` is what is said when all of it runs, with a place for the seconds since `began`."""
        self._kind = kind
        self._view = view
        self._say = say
        self._starts = starts
        self._began = began
        self._said_at = began
        self._counts = (0, 0, 0)
        self.running = False
        self.failure: str | None = None
        """The latest failure from which it started again."""
        self.read: Offsets = {}
        """By topic and partition: the last record that was read when this was last told."""

    @property
    def counted(self) -> str:
        """How many records, decisions and dead letters there were; nothing for a job that does not count them."""
        if self._kind.intake is None:
            return ""
        read, decisions, dead = self._counts
        return f"{read:,} records read, {decisions:,} decisions, {dead:,} dead letters"

    def look_every_s(self, waited_for: bool) -> float:
        return LOOK_EVERY_S if waited_for or not self.running else LOOK_SELDOM_S

    def look(self) -> bool:
        """Looks at the job, and says what is new. False when Flink does not answer."""
        return self.asks(self._look) is not None

    def asks(self, question: Callable[[JobView], T]) -> T | None:
        """The answer to a question about the job; None when Flink does not answer."""
        try:
            return question(self._view)
        except FlinkUnreachable:
            return None

    def tell(self) -> None:
        """Says how many records have been read and decided, where that has changed."""
        self.asks(self._tell)

    def _look(self, view: JobView) -> bool:
        if not self.running and view.runs():
            self.running = True
            self._said_at = time.monotonic()
            self._say(self._starts.format(time.monotonic() - self._began))
        if view.status() == "RESTARTING" and self.failure != (failure := view.latest_failure()):
            self.failure = failure
            self.running = False
            self._say(f"The job failed and starts again: {failure}")
        if self.running and time.monotonic() - self._said_at >= SAY_EVERY_S:
            self._said_at = time.monotonic()
            self._tell(view)
        return True

    def _tell(self, view: JobView) -> None:
        if self._kind.intake is None:
            return
        self.read = view.positions()
        read = sum(view.metric(self._kind.intake, "numRecordsIn"))
        decisions = sum(view.metric(SELECT_DECISIONS, "numRecordsOut"))
        dead = sum(view.metric(SELECT_DEAD_LETTERS, "numRecordsOut")) + sum(view.metric(REFUSED, "numRecordsOut"))
        if (read, decisions, dead) != self._counts:
            self._counts = (read, decisions, dead)
            self._say(self.counted)
