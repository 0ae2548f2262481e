"""The tables of `sql/sinks/`, which say how models are written, and the models as views."""

from __future__ import annotations

from collections.abc import Collection

from pyflink.table import Schema, TableDescriptor, TableEnvironment

from sql.names import depends_on
from sql.project import RESULTS, Project, SqlFile

UPSERT, APPEND = "upsert_topic", "append_topic"


def create_results(
    tables: TableEnvironment,
    project: Project,
    bootstrap: str,
    *,
    until_end: bool = False,
    only: Collection[str] | None = None,
) -> list[str]:
    """Creates the table `results.<model>` of every file in `sinks/`, or `only` of some; gives the models' names.

    A table can be written, and be read: what the topic holds (with `until_end`, up to its present end).

    Args:
        tables: the environment to create them in, as temporary tables.
        project: whose sinks.
        bootstrap: `host:port` of the cluster. Nothing connects to it until a table is used.
        until_end: reading a table ends at what its topic holds when the query starts.
        only: the models whose tables to create.

    Raises Py4JJavaError or TableException when Flink does not accept a file.
    """
    if UPSERT not in tables.list_temporary_tables():
        create_parents(tables, bootstrap, until_end=until_end)
    sinks = [sink for name, sink in project.sinks.items() if only is None or name in only]
    for sink in sinks:
        tables.execute_sql(sink.text)
    return [sink.name for sink in sinks]


def create_parents(tables: TableEnvironment, bootstrap: str, *, until_end: bool = False) -> None:
    """The two tables that a sink is `LIKE`, and the database of the sinks."""
    tables.execute_sql(f"CREATE DATABASE IF NOT EXISTS {RESULTS}")
    for name, connector in ((UPSERT, "upsert-kafka"), (APPEND, "kafka")):
        descriptor = (
            TableDescriptor.for_connector(connector)
            .schema(Schema.new_builder().build())
            .option("properties.bootstrap.servers", bootstrap)
            .option("properties.group.id", "loyalty-sql")
            .option("properties.isolation.level", "read_committed")
        )
        if name == UPSERT:
            descriptor.option("key.format", "json").option("value.format", "json")
            descriptor.option("value.json.timestamp-format.standard", "ISO-8601")
        else:
            descriptor.option("format", "json").option("json.timestamp-format.standard", "ISO-8601")
            descriptor.option("scan.startup.mode", "earliest-offset")
        if until_end:
            descriptor.option("scan.bounded.mode", "latest-offset")
        tables.create_temporary_table(name, descriptor.build())


def create_views(tables: TableEnvironment, project: Project, file: SqlFile) -> list[str]:
    """Makes the models that a model or an audit reads known under their names; gives their names."""
    created = []
    for name in depends_on(tables, project, file):
        if name not in tables.list_temporary_views():
            tables.create_temporary_view(name, tables.sql_query(project.models[name].text))
        created.append(name)
    return created
