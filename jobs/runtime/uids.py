"""Giving every operator its uid and its name, those that the SQL planner made included."""

from __future__ import annotations

from typing import Any

from pyflink.datastream import StreamExecutionEnvironment

from jobs.runtime.names import JobNames

_NO_OPERATOR = {"PartitionTransformation", "SideOutputTransformation", "UnionTransformation"}
"""These only say how elements travel."""


class UnknownShape(Exception):
    """The job is not made of the operators that have names. Whoever changed it decides which state goes where."""


def name_operators(environment: StreamExecutionEnvironment, names: JobNames) -> None:
    """Names every operator of the job in `environment`, by its place in the shape that it has to have.

    Raises UnknownShape when the job has another one: a release of Flink, or an edit, made the planner do otherwise.
    """
    operators = [found for found in _transformations(environment) if _class(found) not in _NO_OPERATOR]
    made = [_made_as(operator) for operator in operators]
    if made != [expected for expected, _ in names.shape]:
        raise UnknownShape(
            f"The job's operators are {made}; jobs/runtime/names.py names {[e for e, _ in names.shape]}."
        )
    for operator, (_, uid) in zip(operators, names.shape, strict=True):
        operator.setUid(uid)
        operator.setName(uid)
        operator.setDescription(names.operators[uid])


def _transformations(environment: StreamExecutionEnvironment) -> list[Any]:
    """Flink's description of the job, each part behind its inputs."""
    found: dict[int, Any] = {}

    def visit(part: Any) -> None:
        if part.getId() not in found:
            for source in part.getInputs():
                visit(source)
            found[part.getId()] = part

    for part in environment._j_stream_execution_environment.getTransformations():
        visit(part)
    return list(found.values())


def _class(part: Any) -> str:
    name: str = part.getClass().getSimpleName()
    return name


def _made_as(part: Any) -> str:
    """The name under which PyFlink or the planner made it, without the planner's running number."""
    name: str = part.getName()
    return name.partition("[")[0].partition("$")[0]
