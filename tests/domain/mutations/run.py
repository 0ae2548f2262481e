"""Makes every change, or a sample, and says who noticed which."""

from __future__ import annotations

import hashlib
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from tests.domain.mutations.changes import changes
from tests.domain.mutations.page import FileResult, Survivor, read_equivalents, write_page
from tests.domain.mutations.pool import Pool
from tests.domain.mutations.trial import ROOT, Key, Module, Noticed, Trial, read_module

ON_TOP = ("loyalty/decider.py", "loyalty/timers.py", "loyalty/validation.py")
STATE = ("account", "facts", "lots", "made_offers", "qualifying_window", "retention", "timers", "waiting_refunds")
"""What the rules see of state. How lists and used events are stored changes no decision but what one costs: they are
compared with plain ones by tests of their own (`test_sorted_list.py`, `test_used_events.py`)."""
CHANGED = ("loyalty/rules/*.py", "loyalty/offers/*.py", *(f"loyalty/state/{name}.py" for name in STATE), *ON_TOP)
EXAMPLES = "loyalty/rules/sentence_examples.py"
"""Decides nothing: it is what `docs/reference/sentences.md` is made of, and `tests/docs` compares the two."""


def changed_files() -> list[str]:
    """The files whose changes are tried, by their path from the root."""
    found = {path.relative_to(ROOT).as_posix() for pattern in CHANGED for path in ROOT.glob(pattern)}
    return sorted(found - {EXAMPLES})


class Extent(NamedTuple):
    """How much is tried, and with what."""

    files: Sequence[str]
    """All, if none is named."""
    percent: int | None
    """Of the changes; None: all."""
    histories: int
    at_once: int


def run(extent: Extent) -> int:
    """Try changes, and write the page about them if they are no sample. Returns the exit code."""
    began = time.monotonic()
    known = changed_files()
    if unknown := set(extent.files) - set(known):
        print(f"Not among the files that are changed: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    modules = [read_module(ROOT / file) for file in extent.files or known]
    trials = [Trial(module, change) for module in modules for change in changes(module.tree)]
    equivalent = read_equivalents()
    tried = {module.path for module in modules}
    stale = {key for key in equivalent if key.file in tried or key.file not in known} - {trial.key for trial in trials}
    pool = Pool(extent.histories, extent.at_once)
    if extent.percent is None:
        pool.find_lines(frozenset(str(ROOT / file) for file in known))
    else:
        trials = [trial for trial in trials if _share(trial) < extent.percent]
    if broken := pool.notices_no_change(modules):
        for module, one in broken:
            print(f"{module.path} is noticed though nothing is changed: {one}", file=sys.stderr)
        return 2
    noticed = pool.try_all(trials, equivalent.keys())
    pairs = zip(trials, noticed, strict=True)
    stale |= {trial.key for trial, one in pairs if trial.key in equivalent and not one.nobody}
    results = _results(modules, trials, noticed, equivalent)
    if extent.percent is None:
        write_page(results, known)
    for file_result in results:
        for change, _ in file_result.missed:
            print(f"{file_result.file}:{change.line} in {change.within}: {change.what}: NOT NOTICED")
    for file, within, what in sorted(stale):
        print(f"Not equivalent, or no longer there: {file}, {within}: {what}")
    missed = sum(len(one.missed) for one in results)
    print(f"{len(trials)} changes, {missed} not noticed, {time.monotonic() - began:.0f} s")
    return 1 if missed or stale else 0


def _share(trial: Trial) -> int:
    """A number below 100 that stays the same while this place of the code does."""
    return int.from_bytes(hashlib.sha256(repr(trial.key).encode()).digest()[:4], "big") % 100


def _results(
    modules: Sequence[Module], trials: Sequence[Trial], noticed: Sequence[Noticed], equivalent: dict[Key, str]
) -> list[FileResult]:
    by_file: dict[str, list[tuple[Trial, Noticed]]] = defaultdict(list)
    for trial, one in zip(trials, noticed, strict=True):
        by_file[trial.module.path].append((trial, one))
    results = []
    for module in modules:
        those = by_file[module.path]
        survivors = [Survivor(trial.change, equivalent.get(trial.key)) for trial, one in those if one.nobody]
        by_tests = sum(one.test is not None for _, one in those)
        results.append(FileResult(module.path, len(those) - by_tests - len(survivors), by_tests, survivors))
    return results
