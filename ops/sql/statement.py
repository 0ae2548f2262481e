"""Places in the statement of a model, as Flink's parser sees it."""

from __future__ import annotations

from typing import Any

from sql.names import parse, place_of, type_of
from sql.project import SqlFile


def place_of_statement(tables: Any, file: SqlFile) -> tuple[int, int]:
    """Where the SELECT whose columns are the result's begins: line and column."""
    (node,) = parse(tables, file.text)
    select = final_select(node)
    place = place_of(node if select is None else select)
    return place.line, place.column


def items_of_select(tables: Any, file: SqlFile) -> Any:
    """The columns of the result as they are written, Calcite's nodes; None for a UNION and the like."""
    (node,) = parse(tables, file.text)
    select = final_select(node)
    return None if select is None else select.getSelectList()


def places_of_columns(tables: Any, file: SqlFile) -> list[tuple[int, int]]:
    """Where each column of the result stands; the statement's beginning where that cannot be said."""
    items = items_of_select(tables, file)
    if items is None:
        return [place_of_statement(tables, file)]
    return [place_of(items.get(index))[:2] for index in range(items.size())]


def final_select(node: Any) -> Any:
    """The SELECT whose columns are the result's, None for a UNION and the like."""
    kind = type_of(node)
    if kind == "SqlSelect":
        return node
    if kind == "SqlWith":
        return final_select(node.getOperandList().get(1))
    if kind == "SqlOrderBy":
        return final_select(node.getOperandList().get(0))
    return None
