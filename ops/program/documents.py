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
                _File(shown, content, versions, findings).read()
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


class _File(NamedTuple):
    """A document of a file while it is read: what is found goes to the lists of all files."""

    shown: str
    content: Content
    versions: list[Version]
    findings: list[Finding]

    def read(self) -> None:
        """Its versions, and what is wrong with it."""
        value = self.content.value
        if not isinstance(value, dict):
            return self._found("A document should be `document:` and `versions:`.")
        for field in value.keys() - {"document", "versions"}:
            self._found(f"The field {field} is not known.", field)
        name = value.get("document")
        if not isinstance(name, str) or not name:
            return self._found("The document has no name: `document:` is missing.", "document")
        if "@" in name:
            self._found(
                f"The name {name!r} should have no @, which parts it from the version in the record's key.", "document"
            )
        listed = value.get("versions")
        if not isinstance(listed, list) or not listed:
            return self._found(f"{name} should have a list of `versions:`, at least one.", "versions")
        for index, version in enumerate(listed):
            self._read_version(name, index, version)
        return None

    def _read_version(self, name: str, index: int, value: Any) -> None:
        here = ("versions", index)
        if not isinstance(value, dict):
            return self._found(f"A version of {name} should be version, effective_from, body.", *here)
        for field in value.keys() - {"version", "effective_from", "body"}:
            self._found(f"The field {field} is not known.", *here, field)
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
            return self._refused(refused, here)
        version = Version(document, self.shown, self.content, index)
        self.versions.append(version)
        # On the wire a field that may be null may be absent. Here that is an error: a misspelt one would switch a rule
        # off.
        self.findings.extend(
            version.finding(f"The field body.{field} is missing; write null to switch it off.", "body")
            for field in type(document.body).model_fields.keys() - document.body.model_fields_set
        )
        return None

    def _refused(self, refused: ValidationError, here: tuple[str | int, ...]) -> None:
        for error in refused.errors(include_url=False):
            place: tuple[str | int, ...] = error["loc"][1:]
            path = ("document",) if place[:1] in ((), ("document",)) else (*here, *place)
            if error["type"] == "levels":
                path = (*path, error["ctx"]["at"])
            self._found(violation(error, skip=1), *path)

    def _found(self, reason: str, *path: str | int) -> None:
        self.findings.append(Finding(self.shown, self.content.line(path), reason))


def per_document(versions: Sequence[Version]) -> Iterator[list[Version]]:
    """The versions of each document, ascending; those of one number in the order of the files."""
    by_name: dict[str, list[Version]] = {}
    for version in versions:
        by_name.setdefault(version.document.document, []).append(version)
    for group in by_name.values():
        yield sorted(group, key=lambda version: version.document.version)
