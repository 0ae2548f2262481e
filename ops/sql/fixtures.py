"""Fixtures of models: cases in YAML, read into the records that arrive and the rows that must come out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loyalty.times import parse_time
from ops.errors import Refusal
from ops.yaml_lines import BadYaml, Content, read

Row = dict[str, Any]
OPERATIONS = ("+I", "-U", "+U", "-D")
RECORD = {"record_key", "record_value", "record_partition", "record_offset", "record_time"}


@dataclass(frozen=True)
class Arrival:
    """A record as it reaches a source table. `at_ms` is its record_time."""

    table: str
    key: str | None
    value: str | None
    partition: int
    offset: int
    at_ms: int

    def as_line(self) -> bytes:
        return json.dumps(
            {
                "table": self.table,
                "key": self.key,
                "value": self.value,
                "partition": self.partition,
                "offset": self.offset,
                "time": self.at_ms,
            }
        ).encode()


@dataclass(frozen=True)
class Case:
    """One case of a fixture. `expect` and `changelog` are None where the case does not look."""

    name: str
    line: int
    given: dict[str, list[Row]]
    expect: list[Row] | None
    changelog: list[tuple[str, Row]] | None


def read_cases(path: Path) -> list[Case]:
    """The cases of a fixture file. Raises Refusal, which names file and line."""
    try:
        documents = list(read(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise Refusal(f"{path}: there is no fixture. A model has cases beside it, in {path.name}.") from None
    except BadYaml as problem:
        raise Refusal(f"{path}:{problem.line}: {problem}.") from None
    if len(documents) != 1 or not isinstance(documents[0].value, list):
        raise Refusal(f"{path}:1: a fixture is a list of cases, each with `case`, `given` and `expect`.")
    return [_case(path, documents[0], at) for at in range(len(documents[0].value))]


def _case(path: Path, content: Content, at: int) -> Case:
    found = content.value[at]
    line = content.line((at,))

    def wrong(why: str, *place: str | int) -> Refusal:
        return Refusal(f"{path}:{content.line((at, *place))}: {why}.")

    if not isinstance(found, dict) or not isinstance(found.get("case"), str):
        raise wrong("a case begins with `case:` and a sentence")
    for unknown in found.keys() - {"case", "given", "expect", "changelog"}:
        raise wrong(f"`{unknown}` is none of case, given, expect, changelog", unknown)
    if "expect" not in found and "changelog" not in found:
        raise wrong("the case has neither `expect` nor `changelog`, so it would prove nothing")
    given = found.get("given")
    if not isinstance(given, dict):
        raise wrong("`given` names tables, each with a list of rows", "given")
    for table, rows in given.items():
        if not isinstance(rows, list):
            raise wrong(f"the rows of {table} are a list", "given", table)
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                raise wrong("a row is a mapping of fields", "given", table, number)
    expect = found.get("expect")
    if "expect" in found and (not isinstance(expect, list) or not all(isinstance(row, dict) for row in expect)):
        raise wrong("`expect` is a list of rows (`[]` for none)", "expect")
    changelog: list[tuple[str, Row]] | None = None
    if "changelog" in found:
        if not isinstance(found["changelog"], list):
            raise wrong("`changelog` is a list", "changelog")
        changelog = []
        for number, change in enumerate(found["changelog"]):
            if not isinstance(change, dict) or len(change) != 1 or not {*change} <= {*OPERATIONS}:
                raise wrong("a change is one of +I, -U, +U, -D and its row: `- +I: {...}`", "changelog", number)
            changelog.append(next(iter(change.items())))
    return Case(found["case"], line, given, expect, changelog)


def arrivals(given: dict[str, list[Row]], event_times: dict[str, str], keys: dict[str, str]) -> list[Arrival]:
    """The records of source tables in the order in which they arrive.

    Args:
        given: rows by table, as the fixture has them.
        event_times: by table, the field that is its event time.
        keys: by table, the field that is the record key, where it is one.
    """
    found = []
    for table, rows in given.items():
        offsets: dict[int, int] = {}
        latest = 0
        for row in rows:
            fields = {name: value for name, value in row.items() if name not in RECORD}
            latest = max(latest, _milliseconds(fields.get(event_times.get(table, ""))) or 0)
            latest = _milliseconds(row.get("record_time")) or latest
            partition = row.get("record_partition", 0)
            offset = row.get("record_offset", offsets.get(partition, 0))
            offsets[partition] = offset + 1
            value = row["record_value"] if "record_value" in row else json.dumps(fields)
            key = row["record_key"] if "record_key" in row else fields.get(keys.get(table, ""))
            found.append(Arrival(table, key, value, partition, offset, latest))
    return sorted(found, key=lambda each: each.at_ms)


def _milliseconds(text: Any) -> int | None:
    try:
        return parse_time(text)
    except (TypeError, ValueError, AttributeError):
        return None
