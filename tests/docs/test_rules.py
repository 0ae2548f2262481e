"""Every rule of the contract is found in a file that says so."""

from __future__ import annotations

from ops.reference.rules import PARAGRAPHS, rule_files


def test_files_name_paragraphs_that_the_contract_has() -> None:
    unknown = [f"{found.path}: {name}" for found in rule_files() for name in found.paragraphs if name not in PARAGRAPHS]
    assert unknown == []
