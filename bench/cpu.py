"""CPU of a process and of its threads by name, from what Linux counts anyway: nothing is slowed by asking."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import psutil

TICKS_S = os.sysconf("SC_CLK_TCK")


def of_family(pid: int) -> float:
    """Seconds of CPU that a process and all it started have used so far; those that have ended count in whoever waited
    for them."""
    total = 0.0
    try:
        for member in (family := psutil.Process(pid), *family.children(recursive=True)):
            times = member.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    except psutil.NoSuchProcess:
        pass
    return total


def by_thread(pid: int) -> Counter[str]:
    """Watermark ticks by the names of a process' threads (15 characters of it are all that Linux keeps)."""
    ticks: Counter[str] = Counter()
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            stat = (task / "stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        name = stat[stat.index("(") + 1 : stat.rindex(")")]
        fields = stat[stat.rindex(")") + 2 :].split()
        ticks[name] += int(fields[11]) + int(fields[12])
    return ticks


def children_named(pid: int, name: str) -> list[int]:
    """The processes below `pid` whose program is `name`."""
    try:
        return [member.pid for member in psutil.Process(pid).children(recursive=True) if member.name() == name]
    except psutil.NoSuchProcess:
        return []
