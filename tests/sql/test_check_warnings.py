"""What is no mistake to Flink and seldom what was meant is told with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops.sql.check_warnings import of_the_plan, of_the_words
from ops.sql.problems import Problem
from sql.project import SqlFile, read_project

JOINED = "-- One row is …\nSELECT a.x\nFROM a INNER JOIN b ON a.x = b.x\n"


def model(text: str) -> SqlFile:
    return SqlFile("model", Path("models/model.sql"), text)


def said(problems: list[Problem]) -> list[tuple[int, str]]:
    return [(problem.line, problem.sentence) for problem in problems]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("SELECT CURRENT_TIMESTAMP AS t FROM a", "CURRENT_TIMESTAMP is the time of the run."),
        ("SELECT x FROM a LIMIT 5", "LIMIT takes the rows that come first."),
        ("SELECT DATE_FORMAT(t, 'YYYY-MM') AS m FROM a", "YYYY is the year of the week, another one around New Year."),
        ("SELECT DATE_FORMAT(t, 'yyyy-MM-DD') AS d FROM a", "DD is the day of the year."),
    ],
)
def test_a_word_that_means_something_else_is_told(line: str, sentence: str) -> None:
    assert said(of_the_words(model(f"-- One row is …\n{line}\n"))) == [(2, sentence)]


def test_the_models_of_the_project_have_no_such_word() -> None:
    assert [str(each) for file in read_project().models.values() for each in of_the_words(file)] == []


@pytest.mark.parametrize(("keys", "told"), [([[0]], 0), ([], 1)])
def test_a_join_that_keeps_every_row_is_told(keys: list[list[int]], told: int) -> None:
    join: dict[str, Any] = {"type": "stream-exec-join_1", "leftUpsertKeys": [[0]], "rightUpsertKeys": keys}
    found = of_the_plan(model(JOINED), {"nodes": [join]})
    assert said(found) == [(3, "A join without time keeps every row of its sides for ever.")] * told
