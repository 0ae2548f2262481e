"""Values and records as nobody should send them, and what Flink's own JSON functions say of each."""

from __future__ import annotations

import json
from typing import Any

from ops.reference.sources import RESERVED

TIMES = [
    "2026-11-23T10:15:00.000Z",
    "2024-02-29T23:59:59.999Z",
    "0001-01-01T00:00:00.000Z",
    "0000-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
    "2026-02-29T10:15:00.000Z",
    "2026-06-31T10:15:00.000Z",
    "2026-13-01T10:15:00.000Z",
    "2026-00-10T10:15:00.000Z",
    "2026-11-23T24:00:00.000Z",
    "2026-11-23T10:60:00.000Z",
    "2026-11-23T10:15:60.000Z",
    "2026-11-23T10:15:00.000z",
    "2026-11-23t10:15:00.000Z",
    "2026-11-23 10:15:00.000Z",
    "2026-11-23T10:15:00Z",
    "2026-11-23T10:15:00.0000Z",
    "2026-11-23T10:15:00.000+01:00",
    "12026-11-23T10:15:00.000Z",
    "-026-11-23T10:15:00.000Z",
    "２０２６-11-23T10:15:00.000Z",
]
VALUES = [
    *("null", "true", "false", "0", "-0", "10", "10.0", "1.10", "1e2", "1E+2", "0.1", "1e-7", "-5"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"),
    *("1e400", "1e999999", "123456789012345678901234567890", "1" * 1001, "0." + "1" * 60, "01", "+1", "NaN", ".5"),
    *('""', '" "', '"10"', '"true"', '"null"', '"Zoë 💶"', r'"\u0000 \ud800 \n"', '"' + "x" * 3000 + '"', "'text'"),
    *("{}", "[]", "[10]", '["10"]', '["a", null, 1, 1.50, 1e2, true, {"b": 1, "a": [2.0]}, [3]]', "[1, 2"),
    *('{"b": 1, "a": {"d": 2, "c": 1e1}, "b": 3}', '{"": 1}', "[" * 900 + "]" * 900, "[" * 1100 + "]" * 1100),
    *map(json.dumps, TIMES),
]
"""As they stand in a record; some are no JSON."""


def records(example: dict[str, Any]) -> list[bytes | None]:
    """The example with each of its fields, those of its objects too, left out, twice there, and of each odd value."""
    found: list[bytes | None] = list(_malformed(json.dumps(example).encode()))
    paths: list[tuple[str, ...]] = [(name,) for name in example]
    paths += [(name, inner) for name, value in example.items() if isinstance(value, dict) for inner in value]
    for path in paths:
        found.append(_text(example, path, None).encode())
        found += [_text(example, path, value).encode() for value in VALUES]
        found.append(_text(example, path, f'1, "{path[-1]}": "twice"').encode())
    return found


def _malformed(whole: bytes) -> list[bytes | None]:
    return [
        *(None, b"", b" ", b"no JSON", b"null", b"[1]", b'"text"', b"7", b"NaN", b"{", b"{}", b"\xff\xfe", whole[:-1]),
        *(whole + b" behind it", whole + b"}", b" \n" + whole, b"\xef\xbb\xbf" + whole, whole.replace(b"{", b"{,", 1)),
        *(whole[:-1] + b",}", b"[" + whole + b"]", whole + whole, b"/* no */" + whole, whole.replace(b'"', b"'")),
        *(whole.replace(b"a", b"\xff"), whole.replace(b'"', b"\xc3", 1), whole.decode().encode("utf-16")),
        *(whole[:-1] + b', "unknown": ' + value + b"}" for value in (b"1" * 1001, b"1e400", b"[" * 1100 + b"]" * 1100)),
    ]


def _text(example: dict[str, Any], path: tuple[str, ...], value: str | None) -> str:
    """The example as JSON, a field of it replaced by a text, or left out."""
    parts = []
    for name, was in example.items():
        if name != path[0]:
            parts.append(f"{json.dumps(name)}: {json.dumps(was)}")
        elif len(path) > 1:
            parts.append(f"{json.dumps(name)}: {_text(was, path[1:], value)}")
        elif value is not None:
            parts.append(f"{json.dumps(name)}: {value}")
    return "{" + ", ".join(parts) + "}"


def compared(columns: dict[str, str], as_text: set[str]) -> dict[str, str]:
    """By column or field, an SQL condition: that it is what Flink's JSON functions read in `record_value`.

    Args:
        columns: the types of a table's columns, fields of a ROW as `row.field`.
        as_text: the columns that hold JSON as text.
    """
    found = {}
    for name, sql_type in columns.items():
        quoted = ".".join(f"`{part}`" if part in RESERVED else part for part in name.split("."))
        read = _as_text(name) if name in as_text else _READ[sql_type](name)
        if sql_type == "ARRAY<STRING>":
            quoted, read = (f"ARRAY_JOIN({each}, '|', 'NULL')" for each in (quoted, read))
        found[name] = f"{quoted} IS NOT DISTINCT FROM {read}"
    return found


def _text_of(name: str) -> str:
    return f"JSON_VALUE(record_value, '$.{name}')"


def _as_text(name: str) -> str:
    return f"JSON_QUERY(record_value, '$.{name}')"


def _wrapped(name: str) -> str:
    """Only so do JSON's functions tell 10 from "10" and from 10.0."""
    return f"JSON_QUERY(record_value, '$.{name}' WITH WRAPPER)"


def _number(name: str) -> str:
    return rf"TRY_CAST(REGEXP_EXTRACT({_wrapped(name)}, '^\[(-?[0-9]+)\]$', 1) AS BIGINT)"


def _truth(name: str) -> str:
    return f"CASE {_wrapped(name)} WHEN '[true]' THEN TRUE WHEN '[false]' THEN FALSE END"


def _moment(name: str) -> str:
    """Flink makes 1 July of 31 June, so it is written and compared."""
    pattern = "'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''"
    text = _text_of(name)
    same = f"DATE_FORMAT(TO_TIMESTAMP({text}, {pattern}), {pattern}) = {text}"
    return f"CASE WHEN {same} THEN TO_TIMESTAMP_LTZ({text}, {pattern}, 'UTC') END"


def _list(name: str) -> str:
    return f"JSON_QUERY(record_value, '$.{name}' RETURNING ARRAY<STRING>)"


_READ = {
    "STRING": _text_of,
    "BIGINT": _number,
    "BOOLEAN": _truth,
    "TIMESTAMP_LTZ(3)": _moment,
    "ARRAY<STRING>": _list,
}
