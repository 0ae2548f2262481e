"""`python -m bench.balance BOOTSTRAP FOLDER`: a running balance in our operators, as the job of the Java peer.

Kafka, keyed in the JVM by the record's key, one Python operator that crosses for many elements at once, Kafka: with the
tables, the operator and the settings of the decision job's profile `throughput`. What it costs is the price of the
plumbing.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path
from typing import Any

import orjson
from pyflink.common import Types
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.datastream.state import MapStateDescriptor
from pyflink.table import StreamTableEnvironment

from jobs.config import DecisionsConfig
from jobs.profiles import Profile
from jobs.runtime import tables
from jobs.runtime.environment import create_environment
from jobs.runtime.outputs import MAIN, Sent
from jobs.runtime.python_operators import PythonOperator, process
from jobs.runtime.streams import key_by_first_field
from jobs.topics import TRANSACTIONS
from loyalty.state.codec import StateEntries
from ops.flink.gateway import settings_of_gateway

NAME = "running-balance"
ENTRY = "balance"

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
_BALANCE = struct.Struct("<qq")

PURCHASES = "SELECT DECODE(key, 'UTF-8') AS account_id, `value` FROM records"
WRITE_BALANCES = "INSERT INTO decisions SELECT key, `value` FROM balances"


def add_purchase(entries: StateEntries, value: bytes) -> dict[str, Any]:
    """Adds a purchase to the balance of its account's state entries; gives what is to be written."""
    purchase = orjson.loads(value)
    entry = entries.get(ENTRY)
    balance, sequence = (0, 0) if entry is None else _BALANCE.unpack(entry)
    balance += sum(line["amount"] // 10 for line in purchase["lines"])
    sequence += 1
    entries.put(ENTRY, _BALANCE.pack(balance, sequence))
    return {"account": purchase["account_id"], "balance": balance, "sequence": sequence}


class Balance:
    """Adds up."""

    def open(self, runtime_context: Any) -> None:
        self._entries = runtime_context.get_map_state(MapStateDescriptor(NAME, Types.STRING(), _BYTES))

    def process_element(self, value: bytes, ctx: Any) -> Sent:
        balance = add_purchase(self._entries, value)
        return ((MAIN, (balance["account"].encode(), orjson.dumps(balance))),)

    def on_timer(self, timestamp: int, ctx: Any) -> Sent:
        return ()


def build(environment: StreamExecutionEnvironment, config: DecisionsConfig) -> None:
    table_environment = StreamTableEnvironment.create(environment)
    tables.create_tables(table_environment, config, [TRANSACTIONS])
    purchases = table_environment.to_append_stream(
        table_environment.sql_query(PURCHASES), Types.ROW([Types.STRING(), _BYTES])
    )
    balances = process(
        key_by_first_field(purchases, Types.STRING(), _BYTES),
        PythonOperator(Balance(), NAME, Types.ROW_NAMED(["key", "value"], [_BYTES, _BYTES]), read_first=[ENTRY]),
    )
    table_environment.create_temporary_view("balances", table_environment.from_data_stream(balances))
    statements = table_environment.create_statement_set()
    statements.add_insert_sql(WRITE_BALANCES)
    statements.attach_as_datastream()


def main(bootstrap: str, folder: str) -> None:
    os.environ.update(settings_of_gateway(Path(folder) / "flink", Path(folder) / "flink.log"))
    config = DecisionsConfig(bootstrap=bootstrap, group=NAME, profile=Profile.THROUGHPUT)
    more = {
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "pipeline.auto-generate-uids": "true",  # it never goes on from a savepoint
    }
    environment = create_environment(NAME, config, more)
    build(environment, config)
    environment.execute(NAME)


if __name__ == "__main__":
    # Classes of the main module would travel to the workers by value; by its name this module is imported there.
    from bench import balance

    balance.main(*sys.argv[1:])
