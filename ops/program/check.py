"""Every reason not to publish the documents of the programme."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from loyalty.program import REQUIRED
from ops.program.documents import Finding, Version, read_documents
from ops.program.rules import RULES, overlaps, tier_names


def read_program(folder: Path) -> tuple[list[Version], list[Finding]]:
    """The versions of every document in the `.yaml` files below `folder`, and what is wrong with them."""
    versions, findings = read_documents(folder)
    if not versions and [finding.file for finding in findings] == [str(folder)]:
        return [], findings
    for rule in RULES:
        findings.extend(rule(versions))
    if not any(finding.file != str(folder) for finding in findings):
        # While a file cannot be read, nothing is said about what is missing: it may well be there.
        findings.extend(_required_documents(folder, versions))
    return versions, sorted(set(findings))


def clashes(versions: Sequence[Version]) -> list[Finding]:
    """What is wrong between versions that are well each by itself, wherever they stand."""
    return [*overlaps(versions), *tier_names(versions)]


def _required_documents(folder: Path, versions: Iterable[Version]) -> Iterator[Finding]:
    names = {version.document.document for version in versions}
    for name in REQUIRED:
        if name not in names:
            yield Finding(str(folder), 1, f"There is no document {name}; without it no transaction can be decided.")
