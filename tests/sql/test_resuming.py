"""A job of the models that is stopped goes on as if it had not been, on either state backend."""

from __future__ import annotations

import pytest

from sql.project import read_project
from tests.sql.conftest import ModelsSession


@pytest.mark.parametrize("backend", ["hashmap", "rocksdb"])
@pytest.mark.parametrize("model", read_project().written)
def test_a_model_that_is_stopped_twice_in_traffic_writes_what_it_would_have(
    model: str, backend: str, models: ModelsSession
) -> None:
    found = models.resumed()
    assert found["once"][model] != []
    assert found[backend][model] == found["once"][model]
