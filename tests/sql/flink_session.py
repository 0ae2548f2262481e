"""A Flink in a process of its own that answers SQL: one JSON line in, one JSON line out.

A request is `{"sources": bootstrap}`, `{"run": statement}` or `{"read": query}`; an answer is `{"names": [...]}` or
`{"rows": [{...}]}`, else `{"error": text}`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from ops.flink.gateway import settings_of_gateway

# Not UTC, so that nothing is right by chance.
ZONE = "Asia/Kolkata"
ZONE_AHEAD_MS = 19_800_000


def main() -> None:
    folder = Path(sys.argv[1])
    os.environ.update(settings_of_gateway(folder / "conf", folder / "flink.log"))
    # Short queries: compiling them thoroughly would take longer than they do.
    os.environ["JAVA_TOOL_OPTIONS"] = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Whatever Java prints is no answer.

    from pyflink.common import Configuration
    from pyflink.table import EnvironmentSettings, TableEnvironment

    import udfs
    from sql.sources import create_sources

    configuration = Configuration()
    for name, value in _settings().items():
        configuration.set_string(name, value)
    settings = EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(configuration).build()
    tables = TableEnvironment.create(settings)
    answers.write(json.dumps({"names": udfs.register(tables)}) + "\n")
    answers.flush()
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any]
        try:
            if "sources" in request:
                answer = {"names": create_sources(tables, request["sources"], until_end=True)}
            elif "run" in request:
                tables.execute_sql(request["run"])
                answer = {"names": []}
            else:
                answer = {"rows": _rows(tables, request["read"])}
        except Exception as problem:  # noqa: BLE001 the test says what went wrong
            answer = {"error": str(problem)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _settings() -> dict[str, str]:
    return {
        "parallelism.default": "1",
        "table.local-time-zone": ZONE,
        "python.execution-mode": "thread",
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
    }


def _rows(tables: Any, query: str) -> list[dict[str, Any]]:
    """PyFlink cannot collect some types, so moments come as milliseconds since 1970, and `a ROW<b>` as `a.b`."""
    found = tables.sql_query(query)
    schema = found.get_schema()
    columns: dict[str, str] = {}
    for name in schema.get_field_names():
        kind = schema.get_field_data_type(name)
        if type(kind).__name__ == "RowType":
            columns |= {f"{name}.{field}": f"`{name}`.`{field}`" for field in kind.names}
        elif type(kind).__name__ == "LocalZonedTimestampType":
            # EXTRACT(EPOCH ...) counts from 1970 of the session's own time zone.
            columns[name] = (
                f"EXTRACT(EPOCH FROM `{name}`) * 1000 + EXTRACT(MILLISECOND FROM `{name}`) - {ZONE_AHEAD_MS}"
            )
        else:
            columns[name] = f"`{name}`"
    shown = ", ".join(f"{expression} AS `{name}`" for name, expression in columns.items())
    with tables.sql_query(f"SELECT {shown} FROM ({query})").execute().collect() as rows:
        return [dict(zip(columns, map(_plain, row), strict=True)) for row in rows]


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes | bytearray) else value


if __name__ == "__main__":
    main()
