"""Checking the documents of the programme, and publishing them.

A document is published once under its key `document@version` and never changed: decisions name the version they were
made by. What is to change becomes a new version.
"""

from __future__ import annotations

import time
from pathlib import Path

from loyalty.wire.program import TOPIC, ProgramDocument, parse_program_document
from loyalty.wire.reading import WireError
from ops.errors import Exit, Refusal
from ops.kafka.reading import read_all
from ops.kafka.sending import Sender
from ops.program.check import clashes, read_program
from ops.program.documents import Finding, Version
from ops.yaml_lines import Content


def read(folder: Path) -> tuple[list[Version], list[Finding]]:
    """The versions of every document below `folder`, and what is wrong with them. Raises Refusal: no such folder."""
    if not folder.is_dir():
        raise Refusal(f"There is no folder {folder}.")
    return read_program(folder)


def check(folder: Path) -> list[Version]:
    """The versions of every document below `folder`.

    Raises:
        Refusal: a line `file:line: reason` for everything that is wrong.
    """
    versions, findings = read(folder)
    if findings:
        raise Refusal("\n".join(map(str, findings)), Exit.FOUND)
    return versions


def publish(folder: Path, bootstrap: str) -> tuple[list[Version], int]:
    """Publishes to `loyalty.program` what it does not hold: what was sent, and how many were there already.

    Raises:
        Refusal: a document is bad or differs from what was published under its version; no cluster or topic is there.
    """
    versions = check(folder)
    published = published_documents(bootstrap)
    keys = {version.key for version in versions}
    findings = [
        version.finding(
            f"{version.key} was published with other content; publish what is to change as a new version.", "version"
        )
        for version in versions
        if version.key in published and not _same(published[version.key], version.document)
    ]
    elsewhere = [
        Version(document, f"topic {TOPIC}", Content(None, {}), 0)
        for key, document in published.items()
        if key not in keys
    ]
    findings.extend(clashes([*elsewhere, *versions]))
    if findings:
        raise Refusal("\n".join(map(str, findings)), Exit.FOUND)
    to_send = [version for version in versions if version.key not in published]
    now = time.time_ns() // 1_000_000
    with Sender(bootstrap) as sender:
        for version in to_send:
            event = version.document.model_copy(update={"occurred_at": now})
            sender.send(TOPIC, version.key.encode(), event.model_dump_json().encode())
    return to_send, len(versions) - len(to_send)


def _same(published: ProgramDocument, document: ProgramDocument) -> bool:
    return published.effective_from == document.effective_from and published.body == document.body


def published_documents(bootstrap: str) -> dict[str, ProgramDocument]:
    """The documents that `loyalty.program` holds, by key; of one key the last. What is no document is left out.

    Raises:
        Refusal: there is no such topic, or it cannot be read to its end.
    """
    found: dict[str, ProgramDocument] = {}
    for record in read_all(bootstrap, TOPIC):
        key = (record.key or b"").decode("utf-8", "replace")
        found.pop(key, None)
        if record.value is None:
            continue
        try:
            found[key] = parse_program_document(record.value)
        except WireError:
            continue
    return found
