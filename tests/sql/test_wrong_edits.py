"""What people get wrong in a model is named with its line, and what may help."""

from __future__ import annotations

import re

import pytest

from tests.sql.conftest import ModelsSession
from tests.sql.wrong_edits import EDITS, MODELS, Edit, edited


@pytest.mark.parametrize("model", MODELS)
def test_the_models_are_right_before_the_edits(model: str, models: ModelsSession) -> None:
    assert models.check(model, *MODELS[model]) == []


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.what)
def test_a_wrong_edit_is_named_with_its_line(edit: Edit, models: ModelsSession) -> None:
    (problem,) = models.check(edit.model, *edited(edit))
    place = re.match(rf"\S*/{edit.model}\.sql:(\d+):\d+: [A-Z\"`]?\S.*\.", problem)
    assert place, problem
    assert int(place[1]) == edit.line, problem
    assert edit.words in problem


def test_there_are_fifty_different_wrong_edits() -> None:
    assert len({(edit.model, edited(edit)) for edit in EDITS}) == len(EDITS) >= 50
