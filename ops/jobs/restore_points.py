"""From where a job goes on: the savepoints and checkpoints in a folder, by their numbers.

Flink numbers the checkpoints and savepoints of a job in one row, and a job that is restored goes on behind the number
that it was restored from. So within one lineage the highest number is the newest; the times of files say nothing, since
copies, backups and clocks that were set change them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

METADATA = "_metadata"
_HEAD = struct.Struct(">IIQ")
"""Flink's magic number, the version of the format, the number of the checkpoint."""
_MAGIC = 0x4960672D


def number_of(point: Path) -> int | None:
    """The number of a savepoint or checkpoint; None where it has not been completed."""
    try:
        with (point / METADATA).open("rb") as file:
            head = file.read(_HEAD.size)
    except OSError:
        return None
    if len(head) < _HEAD.size:
        return None
    magic, _, number = _HEAD.unpack(head)
    return int(number) if magic == _MAGIC else None


def newest(points: Iterable[Path]) -> Path | None:
    """The one with the highest number; of a checkpoint and a savepoint of one number the savepoint."""
    numbered = [(number, not point.name.startswith("chk-"), point) for point in points if (number := number_of(point))]
    return max(numbered)[2] if numbered else None


def newest_in(folder: Path) -> Path | None:
    """The newest in the folder where Flink keeps the checkpoints of one job; None where there is none."""
    return newest(found.parent for found in folder.glob(f"*/chk-*/{METADATA}"))
