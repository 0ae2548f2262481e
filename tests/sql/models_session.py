"""A process that checks models and runs their cases: one JSON line in, one JSON line out.

A request is `{"run": model}`, answered by `[{"case": ..., "passed": ..., "shown": ...}]`; `{"problems": model}` or
`{"check": name, "model": text, "sink": text}`, answered by a list of problems as text, which may have `"beside": true`
for another thread that calls Java; `{"before": text, "after": text}`, answered by what Flink and the plans say;
`{"select": text, "given": {table: [record]}}`, answered by rows; `{"resumed": true}`, answered by what every model
has written without and with stops; else `{"error": text}`.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console

from ops.sql.cases import CaseRunner
from ops.sql.check import Checker, create_tables
from ops.sql.explain import problems_of
from ops.sql.fixtures import Case, Row, read_cases
from ops.sql.outcomes import row_text
from ops.sql.plans import Node, compare, nodes_of
from ops.sql.session import create_environment, flink_processes, java
from ops.sql.test import show_difference
from sql.project import RESULTS, Project, SqlFile, read_project
from sql.results import create_results
from tests.sql.plan_edits import GIVEN
from tests.sql.resuming import ResumedModels
from tests.sql.traffic import Traffic


class Session:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._project = read_project()
        self._runner: CaseRunner | None = None
        self._planner: Any = None

    def run(self, name: str) -> list[dict[str, Any]]:
        if self._runner is None:
            self._runner = CaseRunner(self._project, self._folder)
        file = {**self._project.models, **self._project.audits}[name]
        answer = []
        for outcome in self._runner.run(file, read_cases(file.fixture)):
            shown = io.StringIO()
            if not outcome.passed:
                show_difference(file, outcome, Console(file=shown, width=160))
            answer.append({"case": outcome.case.name, "passed": outcome.passed, "shown": shown.getvalue()})
        return answer

    def problems(self, name: str) -> list[str]:
        file = {**self._project.models, **self._project.audits}[name]
        return [str(each) for each in Checker(self._planner_of_the_project(), self._project).check(file)]

    def have_another_thread_call_java(self) -> None:
        """Its call begins first and ends first, so that it would leave its connection to this thread."""
        self._planner_of_the_project()
        sleep = java().java.lang.Thread.sleep
        other = threading.Thread(target=sleep, args=(300,))
        other.start()
        time.sleep(0.1)
        sleep(600)
        other.join()

    def goes_on(self, before: str, after: str) -> dict[str, Any]:
        """Whether Flink goes on from a savepoint of the first with the second, and what the plans' verdict is."""
        project = self._project
        files = [
            SqlFile(name, project.root / "models" / f"{name}.sql", text)
            for name, text in (("before", before), ("after", after))
        ]
        tables = self._planner_of_the_project()
        old, new = (_plan_of(tables.sql_query(file.text)) for file in files)
        if self._runner is None:
            self._runner = CaseRunner(project, self._folder)
        with tempfile.TemporaryDirectory() as folder:
            flink = self._runner.goes_on(files[0], files[1], GIVEN, Path(folder))
        return {"flink": flink, "verdict": compare(old, new).verdict}

    def rows(self, text: str, given: dict[str, list[Row]]) -> list[Row]:
        if self._runner is None:
            self._runner = CaseRunner(self._project, self._folder)
        file = SqlFile("asked", self._project.root / "audits" / "asked.sql", text)
        (outcome,) = self._runner.run(file, [Case("asked", 1, given, None, None)])
        assert outcome.failure is None, outcome.failure
        return outcome.rows

    def resumed(self) -> dict[str, dict[str, list[str]]]:
        """What every model has written in the end, sorted, in a run that nothing stops and in such that are stopped."""
        traffic = Traffic()
        parts = [traffic.part(day) for day in (1, 2, 3)]
        once = [list(chain.from_iterable(parts))]
        runs = {"once": (once, "hashmap"), "hashmap": (parts, "hashmap"), "rocksdb": (parts, "rocksdb")}
        with tempfile.TemporaryDirectory() as folder, ResumedModels(self._project, Path(folder)) as run:
            return {
                which: {name: sorted(map(row_text, rows)) for name, rows in run.rows(*how).items()}
                for which, how in runs.items()
            }

    def _planner_of_the_project(self) -> Any:
        if self._planner is None:
            _, self._planner = create_environment()
            assert create_tables(self._planner, self._project) == []
        return self._planner

    def check(self, name: str, model: str, sink: str) -> list[str]:
        tables = self._planner_of_the_project()
        files = {"models": model, "sinks": sink}
        made = {kind: SqlFile(name, self._project.root / kind / f"{name}.sql", text) for kind, text in files.items()}
        project: Project = replace(self._project, models={name: made["models"]}, sinks={name: made["sinks"]})
        tables._j_tenv.dropTemporaryTable(f"{RESULTS}.{name}")
        try:
            create_results(tables, project, "none:1", only=[name])
        except Exception as problem:  # noqa: BLE001 - it is what is asked for
            return [str(each) for each in problems_of(tables, project, made["sinks"], problem)]
        return [str(each) for each in Checker(tables, project).check(made["models"])]


def _plan_of(table: Any) -> list[Node]:
    nowhere = java().org.apache.flink.table.api.TableDescriptor.forConnector("blackhole").build()
    return nodes_of(table._j_table.insertInto(nowhere).compilePlan().asJsonString())


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Whatever Java prints is no answer.
    with flink_processes() as folder:
        session = Session(folder)
        for line in sys.stdin:
            request = json.loads(line)
            answer: Any
            try:
                if request.get("beside"):
                    session.have_another_thread_call_java()
                if "run" in request:
                    answer = session.run(request["run"])
                elif "problems" in request:
                    answer = session.problems(request["problems"])
                elif "before" in request:
                    answer = session.goes_on(request["before"], request["after"])
                elif "select" in request:
                    answer = session.rows(request["select"], request["given"])
                elif "resumed" in request:
                    answer = session.resumed()
                else:
                    answer = session.check(request["check"], request["model"], request["sink"])
            except Exception:  # noqa: BLE001 the test says what went wrong
                answer = {"error": traceback.format_exc()}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
