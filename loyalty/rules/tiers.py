"""Tiers on the rolling window of qualifying points, with grace (contract §4, *Tiers*).

The window is kept as a running sum. `sync` brings it to a moment: entries that have left go to the `slid` shelf, from
which a longer window of a later document takes them back.
"""

from __future__ import annotations

from collections.abc import Sequence

from loyalty.program import InForce, Program
from loyalty.rules.decision_log import DecisionLog, reason
from loyalty.state.account import SLIDE, Account, Cause, Due, Grace, Qualifying
from loyalty.times import DAY_MS
from loyalty.wire.program import TierLevel, TiersBody


def sync(account: Account, program: Program, *, slides_to_come: bool = False) -> InForce[TiersBody]:
    """Bring the window to `account.now` by the document in force then, and return that document.

    An entry leaves at its `occurred_at` + window, to the millisecond. With `slides_to_come`, for the due things that
    precede a slide at the same millisecond, what slides at that very moment is still counted; unless the account's time
    is there already, for then those slides are done.
    """
    core = account.core
    now = account.now
    tiers = program.tiers(now)
    leaves = comes_back = now - tiers.body.window_days * DAY_MS
    if slides_to_come and (core.time is None or core.time < now):
        leaves -= 1
        if tiers.since < now:  # else it had left by the document before
            comes_back -= 1
    while core.window.first is not None and core.window.first <= leaves:
        core.slide_found_by = -1
        entry = account.window.first()
        if entry is None or entry[0] > leaves:
            break
        account.window.remove(entry)
        account.slid.add(entry)
        core.window_sum -= entry[2]
    if core.window_version != tiers.version:
        core.window_version = tiers.version
        core.slide_found_by = -1
        while core.slid.first is not None and (entry := account.slid.last()) is not None and entry[0] > comes_back:
            account.slid.remove(entry)
            account.window.add(entry)
            core.window_sum += entry[2]
    if core.tier is None:
        core.tier = tiers.body.levels[0].tier
    return tiers


def qualify(account: Account, program: Program, tiers: InForce[TiersBody], cause: Cause, points: int) -> None:
    """Count qualifying points (or take them, if negative) as of the `occurred_at` of their cause."""
    if not points:
        return
    core = account.core
    entry: Qualifying = (cause.occurred_at, cause.number, points, cause)
    if cause.occurred_at > account.now - tiers.body.window_days * DAY_MS:
        account.window.add(entry)
        core.window_sum += points
        counted = True
    else:
        account.slid.add(entry)
        counted = False
    if core.slide_found_by == program.tiers_known:
        # What slides next is the earliest of what each entry does by itself.
        leaves = _leaves(account, program, tiers, entry, counted=counted)
        if leaves is not None and (core.slide is None or leaves < core.slide):
            core.slide = leaves


def _leaves(
    account: Account, program: Program, tiers: InForce[TiersBody], entry: Qualifying, *, counted: bool
) -> Due | None:
    """When one entry leaves the window; `counted` says whether it is in the window of `tiers` now. As `find_slide`
    finds it among all."""
    now, occurred_at = account.now, entry[0]
    if counted and tiers.until is None:
        return (occurred_at + tiers.body.window_days * DAY_MS, SLIDE, occurred_at, entry[1], "")
    for span in program.tiers_from(now):
        window = span.body.window_days * DAY_MS
        if occurred_at + window < max(now, span.since):
            continue  # it is over when this version begins
        if not counted and (
            span.version == account.core.window_version or (span.since <= now and occurred_at + window == now)
        ):
            continue
        if span.until is None or occurred_at + window < span.until:
            return (occurred_at + window, SLIDE, occurred_at, entry[1], "")
    return None


def disqualify(account: Account, cause: Cause, points: int) -> None:
    """Lower the qualifying points of a purchase, as of the purchase's `occurred_at`."""
    if not points:
        return
    core = account.core
    key = (cause.occurred_at, cause.number)
    for shelf in (account.window, account.slid):
        entry = shelf.at_or_after(key)
        if entry is not None and entry[:2] == key:
            shelf.remove(entry)
            left = entry[2] - points
            if left:
                shelf.add((*key, left, entry[3]))
            elif core.slide is not None and core.slide[2:4] == key:
                core.slide_found_by = -1
            if shelf is account.window:
                core.window_sum -= points
            return


def next_slide(account: Account, program: Program) -> Due | None:
    """The next moment at which an entry leaves the window; looked for again when an entry or a version has come or
    gone."""
    core = account.core
    if core.slide_found_by != program.tiers_known:
        core.slide = find_slide(account, program)
        core.slide_found_by = program.tiers_known
    return core.slide


def find_slide(account: Account, program: Program) -> Due | None:
    """`next_slide`, by looking through the shelves."""
    core = account.core
    if core.window.first is None and core.slid.first is None:
        return None
    now = account.now
    for span in program.tiers_from(now):
        window = span.body.window_days * DAY_MS
        low = now - window if span.since <= now else span.since - window
        entry = None
        if span.version != core.window_version:
            # What a longer window takes back is on the other shelf until `sync`; all of it is older than the rest.
            entry = None if core.slid.first is None else account.slid.at_or_after((low + (span.since <= now),))
        entry = entry or account.window.at_or_after((low,))
        if entry is not None and (span.until is None or entry[0] + window < span.until):
            return (entry[0] + window, SLIDE, entry[0], entry[1], "")
    return None


def slide(account: Account, program: Program, due: Due, log: DecisionLog) -> None:
    """What was earned at one moment leaves the window, all of it together; the first that leaves is the cause."""
    tiers = sync(account, program, slides_to_come=True)
    before = account.core.window_sum
    account.core.slide_found_by = -1
    cause = None
    while (entry := account.window.first()) is not None and entry[0] == due[2]:
        cause = cause or entry[3]
        account.window.remove(entry)
        account.slid.add(entry)
        account.core.window_sum -= entry[2]
    if cause is not None:
        judge(account, tiers, log, cause=cause, occurred_at=due[0], before=before, timer="slide")


def end_grace(account: Account, program: Program, log: DecisionLog) -> None:
    """The grace's time is over: the tier falls to the level then reached."""
    grace = account.core.grace
    assert grace is not None
    tiers = sync(account, program)
    core = account.core
    levels = tiers.body.levels
    held, reached = _held(levels, core.tier), _reached(levels, core.window_sum)
    if reached >= held:  # another document took effect meanwhile and nothing has noticed it yet
        judge(
            account,
            tiers,
            log,
            cause=grace.cause,
            occurred_at=grace.ends_at,
            before=core.window_sum,
            timer="grace",
        )
        return
    core.grace = None
    _change(account, tiers, log, reached, "grace_ended", grace.cause, grace.ends_at, "grace", core.window_sum)


def judge(
    account: Account,
    tiers: InForce[TiersBody],
    log: DecisionLog,
    *,
    cause: Cause,
    occurred_at: int,
    before: int,
    reversal: bool = False,
    timer: str | None = None,
) -> None:
    """Compare the tier held with the level reached, and decide what follows.

    `before` is the sum before what the cause itself did to it; `reversal` says that the cause took qualifying points
    away.
    """
    core = account.core
    levels = tiers.body.levels
    held = _held(levels, core.tier)
    threshold = levels[held].threshold
    if (
        core.grace is None
        and core.window_sum >= threshold
        and (held + 1 == len(levels) or core.window_sum < levels[held + 1].threshold)
    ):
        return  # nothing changes
    reached = _reached(levels, core.window_sum)
    was_reached = max(0, before) >= threshold
    if reached >= held:
        if core.grace is not None:
            core.grace = None
            _grace(account, tiers, log, "ended", "threshold_reached", threshold, cause, occurred_at, timer, before)
        if reached > held:
            _change(account, tiers, log, reached, "threshold_reached", cause, occurred_at, timer, before)
    elif core.grace is None:
        if reversal and was_reached:
            _change(account, tiers, log, reached, "points_reversed", cause, occurred_at, timer, before)
            return
        code = "window_slid" if timer == "slide" and was_reached else "rules_changed"
        # It is the account's time that tiers are judged at, also where the event behind it is a little older.
        ends_at = account.now + tiers.body.grace_days * DAY_MS
        core.grace = Grace(account.now, ends_at, cause, tiers.version)
        _grace(account, tiers, log, "started", code, threshold, cause, occurred_at, timer, before)


def _held(levels: Sequence[TierLevel], tier: str | None) -> int:
    for at, level in enumerate(levels):
        if level.tier == tier:
            return at
    return 0


def _reached(levels: Sequence[TierLevel], total: int) -> int:
    at = len(levels) - 1
    while at and levels[at].threshold > total:
        at -= 1
    return at


def _change(
    account: Account,
    tiers: InForce[TiersBody],
    log: DecisionLog,
    reached: int,
    code: str,
    cause: Cause,
    occurred_at: int,
    timer: str | None,
    before: int,
) -> None:
    core = account.core
    old, core.tier = core.tier, tiers.body.levels[reached].tier
    total = max(0, core.window_sum)
    levels = tiers.body.levels
    if code == "threshold_reached":
        threshold = levels[reached].threshold
        detail = f"{total} qualifying points reach {core.tier}, which needs {threshold}."
    else:
        threshold = levels[_held(levels, old)].threshold
        why = "The grace period ended" if code == "grace_ended" else "Points were taken back"
        detail = f"{why}: {total} qualifying points are below the {threshold} of {old}, so the tier is {core.tier}."
    log.post(
        "tier.changed",
        cause=cause,
        timer=timer,
        occurred_at=occurred_at,
        outcome=core.tier,
        reasons=[reason(code, detail, total, threshold)],
        rules={"tiers": tiers.version},
        evidence={"tier_before": old, "qualifying_before": max(0, before), "in_grace": code == "grace_ended"},
    )


def _grace(
    account: Account,
    tiers: InForce[TiersBody],
    log: DecisionLog,
    outcome: str,
    code: str,
    threshold: int,
    cause: Cause,
    occurred_at: int,
    timer: str | None,
    before: int,
) -> None:
    core = account.core
    total = max(0, core.window_sum)
    if outcome == "ended":
        detail = f"{total} qualifying points are enough again for {core.tier}, which needs {threshold}: grace ends."
    else:
        why = "Older purchases no longer count" if code == "window_slid" else "The tier rules changed"
        detail = (
            f"{why}: {total} qualifying points are below the {threshold} of {core.tier}, "
            f"which is kept for {tiers.body.grace_days} more days."
        )
    log.post(
        "tier.grace",
        cause=cause,
        timer=timer,
        occurred_at=occurred_at,
        outcome=outcome,
        reasons=[reason(code, detail, total, threshold)],
        rules={"tiers": tiers.version},
        evidence={"tier_before": core.tier, "qualifying_before": max(0, before), "in_grace": outcome == "ended"},
    )
