"""The streams between operators: made of tables and written to them, keyed, watermarked, all in the JVM."""

from __future__ import annotations

from typing import Any

from pyflink.common import Types, WatermarkStrategy
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import DataStream, KeyedStream
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment

from jobs.runtime import tables
from jobs.runtime.java_operators import added, operator_factory, transformed
from jobs.runtime.names import PACK_RECORDS

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
_RECORD = Types.ROW([Types.STRING(), Types.INT(), Types.LONG(), Types.INSTANT(), _BYTES, _BYTES])


def records(table_environment: StreamTableEnvironment) -> KeyedStream:
    """The wanted records of the input topics as runs of bytes, all under one constant key."""
    wanted = table_environment.to_append_stream(table_environment.sql_query(tables.WANTED_RECORDS), _RECORD)
    return key_by_first_field(packed(wanted), Types.INT(), _BYTES)


def packed(rows: DataStream) -> DataStream:
    """Rows (topic, partition, offset, timestamp, key, value) as rows (0, packed record), made in the JVM."""
    factory = operator_factory(__package__, "PackRecords")
    return added(rows, transformed(rows, PACK_RECORDS, factory, Types.ROW([Types.INT(), _BYTES])))


def write(table_environment: StreamTableEnvironment, decided: DataStream, refused: DataStream) -> None:
    """Sends rows (destination, key, value) to their topics, and rows (key, value) to the dead letters."""
    table_environment.create_temporary_view(tables.DECIDED, table_environment.from_data_stream(decided))
    table_environment.create_temporary_view(tables.REFUSED, table_environment.from_data_stream(refused))
    statements = table_environment.create_statement_set()
    for statement in (tables.WRITE_DECISIONS, tables.WRITE_DEAD_LETTERS, tables.WRITE_REFUSED):
        statements.add_insert_sql(statement)
    statements.attach_as_datastream()


def key_by_first_field(stream: DataStream, key: TypeInformation, element: TypeInformation) -> KeyedStream:
    """Key a stream of rows (key, element) in the JVM; the operator behind it sees the element alone.

    `DataStream.key_by` would put a Python operator of its own in front: half the throughput.
    """
    selector = get_gateway().jvm.KeyByKeySelector()
    keyed = stream._j_data_stream.keyBy(selector, Types.ROW([key]).get_java_type_info())
    return KeyedStream(keyed, element, stream)


def side_output(stream: DataStream, tag: Any) -> DataStream:
    """`DataStream.get_side_output` without the Python operator that it adds."""
    return DataStream(stream._j_data_stream.getSideOutput(tag.get_java_output_tag()))


def watermarked(stream: DataStream) -> Any:
    """A stream of (element, timestamp) with that timestamp, and a watermark behind it, both made in the JVM."""
    assigner = get_gateway().jvm.org.apache.flink.streaming.api.functions.python.eventtime.CustomTimestampAssigner()
    strategy = WatermarkStrategy.for_monotonous_timestamps()._j_watermark_strategy.withTimestampAssigner(assigner)
    return stream._j_data_stream.assignTimestampsAndWatermarks(strategy)


def take_off_timestamp(j_stream: Any, element: TypeInformation) -> DataStream:
    function = get_gateway().jvm.org.apache.flink.streaming.api.functions.python.eventtime.RemoveTimestampMapFunction()
    return DataStream(j_stream.map(function, element.get_java_type_info()))
