"""Fixtures are read strictly, arrive in order, and a case that fails shows the rows that differ."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from ops.errors import Refusal
from ops.sql.fixtures import Case, Row, arrivals, read_cases
from ops.sql.outcomes import Outcome, remaining
from ops.sql.test import show_difference
from sql.project import SqlFile

TEN, ELEVEN, TWELVE = (f"2026-11-23T{hour}:00:00.000Z" for hour in (10, 11, 12))
TIMES = {"decisions": "occurred_at", "transactions": "occurred_at"}


def test_a_late_row_arrives_when_the_row_before_it_did() -> None:
    first, late = arrivals({"decisions": [{"occurred_at": ELEVEN}, {"occurred_at": TEN}]}, TIMES, {})
    assert (first.at_ms, late.at_ms) == (first.at_ms, first.at_ms)
    assert [each.offset for each in (first, late)] == [0, 1]


def test_rows_of_several_tables_arrive_by_their_time_and_then_by_the_order_of_the_tables() -> None:
    given: dict[str, list[Row]] = {
        "decisions": [{"occurred_at": TEN}, {"occurred_at": TWELVE}],
        "transactions": [{"occurred_at": ELEVEN}, {"occurred_at": TWELVE}],
    }
    came = [(each.table, each.at_ms) for each in arrivals(given, TIMES, {})]
    assert [table for table, _ in came] == ["decisions", "transactions", "decisions", "transactions"]


def test_fields_become_the_value_and_the_key_of_the_catalogue_unless_they_are_given() -> None:
    given: dict[str, list[Row]] = {
        "decisions": [{"account_id": "a", "points": 5}, {"record_value": None, "record_key": "b"}]
    }
    made, raw = arrivals(given, TIMES, {"decisions": "account_id"})
    assert (made.key, made.value) == ("a", '{"account_id": "a", "points": 5}')
    assert (raw.key, raw.value) == ("b", None)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("case: one", 1, "list of cases"),
        ("- given: {}\n  expect: []", 1, "sentence"),
        ("- case: one\n  given: {}", 1, "prove nothing"),
        ("- case: one\n  given: {}\n  expected: []", 3, "none of"),
        ("- case: one\n  given: {decisions: [1]}\n  expect: []", 2, "mapping"),
        ("- case: one\n  given: {}\n  changelog: [{+X: {}}]", 3, "one of"),
    ],
)
def test_a_fixture_that_is_none_is_refused_with_its_line(tmp_path: Path, text: str, line: int, why: str) -> None:
    fixture = tmp_path / "model.yaml"
    fixture.write_text(text)
    with pytest.raises(Refusal) as refused:
        read_cases(fixture)
    assert f"model.yaml:{line}: " in refused.value.message
    assert why in refused.value.message


def test_a_failed_case_shows_each_row_that_differs_beside_the_one_that_came() -> None:
    case = Case("Points add up", 7, {}, [{"day": "2026-11-23", "points": 5}, {"day": "2026-11-24", "points": 1}], None)
    outcome = Outcome(case, ["day", "points"], [], [{"day": "2026-11-23", "points": 6}])
    assert not outcome.passed
    shown = io.StringIO()
    show_difference(SqlFile("model", Path("model.sql"), ""), outcome, Console(file=shown, width=100))
    lines = [" ".join(line.replace("│", " ").split()) for line in shown.getvalue().splitlines()]
    assert "model.yaml:7: Points add up" in lines
    assert "expected 2026-11-23 5" in lines
    assert "came 2026-11-23 6" in lines
    assert "expected 2026-11-24 1" in lines


def test_a_changelog_is_folded_by_key_or_by_whole_rows() -> None:
    one, two = {"k": "a", "n": 1}, {"k": "a", "n": 2}
    assert remaining([("+I", one), ("+U", two)], ["k"]) == [two]
    assert remaining([("+I", one), ("-D", one)], ["k"]) == []
    assert remaining([("+I", one), ("+I", one), ("-U", one), ("+U", two)], None) == [one, two]
