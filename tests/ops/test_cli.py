"""The `loyalty` command as a person meets it."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest
import typer

from ops import cli
from ops.errors import Refusal
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


def test_a_refusal_is_its_sentence_on_standard_error_and_exit_code_1(
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
    assert ended.value.code == 1
    assert capsys.readouterr() == ("", "The shop is closed.\n")
