"""Changes every comparison, window, interval and join of the models, one at a time, and sees whether a case fails.

`python -m tests.sql.mutations [MODEL]...` writes what came out to docs/reference/sql-mutations.md: with models named,
only their sections. It exits 1 when a change was not noticed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from py4j.protocol import Py4JError
from pyflink.util.exceptions import TableException

from ops.sql.cases import CaseRunner
from ops.sql.fixtures import read_cases
from ops.sql.session import flink_processes
from sql.project import SqlFile, read_project
from sql.tokens import Token, tokens
from tests.sql.conftest import ROOT

PAGE = ROOT / "docs" / "reference" / "sql-mutations.md"
COMPARISONS = {"=": "<>", "<>": "=", "<": "<=", "<=": "<", ">": ">=", ">=": ">"}
WORDS = {
    "INNER": "LEFT",
    "LEFT": "INNER",
    "MAX": "MIN",
    "MIN": "MAX",
    "DESC": "ASC",
}
EQUIVALENT = {
    ("campaign_results", "`INNER JOIN` → `LEFT JOIN`"): "an offer without a bonus adds only NULL and 0 to its day",
    ("sessions_by_member", "`MAX` → `MIN`"): "a member has one account, which is both",
}
"""Changes that cannot be noticed, by model and change, with the reason."""
HEAD = """\
# Mutations of the SQL models

Made by `make sql-mutations`. Each comparison, window size, interval and join kind of a model is changed by itself,
and also DISTINCT, IS NOT NULL, IN, MAX and MIN; then the model's cases run until one fails. *Noticed* names that case,
or says that Flink's planner refused the change. A change that no case notices is a case that is missing, unless it
changes no result: then the reason stands there.
"""


class Mutation(NamedTuple):
    line: int
    what: str
    text: str


def mutations(text: str) -> Iterator[Mutation]:
    """Every change of a model, each by itself."""
    words = tokens(text)
    for at, token in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else None
        before = words[at - 1] if at else None
        if token.kind == "sign" and token.text in COMPARISONS:
            yield _changed(text, token, token, COMPARISONS[token.text])
        elif token.kind == "text" and before is not None and before.says("INTERVAL"):
            number = int(token.text.strip("'"))
            yield _changed(text, token, token, f"'{number + 1}'", unit=following)
            yield _changed(text, token, token, f"'{max(number - 1, 0)}'", unit=following)
        elif token.kind == "number" and following is not None and following.says("PRECEDING", "FOLLOWING"):
            yield _changed(text, token, token, str(int(token.text) + 1))
        elif token.says("INNER", "LEFT") and following is not None and following.says("JOIN"):
            yield _changed(text, token, following, f"{WORDS[token.text.upper()]} JOIN")
        elif token.says("UNION") and following is not None and following.says("ALL"):
            yield _changed(text, token, following, "UNION")
        elif token.says("NOT") and following is not None and following.says("NULL"):
            yield _changed(text, token, token, "")
        elif token.says("IN") and following is not None and following.says("("):
            yield _changed(text, token, token, "NOT IN")
        elif token.says("DISTINCT"):
            yield _changed(text, token, token, "")
        elif token.says("MAX", "MIN") and following is not None and following.says("("):
            yield _changed(text, token, token, str(WORDS[token.text.upper()]))
        elif token.says("DESC"):
            yield _changed(text, token, token, "ASC")


def _changed(text: str, first: Token, last: Token, by: str, unit: Token | None = None) -> Mutation:
    line = text.splitlines()[first.line - 1].strip()
    what = f"`{text[first.start : last.end]}` → `{by or '(nothing)'}`" + (f" {unit.text}" if unit else "")
    return Mutation(first.line, f"{what} in `{line}`", text[: first.start] + by + text[last.end :])


def main(names: list[str]) -> int:
    project = read_project()
    sections = _sections()
    missed = 0
    with flink_processes() as folder, CaseRunner(project, folder) as runner:
        for name in names or project.models:
            rows = ["| Line | Change | |", "|---|---|---|"]
            count = 0
            for mutation in mutations(project.models[name].text):
                noticed = _notices(runner, project.models[name], mutation)
                same = next(
                    (why for (of, what), why in EQUIVALENT.items() if of == name and what in mutation.what), None
                )
                noticed = noticed or (same and f"the same result: {same}")
                count += noticed is not None and noticed.startswith("noticed")
                missed += noticed is None
                change = mutation.what.replace("|", "\\|")
                rows.append(f"| {mutation.line} | {change} | {noticed or '**not noticed**'} |")
                print(f"{name}:{mutation.line}: {mutation.what}: {noticed or 'NOT NOTICED'}", flush=True)
            sections[name] = f"## {name}: {count} of {len(rows) - 2} noticed\n\n" + "\n".join(rows) + "\n"
    known = {name: sections[name] for name in project.models if name in sections}
    PAGE.write_text(HEAD + "\n" + "\n".join(known.values()), encoding="utf-8")
    return 1 if missed else 0


def _notices(runner: CaseRunner, file: SqlFile, mutation: Mutation) -> str | None:
    try:
        outcomes = runner.run(replace(file, text=mutation.text), read_cases(file.fixture), until_one_fails=True)
    except (Py4JError, TableException):
        return "noticed: refused by the planner"
    return None if outcomes[-1].passed else f"noticed: {outcomes[-1].case.name}".replace("|", "\\|")


def _sections() -> dict[str, str]:
    if not PAGE.exists():
        return {}
    parts = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {part.split(":")[0]: f"## {part.rstrip()}\n" for part in parts}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
