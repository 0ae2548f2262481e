"""The code that runs an operator is the code that made the job, or it does not run."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bench.operator_in_memory import InMemoryOperator
from jobs.kinds import DECISIONS_KIND
from jobs.runtime import release
from jobs.runtime.batch_runner import BatchRunner
from jobs.runtime.release import RELEASE, OtherRelease, Release
from ops.jobs.submit import _pack, code_of
from tests.jobs.test_batches import Scribe

PRINT = "import jobs.runtime.release as r; print(r.__file__, r.RELEASE.stamp)"


def test_an_operator_of_another_release_does_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = BatchRunner(Scribe(), ())
    monkeypatch.setattr(release, "RELEASE", Release("another"))
    with pytest.raises(OtherRelease, match=rf"is of release {RELEASE.stamp}, .* release another .* Restart the task"):
        runner.open(InMemoryOperator(Scribe()))


def test_code_that_travels_packed_has_the_stamp_of_the_folder_that_it_was_packed_from(tmp_path: Path) -> None:
    _pack(tmp_path / "code.zip", code_of(DECISIONS_KIND).packages)
    assert _stamp(tmp_path / "code.zip", tmp_path) == RELEASE.stamp
    with zipfile.ZipFile(tmp_path / "code.zip", "a") as packed:
        packed.writestr("loyalty/rules/new.py", "")
    assert _stamp(tmp_path / "code.zip", tmp_path) != RELEASE.stamp


def _stamp(archive: Path, folder: Path) -> str:
    variables = {**os.environ, "PYTHONPATH": str(archive)}
    command = [sys.executable, "-P", "-c", PRINT]
    said = subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, check=True).stdout
    place, stamp = said.split()
    assert str(archive) in place
    return stamp
