"""`loyalty sql test`: fixtures run, and what differs shown row by row."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Literal, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.errors import Refusal
from ops.sql.cases import CaseRunner
from ops.sql.explain import problems_of
from ops.sql.fixtures import Case, Row, read_cases
from ops.sql.outcomes import Outcome
from ops.sql.session import flink_processes
from sql.project import Project, SqlFile


def named_files(
    project: Project, names: list[str], *, of: Literal["models", "audits", "both"] = "both"
) -> list[SqlFile]:
    """The models or audits that were named, else all. Raises Refusal for a name that there is not."""
    from ops.sql.problems import nearest

    known = {**(project.models if of != "audits" else {}), **(project.audits if of != "models" else {})}
    what = {"models": "model", "audits": "audit", "both": "model or audit"}[of]
    for name in names:
        if name not in known:
            other = {**project.models, **project.audits}.get(name)
            is_other = f" It is one of {other.path.parent.name}/." if other else nearest(name, known)
            raise Refusal(f"There is no {what} {name}.{is_other}")
    return [known[name] for name in names or known]


class Result(NamedTuple):
    """How the cases of a fixture ended."""

    fixture: str
    cases: int
    failed: list[str]
    """The names of the cases that failed; all of them where the model could not be planned."""


def run_fixtures(project: Project, names: list[str], console: Console) -> list[Result]:
    """Runs the cases of models and audits, and shows what differs. Raises Refusal for a fixture that is none."""
    began = time.monotonic()
    fixtures = [(file, read_cases(file.fixture)) for file in named_files(project, names)]
    results = []
    with flink_processes() as folder, CaseRunner(project, folder) as runner:
        for file, cases in fixtures:
            outcomes = run_cases(runner, project, file, cases, console)
            passed = {outcome.case.name for outcome in outcomes if outcome.passed}
            failed = [case.name for case in cases if case.name not in passed]
            results.append(Result(str(file.fixture), len(cases), failed))
            mark = "[red]failed[/]" if failed else "[green]passed[/]"
            console.print(f"{mark} {file.name}: {len(cases) - len(failed)} of {len(cases)} cases")
            for outcome in outcomes:
                if not outcome.passed:
                    show_difference(file, outcome, console)
    ran, wrong = sum(result.cases for result in results), sum(len(result.failed) for result in results)
    console.print(f"{ran - wrong} of {ran} cases passed in {time.monotonic() - began:.1f} s")
    return results


def run_cases(
    runner: CaseRunner, project: Project, file: SqlFile, cases: list[Case], console: Console
) -> list[Outcome]:
    """Runs the cases; where the model cannot be planned, says what `check` says."""
    from py4j.protocol import Py4JError
    from pyflink.util.exceptions import TableException

    try:
        return runner.run(file, cases)
    except (Py4JError, TableException) as problem:
        for found in problems_of(runner.tables, project, file, problem):
            console.print(str(found), markup=False, highlight=False, soft_wrap=True)
        return []


def show_difference(file: SqlFile, outcome: Outcome, console: Console) -> None:
    """The rows that were expected and those that came, side by side where they belong together."""
    case = outcome.case
    console.print(f"\n{file.fixture}:{case.line}: {case.name}", markup=False, highlight=False, soft_wrap=True)
    if outcome.failure is not None:
        console.print(outcome.failure, markup=False, highlight=False)
        return
    if case.expect is not None and _texts(case.expect) != _texts(outcome.rows):
        console.print(_table("final state", outcome.columns, _paired(case.expect, outcome.rows)))
    if case.changelog is not None and case.changelog != outcome.changes:
        expected = [{"op": op, **row} for op, row in case.changelog]
        came = [{"op": op, **row} for op, row in outcome.changes]
        console.print(_table("changelog", ["op", *outcome.columns], _in_order(expected, came)))


def _texts(rows: list[Row]) -> list[str]:
    return sorted(map(_text, rows))


def _text(row: Row) -> str:
    return json.dumps(row, sort_keys=True)


Pair = tuple[Row | None, Row | None]


def _paired(expected: list[Row], came: list[Row]) -> list[Pair]:
    """Equal rows together, then the most similar ones, then what has no other half."""
    left, pairs = list(came), []
    missing = []
    for row in expected:
        if row in left:
            left.remove(row)
            pairs.append((row, row))
        else:
            missing.append(row)
    found: list[Pair] = list(pairs)
    for row in missing:
        nearest = max(left, key=lambda other: _alike(row, other), default=None)
        if nearest is not None and _alike(row, nearest) > 0:
            left.remove(nearest)
            found.append((row, nearest))
        else:
            found.append((row, None))
    return found + [(None, row) for row in left]


def _in_order(expected: list[Row], came: list[Row]) -> list[Pair]:
    longest = max(len(expected), len(came))
    return [
        (expected[at] if at < len(expected) else None, came[at] if at < len(came) else None) for at in range(longest)
    ]


def _alike(one: Row, other: Row) -> int:
    return sum(name in other and other[name] == value for name, value in one.items())


def _table(title: str, columns: Iterable[str], pairs: list[Pair]) -> Table:
    named = [*columns, *sorted({name for row, _ in pairs for name in row or {}} - {*columns})]
    table = Table("", *map(escape, named), title=title, title_justify="left", show_lines=False)
    for expected, came in pairs:
        if expected == came:
            table.add_row("", *(_shown(came, name) for name in named), style="dim")
            continue
        for mark, row, other, style in (("expected", expected, came, "green"), ("came", came, expected, "red")):
            if row is None:
                table.add_row(mark, "(no such row)", style=style)
                continue
            cells = []
            for name in named:
                differs = other is None or name not in other or name not in row or other[name] != row[name]
                cells.append(f"[bold reverse]{_shown(row, name)}[/]" if differs and other else _shown(row, name))
            table.add_row(mark, *cells, style=style)
    return table


def _shown(row: Row | None, name: str) -> str:
    if row is None or name not in row:
        return "(left out)"
    value = row[name]
    return escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
