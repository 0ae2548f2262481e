"""From where a job goes on is told by numbers, not by the times of files."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from ops.jobs.restore_points import newest, newest_in, number_of
from tests.jobs.running import ROOT


def point(folder: Path, name: str, number: int, written_at: int) -> Path:
    """A savepoint or checkpoint with nothing in it but its number."""
    made = folder / name
    made.mkdir(parents=True)
    (made / "_metadata").write_bytes(struct.pack(">IIQ", 0x4960672D, 6, number))
    os.utime(made / "_metadata", (written_at, written_at))
    return made


def test_the_number_of_a_real_savepoint_is_read() -> None:
    assert number_of(ROOT / "tests" / "jobs" / "frozen" / "decisions-3" / "savepoint") in range(1, 1_000)


def test_the_highest_number_is_the_newest_whatever_the_clock_said(tmp_path: Path) -> None:
    point(tmp_path, "job-1/chk-9", 9, 5_000)
    after = point(tmp_path, "job-2/chk-10", 10, 1_000)
    (tmp_path / "job-2" / "chk-11").mkdir()
    assert newest_in(tmp_path) == after, "11 was not completed"
    savepoint = point(tmp_path, "savepoints/savepoint-1", 12, 0)
    assert newest([after, savepoint]) == savepoint
    assert newest([]) is None


def test_what_is_cut_off_or_of_something_else_is_none(tmp_path: Path) -> None:
    made = point(tmp_path, "chk-1", 1, 0)
    (made / "_metadata").write_bytes(b"no savepoint at all")
    assert number_of(made) is None
    (made / "_metadata").write_bytes(b"cut")
    assert number_of(made) is None
