"""The `loyalty` command as a person meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from ops import cli
from ops.errors import Exit, Refusal
from ops.options import BOOTSTRAP_VARIABLE
from ops.own_command import own_command


def loyalty(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(own_command(arguments), capture_output=True, text=True, timeout=60, check=False)


def test_help_names_every_verb_with_a_sentence() -> None:
    shown = loyalty("--help")
    assert shown.returncode == 0
    for name in cli.VERBS:
        assert f" {name} " in shown.stdout


def test_help_does_not_load_what_only_the_verbs_need() -> None:
    loaded = "import sys; from ops.cli import command_line; command_line(['--help']); print(sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout
    for heavy in ("pyflink", "confluent_kafka", "jgo", "pydantic"):
        assert f"'{heavy}'" not in modules


@pytest.mark.parametrize("name", list(cli.VERBS))
def test_every_verb_can_be_asked_for_help(name: str) -> None:
    shown = loyalty(name, "--help")
    assert shown.returncode == 0, shown.stderr
    assert "Usage: loyalty " + name in shown.stdout


@pytest.mark.parametrize("name", list(cli.VERBS))
def test_every_verb_is_where_the_table_says(name: str) -> None:
    module, attribute = cli.VERBS[name].target.split(":")
    verb = getattr(import_module(module), attribute)
    assert isinstance(verb, typer.Typer) or callable(verb)


def test_an_unknown_verb_is_refused_without_a_traceback() -> None:
    tried = loyalty("kafak", "start")
    assert tried.returncode == 2
    assert "No such command 'kafak'" in tried.stderr
    assert "Traceback" not in tried.stderr


def test_a_refusal_is_its_sentence_on_standard_error_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise Refusal("The shop is closed.")

    module = sys.modules[__name__]
    monkeypatch.setattr(module, "refuse", refuse, raising=False)
    monkeypatch.setitem(cli.VERBS, "open", cli.Verb(f"{__name__}:refuse", "Open the shop."))
    monkeypatch.setattr(sys, "argv", ["loyalty", "open"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == Exit.REFUSED
    assert capsys.readouterr() == ("", "The shop is closed.\n")


def test_it_says_its_version() -> None:
    shown = loyalty("--version")
    assert (shown.returncode, shown.stdout) == (Exit.DONE, f"loyalty {version('loyalty-decision-loop')}\n")


def test_the_address_of_kafka_may_stand_in_the_environment() -> None:
    variables = {**os.environ, BOOTSTRAP_VARIABLE: "127.0.0.1:1"}
    tried = subprocess.run(
        own_command(["topics", "plan"]), capture_output=True, text=True, timeout=60, check=False, env=variables
    )
    assert tried.returncode == Exit.REFUSED
    assert "No Kafka broker answered at 127.0.0.1:1" in tried.stderr


def test_every_command_that_needs_kafka_asks_for_it_in_the_same_words() -> None:
    commands: list[Any] = []
    for name in cli.VERBS:
        command: Any = get_command(cli.command_line([name]))
        commands += _leaves(command.commands[name])
    asking = [one for each in commands for one in each.params if one.name == "bootstrap"]
    assert len(asking) >= 10
    assert {(one.help, one.envvar, one.required) for one in asking} == {
        ("Kafka, as HOST:PORT.", BOOTSTRAP_VARIABLE, True)
    }


def _leaves(command: Any) -> Iterator[Any]:
    below = getattr(command, "commands", None)
    if below is None:
        yield command
    else:
        for each in below.values():
            yield from _leaves(each)


def test_what_a_program_reads_is_one_json_object_and_the_exit_code(tmp_path: Path) -> None:
    stopped = loyalty("kafka", "status", "--json", "--dir", str(tmp_path))
    assert stopped.returncode == Exit.FOUND
    assert json.loads(stopped.stdout) == {"folder": str(tmp_path), "running": False}
    sound = loyalty("program", "check", "--json")
    assert sound.returncode == Exit.DONE
    assert json.loads(sound.stdout)["findings"] == []
    (tmp_path / "bad.yaml").write_text("document: earning\n")
    bad = loyalty("program", "check", "--json", str(tmp_path))
    assert bad.returncode == Exit.FOUND
    assert json.loads(bad.stdout)["findings"][0]["line"] == 1
