"""Where the job meets Kafka: the input topics as one table of records, tables for decisions and dead letters.

Keys and values stay bytes in both directions: what arrives may be anything.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyflink.common import Types
from pyflink.table import DataTypes, Schema, StreamTableEnvironment, TableDescriptor

from jobs.config import Delivery, JobConfig
from jobs.profiles import KNOBS
from jobs.topics import DEAD_LETTERS, DECISIONS

RECORDS = "records"
WANTED = "wanted"
DECIDED = "decided"
REFUSED = "refused"
DECISIONS_TABLE = "decisions"
DEAD_LETTERS_TABLE = "dead_letters"
REFUSED_TABLE = "refused_dead_letters"

MAX_REQUEST_BYTES = 8 * 1024 * 1024
"""A dead letter carries the record it is about in base64, a third longer."""

FETCH_BYTES = 128 * 1024
"""How much is fetched of one partition before it is the next one's turn. With Kafka's 1 MiB, compressed, a job that
catches up decides ten thousand events of a partition and then as many of another; meanwhile the watermark stands still,
and then everything that fell due is done at once."""

WANTED_RECORDS = "SELECT topic, `partition`, `offset`, received, key, `value` FROM wanted"

EVERY_RECORD = "SELECT * FROM records"

# Of the decisions, which the job itself writes, only offers that were made cross to Python; and now and then another
# record, so that the job knows about how far they have been read (`StartBarrier`).
NO_DECISIONS_BUT_OFFERS = """
SELECT * FROM records
WHERE topic <> 'loyalty.decisions'
   OR (DECODE(`value`, 'ISO-8859-1') LIKE '%offer.decided%' AND DECODE(`value`, 'ISO-8859-1') LIKE '%"made"%')
   OR MOD(`offset`, 1000) = 0
"""

TO_DECISIONS, TO_DEAD_LETTERS = 0, 1
"""Where a row of `decided` goes, by its field `destination`."""
_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
DECIDED_ROW = Types.ROW_NAMED(["destination", "key", "value"], [Types.INT(), _BYTES, _BYTES])

WRITE_DECISIONS = "INSERT INTO decisions SELECT key, `value` FROM decided WHERE destination = 0"
WRITE_DEAD_LETTERS = "INSERT INTO dead_letters SELECT key, `value` FROM decided WHERE destination = 1"
WRITE_REFUSED = "INSERT INTO refused_dead_letters SELECT key, `value` FROM refused"


def create_tables(
    tables: StreamTableEnvironment,
    config: JobConfig,
    topics: Sequence[str],
    *,
    wanted: str = EVERY_RECORD,
    committed_only: bool = True,
) -> None:
    """The tables that the statements above name, all but `decided` and `refused`.

    `wanted` says which records of `topics` cross to Python.
    """
    tables.create_temporary_table(RECORDS, _source(config, topics, committed_only))
    tables.create_temporary_view(WANTED, tables.sql_query(wanted))
    tables.create_temporary_table(DECISIONS_TABLE, _sink(config, DECISIONS, "decisions"))
    tables.create_temporary_table(DEAD_LETTERS_TABLE, _sink(config, DEAD_LETTERS, "dead-letters"))
    tables.create_temporary_table(REFUSED_TABLE, _sink(config, DEAD_LETTERS, "refused"))


def _source(config: JobConfig, topics: Sequence[str], committed_only: bool) -> TableDescriptor:
    schema = (
        Schema.new_builder()
        .column("key", DataTypes.BYTES())
        .column("value", DataTypes.BYTES())
        .column_by_metadata("topic", DataTypes.STRING(), is_virtual=True)
        .column_by_metadata("partition", DataTypes.INT(), is_virtual=True)
        .column_by_metadata("offset", DataTypes.BIGINT(), is_virtual=True)
        .column_by_metadata("received", DataTypes.TIMESTAMP_LTZ(3), "timestamp", is_virtual=True)
        .build()
    )
    return (
        _kafka(config, schema)
        .option("topic", ";".join(topics))
        .option("properties.group.id", config.group)
        .option("properties.isolation.level", "read_committed" if committed_only else "read_uncommitted")
        .option("properties.max.partition.fetch.bytes", str(FETCH_BYTES))
        # The first time only: afterwards the source goes on from where its state says.
        .option("scan.startup.mode", "earliest-offset")
        .build()
    )


def _sink(config: JobConfig, topic: str, sink: str) -> TableDescriptor:
    schema = Schema.new_builder().column("key", DataTypes.BYTES()).column("value", DataTypes.BYTES()).build()
    knobs = KNOBS[config.profile]
    descriptor = (
        _kafka(config, schema)
        .option("topic", topic)
        .option("sink.delivery-guarantee", config.delivery.value)
        .option("properties.max.request.size", str(MAX_REQUEST_BYTES))
        .option("properties.linger.ms", str(knobs.linger_ms))
        .option("properties.batch.size", str(knobs.batch_bytes))
        .option("properties.compression.type", knobs.compression)
    )
    if config.delivery is Delivery.EXACTLY_ONCE:
        # Two sinks with one prefix would abort each other's transactions.
        descriptor.option("sink.transactional-id-prefix", f"{config.group}-{sink}")
        descriptor.option("properties.transaction.timeout.ms", str(config.transaction_timeout_ms))
    return descriptor.build()


def _kafka(config: JobConfig, schema: Schema) -> TableDescriptor.Builder:
    return (
        TableDescriptor.for_connector("kafka")
        .schema(schema)
        .option("properties.bootstrap.servers", config.bootstrap)
        .option("key.format", "raw")
        .option("key.fields", "key")
        .option("value.format", "raw")
        .option("value.fields-include", "EXCEPT_KEY")
    )
