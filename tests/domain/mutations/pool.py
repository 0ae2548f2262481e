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
from tests.domain.mutations.lines import lines_of_tests, lines_run
from tests.domain.mutations.trial import (
    ITSELF,
    PYTEST_OPTIONS,
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

    def __init__(self, histories: int, files: frozenset[str], at_once: int) -> None:
        self._at_once = at_once
        options = [*PYTEST_OPTIONS, f"--ignore={ITSELF}", str(TESTS)]
        with redirect_stdout(StringIO()):
            code = pytest.main([*options, "--collect-only"])
        assert code == pytest.ExitCode.OK
        self._tests = lines_of_tests(options, files, [PytestPlugin()])
        self._recorded = []
        for number, history in enumerate(drawn_histories(histories)):
            with lines_run(files) as lines:
                recorded = result(history)
            self._recorded.append(Recorded(number, history, recorded, frozenset(lines)))
        self._noticed: Counter[int | str] = Counter()
        gc.collect()
        gc.freeze()

    def notices_no_change(self, modules: Sequence[Module]) -> list[tuple[Module, Noticed]]:
        """The modules that are noticed though nothing is changed: then every change would seem to be noticed."""
        trials = [Trial(module, no_change(module.tree)) for module in modules]
        starts = [partial(start, trial, self._histories_for(trial)[:SOME], []) for trial in trials]
        starts += [partial(start, trial, self._histories_for(trial), self._tests_for(trial)) for trial in trials[:1]]
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
        concerned = built_on(trial.module.name)
        those = [test for test, lines in self._tests.items() if trial.is_run(lines) and _module(test) in concerned]
        return sorted(those, key=lambda test: -self._noticed[test])


def _module(test: str) -> str:
    """The module of a test by its id."""
    return test.split("::")[0].removesuffix(".py").replace("/", ".")


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
