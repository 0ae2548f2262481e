"""What `loyalty sql plan` says of a savepoint is what Flink does with a real one."""

from __future__ import annotations

import pytest

from ops.sql.plans import REBUILD, RESTORES
from tests.sql.conftest import ModelsSession
from tests.sql.plan_edits import PLAN_EDITS, PlanEdit


@pytest.mark.parametrize("edit", PLAN_EDITS, ids=lambda edit: edit.what)
def test_the_verdict_is_what_flink_does(edit: PlanEdit, models: ModelsSession) -> None:
    assert edit.old in edit.model
    flink, verdict = models.goes_on(edit.model, edit.model.replace(edit.old, edit.new))
    assert flink is edit.goes_on
    assert verdict == (RESTORES if flink and not edit.loses_state else REBUILD)
