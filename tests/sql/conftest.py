"""One Flink for all tests of this folder, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]


class SqlFailed(AssertionError):
    """Flink did not accept a statement, or stopped while it ran it."""


class FlinkSession:
    """Flink's SQL, with the functions of `udfs` registered and its own time zone not UTC."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log
        self.functions: list[str] = self._answer()["names"]

    def create_sources(self, bootstrap: str) -> list[str]:
        """`sql.sources.create_sources`, reading to the end."""
        names: list[str] = self._ask(sources=bootstrap)["names"]
        return names

    def read(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query, by column; moments in ms since 1970, those of a ROW as `row.field`. Raises SqlFailed."""
        rows: list[dict[str, Any]] = self._ask(read=query)["rows"]
        return rows

    def _ask(self, **request: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the Flink process ended:\n{self._log.read_text()}"
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise SqlFailed(answer["error"])
        return answer


@pytest.fixture(scope="session")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkSession]:
    folder = tmp_path_factory.mktemp("flink")
    log = folder / "errors.log"
    command = [sys.executable, "-m", "tests.sql.flink_session", str(folder)]
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            yield FlinkSession(process, log)
        finally:
            started = psutil.Process(process.pid).children(recursive=True)
            for one in started:
                one.kill()
            process.kill()


class ModelsSession:
    """The models' tools in a Flink of their own: checks, and the cases of fixtures."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log
        self._ran: dict[str, list[dict[str, Any]]] = {}
        self._resumed: dict[str, dict[str, list[str]]] | None = None

    def outcomes(self, name: str) -> list[dict[str, Any]]:
        """By case of a model or an audit: `case`, `passed` and `shown`, the difference."""
        if name not in self._ran:
            self._ran[name] = self._ask(run=name)
        return self._ran[name]

    def problems(self, name: str, *, beside: bool = False) -> list[str]:
        """What `loyalty sql check` says of a file of the project; with `beside`, after another thread called Java."""
        found: list[str] = self._ask(problems=name, beside=beside)
        return found

    def check(self, name: str, model: str, sink: str) -> list[str]:
        """What it says of a model and its sink that are no files."""
        found: list[str] = self._ask(check=name, model=model, sink=sink)
        return found

    def goes_on(self, before: str, after: str) -> tuple[bool, str]:
        """Whether Flink goes on with a model from a savepoint of another, and the verdict from their plans."""
        answer = self._ask(before=before, after=after)
        return answer["flink"], answer["verdict"]

    def resumed(self) -> dict[str, dict[str, list[str]]]:
        """What every model has written in the end: in a run that nothing stops (`once`), and by state backend in one
        that is stopped twice."""
        if self._resumed is None:
            self._resumed = self._ask(resumed=True)
        return self._resumed

    def rows(self, text: str, given: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """What a SELECT gives, of records by table."""
        found: list[dict[str, Any]] = self._ask(select=text, given=given)
        return found

    def _ask(self, **request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process ended:\n{self._log.read_text()}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelsSession]:
    log = tmp_path_factory.mktemp("models") / "errors.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "tests.sql.models_session"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield ModelsSession(process, log)
        finally:
            for one in psutil.Process(process.pid).children(recursive=True):
                one.kill()
            process.kill()
