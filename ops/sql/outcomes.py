"""What a case gave, and whether that is what was expected."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from ops.sql.fixtures import Case, Row


@dataclass
class Outcome:
    """What a case gave: all changes in order, and the rows that remain."""

    case: Case
    columns: list[str]
    changes: list[tuple[str, Row]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    failure: str | None = None

    @property
    def passed(self) -> bool:
        return (
            self.failure is None
            and (self.case.expect is None or _sorted(self.case.expect) == _sorted(self.rows))
            and (self.case.changelog is None or self.case.changelog == self.changes)
        )


def _sorted(rows: list[Row]) -> list[str]:
    return sorted(map(row_text, rows))


def row_text(row: Row) -> str:
    """A row as text by which it can be compared, whatever it holds."""
    return json.dumps(row, sort_keys=True)


def remaining(changes: list[tuple[str, Row]], key: list[str] | None) -> list[Row]:
    """The rows that changes leave: by a key, or, where rows are told apart whole, all of them."""
    if key is not None:
        latest: dict[str, Row] = {}
        for operation, row in changes:
            of = json.dumps([row[name] for name in key])
            latest.pop(of, None)
            if operation in ("+I", "+U"):
                latest[of] = row
        return list(latest.values())
    counted: dict[str, list[Row]] = {}
    for operation, row in changes:
        if operation in ("+I", "+U"):
            counted.setdefault(row_text(row), []).append(row)
        else:
            counted[row_text(row)].pop()
    return [row for same in counted.values() for row in same]
