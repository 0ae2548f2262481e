"""`loyalty sql check`: each model parsed, resolved, typed and planned by Flink's own planner, without Kafka.

Flink says what is wrong in its words; `ops.sql.explain` makes one sentence of them, with a place in the file and, where
one can be guessed, what to do about it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ops.sql.check_sink import SinkChecker
from ops.sql.check_warnings import of_the_plan, of_the_words
from ops.sql.check_windows import over_changing_rows, window_offset
from ops.sql.explain import problems_of
from ops.sql.problems import Problem, at, nearest
from ops.sql.session import NOWHERE
from ops.sql.statement import place_of_statement
from sql.names import CircularModels, Place, parse, place_of, reads, type_of
from sql.project import RESULTS, Project, SqlFile
from sql.results import create_results, create_views
from sql.sources import create_sources


class Checker:
    """Checks models and audits, over the tables of a project as Flink's planner knows them."""

    def __init__(self, tables: Any, project: Project) -> None:
        self._tables = tables
        self._project = project
        self._sinks = SinkChecker(tables, project)
        self.warnings: list[Problem] = []
        """What is no mistake in the files checked so far, and seldom what was meant."""

    def check(self, file: SqlFile) -> list[Problem]:
        """What is wrong with a model or an audit: the first thing that stops it, in its own file or in its sink's."""
        problem = self._of_the_file(file)
        if problem is None:
            if file.path.parent.name == "models":
                self.warnings += of_the_words(file)
            try:
                create_views(self._tables, self._project, file)
                table = self._tables.sql_query(file.text)
                problem = self._sinks.check(file, table) or self._of_the_plan(file, table)
            except CircularModels as circle:
                problem = at(file, 1, 1, f"Models read each other in a circle: {circle}.")
            except Exception as failure:  # noqa: BLE001 - whatever Flink says
                return problems_of(self._tables, self._project, file, failure)
        return [] if problem is None else [problem]

    def _of_the_file(self, file: SqlFile) -> Problem | None:
        if not re.match(r"--\s*\S", file.text):
            return at(
                file, 1, 1, "The first line does not say what one row is.", "Begin with a comment: -- One row is …"
            )
        try:
            statements = parse(self._tables, file.text)
        except Exception as failure:  # noqa: BLE001 - whatever Flink says
            return problems_of(self._tables, self._project, file, failure)[0]
        if not statements:
            return at(file, 1, 1, "There is no statement in this file.", "A model is one SELECT.")
        if len(statements) > 1:
            second = place_of(statements[1])
            return at(file, second.line, second.column, "A second statement begins here.", "A model is one SELECT.")
        if type_of(statements[0]) not in _QUERIES and statements[0].getKind().toString() not in _QUERY_KINDS:
            place = place_of(statements[0])
            return at(file, place.line, place.column, "This is no SELECT.", "What is written where is said in sinks/.")
        offset = window_offset(file)
        if offset is not None:
            return offset
        for read in reads(statements[0]):
            problem = self._of_a_table(file, read.name, read.place)
            if problem is not None:
                return problem
        return None

    def _of_a_table(self, file: SqlFile, name: str, place: Place) -> Problem | None:
        project = self._project
        if name == file.name and name not in project.sources:
            return at(file, place.line, place.column, f"{name} reads itself.")
        if name in project.sources or name in project.models:
            return None
        results = [f"{RESULTS}.{each}" for each in project.sinks]
        if name in results:
            return None
        known = [*project.sources, *project.models, *results]
        return at(file, place.line, place.column, f"There is no table {name}.", nearest(name, known).strip())

    def _of_the_plan(self, file: SqlFile, table: Any) -> Problem | None:
        if file.name not in self._project.sinks or file.path.parent.name != "models":
            table.explain()
            return None
        statements: Any = self._tables.create_statement_set()
        statements.add_insert(f"{RESULTS}.{file.name}", table)
        statements.explain()  # says what compiling alone passes over, an ORDER BY for example
        plan = table._j_table.insertInto(f"{RESULTS}.{file.name}").compilePlan().asJsonString()
        self.warnings += of_the_plan(file, json.loads(plan))
        running = over_changing_rows(file, json.loads(plan))
        if running is not None:
            return running
        if re.search(r'"requireUpsertMaterialize"\s*:\s*true', plan):
            place = place_of_statement(self._tables, file)
            key = re.search(r"PRIMARY\s+KEY\s*\(([^)]*)\)", self._project.sinks[file.name].text, re.IGNORECASE)
            return at(
                file,
                *place,
                f"The rows that change are not told apart by the key of the sink ({key[1] if key else ''}).",
                "Group or partition by exactly the columns of the key.",
            )
        return None


_QUERIES = {"SqlSelect", "SqlWith", "SqlOrderBy"}
_QUERY_KINDS = {"UNION", "INTERSECT", "EXCEPT", "VALUES", "WITH", "SELECT", "ORDER_BY"}


def check_files(tables: Any, project: Project, files: list[SqlFile]) -> tuple[list[Problem], list[Problem]]:
    """What is wrong with the sources and sinks, else with these models and audits; and what may be meant otherwise."""
    found = create_tables(tables, project)
    broken = {problem.path for problem in found}
    checker = Checker(tables, project)
    for file in files:
        sink = project.sinks.get(file.name)
        if sink is None or sink.path not in broken:
            found += checker.check(file)
    for name, sink in project.sinks.items():
        if name not in project.models:
            found.append(at(sink, 1, 1, f"There is no model {name}.", nearest(name, project.models).strip()))
    return found, checker.warnings


def create_tables(tables: Any, project: Project) -> list[Problem]:
    """Sources and sinks, each by itself, so that a broken one does not hide what is wrong elsewhere."""
    found: list[Problem] = []
    for file in [*project.sources.values(), *project.sinks.values()]:
        try:
            if file.path.parent.name == "sources":
                create_sources(tables, NOWHERE, only=[file.name])
            else:
                create_results(tables, project, NOWHERE, only=[file.name])
        except Exception as failure:  # noqa: BLE001 - whatever Flink says
            found += problems_of(tables, project, file, failure)
    return found
