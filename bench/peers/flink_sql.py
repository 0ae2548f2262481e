"""A running balance in Flink SQL: an `OVER` window, no Python at work. `bench/peers/__init__.py` says what it does."""

from __future__ import annotations

import sys

from pyflink.table import EnvironmentSettings, TableEnvironment

from ops.java.artifacts import flink_connector_jar

PURCHASES = """
CREATE TABLE purchases (
    account_id STRING,
    lines ARRAY<ROW<amount BIGINT>>,
    decided_at AS PROCTIME()
) WITH (
    'connector' = 'kafka',
    'topic' = 'loyalty.transactions',
    'properties.bootstrap.servers' = '{bootstrap}',
    'properties.group.id' = 'flink-sql',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json'
)
"""

BALANCES = """
CREATE TABLE balances (
    account STRING,
    balance BIGINT,
    `sequence` BIGINT
) WITH (
    'connector' = 'kafka',
    'topic' = '{topic}',
    'properties.bootstrap.servers' = '{bootstrap}',
    'key.format' = 'raw',
    'key.fields' = 'account',
    'value.format' = 'json'
)
"""

DECIDE = """
INSERT INTO balances
SELECT
    account_id,
    SUM(lines[1].amount / 10) OVER so_far,
    COUNT(*) OVER so_far
FROM purchases
WINDOW so_far AS (
    PARTITION BY account_id
    ORDER BY decided_at
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
)
"""


def main(bootstrap: str, topic: str) -> None:
    tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    configuration = tables.get_config()
    configuration.set("pipeline.jars", flink_connector_jar().as_uri())
    configuration.set("parallelism.default", "1")
    configuration.set("execution.checkpointing.interval", "10 s")
    tables.execute_sql(PURCHASES.format(bootstrap=bootstrap))
    tables.execute_sql(BALANCES.format(bootstrap=bootstrap, topic=topic))
    tables.execute_sql(DECIDE).wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
