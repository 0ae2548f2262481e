"""Timers: what is due, in which order, and the firing of it (contract §4, *Time*).

At the same millisecond the end of a hold comes first, then a lot's release, its expiry, the tier window's slide, the
end of grace, and the end of a refund's waiting; within a kind by the `occurred_at` of the event that set it, then by
arrival.
"""

from __future__ import annotations

from collections.abc import Callable

from loyalty.rules import holds, lots, tiers, waiting_refunds
from loyalty.rules.case import Case
from loyalty.state.entries import NEVER
from loyalty.state.lists import EXPIRY, GRACE, HOLD, RELEASE, SLIDE, WAITING, Timer
from loyalty.times import FIRST_MS

NOTHING_DUE = FIRST_MS - 1
"""A moment before every other."""


def fire(case: Case, until: int) -> bool:
    """Do everything that is due at or before `until` (ms), in the contract's order, and look when something is due
    next; says whether there was anything."""
    core = case.account.core
    fired = False
    while (moment := _next_moment(case)) <= until:
        timer = _next_timer(case)
        if timer is None or timer.due_at > until:
            continue  # now the moment is exact
        core.fired_up_to = timer.due_at if core.fired_up_to is None else max(core.fired_up_to, timer.due_at)
        if timer.kind < SLIDE:  # also before one that turns out to change nothing: the next slide is found from here
            tiers.advance(case, slides_to_come=True)
        _FIRE[timer.kind](case, timer)
        fired = True
    case.next_due_ms = moment
    return fired


def _next_moment(case: Case) -> int:
    """When something is due next; `NEVER` if nothing is. It may be a moment with nothing to do, never one too late."""
    core = case.account.core
    # What `Timers` and `QualifyingWindow` would answer, read without asking them: this is the hottest question of all.
    at, expires_at = core.due.first, core.expiry.first
    if at is None:
        at = NEVER
    if expires_at is not None and expires_at < at:
        at = expires_at
    known = core.slide_found_by == case.program.tiers_known
    slide, grace = core.slide if known else case.account.window.next_slide(case.program), core.grace
    if slide is not None and slide.due_at < at:
        at = slide.due_at
    return grace.ends_at if grace is not None and grace.ends_at < at else at


def _next_timer(case: Case) -> Timer | None:
    """What is due next, of several at one moment the first in the contract's order."""
    account = case.account
    first = account.timers.first()
    slide, grace = account.window.next_slide(case.program), account.core.grace
    if slide is not None and (first is None or slide < first):
        first = slide
    if grace is not None:
        ends = Timer(grace.ends_at, GRACE, grace.cause.occurred_at, grace.cause.number, "")
        if first is None or ends < first:
            first = ends
    return first


def _end_hold(case: Case, timer: Timer) -> None:
    case.account.timers.remove(timer)
    redemption_id = timer.key
    found = case.account.redemptions.get(redemption_id)
    assert found is not None
    case.concern(found.cause, timer.due_at, "hold")
    tiers.notice_rules(case)
    holds.end(case, redemption_id, found)


def _release(case: Case, timer: Timer) -> None:
    case.account.timers.remove(timer)
    lot = case.account.lots.get(timer.key)
    if lot is not None and lot.pending:
        case.concern(lot.cause, timer.due_at, "release")
        lots.release(case, lot)
        tiers.notice_rules(case)


def _expire(case: Case, timer: Timer) -> None:
    case.account.timers.remove(timer)
    lot = case.account.lots.get(timer.key)
    if lot is not None:
        case.concern(lot.cause, timer.due_at, "expiry")
        if lots.expire(case, lot):
            tiers.notice_rules(case)


def _slide(case: Case, timer: Timer) -> None:
    tiers.slide(case, timer)


def _end_grace(case: Case, timer: Timer) -> None:
    tiers.end_grace(case)


def _give_up_waiting(case: Case, timer: Timer) -> None:
    case.refuse(*waiting_refunds.give_up(case.account, timer.key))


_FIRE: dict[int, Callable[[Case, Timer], None]] = {
    HOLD: _end_hold,
    RELEASE: _release,
    EXPIRY: _expire,
    SLIDE: _slide,
    GRACE: _end_grace,
    WAITING: _give_up_waiting,
}
