"""The table of settings: what a command line asks, what a submitted job is told, and what its configuration holds."""

from __future__ import annotations

from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from jobs.config import Delivery
from jobs.kinds import CONTEXT_KIND, DECISIONS_KIND, OFFERS_KIND, SQL_KIND, JobKind
from jobs.settings import as_arguments, read_arguments, settings_of
from ops.errors import Exit
from ops.jobs.verbs import run_app, submit_app

KINDS = [DECISIONS_KIND, OFFERS_KIND, CONTEXT_KIND, SQL_KIND]
OTHER_VALUES: dict[str, Any] = {
    "bootstrap": "kafka:9092",
    "parallelism": 3,
    "delivery": Delivery.EXACTLY_ONCE,
    "profile": "throughput",
    "group": "another",
    "checkpoint_interval_ms": 750,
    "checkpoint_dir": "file:///somewhere",
    "watermark_lag_ms": 0,
    "restart_attempts": 3,
    "restart_within_ms": 60_000,
}


def options_of(app: Any, word: str) -> dict[str, Any]:
    command: Any = get_command(app)
    return {option.name: option for option in command.commands[word].params}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_a_submitted_job_has_the_settings_that_it_was_submitted_with(kind: JobKind) -> None:
    asked = {setting.name for setting in settings_of(kind.config)}
    config = kind.config.model_validate({name: value for name, value in OTHER_VALUES.items() if name in asked})
    assert read_arguments(kind.config, kind.word, as_arguments(config)) == config
    assert all(getattr(config, name) != kind.config.model_fields[name].default for name in asked)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_submit_asks_for_every_setting_of_the_table_in_its_words(kind: JobKind) -> None:
    options = options_of(submit_app, kind.word)
    for setting in settings_of(kind.config):
        option = options[setting.name.removesuffix("_ms")]
        assert (option.help, option.required) == (setting.help, setting.required)
    assert options["checkpoint_interval"].default == "10s"


@pytest.mark.parametrize(
    ("option", "value"), [("--parallelism", "0"), ("--parallelism", "129"), ("--delivery", "once")]
)
def test_a_value_out_of_its_range_is_a_wrong_command_line(option: str, value: str) -> None:
    tried = CliRunner().invoke(run_app, ["decisions", "--bootstrap", "127.0.0.1:1", option, value])
    assert tried.exit_code == Exit.REFUSED
    assert option in tried.output


def test_a_run_on_this_machine_is_not_asked_for_what_it_decides_itself() -> None:
    asked = options_of(run_app, "decisions")
    assert {"bootstrap", "parallelism", "delivery", "watermark_lag", "state", "fresh", "until_end"} <= set(asked)
    assert not {"group", "checkpoint_dir"} & set(asked)


def test_offers_are_never_asked_to_be_written_in_transactions() -> None:
    assert "delivery" not in {setting.name for setting in settings_of(OFFERS_KIND.config)}
