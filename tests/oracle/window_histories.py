"""Histories of one account whose tier window changes its length again and again.

Everything happens on a grid of half days, or a millisecond beside it: points come, are taken back and leave at the
moments at which holds, releases, expiries and versions of `tiers` begin and end.
"""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from .histories import CHUNKS, Case, Choices, Plan, Step, Version, When, Writer, plans, tiers

KINDS = (
    *["grant"] * 6,
    *["adjust"] * 4,
    *["purchase"] * 6,
    *["refund"] * 3,
    *["cancel"] * 2,
    *["request"] * 4,
    "refund_first",
    "awaited_purchase",
    "commit",
    "stray_commit",
    "notice_out_of_order",
)
WINDOWS = (1, 2, 3, 4, 6)
DAY_MINUTES = 24 * 60


@st.composite
def window_histories(draw: st.DrawFn) -> Case:
    """Whole histories, without late events."""
    plan = draw(plans(1, KINDS))
    versions = [_version(pair) for pair in draw(st.lists(st.tuples(CHUNKS, CHUNKS), min_size=1, max_size=4))]
    return Writer(_on_the_grid(plan, versions), allow_late=False).write()


def _version(chunks: Sequence[bytes]) -> Version:
    choose = Choices(chunks[0])
    days, nudge, replaces = choose.upto(9), choose.of([0, 0, 0, -1, 1]), choose.of([False, False, False, True])
    return Version("tiers", _short(tiers(Choices(chunks[1])), choose), days, nudge, replaces)


def _short(body: dict[str, Any], choose: Choices) -> dict[str, Any]:
    return {**body, "window_days": choose.of(WINDOWS)}


def _on_the_grid(plan: Plan, versions: list[Version]) -> Plan:
    documents = dict(plan.documents)
    documents["tiers"] = {**documents["tiers"], "window_days": WINDOWS[len(plan.steps) % len(WINDOWS)]}
    documents["redemption"] = {
        **documents["redemption"],
        "hold_minutes": (1 + plan.accounts % 3) * DAY_MINUTES,
        "review_hold_minutes": DAY_MINUTES,
    }
    return plan._replace(accounts=1, documents=documents, versions=versions, steps=[_step(one) for one in plan.steps])


def _step(step: Step) -> Step:
    when = step.when
    if when.how == "later":
        when = When("days", (0, 0, 1, 1, 2, 3)[when.number % 6], 0)
    return step._replace(when=when)
