"""Which lines of the changed files run: a history or a test that does not come to a line need not try its changes."""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from types import CodeType, FrameType
from typing import Any

import pytest

Lines = frozenset[tuple[str, int]]
"""Files by their path on the machine, and lines."""


class _Seen:
    """The lines that have run since it was made."""

    def __init__(self, files: frozenset[str]) -> None:
        self._files = files
        self._left: dict[CodeType, set[int]] = {}
        self.lines: set[tuple[str, int]] = set()

    def trace(self, frame: FrameType, event: str, _: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        if code.co_filename not in self._files:
            return None
        left = self._left.get(code)
        if left is None:
            left = self._left[code] = {line for _, _, line in code.co_lines() if line is not None}
        if event in ("call", "line") and frame.f_lineno in left:
            left.discard(frame.f_lineno)
            self.lines.add((code.co_filename, frame.f_lineno))
        return self.trace if left else None


@contextmanager
def lines_run(files: frozenset[str]) -> Iterator[set[tuple[str, int]]]:
    """The lines of these files that run in this context."""
    seen = _Seen(files)
    before = sys.gettrace()
    sys.settrace(seen.trace)
    try:
        yield seen.lines
    finally:
        sys.settrace(before)


class _LinesOfTests:
    def __init__(self, files: frozenset[str]) -> None:
        self._files = files
        self.found: dict[str, list[tuple[str, int]]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        with lines_run(self._files) as lines:
            result = yield
        self.found[item.nodeid] = sorted(lines)
        return result


def lines_of_tests(options: Sequence[str], files: frozenset[str], plugins: Sequence[object]) -> dict[str, Lines]:
    """By test, in a process of its own, since tests leave traces."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        found = _LinesOfTests(files)
        with redirect_stdout(StringIO()):
            code = pytest.main([*options], plugins=[found, *plugins])
        with os.fdopen(writing, "w") as pipe:
            json.dump([code, found.found], pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        code, lines = json.load(pipe)
    os.waitpid(pid, 0)
    assert code == pytest.ExitCode.OK, "the tests fail without any change"
    by_test: dict[str, Lines] = defaultdict(frozenset)
    by_test.update({test: frozenset((file, line) for file, line in those) for test, those in lines.items()})
    return by_test
