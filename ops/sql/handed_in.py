"""Tables over records that are handed in line by line, in place of Kafka's."""

from __future__ import annotations

from typing import Any, NamedTuple

from ops.sql.fixtures import RECORD
from ops.sql.session import java, java_array

_TIME = "time_of_the_watermark"
_AS_TEXT = "value.loyalty-json.as-text"


class HandedIn(NamedTuple):
    """Java's table environment, and the table of the lines that come."""

    j_tables: Any
    lines: Any


def as_source(over: HandedIn, name: str, table: Any) -> tuple[Any, str]:
    """The table of a source's file, over the records that are handed in; and the name of its event time."""
    api = java().org.apache.flink.table.api
    j_tables = over.j_tables
    resolved = table.getResolvedSchema()
    columns = [resolved.getColumn(at).get() for at in range(resolved.getColumnCount())]
    watermark = table.getTable().getUnresolvedSchema().getWatermarkSpecs().get(0)
    event_time = watermark.getColumnName()
    # What Kafka gives is the record, and what it says of it; the rest is what the table's format reads in the value.
    of_record = [column for column in columns if column.getName() in RECORD]
    of_value = [column for column in columns if column.getName() not in RECORD]
    records = over.lines.filter(_text("table").isEqual(name)).select(
        _expressions([_of_record(column) for column in of_record])
    )
    types = {column.getName(): column.getDataType() for column in columns}
    types[event_time] = api.DataTypes.TIMESTAMP_LTZ(3)  # else Flink takes it for the time of an event already
    fields = [_field(column.getName(), types[column.getName()]) for column in of_value]
    as_text = table.getResolvedTable().getOptions().get(_AS_TEXT) or ""
    reading = java().loyalty.sql.ReadRecords(api.DataTypes.ROW(java_array(api.DataTypes.Field, fields)), as_text)
    value = java_array(java().Object, [api.Expressions.col("record_value")])
    read = records.joinLateral(api.Expressions.call(reading, value))
    timed = api.Schema.newBuilder()
    for column in columns:
        timed.column(column.getName(), types[column.getName()])
    # Flink's Kafka source lets a row without a time pass; what takes its place here does not.
    never = api.Expressions.toTimestampLtz(api.Expressions.lit(0), api.Expressions.lit(3))
    time = java_array(java().Object, [api.Expressions.col(event_time), never])
    timed.columnByExpression(_TIME, api.Expressions.coalesce(time))
    timed.watermark(_TIME, watermark.getWatermarkExpression())
    in_order = read.select(_expressions([api.Expressions.col(column.getName()) for column in columns]))
    rows = api.DataTypes.ROW(java_array(api.DataTypes.Field, [_field(name, kind) for name, kind in types.items()]))
    kept = j_tables.fromDataStream(j_tables.toDataStream(in_order, rows), timed.build()).dropColumns(
        _expressions([api.Expressions.col(_TIME)])
    )
    final = api.Schema.newBuilder()
    for column in columns:
        final.column(column.getName(), column.getDataType())
    final.watermark(event_time, "SOURCE_WATERMARK()")
    return j_tables.fromDataStream(j_tables.toDataStream(kept), final.build()), event_time


def as_result(over: HandedIn, name: str, table: Any) -> Any:
    """What a model has written, as rows that are handed in."""
    resolved = table.getResolvedSchema()
    columns = [resolved.getColumn(at).get() for at in range(resolved.getColumnCount())]
    return over.lines.filter(_text("table").isEqual(name)).select(
        _expressions([_of_written_row(column) for column in columns])
    )


def _field(name: str, kind: Any) -> Any:
    return java().org.apache.flink.table.api.DataTypes.FIELD(name, kind)


def _text(name: str) -> Any:
    """A field of the line that carries a record, as text."""
    api = java().org.apache.flink.table.api
    return api.Expressions.col("f0").jsonValue(f"$.{name}", api.DataTypes.STRING())


def _of_record(column: Any) -> Any:
    """What Kafka says of a record, from the line that carries it."""
    api = java().org.apache.flink.table.api
    name = column.getName()
    if name == "record_time":
        since_1970 = _text("time").cast(api.DataTypes.BIGINT())
        return _named(api.Expressions.toTimestampLtz(since_1970, api.Expressions.lit(3)), name)
    return _named(_text(name.removeprefix("record_")).cast(column.getDataType()), name)


def _of_written_row(column: Any) -> Any:
    """A column of a result, from a row that is handed in as JSON."""
    api = java().org.apache.flink.table.api
    name, kind = column.getName(), column.getDataType()
    if kind.getChildren().size() > 0:
        # No audit looks at one, and Flink makes none from text.
        return _named(api.Expressions.nullOf(kind), name)
    return _named(_text("value").jsonValue(f"$.{name}", api.DataTypes.STRING()).cast(kind), name)


def _named(expression: Any, name: str) -> Any:
    return getattr(expression, "as")(name, java_array(java().String, []))


def _expressions(items: list[Any]) -> Any:
    return java_array(java().org.apache.flink.table.expressions.Expression, items)
