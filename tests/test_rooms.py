"""Dependencies point one way: loyalty <- udfs <- sql <- jobs, and loyalty <- ops; nobody imports ops (house rule)."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STANDARD = sys.stdlib_module_names
MAY_IMPORT = {
    "loyalty": {"loyalty", "pydantic", "pydantic_core", "msgspec", "orjson", "typing_extensions"},
    "udfs": {"udfs", "loyalty", "pyflink", "orjson"},
    "sql": {"sql", "udfs", "loyalty", "pyflink", "py4j"},
    "jobs": {"jobs", "sql", "udfs", "loyalty", "pyflink", "pydantic", "msgspec", "confluent_kafka", "cloudpickle"},
    "tests/oracle": {"tests", "hypothesis", "pytest"},
}
NEVER_IN_THE_DOMAIN = {"time", "datetime.datetime", "random", "threading", "socket", "os", "pathlib"}


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in _files(room)
        for name in sorted(_imports(path))
        if name.split(".")[0] not in MAY_IMPORT[room] | STANDARD
    ]
    assert _files(room) != []
    assert wrong == []


def test_within_jobs_the_runtime_knows_no_operator_and_neither_knows_a_job() -> None:
    """What describes the jobs, their settings, profiles and topics, is for all of them to read."""
    described_by = ("jobs.config", "jobs.profiles", "jobs.topics")
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for room, below in (("operators", ("jobs.operators", "jobs.runtime")), ("runtime", ("jobs.runtime",)))
        for path in _files(f"jobs/{room}")
        for name in sorted(_imports(path))
        if name.startswith("jobs.") and not name.startswith((*below, *described_by))
    ]
    assert wrong == []


def test_the_oracle_shares_no_code_with_the_domain() -> None:
    wrong = [
        f"{path.name} imports {name}"
        for path in _files("tests/oracle")
        for name in _imports(path)
        if name.split(".")[0] == "tests" and not name.startswith("tests.oracle")
    ]
    assert wrong == []


def test_the_domain_knows_no_clock_no_chance_and_no_world_outside() -> None:
    tools_for_maintainers = {ROOT / "loyalty/wire/schemas.py"}  # writes the JSON Schemas to files
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in _files("loyalty")
        if path not in tools_for_maintainers
        for name in _imports(path)
        if name in NEVER_IN_THE_DOMAIN or name.split(".")[0] in NEVER_IN_THE_DOMAIN
    ]
    assert wrong == []


def test_the_domain_computes_with_no_float() -> None:
    """The true division sign and float literals; `content.py` reads floats of unknown fields only to compare them."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in _files("loyalty")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div))
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
    ]
    assert [place for place in wrong if not place.startswith("loyalty/wire/schemas.py")] == []


def test_every_kafka_client_is_made_in_one_place() -> None:
    """There a later setting, such as how a cluster is reached securely, reaches all of them. Peers are what users of
    other tools would write."""
    made_here = {ROOT / "jobs/runtime/kafka_clients.py"}
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for room in ("jobs", "ops", "tests", "bench")
        for path in _files(room)
        if path not in made_here and ROOT / "bench/peers" not in path.parents
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("Consumer", "Producer", "AdminClient")
    ]
    assert wrong == []
