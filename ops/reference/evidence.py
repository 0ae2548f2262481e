"""`evidence.md`: on which facts each type of decision is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from loyalty.wire import evidence
from loyalty.wire.evidence import EVIDENCE, VERSION
from ops.reference.markdown import page, sentences
from ops.reference.schema import Schema, fields, objects
from ops.reference.source import field_texts

_INTRODUCTION = """The facts that a decision was made on, and the figures that it found, are its `evidence`: enough to
run the rule again with the documents in `rules` and get the same. It holds no name, no birth date and no device in
clear. Beside what stands below, each has a `version` (decisions of before the contract's second edition have none),
and `late` where an event decided: whether it was further behind its partition's latest than the watermark lag."""
_OF_ALL = ("version", "late")


def text() -> str:
    """The page, as Markdown."""
    kinds = [part for kind, shapes in EVIDENCE.items() for part in _kind(kind, shapes)]
    return page(
        "Evidence",
        "`loyalty/wire/evidence.py`",
        [_INTRODUCTION, f"The current version is {VERSION}.", *kinds, *_parts()],
    )


def _kind(kind: str, shapes: tuple[type[Any], ...]) -> Iterator[str]:
    yield f"## {kind}"
    for shape in shapes:
        _, description, schema = next(objects(TypeAdapter(shape).json_schema()))
        if len(shapes) > 1:
            yield f"**{description}**"
        yield _fields(shape, schema)


def _parts() -> Iterator[str]:
    """The objects within evidence, each once."""
    parts = {
        name: (description, schema)
        for shapes in EVIDENCE.values()
        for shape in shapes
        for name, description, schema in objects(TypeAdapter(shape).json_schema())
        if name
    }
    yield "## Objects within them"
    for name, (description, schema) in sorted(parts.items()):
        yield f"### {name}"
        if description:
            yield description
        yield _fields(getattr(evidence, name), schema)


def _fields(shape: type[Any], schema: Schema) -> str:
    """The fields, each with the text that stands under it in the class."""
    texts = field_texts(shape)
    properties = {
        name: {**found, "description": found.get("description") or sentences(texts.get(name))}
        for name, found in schema["properties"].items()
        if name not in _OF_ALL
    }
    return fields({**schema, "properties": properties})
