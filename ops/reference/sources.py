"""`sql/sources/`: a table for each topic of the contract, from the schemas that are published of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from loyalty.wire import context, decisions
from loyalty.wire.schemas import KINDS, schemas
from ops.reference.schema import Schema

ROW_IS = {
    "loyalty.transactions": "one transaction event of any type as it came, duplicates and refused ones too",
    "loyalty.engagements": "one engagement event as it came",
    "loyalty.members": "one profile or consent of a member as it came; the latest of each counts",
    "loyalty.program": "one version of a programme document, its body as JSON text",
    "loyalty.fraud-signals": "one fraud signal about an account",
    "loyalty.engagement-context": "what an account did lately, its devices as JSON text; the latest counts",
    "loyalty.decisions": "one decision; repeated ones (at-least-once) have one decision_id",
    "loyalty.dead-letters": "one refused record: why, and where it was",
}
"""What a record of a topic is."""
EVENT_TIME = {context.TOPIC: "last_engaged_at", decisions.DEAD_LETTER_TOPIC: "received_at"}
"""By topic, where it is not `occurred_at`."""
KEY_OF_BYTES = {decisions.DEAD_LETTER_TOPIC}
"""The topics whose keys may be anything; the others' are text."""
ENVELOPE = ("event_id", "type", "schema_version", "source", "occurred_at")
RESERVED = {"stream", "partition", "offset"}
"""Names of fields that are reserved words in Flink's SQL."""

TABLE = """\
-- One row is {row}; unreadable parts are NULL.
-- Made from catalogue/schemas/{topic} by `make reference`.
CREATE TEMPORARY TABLE {name} (
    record_key {key},
    record_value STRING,
    record_partition INT METADATA FROM 'partition' VIRTUAL,
    record_offset BIGINT METADATA FROM 'offset' VIRTUAL,
    record_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    {columns},
    -- A clock more than 5 minutes ahead of its record moves nothing (contract, `too_early`).
    WATERMARK FOR {time} AS CASE
        WHEN {time} <= record_time + INTERVAL '5' MINUTE THEN {time} - INTERVAL '10' MINUTE
    END
) WITH (
    {options}
) LIKE kafka;
"""


def table_of(topic: str) -> str:
    """The table that a topic is read as."""
    return topic.removeprefix("loyalty.").replace("-", "_")


def text(topic: str) -> str:
    """A topic as a table: every field of every kind of its records, by its name."""
    columns: dict[str, str] = {}
    as_text: list[str] = []
    for name, schema, whole in _fields(topic):
        sql_type = _type(schema, whole)
        if columns.setdefault(name, sql_type) != sql_type:
            raise ValueError(f"{topic}: {name} is {columns[name]} in one schema, {sql_type} in another")
        if sql_type == "STRING" and _plain(schema, whole).get("type") == "object" and name not in as_text:
            as_text.append(name)
    options = [f"'topic' = '{topic}'"]
    if as_text:
        options.append(f"'value.loyalty-json.as-text' = '{';'.join(as_text)}'")
    return TABLE.format(
        row=ROW_IS[topic],
        topic=topic,
        name=table_of(topic),
        key="BYTES" if topic in KEY_OF_BYTES else "STRING",
        columns=",\n    ".join(f"{_quoted(name)} {sql_type}" for name, sql_type in columns.items()),
        time=EVENT_TIME.get(topic, "occurred_at"),
        options=",\n    ".join(options),
    )


def _fields(topic: str) -> Iterator[tuple[str, Schema, Schema]]:
    """Each field of each kind with its schema and the whole one; those that all events have first."""
    wholes = [json.loads(schemas()[f"{topic}/{kind}.json"]) for kind in KINDS[topic]]
    for name in ENVELOPE:
        if name in wholes[0]["properties"] and "event_id" in wholes[0]["properties"]:
            yield name, wholes[0]["properties"][name], wholes[0]
    for whole in wholes:
        for name, schema in whole["properties"].items():
            yield name, schema, whole


def _type(schema: Schema, whole: Schema) -> str:
    schema = _plain(schema, whole)
    match schema.get("type"):
        case "string":
            return "TIMESTAMP_LTZ(3)" if "T(" in schema.get("pattern", "") else "STRING"
        case "integer":
            return "BIGINT"
        case "boolean":
            return "BOOLEAN"
        case "array":
            return "ARRAY<STRING>"
        case "object" if "title" in schema and whole["title"] == "Decision":
            inner = {name: _type(field, whole) for name, field in schema["properties"].items()}
        case "object" if "enum" in schema.get("propertyNames", {}):
            inner = dict.fromkeys(schema["propertyNames"]["enum"], "STRING")
        case _:
            return "STRING"
    return f"ROW<{', '.join(f'{_quoted(name)} {sql_type}' for name, sql_type in inner.items())}> NOT NULL"


def _plain(schema: Schema, whole: Schema) -> Schema:
    """Without the reference to a definition, and without `null` where a field is optional."""
    if "$ref" in schema:
        return _plain(whole["$defs"][schema["$ref"].removeprefix("#/$defs/")], whole)
    if "anyOf" in schema:
        (other,) = (each for each in schema["anyOf"] if each.get("type") != "null")
        return _plain(other, whole)
    return schema


def _quoted(name: str) -> str:
    return f"`{name}`" if name in RESERVED else name
