"""Class-data archives: with one, Java starts in about half the time, since it need not read its classes anew.

`python -m ops.setup.make_class_archives` makes them, as a part of `make setup`. They lie in the virtual environment
whose jars they are of. Where there is none, or its jars have changed, Java starts without and says nothing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = Path(sys.prefix) / "java"
BROKER, GATEWAY = "kafka", "flink"
LISTS = "LOYALTY_CLASS_LISTS"
"""The variable that names a folder into which each JVM writes which classes it has read."""


def shared_classes(name: str) -> list[str]:
    """Java's options for the archive `name`, if there is one."""
    if lists := os.environ.get(LISTS):
        return [f"-XX:DumpLoadedClassList={list_of(Path(lists), name)}"]
    archive = archive_of(name)
    return [f"-XX:SharedArchiveFile={archive}", "-Xlog:cds*=off"] if archive.is_file() else []


def archive_of(name: str) -> Path:
    return FOLDER / f"{name}.jsa"


def list_of(lists: Path, name: str) -> Path:
    return lists / f"{name}.list"
