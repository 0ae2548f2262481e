"""Operators in process mode, where PyFlink itself gathers elements before they cross."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pyflink.common import Row
from pyflink.common.typeinfo import RowTypeInfo, TupleTypeInfo, TypeInformation
from pyflink.datastream import KeyedBroadcastProcessFunction, KeyedProcessFunction, OutputTag, RuntimeContext


class _Outputs:
    """What a function sends, as PyFlink takes it. It travels pickled, which types and tags with a Java side do not."""

    def __init__(self, output: TypeInformation, sides: Sequence[OutputTag]) -> None:
        self._shapes = [_shape(output), *(_shape(side.type_info) for side in sides)]
        self._sides = [side.tag_id for side in sides]

    def of(self, sent: Iterable[tuple[int, Any]]) -> Iterator[Any]:
        for edge, value in sent:
            built = _built(self._shapes[edge], value)
            yield (OutputTag(self._sides[edge - 1]), built) if edge else built


class _Shape(NamedTuple):
    """Of a row or a tuple: what it is, and the shape of each field; None is anything else."""

    of: Callable[..., Any]
    fields: list[_Shape | None]


def _shape(kind: TypeInformation) -> _Shape | None:
    if isinstance(kind, (RowTypeInfo, TupleTypeInfo)):
        return _Shape(
            Row if isinstance(kind, RowTypeInfo) else _tuple, [_shape(field) for field in kind.get_field_types()]
        )
    return None


def _tuple(*fields: Any) -> tuple[Any, ...]:
    return fields


def _built(shape: _Shape | None, value: Any) -> Any:
    if shape is None:
        return value
    return shape.of(*(_built(field, part) for field, part in zip(shape.fields, value, strict=True)))


class _OneByOne:
    """What both kinds of PyFlink functions have in common."""

    def __init__(self, function: Any, output: TypeInformation, sides: Sequence[OutputTag]) -> None:
        self._function = function
        self._outputs = _Outputs(output, sides)

    def open(self, runtime_context: RuntimeContext) -> None:
        self._function.open(runtime_context)

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        yield from self._outputs.of(self._function.process_element(value, ctx))

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        yield from self._outputs.of(self._function.on_timer(timestamp, ctx))


class OneByOne(_OneByOne, KeyedProcessFunction):  # type: ignore[misc]
    """A `jobs.batches.operators.Function` as a PyFlink function."""


class OneByOneWithBroadcast(_OneByOne, KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """A `jobs.batches.operators.BroadcastFunction` as a PyFlink function."""

    def process_broadcast_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        yield from self._outputs.of(self._function.process_broadcast_element(value, ctx))
