"""A running balance in PyFlink as its documentation has it. `bench/peers/__init__.py` says what it does.

Process mode, the default: Python beside the JVM, elements and state over a socket between them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from pyflink.common import SimpleStringSchema, Types, WatermarkStrategy
from pyflink.datastream import KeyedProcessFunction, RuntimeContext, StreamExecutionEnvironment
from pyflink.datastream.connectors.kafka import (
    KafkaOffsetsInitializer,
    KafkaRecordSerializationSchema,
    KafkaSink,
    KafkaSource,
)
from pyflink.datastream.state import ValueStateDescriptor

from ops.java.artifacts import flink_connector_jar


class Decide(KeyedProcessFunction):  # type: ignore[misc]
    def open(self, runtime_context: RuntimeContext) -> None:
        self.balance = runtime_context.get_state(ValueStateDescriptor("balance", Types.LONG()))
        self.sequence = runtime_context.get_state(ValueStateDescriptor("sequence", Types.LONG()))

    def process_element(self, value: dict[str, Any], ctx: Any) -> Iterator[str]:
        balance = (self.balance.value() or 0) + sum(line["amount"] // 10 for line in value["lines"])
        sequence = (self.sequence.value() or 0) + 1
        self.balance.update(balance)
        self.sequence.update(sequence)
        yield json.dumps({"account": value["account_id"], "balance": balance, "sequence": sequence})


def main(bootstrap: str, topic: str) -> None:
    environment = StreamExecutionEnvironment.get_execution_environment()
    environment.set_parallelism(1)
    environment.enable_checkpointing(10_000)
    environment.add_jars(flink_connector_jar().as_uri())
    environment.set_python_executable(sys.executable)
    purchases = (
        KafkaSource.builder()
        .set_bootstrap_servers(bootstrap)
        .set_topics("loyalty.transactions")
        .set_group_id("textbook")
        .set_starting_offsets(KafkaOffsetsInitializer.earliest())
        .set_value_only_deserializer(SimpleStringSchema())
        .build()
    )
    balances = (
        KafkaSink.builder()
        .set_bootstrap_servers(bootstrap)
        .set_record_serializer(
            KafkaRecordSerializationSchema.builder()
            .set_topic(topic)
            .set_value_serialization_schema(SimpleStringSchema())
            .build()
        )
        .build()
    )
    (
        environment.from_source(purchases, WatermarkStrategy.no_watermarks(), "purchases")
        .map(json.loads)
        .key_by(lambda purchase: purchase["account_id"], key_type=Types.STRING())
        .process(Decide(), output_type=Types.STRING())
        .sink_to(balances)
    )
    environment.execute("textbook")


if __name__ == "__main__":
    main(*sys.argv[1:])
