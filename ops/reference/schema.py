"""What a JSON Schema says of an object, as a table of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ops.reference.markdown import code, sentences, table

Schema = dict[str, Any]

LARGEST = 9_007_199_254_740_991
"""2⁵³ − 1: every integer lies within it, so a bound of this size says nothing about a field (contract §1)."""
TIME = "^[0-9]{4}-"
"""How the pattern of a time begins."""


def objects(schema: Schema) -> Iterator[tuple[str, str, Schema]]:
    """The objects that a schema speaks of: name ("" for the outermost), description, and the object's own schema.

    An object comes before those that it holds.
    """
    yield "", sentences(schema.get("description")), schema
    shown: list[str] = []
    waiting = _references(schema.get("properties", {}))
    while waiting:
        name = waiting.pop(0)
        found = schema["$defs"][name]
        if name not in shown and "properties" in found:
            shown.append(name)
            waiting += _references(found)
            yield name, sentences(found.get("description")), found


def _references(part: Any) -> list[str]:
    """The names of definitions that a part of a schema refers to."""
    if isinstance(part, dict):
        here = [part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else []
        return here + [name for one in part.values() for name in _references(one)]
    return [name for one in part for name in _references(one)] if isinstance(part, list) else []


def fields(schema: Schema) -> str:
    """The fields of one object, in the order of its model."""
    required = schema.get("required", [])
    return table(
        ["Field", "Type", ""],
        [
            [code(name), _type(found) + ("" if name in required else ", optional"), sentences(found.get("description"))]
            for name, found in schema["properties"].items()
        ],
    )


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return _name(schema["$ref"].rsplit("/", 1)[1])
    if "const" in schema:
        return code(_plain(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(_plain(one)) for one in schema["enum"])
    if "anyOf" in schema or "oneOf" in schema:
        return " or ".join(dict.fromkeys(_type(one) for one in schema.get("anyOf") or schema["oneOf"]))
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}{_length(schema, 'Items')}"
    if kind == "object":
        values = schema.get("additionalProperties") or next(iter(schema.get("patternProperties", {}).values()), None)
        return f"object, name → {_type(values)}" if isinstance(values, dict) else "object"
    if kind == "integer":
        return "integer" + _bounds(schema)
    if kind == "string":
        if schema.get("pattern", "").startswith(TIME):
            return "time"
        return "text" + _length(schema, "Length")
    return str(kind)


def _name(definition: str) -> str:
    return f"[{definition}](#{definition.lower()})"


def _bounds(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    said = [f"≥ {least}"] if least is not None and abs(least) != LARGEST else []
    said += [f"≤ {most}"] if most is not None and abs(most) != LARGEST else []
    return f" {', '.join(said)}" if said else ""


def _length(schema: Schema, what: str) -> str:
    most = schema.get(f"max{what}")
    return "" if most is None else f" (at most {most})"


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
