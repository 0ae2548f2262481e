"""Tries one change in a process of its own: the changed module is loaded instead of the sound one, then the histories
run until one comes out otherwise, then the tests until one fails."""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, is_hypothesis_test, settings

from tests.domain.mutations.changes import Change
from tests.domain.mutations.histories import History, result
from tests.domain.mutations.lines import Lines

ROOT = Path(__file__).parents[3]
DOMAIN = ROOT / "tests" / "domain"
PYTEST_OPTIONS = ("-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(ROOT))
TESTS = (*PYTEST_OPTIONS, f"--ignore={DOMAIN / 'test_mutations.py'}", str(DOMAIN))
"""How pytest runs all tests that may notice a change."""
EXAMPLES = 20
HISTORY_SECONDS = 2
"""Of processor time; a history takes some milliseconds."""
TESTS_SECONDS = 120
MEMORY_BYTES = 2 * 1024**3
"""How much more than now the process may use."""


class Recorded(NamedTuple):
    """A history and what the unchanged code makes of it."""

    number: int
    history: History
    result: bytes
    lines: Lines | None
    """Those of the changed files that it runs; None where that is not known."""


class Module(NamedTuple):
    """A module of the domain, with its syntax tree; `path` is from the root of the repository."""

    path: str
    tree: ast.Module

    @property
    def file(self) -> str:
        return str(ROOT / self.path)

    @property
    def name(self) -> str:
        return self.path.removesuffix(".py").replace("/", ".")


class Key(NamedTuple):
    """Names a change, wherever in its file it is."""

    file: str
    within: str
    what: str


class Trial(NamedTuple):
    """A change of a module that is to be tried."""

    module: Module
    change: Change

    @property
    def key(self) -> Key:
        return Key(self.module.path, self.change.within, self.change.what)

    def is_run(self, lines: Lines | None) -> bool:
        """Whether what is changed is among these lines, or may be."""
        around = self.change.around
        return lines is None or around is None or any((self.module.file, line) in lines for line in around)


class Noticed(NamedTuple):
    """Who noticed the change: the history of that number, or a test by its id, or nobody; and how."""

    history: int | None
    test: str | None
    how: str

    @property
    def nobody(self) -> bool:
        return self.history is None and self.test is None


def read_module(path: Path) -> Module:
    return Module(path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8")))


def start(trial: Trial, recorded: Sequence[Recorded], tests: Sequence[str]) -> tuple[int, int]:
    """Fork a process that tries the change, and ends; returns its id and a pipe on which it says what came of it, a
    `Noticed` as JSON."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    try:
        _limit(writing)
        trial.change.make()
        _say(writing, _try(trial.module, recorded, tests))
    except BaseException as error:  # noqa: BLE001 - nothing else hears of it
        _say(writing, Noticed(None, None, f"{type(error).__name__}: {error}"))
    os._exit(0)


def _try(module: Module, recorded: Sequence[Recorded], tests: Sequence[str]) -> Noticed:
    try:
        _load_changed(module)
        for number, history, expected, _ in recorded:
            signal.setitimer(signal.ITIMER_PROF, HISTORY_SECONDS)
            try:
                if result(history) != expected:
                    return Noticed(number, None, "another result")
            except Exception as error:  # noqa: BLE001 - any error of changed code is a change that was noticed
                return Noticed(number, None, type(error).__name__)
    except Exception as error:  # noqa: BLE001
        return Noticed(None, "(loading)", type(error).__name__)
    if not tests:
        return Noticed(None, None, "")
    signal.setitimer(signal.ITIMER_PROF, TESTS_SECONDS)
    tests_run = PytestPlugin()
    code = pytest.main([*PYTEST_OPTIONS, "-x", *tests], plugins=[tests_run])
    if code == pytest.ExitCode.OK:
        return Noticed(None, None, "")
    return Noticed(None, tests_run.failed or "(collecting)", "fails")


class PytestPlugin:
    """Remembers the first test that fails. Properties are tried on a few examples, the same each time."""

    failed: str | None = None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        few = settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        for item in items:
            test = getattr(item, "obj", None)
            if test is not None and is_hypothesis_test(test):
                test._hypothesis_internal_use_settings = few

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.failed is None:
            self.failed = report.nodeid


def _limit(writing: int) -> None:
    """A process that takes too long or too much memory says so and ends, whatever it is doing."""

    def too_long(*_: Any) -> None:
        _say(writing, Noticed(None, "(time)", "takes too long"))
        os._exit(0)

    signal.signal(signal.SIGPROF, too_long)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _say(writing: int, noticed: Noticed) -> None:
    os.write(writing, json.dumps(noticed).encode())


def heard(said: bytes) -> Noticed:
    """What a process said. One that ended without a word was stopped by the changed code."""
    return Noticed(*json.loads(said)) if said else Noticed(None, "(ended)", "the process ended")


class _Changed(importlib.machinery.SourceFileLoader):
    code: CodeType

    def get_code(self, fullname: str) -> CodeType:
        return self.code


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, module: Module) -> None:
        self._module = module

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._module.name:
            return None
        file = self._module.file
        loader = _Changed(fullname, file)
        loader.code = compile(ast.fix_missing_locations(self._module.tree), file, "exec")
        return importlib.util.spec_from_file_location(fullname, file, loader=loader)


def _load_changed(module: Module) -> None:
    """From now on `module` and all that builds on it is loaded anew."""
    for name in built_on(module.name):
        loaded = sys.modules.pop(name, None)
        package, _, last = name.rpartition(".")
        if loaded is not None and hasattr(sys.modules.get(package), last):
            delattr(sys.modules[package], last)
    sys.meta_path.insert(0, _Finder(module))
    importlib.import_module(module.name)


def built_on(name: str) -> set[str]:
    """The loaded modules that import `name`, or import one that does; and itself."""
    found = {name}
    imports = {one: _imports(loaded) for one, loaded in list(sys.modules.items()) if _is_ours(loaded)}
    while more := {one for one, those in imports.items() if one not in found and those & found}:
        found |= more
    return found


def _is_ours(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None) or ""
    own = Path(file).is_relative_to(ROOT) and ".venv" not in file
    return own and not module.__name__.startswith("tests.domain.mutations")


_known_imports: dict[str, set[str]] = {}


def _imports(module: ModuleType) -> set[str]:
    """The modules that it names in an import anywhere."""
    assert module.__file__ is not None
    found = _known_imports.get(module.__name__)
    if found is None:
        found = set()
        for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {one.name for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
        _known_imports[module.__name__] = found
    return found
