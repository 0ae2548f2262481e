"""`python -m tests.jobs.woken_keys`: on a mini-cluster, each of 50 000 keys has one element and sets a timer of the
wall clock, while others still come; prints each key that is woken."""

from __future__ import annotations

from typing import Any

from pyflink.common import Configuration, Types
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.runtime.outputs import MAIN, Sent
from jobs.runtime.python_operators import PythonOperator, process
from jobs.runtime.streams import key_by_first_field
from tests.jobs.throwaway_flink import throwaway_flink

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
_NUMBERS = """
CREATE TEMPORARY TABLE numbers (number BIGINT) WITH (
    'connector' = 'datagen', 'rows-per-second' = '2000',
    'fields.number.kind' = 'sequence', 'fields.number.start' = '0', 'fields.number.end' = '49999'
)
"""
_KEYED = "SELECT CAST(number AS STRING) AS name, ENCODE(CAST(number AS STRING), 'UTF-8') AS content FROM numbers"


class WakeMe:
    """Sends the key that a timer is of."""

    def open(self, runtime_context: Any) -> None: ...

    def process_element(self, value: bytes, ctx: Any) -> Sent:
        timers = ctx.timer_service()
        timers.register_processing_time_timer(timers.current_processing_time() + 1 + int(value) % 97)
        return ()

    def on_timer(self, timestamp: int, ctx: Any) -> Sent:
        return ((MAIN, ctx.get_current_key()),)


def main() -> None:
    with throwaway_flink():
        configuration = Configuration()
        configuration.set_string("python.execution-mode", "thread")
        # When a timer comes by there are elements that have been gathered and have not crossed.
        configuration.set_string("python.fn-execution.bundle.time", "50")
        environment = StreamExecutionEnvironment.get_execution_environment(configuration)
        environment.set_parallelism(1)
        tables = StreamTableEnvironment.create(environment)
        tables.execute_sql(_NUMBERS)
        rows = tables.to_append_stream(tables.sql_query(_KEYED), Types.ROW([Types.STRING(), _BYTES]))
        keyed = key_by_first_field(rows, Types.STRING(), _BYTES)
        woken = process(keyed, PythonOperator(WakeMe(), "entries", Types.STRING()))
        with woken.execute_and_collect() as keys:
            for key in keys:
                print(key)


if __name__ == "__main__":
    main()
