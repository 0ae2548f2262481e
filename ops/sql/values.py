"""Rows as Flink gives them, as a fixture writes them."""

from __future__ import annotations

import base64
from typing import Any


def fields_of(schema: Any) -> list[tuple[str, Any]]:
    """The columns of a resolved schema, with their DataTypes."""
    columns = [schema.getColumn(at).get() for at in range(schema.getColumnCount())]
    return [(column.getName(), column.getDataType()) for column in columns]


def plain(value: Any, kind: Any) -> Any:
    """A value of Flink's as a fixture writes it. `kind` is its DataType."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(bytes(value)).decode()
    root = kind.getLogicalType().getTypeRoot().toString()
    children = kind.getChildren()
    if root == "TIMESTAMP_WITH_LOCAL_TIME_ZONE":
        return _three_decimals(value.toString().removesuffix("Z")) + "Z"
    if root == "TIMESTAMP_WITHOUT_TIME_ZONE":
        return _three_decimals(value.toString())
    if root == "ARRAY":
        return [plain(each, children.get(0)) for each in value]
    if root == "MAP":
        return {str(plain(key, children.get(0))): plain(value[key], children.get(1)) for key in value}
    if root == "ROW":
        names = kind.getLogicalType().getFieldNames()
        return {name: plain(value.getField(at), children.get(at)) for at, name in enumerate(names)}
    if isinstance(value, float):
        return value
    return value.toString() if hasattr(value, "_target_id") else str(value)


def _three_decimals(text: str) -> str:
    """Java leaves out seconds and fractions that are zero."""
    whole, _, fraction = text.partition(".")
    if whole.count(":") == 1:
        whole += ":00"
    return f"{whole}.{(fraction + '000')[: max(3, len(fraction))]}"
