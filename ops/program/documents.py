"""The programme as files: documents, their versions, and where in a file each stands.

A file holds documents, parted by `---`. A document is `document: <name>` and `versions:`, a list of
`{version, effective_from, body}` whose body is the contract's (§3), with every field written out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from loyalty.times import format_time
from loyalty.wire.keys import record_key
from loyalty.wire.program import ProgramDocument, parse_program_document
from loyalty.wire.reading import violation
from ops import yaml_lines
from ops.yaml_lines import BadYaml, Content

FOLDER = Path(__file__).resolve().parents[2] / "catalogue" / "program"
SOURCE = "loyalty-program"


class Finding(NamedTuple):
    """Why a document is not published."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class Version(NamedTuple):
    """A version of a document, and where it stands."""

    document: ProgramDocument
    file: str
    content: Content
    position: int
    """Which of the document's `versions`."""

    @property
    def key(self) -> str:
        return record_key(self.document)

    def finding(self, reason: str, *path: str | int) -> Finding:
        """About what is at `path` within the version."""
        return Finding(self.file, self.content.line(("versions", self.position, *path)), reason)


def read_documents(folder: Path) -> tuple[list[Version], list[Finding]]:
    """The versions of every document in the `.yaml` files below `folder`, and why others cannot be read."""
    versions: list[Version] = []
    findings: list[Finding] = []
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml") and path.is_file())
    if not files:
        return [], [Finding(str(folder), 1, "There are no .yaml files here.")]
    for path in files:
        shown = _shown(path)
        try:
            for content in yaml_lines.read(path.read_text(encoding="utf-8")):
                _read_document(shown, content, versions, findings)
        except BadYaml as problem:
            message = str(problem)
            findings.append(Finding(shown, problem.line, f"{message[0].upper()}{message[1:]}."))
        except UnicodeDecodeError as problem:
            line = problem.object[: problem.start].count(b"\n") + 1
            findings.append(Finding(shown, line, "This is not UTF-8."))
    return versions, findings


def _shown(path: Path) -> str:
    """Relative where it lies below the working directory, as editors and compilers print it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _read_document(file: str, content: Content, versions: list[Version], findings: list[Finding]) -> None:
    def found(reason: str, *path: str | int) -> None:
        findings.append(Finding(file, content.line(path), reason))

    value = content.value
    if not isinstance(value, dict):
        return found("A document should be `document:` and `versions:`.")
    for field in value.keys() - {"document", "versions"}:
        found(f"The field {field} is not known.", field)
    name = value.get("document")
    if not isinstance(name, str) or not name:
        return found("The document has no name: `document:` is missing.", "document")
    if "@" in name:
        found(f"The name {name!r} should have no @, which parts it from the version in the record's key.", "document")
    listed = value.get("versions")
    if not isinstance(listed, list) or not listed:
        return found(f"{name} should have a list of `versions:`, at least one.", "versions")
    for index, version in enumerate(listed):
        _read_version(file, content, name, index, version, versions, findings)
    return None


def _read_version(
    file: str, content: Content, name: str, index: int, value: Any, versions: list[Version], findings: list[Finding]
) -> None:
    here = ("versions", index)
    if not isinstance(value, dict):
        findings.append(
            Finding(file, content.line(here), f"A version of {name} should be version, effective_from, body.")
        )
        return
    findings.extend(
        Finding(file, content.line((*here, field)), f"The field {field} is not known.")
        for field in value.keys() - {"version", "effective_from", "body"}
    )
    envelope = {
        "event_id": f"{name}@{value.get('version')}",
        "schema_version": 1,
        "source": SOURCE,
        "occurred_at": format_time(0),
        "type": "program.document",
        "document": name,
    }
    known = {field: value[field] for field in ("version", "effective_from", "body") if field in value}
    try:
        document = parse_program_document.adapter.validate_json(json.dumps({**envelope, **known}), extra="forbid")
    except ValidationError as refused:
        for error in refused.errors(include_url=False):
            place: tuple[str | int, ...] = error["loc"][1:]
            path = ("document",) if place[:1] in ((), ("document",)) else (*here, *place)
            if error["type"] == "levels":
                path = (*path, error["ctx"]["at"])
            findings.append(Finding(file, content.line(path), violation(error, skip=1)))
        return
    version = Version(document, file, content, index)
    versions.append(version)
    # On the wire a field that may be null may be absent. Here that is an error: a misspelt one would switch a rule off.
    findings.extend(
        version.finding(f"The field body.{field} is missing; write null to switch it off.", "body")
        for field in type(document.body).model_fields.keys() - document.body.model_fields_set
    )


def per_document(versions: Sequence[Version]) -> Iterator[list[Version]]:
    """The versions of each document, ascending; those of one number in the order of the files."""
    by_name: dict[str, list[Version]] = {}
    for version in versions:
        by_name.setdefault(version.document.document, []).append(version)
    for group in by_name.values():
        yield sorted(group, key=lambda version: version.document.version)
