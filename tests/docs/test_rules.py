"""Every rule of the contract is found, and in a file that can be read in one sitting."""

from __future__ import annotations

from ops.reference.rules import PARAGRAPHS, ROOT, rule_files

MOST_LINES = 200


def test_files_name_paragraphs_that_the_contract_has() -> None:
    unknown = [f"{found.path}: {name}" for found in rule_files() for name in found.paragraphs if name not in PARAGRAPHS]
    assert unknown == []


def test_every_paragraph_of_the_contract_has_a_file() -> None:
    named = {name for found in rule_files() for name in found.paragraphs}
    assert [paragraph for paragraph in PARAGRAPHS if paragraph not in named] == []


def test_a_rules_file_has_less_than_two_hundred_lines() -> None:
    rules = [found for found in rule_files() if (ROOT / "loyalty/rules") in found.path.parents]
    assert rules != []
    assert [f"{found.path.name}: {found.lines}" for found in rules if found.lines >= MOST_LINES] == []
