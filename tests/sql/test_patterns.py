"""The patterns of the README give what they promise."""

from __future__ import annotations

import re
from typing import Any

from tests.sql.conftest import ROOT, ModelsSession

README = (ROOT / "sql" / "README.md").read_text(encoding="utf-8")


def pattern(heading: str) -> str:
    """The SQL under a heading of the README."""
    return re.split("```", README.split(f"## {heading}\n")[1])[1].removeprefix("sql\n")


def click(number: int, at: str) -> dict[str, Any]:
    return {"event_id": f"e{number}", "type": "click", "account_id": "a", "member_id": "m", "occurred_at": at}


def test_iso_weeks_go_from_monday_to_sunday_and_lose_no_row(models: ModelsSession) -> None:
    # Week 1 of 2026 began on Monday, 29 December 2025.
    moments = [
        "2025-12-28T23:59:59.999Z",
        "2025-12-29T00:00:00.000Z",
        *(f"2026-01-{day:02}T12:00:00.000Z" for day in range(1, 12)),
        "2026-01-11T23:59:59.999Z",
        "2026-01-12T00:00:00.000Z",
    ]
    found = models.rows(pattern("ISO weeks"), {"engagements": [click(*each) for each in enumerate(moments)]})
    assert {row["week"]: row["engagements"] for row in found} == {
        "2025-12-22": 1,
        "2025-12-29": 5,
        "2026-01-05": 8,
        "2026-01-12": 1,
    }
