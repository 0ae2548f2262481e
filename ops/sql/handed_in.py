"""Tables over records that are handed in line by line, in place of Kafka's."""

from __future__ import annotations

from typing import Any, NamedTuple

from ops.sql.session import java, java_array

_TIME = "time_of_the_watermark"


class HandedIn(NamedTuple):
    """Java's table environment, and the table of the lines that come."""

    j_tables: Any
    lines: Any


def as_source(over: HandedIn, name: str, table: Any) -> tuple[Any, str]:
    """The table of a source's file, over the records that are handed in; and the name of its event time."""
    api = java().org.apache.flink.table.api
    j_tables = over.j_tables
    written = table.getTable().getUnresolvedSchema()
    columns = [written.getColumns().get(at) for at in range(written.getColumns().size())]
    watermark = written.getWatermarkSpecs().get(0)
    event_time = watermark.getColumnName()
    # What Kafka gives: the record, and what it says of it.
    given = [column for column in columns if "Computed" not in column.getClass().getSimpleName()]
    physical = over.lines.filter(_text("table").isEqual(name)).select(
        _expressions([_of_record(column) for column in given])
    )
    computed = api.Schema.newBuilder()
    for column in columns:
        if column in given:
            computed.column(column.getName(), column.getDataType())
        else:
            computed.columnByExpression(column.getName(), column.getExpression())
        if column.getName() == event_time:
            # Flink's Kafka source lets a row without a time pass; what takes its place here does not.
            never = api.Expressions.toTimestampLtz(api.Expressions.lit(0), api.Expressions.lit(3))
            of_the_file = column.getExpression()
            computed.columnByExpression(
                _TIME, api.Expressions.coalesce(java_array(java().Object, [of_the_file, never]))
            )
    computed.watermark(_TIME, watermark.getWatermarkExpression())
    timed = j_tables.fromDataStream(j_tables.toDataStream(physical), computed.build())
    kept = timed.dropColumns(_expressions([api.Expressions.col(_TIME)]))
    final = api.Schema.newBuilder()
    resolved = table.getResolvedSchema()
    for at in range(resolved.getColumnCount()):
        column = resolved.getColumn(at).get()
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
