"""How the operators of the decision job are joined. `docs/architecture.md` says why they are."""

from __future__ import annotations

from typing import Any

from pyflink.common import Types, WatermarkStrategy
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import DataStream, KeyedStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment

from jobs import tables
from jobs.check_records import DOCUMENTS, FOR_ACCOUNTS, REFUSED, CheckRecords
from jobs.config import DecisionsConfig
from jobs.decide_for_account import OUTPUTS, PROGRAMME_STATE, DecideForAccount
from jobs.domain import Desk, Intake
from jobs.uids import name_operators

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())


def build(environment: StreamExecutionEnvironment, config: DecisionsConfig, intake: Intake, desk: Desk) -> None:
    """Adds the whole job to `environment`, from the input topics to the output topics; executing it is up to the
    caller.

    `intake` and `desk` are pickled into the job, so the modules of their classes must be there where it runs.
    """
    table_environment = StreamTableEnvironment.create(environment)
    tables.create_tables(table_environment, config)

    records = table_environment.to_append_stream(
        table_environment.sql_query(tables.PACK_RECORDS), Types.ROW([Types.INT(), _BYTES])
    )
    checked = _key_by_first_field(records, Types.INT(), _BYTES).process(
        CheckRecords(intake, config.last_at_start), FOR_ACCOUNTS
    )
    for_accounts = _take_off_timestamp(_watermarked(checked), Types.ROW([Types.STRING(), _BYTES]))
    documents = _take_off_timestamp(_watermarked(_side_output(checked, DOCUMENTS)), _BYTES)
    decided = (
        _key_by_first_field(for_accounts, Types.STRING(), _BYTES)
        .connect(documents.broadcast(PROGRAMME_STATE))
        .process(DecideForAccount(desk), OUTPUTS)
        .set_parallelism(config.parallelism)
    )
    table_environment.create_temporary_view(tables.DECIDED, table_environment.from_data_stream(decided))
    table_environment.create_temporary_view(
        tables.REFUSED, table_environment.from_data_stream(_side_output(checked, REFUSED))
    )
    statements = table_environment.create_statement_set()
    for statement in (tables.WRITE_DECISIONS, tables.WRITE_DEAD_LETTERS, tables.WRITE_REFUSED):
        statements.add_insert_sql(statement)
    statements.attach_as_datastream()
    name_operators(environment, config.mode)


def _key_by_first_field(stream: DataStream, key: TypeInformation, element: TypeInformation) -> KeyedStream:
    """Key a stream of rows (key, element) in the JVM; the operator behind it sees the element alone.

    `DataStream.key_by` would put a Python operator of its own in front: half the throughput.
    """
    selector = get_gateway().jvm.KeyByKeySelector()
    keyed = stream._j_data_stream.keyBy(selector, Types.ROW([key]).get_java_type_info())
    return KeyedStream(keyed, element, stream)


def _side_output(stream: DataStream, tag: Any) -> DataStream:
    """`DataStream.get_side_output` without the Python operator that it adds."""
    return DataStream(stream._j_data_stream.getSideOutput(tag.get_java_output_tag()))


def _watermarked(stream: DataStream) -> Any:
    """A stream of (element, timestamp) with that timestamp, and a watermark behind it, both made in the JVM."""
    assigner = get_gateway().jvm.org.apache.flink.streaming.api.functions.python.eventtime.CustomTimestampAssigner()
    strategy = WatermarkStrategy.for_monotonous_timestamps()._j_watermark_strategy.withTimestampAssigner(assigner)
    return stream._j_data_stream.assignTimestampsAndWatermarks(strategy)


def _take_off_timestamp(j_stream: Any, element: TypeInformation) -> DataStream:
    function = get_gateway().jvm.org.apache.flink.streaming.api.functions.python.eventtime.RemoveTimestampMapFunction()
    return DataStream(j_stream.map(function, element.get_java_type_info()))
