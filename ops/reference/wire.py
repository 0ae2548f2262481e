"""`programme.md` and `events.md`: what travels on each topic, field by field, from the models of `loyalty/wire`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

from loyalty.wire import program
from loyalty.wire.schemas import KINDS, schemas
from ops.reference.markdown import page
from ops.reference.schema import Schema, fields, objects

ENVELOPE = ("event_id", "type", "schema_version", "source", "occurred_at")

DOCUMENTS = """What they mean for decisions is the contract's §4; how to change one is in
[Change the programme](../how-to/change-the-programme.md). Rates are basis points (10 000 = 1×), points and amounts
integers, amounts in minor units. A document has `document`, `version`, `effective_from` and `body`; this page is about
`body`."""
EVENTS = """Values are UTF-8 JSON. A time is RFC 3339 in UTC with three decimals; an integer lies within ±(2⁵³ − 1).
Every event begins with `event_id`, `type`, `schema_version` (1), `source` and `occurred_at`, which the tables leave
out. The same as JSON Schema: `catalogue/schemas/`."""


def programme() -> str:
    """The documents of the programme, as Markdown."""
    return page(
        "Documents of the programme",
        "`loyalty/wire/program.py`",
        [
            DOCUMENTS,
            *(part for kind in KINDS[program.TOPIC] for part in _document(kind)),
        ],
    )


def events() -> str:
    """Every other event, decision and dead letter, as Markdown."""
    topics = [topic for topic in KINDS if topic != program.TOPIC]
    return page(
        "Events, decisions and dead letters",
        "`loyalty/wire/`",
        [
            EVENTS,
            *(part for topic in topics for part in _topic(topic)),
        ],
    )


def _document(kind: str) -> Iterator[str]:
    schema = _schema(program.TOPIC, kind)
    yield f"## {kind}"
    for name, description, found in objects(schema):
        if name:  # the outermost object is the envelope around the body
            yield f"### {name}"
            yield from _fields(description, found)


def _topic(topic: str) -> Iterator[str]:
    yield f"## {topic}"
    for kind in KINDS[topic]:
        schema = _schema(topic, kind)
        yield f"### {kind}"
        for name, description, found in objects(schema):
            if name:
                yield f"#### {name}"
            yield from _fields(description, found)


def _fields(description: str, schema: Schema) -> Iterator[str]:
    if description:
        yield description
    shown = {field: found for field, found in schema["properties"].items() if field not in ENVELOPE}
    yield fields({**schema, "properties": shown})


@cache
def _published() -> dict[str, str]:
    return schemas()


def _schema(topic: str, kind: str) -> Schema:
    schema: Schema = json.loads(_published()[f"{topic}/{kind}.json"])
    return schema
