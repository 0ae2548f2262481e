"""Every case of every fixture, in one Flink; what `loyalty sql test` runs."""

from __future__ import annotations

import pytest

from ops.sql.fixtures import read_cases
from sql.project import read_project
from tests.sql.conftest import ModelsSession

PROJECT = read_project()
FILES = {**PROJECT.models, **PROJECT.audits}
CASES = [(name, number) for name, file in FILES.items() for number in range(len(read_cases(file.fixture)))]


def sentence(case: tuple[str, int]) -> str:
    return f"{case[0]}: {read_cases(FILES[case[0]].fixture)[case[1]].name}"


@pytest.mark.parametrize("case", CASES, ids=map(sentence, CASES))
def test_a_case_of_a_fixture_comes_out_as_written(case: tuple[str, int], models: ModelsSession) -> None:
    name, number = case
    outcome = models.outcomes(name)[number]
    assert outcome["passed"], outcome["shown"]


@pytest.mark.parametrize("name", FILES)
def test_every_file_says_what_one_row_is_and_reads_only_what_there_is(name: str, models: ModelsSession) -> None:
    assert models.problems(name) == []


@pytest.mark.parametrize("name", PROJECT.models)
def test_every_model_has_four_cases_or_more(name: str) -> None:
    assert len(read_cases(PROJECT.models[name].fixture)) >= 4


def test_the_planner_answers_when_another_thread_has_called_java(models: ModelsSession) -> None:
    assert models.problems("balances_are_possible", beside=True) == []
