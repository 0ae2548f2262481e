"""Adding Python operators to a job: they cross from the JVM once for many elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import cloudpickle
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import DataStream, KeyedStream, OutputTag
from pyflink.datastream.state import MapStateDescriptor
from pyflink.java_gateway import get_gateway
from pyflink.util.java_utils import get_j_env_configuration, to_jarray

from jobs.runtime.batch_runner import BatchRunner
from jobs.runtime.java_operators import added, operator_factory, transformed
from jobs.runtime.outputs import Sent
from jobs.runtime.subprocess_runner import SubprocessRunner

KEYED, KEYED_BROADCAST = "KEYED PROCESS", "Keyed-Co-Process-Broadcast"
"""What PyFlink calls such operators, and the job's shape (jobs/runtime/names.py)."""


class Function(Protocol):
    """What an operator does, as PyFlink's KeyedProcessFunction; what it sends is as `jobs.runtime.outputs` says.

    A context is a `jobs.runtime.batch_runner.BatchedContext`, which has the names of PyFlink's own.
    """

    def open(self, runtime_context: Any) -> None: ...

    def process_element(self, value: Any, ctx: Any) -> Sent: ...

    def on_timer(self, timestamp: int, ctx: Any) -> Sent: ...


class BroadcastFunction(Function, Protocol):
    """The same as PyFlink's KeyedBroadcastProcessFunction."""

    def process_broadcast_element(self, value: Any, ctx: Any) -> Sent: ...


class PythonOperator(NamedTuple):
    """A function, and what has to be known about it before it runs."""

    function: Function
    state: str
    """The name of its map state, from STRING to BYTES."""
    output: TypeInformation
    sides: Sequence[OutputTag] = ()
    read_first: Sequence[str] = ()
    """The state entries that it asks for with every element, so that they may come along with it."""
    in_subprocess: bool = False
    """Whether it is to run in a subprocess of the JVM; each instance has one of its own."""


def process(stream: KeyedStream, operator: PythonOperator) -> DataStream:
    """`stream` through an operator that runs once."""
    transformation = transformed(stream, KEYED, _factory(stream, operator, None), operator.output)
    transformation.setStateKeySelector(stream._j_data_stream.getKeySelector())
    transformation.setStateKeyType(stream._j_data_stream.getKeyType())
    return added(stream, transformation)


def process_with_broadcast(
    stream: KeyedStream,
    documents: DataStream,
    state: MapStateDescriptor,
    operator: PythonOperator,
    parallelism: int,
) -> DataStream:
    """`stream` through an operator of which every instance is given all of `documents`."""
    # One alone has the JVM's own interpreter to itself.
    operator = operator._replace(in_subprocess=operator.in_subprocess and parallelism > 1)
    j_stream = stream._j_data_stream
    transformation = get_gateway().jvm.org.apache.flink.streaming.api.transformations.TwoInputTransformation(
        j_stream.getTransformation(),
        documents._j_data_stream.broadcast().getTransformation(),
        KEYED_BROADCAST,
        _factory(stream, operator, state.get_name()),
        operator.output.get_java_type_info(),
        parallelism,
    )
    transformation.setStateKeySelectors(j_stream.getKeySelector(), None)
    transformation.setStateKeyType(j_stream.getKeyType())
    return added(stream, transformation)


def _factory(stream: KeyedStream, operator: PythonOperator, broadcast: str | None) -> Any:
    jvm = get_gateway().jvm
    configuration = get_j_env_configuration(stream._j_data_stream.getExecutionEnvironment())
    configuration.addAll(jvm.org.apache.flink.python.util.PythonConfigUtil.extractPythonConfiguration(configuration))
    sides = to_jarray(jvm.org.apache.flink.util.OutputTag, [tag.get_java_output_tag() for tag in operator.sides])
    runner = BatchRunner(operator.function, operator.read_first)
    references = (
        configuration,
        cloudpickle.dumps(SubprocessRunner(runner) if operator.in_subprocess else runner),
        operator.state,
        broadcast,
        operator.output.get_java_type_info(),
        sides,
    )
    return operator_factory(__package__, "BatchedPython", references)
