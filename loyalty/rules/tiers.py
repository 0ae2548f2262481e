"""Tiers on the rolling window of qualifying points, with grace (contract §4, *Tiers*)."""

from __future__ import annotations

from collections.abc import Sequence

from loyalty.rules import sentences
from loyalty.rules.case import About, Case, Decided, Rules
from loyalty.state.entries import Grace
from loyalty.state.lists import Timer
from loyalty.times import DAY_MS
from loyalty.wire.decisions import reason
from loyalty.wire.evidence import TierCause, TierFacts
from loyalty.wire.program import TierLevel


def advance(case: Case, *, slides_to_come: bool = False) -> int:
    """Bring the window up to the account's `now`; returns the sum of qualifying points then, not yet cut at 0."""
    window, core = case.account.window, case.account.core
    window.advance(case.program, slides_to_come=slides_to_come)
    if core.tier is None:
        core.tier = window.tiers.body.levels[0].tier
    return core.window_sum


def slide(case: Case, timer: Timer) -> None:
    """What was earned at one moment leaves the window, all of it together; the first that leaves is the cause."""
    before = advance(case, slides_to_come=True)
    cause = case.account.window.slide_out(timer)
    if cause is not None:
        case.concern(cause, timer.due_at, "slide")
        judge(case, before, "slide")


def decide_grace(facts: TierFacts, rules: Rules) -> Decided | None:
    """Whether grace starts or ends."""
    levels, qualifying = rules.tiers.levels, facts["qualifying"]
    held, reached = _held(levels, facts["tier_before"]), _reached(levels, qualifying)
    tier, threshold = facts["tier_before"], levels[held].threshold
    if reached >= held:
        if not facts["in_grace"]:
            return None
        code, detail = "threshold_reached", sentences.grace_ended(qualifying, tier, threshold)
        return Decided([reason(code, detail, qualifying, threshold)], outcome="ended")
    was_reached = facts["qualifying_before"] >= threshold
    if facts["in_grace"] or (facts["because"] == "reversal" and was_reached):
        return None
    code = "window_slid" if facts["because"] == "slide" and was_reached else "rules_changed"
    detail = sentences.grace_started(code, qualifying, tier, threshold, rules.tiers.grace_days)
    return Decided([reason(code, detail, qualifying, threshold)], outcome="started")


def decide_change(facts: TierFacts, rules: Rules) -> Decided | None:
    """Whether the tier rises, or falls at once or at the end of grace."""
    levels, qualifying = rules.tiers.levels, facts["qualifying"]
    held, reached = _held(levels, facts["tier_before"]), _reached(levels, qualifying)
    tier = levels[reached].tier
    if reached > held:
        threshold = levels[reached].threshold
        detail = sentences.tier_reached(qualifying, tier, threshold)
        return Decided([reason("threshold_reached", detail, qualifying, threshold)], outcome=tier)
    if reached == held:
        return None
    threshold = levels[held].threshold
    if facts["because"] == "grace_over":
        code, detail = "grace_ended", sentences.grace_over(qualifying, facts["tier_before"], threshold, tier)
    elif not facts["in_grace"] and facts["because"] == "reversal" and facts["qualifying_before"] >= threshold:
        code, detail = "points_reversed", sentences.tier_lost(qualifying, facts["tier_before"], threshold, tier)
    else:
        return None
    return Decided([reason(code, detail, qualifying, threshold)], outcome=tier)


def judge(case: Case, before: int, because: TierCause) -> None:
    """Compare the tier held with the level reached, and decide what follows.

    `before` is the sum of qualifying points before what the cause itself did to it, as `advance` gave it. It is the
    account's time that tiers are judged at, also where the event behind it is a little older.
    """
    account, core = case.account, case.account.core
    total = core.window_sum
    in_force = account.window.tiers
    levels = in_force.body.levels
    assert core.tier is not None
    held = _held(levels, core.tier)
    if (
        core.grace is None
        and total >= levels[held].threshold
        and (held + 1 == len(levels) or total < levels[held + 1].threshold)
    ):
        return  # nothing changes, which is nearly always so
    facts: TierFacts = {
        "tier_before": core.tier,
        "qualifying_before": max(0, before),
        "qualifying": max(0, total),
        "in_grace": core.grace is not None,
        "because": because,
    }
    about = About(Rules({"tiers": in_force}), {})
    grace = decide_grace(facts, about.rules)
    if grace is not None:
        now = core.now
        ends_at = now + in_force.body.grace_days * DAY_MS
        core.grace = Grace(now, ends_at, case.cause, in_force.version) if grace.outcome == "started" else None
        case.post("tier.grace", facts, grace, about)
    change = decide_change(facts, about.rules)
    if change is not None:
        core.tier = change.outcome
        core.grace = None
        case.post("tier.changed", facts, change, about)


def end_grace(case: Case) -> None:
    """The grace's time is over: the tier falls to the level then reached."""
    grace = case.account.core.grace
    assert grace is not None
    before = advance(case)
    case.concern(grace.cause, grace.ends_at, "grace")
    judge(case, before, "grace_over")


def notice_rules(case: Case) -> None:
    """An event that moves no qualifying points, or a timer that decides something, notices that another tiers document
    took effect."""
    judge(case, advance(case, slides_to_come=case.timer is not None), "event")


def _held(levels: Sequence[TierLevel], tier: str) -> int:
    for at, level in enumerate(levels):
        if level.tier == tier:
            return at
    return 0


def _reached(levels: Sequence[TierLevel], total: int) -> int:
    at = len(levels) - 1
    while at and levels[at].threshold > total:
        at -= 1
    return at
