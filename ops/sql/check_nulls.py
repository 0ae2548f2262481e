"""Whether a column of a result may be NULL, from the tree that Flink's planner makes of a query before it plans it.

Flink's types do not say it: a column stays one that may be NULL behind `WHERE … IS NOT NULL`. So the tree is followed
from the result down to the sources. What is not understood counts as one that may be NULL.
"""

from __future__ import annotations

from typing import Any

from sql.names import type_of

_SAME_ROWS = {"LogicalFilter", "LogicalSort", "LogicalSnapshot", "LogicalWatermarkAssigner", "LogicalDistribution"}
_NOT_NULL_IF_ALL_ARE = {
    "CAST", "REINTERPRET", "+", "-", "*", "||", "CONCAT", "DATE_FORMAT", "UPPER", "LOWER", "TRIM", "FLOOR", "CEIL",
    "EXTRACT", "MOD", "ABS", "JSON_ARRAY", "=", "<>", "<", "<=", ">", ">=", "AND", "OR", "NOT", "FIRST", "LAST",
    "FINAL", "RUNNING", "PREV",
}  # fmt: skip
_OF_THE_VALUES = {"MIN", "MAX", "SUM", "FIRST_VALUE", "LAST_VALUE", "LISTAGG", "FIRST", "LAST"}
"""Aggregates that are NULL only where all values are."""
_REJECTS_NULL = {"IS NOT NULL", "=", "<>", "<", "<=", ">", ">=", "LIKE", "SEARCH", "IS TRUE", "SIMILAR TO"}


def may_be_null(query: Any, column: int) -> bool:
    """Whether a column may be NULL in a row of a result. `query` is Calcite's tree; columns count from 0."""
    return not _is_set(query, column)


def tree_of(table: Any) -> Any:
    """Calcite's tree of a Table of PyFlink's that was made from SQL."""
    return table._j_table.getQueryOperation().getCalciteTree()


def _is_set(rows: Any, column: int) -> bool:
    """Whether a column of these rows is never NULL."""
    if not rows.getRowType().getFieldList().get(column).getType().isNullable():
        return True
    kind = type_of(rows)
    if kind == "LogicalFilter" and _rejects(rows.getCondition(), f"${column}"):
        return True
    if kind in _SAME_ROWS:
        return _is_set(rows.getInput(0), column)
    if kind == "LogicalProject":
        return _is_set_value(rows.getInput(0), rows.getProjects().get(column))
    if kind == "LogicalTableFunctionScan":
        inner = rows.getInput(0) if rows.getInputs().size() == 1 else None
        return inner is not None and column < _width(inner) and _is_set(inner, column)
    if kind in ("LogicalJoin", "LogicalCorrelate"):
        return _is_set_in_join(rows, column, kind)
    if kind == "LogicalAggregate":
        return _is_set_in_groups(rows, column)
    if kind == "LogicalMatch":
        return _is_set_in_match(rows, column)
    if kind == "LogicalUnion":
        return all(_is_set(rows.getInput(at), column) for at in range(rows.getInputs().size()))
    return False


def _is_set_in_join(rows: Any, column: int, kind: str) -> bool:
    left, right = rows.getInput(0), rows.getInput(1)
    if (
        kind == "LogicalJoin"
        and rows.getJoinType().toString() == "INNER"
        and _rejects(rows.getCondition(), f"${column}")
    ):
        return True
    from_left = column < _width(left)
    outer = rows.getJoinType()
    if outer.generatesNullsOnLeft() if from_left else outer.generatesNullsOnRight():
        return False
    return _is_set(left, column) if from_left else _is_set(right, column - _width(left))


def _is_set_in_groups(rows: Any, column: int) -> bool:
    keys = rows.getGroupSet().asList()
    if column < keys.size():
        return _is_set(rows.getInput(), keys.get(column))
    call = rows.getAggCallList().get(column - keys.size())
    of_values = call.getAggregation().getName() in _OF_THE_VALUES and call.getArgList().size() > 0
    return keys.size() > 0 and of_values and not call.hasFilter() and _is_set(rows.getInput(), call.getArgList().get(0))


def _is_set_in_match(rows: Any, column: int) -> bool:
    name = rows.getRowType().getFieldNames().get(column)
    measure = rows.getMeasures().get(name)
    if measure is not None:
        return _is_set_value(rows.getInput(), measure)
    inner = rows.getInput().getRowType().getFieldNames()
    return bool(inner.contains(name)) and _is_set(rows.getInput(), inner.indexOf(name))


def _is_set_value(rows: Any, value: Any) -> bool:
    """Whether an expression over these rows is never NULL."""
    if not value.getType().isNullable():
        return True
    kind = type_of(value)
    if kind in ("RexInputRef", "RexPatternFieldRef"):
        return _is_set(rows, value.getIndex())
    if type_of(rows) == "LogicalFilter" and _rejects(rows.getCondition(), value.toString()):
        return True
    if kind not in ("RexCall", "RexOver"):
        return kind == "RexLiteral" and not value.isNull()
    name = value.getOperator().getName()
    operands = [value.getOperands().get(at) for at in range(value.getOperands().size())]
    if kind == "RexOver":
        return name in _OF_THE_VALUES and _is_set_value(rows, operands[0])
    if name == "COALESCE":
        return any(_is_set_value(rows, each) for each in operands)
    if name == "CASE":
        return all(_is_set_value(rows, each) for each in [*operands[1::2], operands[-1]])
    return name in _NOT_NULL_IF_ALL_ARE and all(_is_set_value(rows, each) for each in operands)


def _rejects(condition: Any, digest: str) -> bool:
    """Whether a condition is never true where the value that is written as `digest` is NULL."""
    if type_of(condition) != "RexCall":
        return False
    name = condition.getOperator().getName()
    operands = [condition.getOperands().get(at) for at in range(condition.getOperands().size())]
    if name == "AND":
        return any(_rejects(each, digest) for each in operands)
    if name == "OR":
        return all(_rejects(each, digest) for each in operands)
    return name in _REJECTS_NULL and any(_without_casts(each) == digest for each in operands)


def _without_casts(value: Any) -> str:
    while type_of(value) == "RexCall" and value.getOperator().getName() == "CAST":
        value = value.getOperands().get(0)
    written: str = value.toString()
    return written


def _width(rows: Any) -> int:
    width: int = rows.getRowType().getFieldCount()
    return width
