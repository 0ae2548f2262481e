"""The source tables of `sql/sources/`, connected to a Kafka cluster."""

from __future__ import annotations

from collections.abc import Collection

from pyflink.table import Schema, TableDescriptor, TableEnvironment

from sql.project import read_project

CONNECTION = "kafka"


def create_sources(
    tables: TableEnvironment,
    bootstrap: str,
    *,
    until_end: bool = False,
    group: str = "loyalty-sql",
    only: Collection[str] | None = None,
) -> list[str]:
    """Creates every source table, or `only` some, and gives their names, in order.

    The files say what a table is; where it is read from is in the table `kafka`, made here, which each of them is
    `LIKE`. So nothing is ever pasted into SQL, and every file can be read and checked as it stands.

    Args:
        tables: the environment to create them in, as temporary tables. `kafka` must not exist there yet.
        bootstrap: `host:port` of the cluster. Nothing connects to it until a table is read.
        until_end: read what the topics hold when a query starts, and end there.
        group: the consumer group under which the reading can be seen on the cluster.
        only: the names of the tables to create.

    Raises Py4JJavaError or TableException when Flink does not accept a file.
    """
    if CONNECTION not in tables.list_temporary_tables():
        tables.create_temporary_table(CONNECTION, _connection(bootstrap, until_end, group))
    sources = [file for file in read_project().sources.values() if only is None or file.name in only]
    for file in sources:
        tables.execute_sql(file.text)
    return [file.name for file in sources]


def _connection(bootstrap: str, until_end: bool, group: str) -> TableDescriptor:
    descriptor = (
        TableDescriptor.for_connector("kafka")
        .schema(Schema.new_builder().build())
        .option("properties.bootstrap.servers", bootstrap)
        .option("properties.group.id", group)
        .option("properties.isolation.level", "read_committed")
        .option("scan.startup.mode", "earliest-offset")
        # A partition where nothing comes must not hold back the time of the others.
        .option("scan.watermark.idle-timeout", "5 s")
        .option("key.format", "raw")
        .option("key.fields", "record_key")
        # Ours (sql/format), because Flink's either fails on a bad record or drops it without a word.
        .option("value.format", "loyalty-json")
        .option("value.fields-include", "EXCEPT_KEY")
    )
    if until_end:
        descriptor.option("scan.bounded.mode", "latest-offset")
    return descriptor.build()
