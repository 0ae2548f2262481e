"""Which release of the code this Python has loaded, told by the code itself.

A task manager has one interpreter, and what that has once loaded stays: a job of a newer release would be run there by
the old code, without a word. So a job carries the stamp of the code that made it, and each operator compares it with
that of the code which is to run it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple

PACKAGES = ("jobs", "loyalty", "udfs")
"""Whatever is sent along with every job."""
CODE = (".py", ".java")


class OtherRelease(Exception):
    """The code that is loaded here is not that of the job."""


class Release(NamedTuple):
    """A release, by the digest of its files."""

    stamp: str

    def refuse_unless_loaded(self) -> None:
        """Raises OtherRelease."""
        if self != RELEASE:
            raise OtherRelease(
                f"The job is of release {self.stamp}, and this task manager has loaded release {RELEASE.stamp} of the "
                "code, which it keeps for as long as it runs. Restart the task managers, and submit the job again."
            )


def _release() -> Release:
    digest = hashlib.sha256()
    for package in PACKAGES:
        for name, file in sorted(_files(resources.files(package), package)):
            content = file.read_bytes()
            digest.update(f"{name} {len(content)}\n".encode() + content)
    return Release(digest.hexdigest()[:12])


def _files(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    for found in folder.iterdir():
        if found.is_dir():
            yield from _files(found, f"{name}/{found.name}")
        elif found.name.endswith(CODE):
            yield f"{name}/{found.name}", found


RELEASE = _release()
"""Told when this module is loaded: later the files may be others."""
