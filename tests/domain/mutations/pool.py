"""Tries changes, some at once; the histories and tests that noticed most come first."""

from __future__ import annotations

import gc
import os
import select
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import redirect_stdout
from functools import partial
from io import StringIO

import pytest

from tests.domain.mutations.changes import no_change
from tests.domain.mutations.histories import drawn_histories, result
from tests.domain.mutations.lines import Lines, lines_of_tests, lines_run
from tests.domain.mutations.trial import (
    DOMAIN,
    TESTS,
    Key,
    Module,
    Noticed,
    PytestPlugin,
    Recorded,
    Trial,
    built_on,
    heard,
    start,
)

SOME = 20
"""How many histories show that a module that is loaded anew does as before."""


class Pool:
    """Loads what the tests need, and takes down what the unchanged code makes of the histories."""

    def __init__(self, histories: int, at_once: int) -> None:
        self._at_once = at_once
        with redirect_stdout(StringIO()):
            code = pytest.main([*TESTS, "--collect-only"])
        assert code == pytest.ExitCode.OK
        drawn = drawn_histories(histories)
        self._recorded = [Recorded(number, history, result(history), None) for number, history in enumerate(drawn)]
        self._lines_of_tests: dict[str, Lines] | None = None
        self._noticed: Counter[int | str] = Counter()
        gc.collect()
        gc.freeze()

    def find_lines(self, files: frozenset[str]) -> None:
        """See which lines of these files each history and each test runs, so that only those are tried that run a
        changed one. Takes as long as some dozens of changes that nothing notices."""
        self._lines_of_tests = lines_of_tests(TESTS, files, [PytestPlugin()])
        for at, one in enumerate(self._recorded):
            with lines_run(files) as lines:
                result(one.history)
            self._recorded[at] = one._replace(lines=frozenset(lines))

    def notices_no_change(self, modules: Sequence[Module]) -> list[tuple[Module, Noticed]]:
        """The modules that are noticed though nothing is changed: then every change would seem to be noticed."""
        trials = [Trial(module, no_change(module.tree)) for module in modules]
        starts = [partial(start, trial, self._histories_for(trial)[:SOME], []) for trial in trials]
        starts.append(partial(start, trials[0], self._histories_for(trials[0]), self._tests_for(trials[0])))
        found = [(modules[number % len(modules)], noticed) for number, noticed in _together(starts, self._at_once)]
        return [(module, noticed) for module, noticed in found if not noticed.nobody]

    def try_all(self, trials: Sequence[Trial], equivalent: Set[Key]) -> list[Noticed]:
        """Who noticed each. Those that change nothing run the histories only, which is the quicker part."""

        def begin(trial: Trial) -> tuple[int, int]:
            return start(trial, self._histories_for(trial), [] if trial.key in equivalent else self._tests_for(trial))

        noticed: dict[int, Noticed] = {}
        for number, one in _together([partial(begin, trial) for trial in trials], self._at_once):
            noticed[number] = one
            if one.history is not None:
                self._noticed[one.history] += 1
            elif one.test is not None:
                self._noticed[one.test] += 1
            elif trials[number].key not in equivalent:
                print(f"not noticed: {trials[number].key}", file=sys.stderr, flush=True)
            if len(noticed) % 50 == 0:
                print(f"{len(noticed)} of {len(trials)}", file=sys.stderr, flush=True)
        return [noticed[number] for number in range(len(trials))]

    def _histories_for(self, trial: Trial) -> list[Recorded]:
        those = [one for one in self._recorded if trial.is_run(one.lines)]
        return sorted(those, key=lambda one: -self._noticed[one.number])

    def _tests_for(self, trial: Trial) -> list[str]:
        """Files, or single tests where it is known which lines they run."""
        concerned = built_on(trial.module.name)
        if self._lines_of_tests is None:
            return sorted(str(file) for file in DOMAIN.glob("test_*.py") if _module(file.name) in concerned)
        those = [test for test, lines in self._lines_of_tests.items() if trial.is_run(lines)]
        those = [test for test in those if _module(test.split("::")[0].rpartition("/")[2]) in concerned]
        return sorted(those, key=lambda test: -self._noticed[test])


def _module(file: str) -> str:
    """The module of a file of tests."""
    return f"tests.domain.{file.removesuffix('.py')}"


def _together(starts: Sequence[Callable[[], tuple[int, int]]], at_once: int) -> Iterator[tuple[int, Noticed]]:
    """Start them one after the other, `at_once` at a time; gives the number of each and what came of it."""
    waiting = list(enumerate(starts))[::-1]
    running: dict[int, tuple[int, int, list[bytes]]] = {}
    while waiting or running:
        while waiting and len(running) < at_once:
            number, begin = waiting.pop()
            pid, pipe = begin()
            running[pipe] = number, pid, []
        for pipe in select.select(list(running), [], [])[0]:
            number, pid, said = running[pipe]
            if piece := os.read(pipe, 65536):
                said.append(piece)
                continue
            os.close(pipe)
            os.waitpid(pid, 0)
            del running[pipe]
            yield number, heard(b"".join(said))
