"""The page about the last whole run, and the list of changes that change nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from tests.domain.mutations.changes import Change
from tests.domain.mutations.trial import ROOT, Key

PAGE = ROOT / "docs" / "reference" / "mutations.md"
EQUIVALENT = Path(__file__).parent / "equivalent.yaml"
HEAD = """\
# Mutations of the rules

Made by `make mutations`, which takes a quarter of an hour. In the rules, what they see of state, the decider, the
timers, the offers and the validation every
comparison, arithmetic operator, `and`, `or`, `not`, `min` and `max`, every 0 and 1, every condition and every boolean
default is changed by itself. Then fixed histories run until one comes out otherwise than with the unchanged code (a
decision with its evidence and sentences, a dead letter or what became of a record), and then the tests of
`tests/domain`, until one fails. A change that nothing notices is a test that is missing, unless no test can notice it:
then the reason stands here, from `tests/domain/mutations/equivalent.yaml`.
"""


class Survivor(NamedTuple):
    """A change that nothing noticed; `because` says why nothing can, where that is known."""

    change: Change
    because: str | None


class FileResult(NamedTuple):
    """What came of the changes of one file, all of them or a sample."""

    file: str
    by_histories: int
    by_tests: int
    survivors: list[Survivor]

    @property
    def changes(self) -> int:
        return self.by_histories + self.by_tests + len(self.survivors)

    @property
    def missed(self) -> list[Survivor]:
        """Those that a test should notice."""
        return [survivor for survivor in self.survivors if survivor.because is None]


def read_equivalents(path: Path = EQUIVALENT) -> dict[Key, str]:
    """Why each of these changes nothing; from YAML: file → function → change → reason."""
    files = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {
        Key(file, within, what): because
        for file, functions in files.items()
        for within, those in functions.items()
        for what, because in those.items()
    }


def write_page(results: Sequence[FileResult], files: Sequence[str]) -> None:
    """Put the sections of these results in place of the former ones; keep those of the other `files`."""
    rows, sections = _former()
    for one in results:
        same = len(one.survivors) - len(one.missed)
        numbers = (one.changes, one.by_histories, one.by_tests, same, len(one.missed))
        rows[one.file] = f"| `{one.file}` | " + " | ".join(str(number) for number in numbers) + " |"
        sections[one.file] = _section(one)
    table = [rows[file] for file in files if file in rows]
    totals = [sum(int(row.split("|")[column]) for row in table) for column in range(2, 7)]
    table.append("| **all** | " + " | ".join(f"**{total}**" for total in totals) + " |")
    names = ("File", "Changes", "Noticed by histories", "By tests only", "Change nothing", "Not noticed")
    head = f"| {' | '.join(names)} |\n" + "|---" * len(names) + "|"
    parts = [HEAD, head + "\n" + "\n".join(table) + "\n", *(sections[file] for file in files if sections.get(file))]
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def _section(result: FileResult) -> str:
    if not result.survivors:
        return ""
    rows = [f"## {result.file}\n", "| Line | In | Change | |", "|---|---|---|---|"]
    for change, because in result.survivors:
        what = change.what.replace("|", "\\|")
        rows.append(f"| {change.line} | `{change.within}` | {what} | {because or '**not noticed**'} |")
    return "\n".join(rows) + "\n"


def _former() -> tuple[dict[str, str], dict[str, str]]:
    """The rows of the table and the sections as they are on the page, by file."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    rows = {found[1]: found[0] for found in re.finditer(r"^\| `(\S+)` \| [\d |]+\|$", text, flags=re.MULTILINE)}
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    return rows, {part.split("\n")[0]: f"## {part.rstrip()}\n" for part in parts}
