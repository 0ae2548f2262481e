"""How the operators of the decision job are joined, and what both jobs share.

`docs/explanation/architecture.md` says why.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from pyflink.common import Types, WatermarkStrategy
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import DataStream, KeyedStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment

from jobs import tables
from jobs.batches.operators import PythonOperator, process, process_with_broadcast
from jobs.check_records import DOCUMENTS, FOR_ACCOUNTS, REFUSED, SIDES, CheckRecords
from jobs.compiled import added, operator_factory, transformed
from jobs.config import DecisionsConfig
from jobs.decide_for_account import OUTPUTS, PROGRAMME_STATE, DecideForAccount
from jobs.domain import Decider, Validator
from jobs.held_at_start import last_made_offers
from jobs.names import ACCOUNT_PAGES, DECISIONS_NAMES, INTAKE_PAGES, PACK_RECORDS
from jobs.profiles import KNOBS
from jobs.topics import DECISIONS, INPUTS
from jobs.uids import name_operators

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
_RECORD = Types.ROW([Types.STRING(), Types.INT(), Types.LONG(), Types.INSTANT(), _BYTES, _BYTES])


def build(
    environment: StreamExecutionEnvironment, config: DecisionsConfig, intake: Validator, decider: Decider
) -> None:
    """Adds the whole job to `environment`, from the input topics to the output topics; executing it is up to the
    caller.

    `intake` and `decider` are pickled into the job, so the modules of their classes must be there where it runs.
    """
    table_environment = StreamTableEnvironment.create(environment)
    tables.create_tables(table_environment, config, INPUTS, wanted=tables.NO_DECISIONS_BUT_OFFERS)
    # Of the decisions only offers cross to Python, so the last record of all would be waited for in vain.
    last_at_start = {topic: last for topic, last in config.last_at_start.items() if topic != DECISIONS}
    apart = KNOBS[config.profile].apart
    checking = CheckRecords(intake, last_at_start, partial(last_made_offers, config.bootstrap))
    checked = process(
        records(table_environment),
        PythonOperator(checking, INTAKE_PAGES, FOR_ACCOUNTS, SIDES, apart=apart),
    )
    for_accounts = _take_off_timestamp(_watermarked(checked), Types.ROW([Types.STRING(), _BYTES]))
    documents = _take_off_timestamp(_watermarked(side_output(checked, DOCUMENTS)), _BYTES)
    decided = process_with_broadcast(
        key_by_first_field(for_accounts, Types.STRING(), _BYTES),
        documents,
        PROGRAMME_STATE,
        PythonOperator(DecideForAccount(decider), ACCOUNT_PAGES, OUTPUTS, read_first=decider.reads_first, apart=apart),
        config.parallelism,
    )
    write(table_environment, decided, side_output(checked, REFUSED))
    name_operators(environment, DECISIONS_NAMES)


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


def _watermarked(stream: DataStream) -> Any:
    """A stream of (element, timestamp) with that timestamp, and a watermark behind it, both made in the JVM."""
    assigner = get_gateway().jvm.org.apache.flink.streaming.api.functions.python.eventtime.CustomTimestampAssigner()
    strategy = WatermarkStrategy.for_monotonous_timestamps()._j_watermark_strategy.withTimestampAssigner(assigner)
    return stream._j_data_stream.assignTimestampsAndWatermarks(strategy)


def _take_off_timestamp(j_stream: Any, element: TypeInformation) -> DataStream:
    function = get_gateway().jvm.org.apache.flink.streaming.api.functions.python.eventtime.RemoveTimestampMapFunction()
    return DataStream(j_stream.map(function, element.get_java_type_info()))
