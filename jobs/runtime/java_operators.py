"""Operators in Java that travel as their source: Flink compiles them where the job runs, as it does what SQL is made
into, so there is no jar and nothing to build."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Any

from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import DataStream
from pyflink.java_gateway import get_gateway


def operator_factory(package: str, name: str, references: Sequence[Any] = ()) -> Any:
    """Makes the operator `name` of `name.java` in `package`, which is given `references`.

    The compiler is Janino, which knows no lambdas and no type arguments.
    """
    gateway = get_gateway()
    jvm = gateway.jvm
    given = gateway.new_array(jvm.java.lang.Object, len(references))
    for place, reference in enumerate(references):
        given[place] = reference
    source = resources.files(package).joinpath(f"{name}.java").read_text(encoding="utf-8")
    runtime = jvm.org.apache.flink.table.runtime
    configuration = jvm.org.apache.flink.configuration.Configuration()
    return runtime.operators.CodeGenOperatorFactory(
        runtime.generated.GeneratedOperator(name, source, given, configuration)
    )


def transformed(stream: DataStream, name: str, factory: Any, output: TypeInformation) -> Any:
    """Flink's description of `stream` through such an operator; `added` makes it part of the job."""
    return get_gateway().jvm.org.apache.flink.streaming.api.transformations.OneInputTransformation(
        stream._j_data_stream.getTransformation(), name, factory, output.get_java_type_info(), 1
    )


def added(stream: DataStream, transformation: Any) -> DataStream:
    """What comes out of `transformation`, which is now part of the job of `stream`."""
    environment = stream._j_data_stream.getExecutionEnvironment()
    environment.addOperator(transformation)
    utilities = get_gateway().jvm.org.apache.flink.python.util.PythonConfigUtil
    return DataStream(utilities.createSingleOutputStreamOperator(environment, transformation))
