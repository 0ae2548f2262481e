"""`loyalty demo`, as a newcomer runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

LOYALTY = Path(sys.executable).with_name("loyalty")


def _start(folder: Path) -> subprocess.Popen[str]:
    folder.mkdir()
    command = [str(LOYALTY), "demo", "--events", "400", "--rate", "400"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_two_demos_at_once_tell_their_story_reconcile_and_leave_nothing_behind(tmp_path: Path) -> None:
    demos = [_start(tmp_path / name) for name in ("one", "other")]
    told = [demo.communicate(timeout=900)[0] for demo in demos]
    for demo, text in zip(demos, told, strict=True):
        assert demo.returncode == 0, text
        assert "tier.changed silver" in text
        assert "redemption.decided approved" in text
        assert "Points were taken back" in text
        assert "redemption.decided denied" in text
        assert "conservation, sequences, counts: 0 violations" in text
        assert re.search(r"all of them +p50 \d+ ms, p99 \d+ ms\n +second half, warm +p50 \d+ ms, p99 \d+ ms", text)
    assert [list((tmp_path / name).iterdir()) for name in ("one", "other")] == [[], []]
