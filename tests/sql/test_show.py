"""What a model has written is shown as it lies in its topic; and names that are none are refused in a sentence."""

from __future__ import annotations

import io
from typing import Any, cast

import pytest
from rich.console import Console

from jobs.config import SqlConfig
from ops.errors import Refusal
from ops.jobs.run import Until
from ops.sql.plans import REBUILD, compare
from ops.sql.run import run_models, state_of
from ops.sql.show import Rows, columns_of, key_of, show
from ops.sql.test import named_files
from sql.project import CONTEXT, read_project

PROJECT = read_project()


class Sent:
    """A record as Kafka's client gives it."""

    def __init__(self, key: str | None, value: str | None, offset: int = 0) -> None:
        self._parts = [None if part is None else part.encode() for part in (key, value)]
        self._offset = offset

    def key(self) -> bytes | None:
        return self._parts[0]

    def value(self) -> bytes | None:
        return self._parts[1]

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self._offset


def shown(rows: Rows) -> str:
    text = io.StringIO()
    Console(file=text, width=200).print(rows.as_table())
    return text.getvalue()


def test_the_latest_row_of_a_key_is_shown_and_one_that_was_deleted_is_not() -> None:
    rows = Rows(["day", "closing"], ["day"])
    for key, value in [
        ('{"day": "1"}', '{"day": "1", "closing": 10}'),
        ('{"day": "2"}', '{"day": "2", "closing": 20}'),
        ('{"day": "1"}', '{"day": "1", "closing": 11}'),
        ('{"day": "2"}', None),
    ]:
        rows.take(cast(Any, Sent(key, value)))
    assert "11" in shown(rows)
    assert "10" not in shown(rows)
    assert "20" not in shown(rows)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ('{"month": "5"}', '{"month": "5", "closing": 7}', ["another key", '{"month": "5"}', "7"]),
        (None, "no JSON", ["no JSON"]),
        ("plain", '{"day": "1", "closing": [1]}', ["[1]"]),
    ],
)
def test_a_row_of_another_key_or_form_is_shown_as_it_is(key: str | None, value: str, words: list[str]) -> None:
    rows = Rows(["day", "closing"], ["day"])
    rows.take(cast(Any, Sent(key, value)))
    for word in words:
        assert word in shown(rows)


def test_columns_and_key_of_every_sink_are_found() -> None:
    assert columns_of(PROJECT.sinks["engagement_context"]) == ["account_id", "last_engaged_at", "devices"]
    assert columns_of(PROJECT.sinks["campaign_results"])[:3] == ["campaign_id", "day", "made"]
    for sink in PROJECT.sinks.values():
        assert {*key_of(sink)} <= {*columns_of(sink)}


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(Refusal, match=r"no audit points_liability_daily\. It is one of models/"):
        named_files(PROJECT, ["points_liability_daily"], of="audits")
    with pytest.raises(Refusal, match="Did you mean points_liability_daily"):
        show(PROJECT, "points_liability", "none:1", Console())


def test_the_gates_model_runs_by_itself_with_a_state_of_its_own(tmp_path: Any) -> None:
    config = SqlConfig(bootstrap="none:1")
    with pytest.raises(Refusal, match="engagement_context runs in a job of its own"):
        run_models(config, Until(tmp_path), [CONTEXT, "tier_movements_daily"])
    with pytest.raises(Refusal, match="decisions_once is for other models"):
        run_models(config, Until(tmp_path), ["decisions_once"])
    assert CONTEXT not in PROJECT.reports
    assert state_of([CONTEXT]) != state_of([])


def test_a_plan_says_under_which_key_rows_were_written_before() -> None:
    def plan(*key: str) -> list[dict[str, Any]]:
        sink = {"operator": "sink", "reads": [], "does": "", "rows": "", "keeps_state": False, "by": {}}
        return [{**sink, "key": [*key]}]

    assert compare(plan("day"), plan("day")).old_key is None
    changed = compare(plan("day"), plan("day", "tier"))
    assert (changed.old_key, changed.verdict) == (["day"], REBUILD)
