"""Edits of right models after which a running job does, or does not, go on from its savepoint."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.sql.wrong_edits import EARNED, HOURLY, REDEEMED

PURCHASE = {
    "event_id": "e1",
    "type": "purchase",
    "account_id": "a",
    "order_id": "o1",
    "channel": "app",
    "occurred_at": "2026-11-23T10:00:00.000Z",
}
EARN = {
    "decision_id": "d1",
    "type": "points.earned",
    "account_id": "a",
    "points": 5,
    "occurred_at": "2026-11-23T10:00:00.000Z",
}
GIVEN: dict[str, list[dict[str, Any]]] = {
    "decisions": [EARN, {**EARN, "type": "redemption.decided"}],
    "transactions": [PURCHASE],
}


class PlanEdit(NamedTuple):
    what: str
    model: str
    old: str
    new: str
    goes_on: bool
    """What Flink does."""
    loses_state: bool = False
    """Whether it leaves state behind without a word; then only a rebuild is right."""


TUMBLE = "TUMBLE(TABLE timed, DESCRIPTOR(occurred_at), "
HOP = "HOP(TABLE timed, DESCRIPTOR(occurred_at), INTERVAL '1' HOUR, "
TIME = "\n        AND t.occurred_at BETWEEN d.occurred_at - INTERVAL '1' HOUR AND d.occurred_at"
PLAN_EDITS = [
    PlanEdit("a filter takes less", EARNED, "points > 0", "points > 10", True),
    PlanEdit("a filter takes another type", HOURLY, "'purchase'", "'refund'", True),
    PlanEdit("a join's time is longer", REDEEMED, "INTERVAL '1'", "INTERVAL '2'", True),
    PlanEdit("a window is longer", HOURLY, "INTERVAL '1' HOUR", "INTERVAL '2' HOUR", True),
    PlanEdit("a sum becomes a maximum", EARNED, "SUM(points)", "MAX(points)", True),
    PlanEdit("a count is left out", EARNED, "SUM(points) AS earned,\n    COUNT(*)", "COUNT(*)", False),
    PlanEdit("a count counts each only once", EARNED, "COUNT(*)", "COUNT(DISTINCT type)", False),
    PlanEdit("groups are smaller", EARNED, "GROUP BY account_id,", "GROUP BY account_id, type,", False),
    PlanEdit("a sum is of another type", EARNED, "SUM(points)", "SUM(CAST(points AS DECIMAL(20, 2)))", False),
    PlanEdit("a window becomes a sliding one", HOURLY, TUMBLE, HOP, False),
    PlanEdit("a join has no time any more", REDEEMED, TIME, "", True, loses_state=True),
    PlanEdit("a join carries one more column", REDEEMED, "    d.points\n", "    d.points,\n    t.order_id\n", False),
]
