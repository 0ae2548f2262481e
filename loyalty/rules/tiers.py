"""Tiers on the rolling window of qualifying points, with grace (contract §4, *Tiers*)."""

from __future__ import annotations

from collections.abc import Sequence

from loyalty.program import InForce, Program
from loyalty.rules.decision_log import DecisionLog, reason
from loyalty.state.account import Account, Cause, Due, Grace
from loyalty.times import DAY_MS
from loyalty.wire.program import TierLevel, TiersBody


def sync(account: Account, program: Program, *, slides_to_come: bool = False) -> InForce[TiersBody]:
    """Bring the window to `account.now` by the document in force then, and return that document."""
    tiers = account.window.advance(program, slides_to_come=slides_to_come)
    if account.core.tier is None:
        account.core.tier = tiers.body.levels[0].tier
    return tiers


def qualify(account: Account, program: Program, tiers: InForce[TiersBody], cause: Cause, points: int) -> None:
    account.window.add(program, tiers, cause, points)


def disqualify(account: Account, cause: Cause, points: int) -> None:
    account.window.lower(cause, points)


def next_slide(account: Account, program: Program) -> Due | None:
    return account.window.next_slide(program)


def slide(account: Account, program: Program, due: Due, log: DecisionLog) -> None:
    """What was earned at one moment leaves the window, all of it together; the first that leaves is the cause."""
    tiers = sync(account, program, slides_to_come=True)
    before = account.core.window_sum
    cause = account.window.slide_out(due)
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
