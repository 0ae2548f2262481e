from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest

from tests.domain.mutations.changes import changes
from tests.domain.mutations.page import read_equivalents
from tests.domain.mutations.run import EXAMPLES, changed_files
from tests.domain.mutations.trial import ROOT

CODE = """
LIMIT = 10

def points(amount: int = 1, *, late: bool = False) -> int:
    assert amount > 0
    if late and not amount:
        return -amount
    while amount <= LIMIT:
        amount += max(amount, LIMIT) * 2
    rest = LIMIT if amount else 7
    return sum(one for one in [2] if one in (3, 4)) % 5
"""


def said(code: str) -> list[str]:
    return [change.what for change in changes(ast.parse(code))]


def test_each_comparison_operator_constant_condition_and_default_is_changed_by_itself() -> None:
    assert said(CODE) == [
        "`amount: int=1, *, late: bool=False` → `amount: int=1, *, late: bool=True`",
        "`1` → `2`",
        "`if late and (not amount)` → `if not (late and (not amount))`",
        "`late and (not amount)` → `late or not amount`",
        "`late and (not amount)` → `late and (not not amount)`",
        "`return -amount` → `return +amount`",
        "`while amount <= LIMIT` → `while not amount <= LIMIT`",
        "`amount <= LIMIT` → `amount < LIMIT`",
        "`amount += max(amount, LIMIT) * 2` → `amount -= max(amount, LIMIT) * 2`",
        "`max(amount, LIMIT) * 2` → `max(amount, LIMIT) // 2`",
        "`max(amount, LIMIT)` → `min(amount, LIMIT)`",
        "`LIMIT if amount else 7` → `LIMIT if not amount else 7`",
        "`sum((one for one in [2] if one in (3, 4))) % 5` → `sum((one for one in [2] if one in (3, 4))) * 5`",
        "`for one in [2] if one in (3, 4)` → `for one in [2] if not one in (3, 4)`",
    ]


def test_a_change_is_made_alone_and_what_stays_as_it_was_is_not_touched() -> None:
    tree = ast.parse("a = b < c\nd = b < c\n")
    first, second = changes(tree)
    assert (first.what, second.what) == ("`b < c` → `b <= c`", "`b < c` → `b <= c` (2)")
    second.make()
    assert ast.unparse(tree) == "a = b < c\nd = b <= c"


def test_what_says_nothing_about_the_rules_is_not_changed() -> None:
    assert said("class Lot(Struct, frozen=True):\n    points: Annotated[int, Meta(ge=1)]\n") == []
    assert said("pairs = zip(units, lines, strict=True)") == []  # it asserts
    assert said("@lru_cache(maxsize=1)\ndef price() -> Literal[1]: ...\n") == []


def test_every_rule_is_among_the_files_whose_changes_are_tried() -> None:
    files = changed_files()
    assert {"loyalty/decider.py", "loyalty/validation.py", "loyalty/offers/making.py"} < set(files)
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "loyalty/rules").glob("*.py")} - {EXAMPLES} == {
        file for file in files if file.startswith("loyalty/rules/")
    }


def test_every_change_that_is_taken_as_equivalent_is_a_change_of_today_and_has_a_reason() -> None:
    trees = {file: ast.parse((ROOT / file).read_text(encoding="utf-8")) for file in changed_files()}
    known = {(file, change.within, change.what) for file, tree in trees.items() for change in changes(tree)}
    equivalent = read_equivalents()
    assert equivalent.keys() <= known
    assert all(len(because.split()) > 3 for because in equivalent.values())


@pytest.mark.long
def test_every_change_of_two_small_files_is_noticed() -> None:
    # In a process of its own, since it forks: pytest may have threads.
    files = ("rules/taking", "offers/devices")
    named = [part for file in files for part in ("--file", f"loyalty/{file}.py")]
    command = [sys.executable, "-m", "tests.domain.mutations", "--short", "100", "--histories", "30", *named]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
