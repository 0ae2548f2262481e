"""`python -m tests.jobs.packed_in_java`: packs the records of standard input on a mini-cluster, as the jobs do.

A line is a JSON list (topic, partition, offset, timestamp, key, value), and a line of the answer a packed record; bytes
are in hex.
"""

from __future__ import annotations

import json
import sys

from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.table import DataTypes, StreamTableEnvironment

from jobs.runtime.streams import records
from jobs.runtime.tables import WANTED
from tests.jobs.throwaway_flink import throwaway_flink

_FIELDS = [
    DataTypes.FIELD("topic", DataTypes.STRING()),
    DataTypes.FIELD("partition", DataTypes.INT()),
    DataTypes.FIELD("offset", DataTypes.BIGINT()),
    DataTypes.FIELD("timestamp_ms", DataTypes.BIGINT()),
    DataTypes.FIELD("key", DataTypes.BYTES()),
    DataTypes.FIELD("value", DataTypes.BYTES()),
]
_AS_KAFKA_GIVES_THEM = """
SELECT topic, `partition`, `offset`, TO_TIMESTAMP_LTZ(timestamp_ms, 3) AS received, key, `value` FROM given
"""


def main() -> None:
    given = []
    for line in sys.stdin:
        *before, key, value = json.loads(line)
        given.append((*before, *(None if part is None else bytearray.fromhex(part) for part in (key, value))))
    with throwaway_flink():
        environment = StreamExecutionEnvironment.get_execution_environment()
        environment.set_parallelism(1)
        tables = StreamTableEnvironment.create(environment)
        tables.create_temporary_view("given", tables.from_elements(given, DataTypes.ROW(_FIELDS)))
        tables.create_temporary_view(WANTED, tables.sql_query(_AS_KAFKA_GIVES_THEM))
        with DataStream(records(tables)._j_data_stream).execute_and_collect() as rows:
            for only_key, packed in rows:
                assert only_key == 0
                # PyFlink collects bytes as signed numbers.
                print(bytes(byte & 0xFF for byte in packed).hex())


if __name__ == "__main__":
    main()
