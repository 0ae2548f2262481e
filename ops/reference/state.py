"""`state.md`: what a savepoint holds: names, entries, their versions and their content."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

import msgspec

import loyalty
from jobs.runtime import names
from loyalty.state.codec import EntryCodec, Payload
from loyalty.state.written_list import ListCodec
from ops.reference.markdown import code, page, sentences, table
from ops.reference.source import defined_names, field_texts, field_types, tables_of

INTRODUCTION = """Keyed state is one map from entry names to bytes for each operator. An entry is one byte of version
and its content in msgpack; a structure is written as a list of its fields, in their order. A number wider than 64 bits
makes the entry JSON, which the top bit of the first byte says. Older versions are brought up to date when they are
read; a newer one is refused. How to change one: [Change what is kept in state](../how-to/change-state.md)."""


class Kind(NamedTuple):
    """A kind of entry, or of what travels between two operators."""

    module: ModuleType
    name: str
    codec: EntryCodec[Any]
    travels: bool

    @property
    def shape(self) -> str:
        shape = self.codec.shape
        return shape.__name__ if isinstance(shape, type) and not hasattr(shape, "__args__") else _type(shape)


def text() -> str:
    """The page, as Markdown."""
    kinds = list(_kinds())
    modules = dict.fromkeys(kind.module for kind in kinds)
    return page(
        "State",
        "`loyalty/` (every `EntryCodec` in it) and `jobs/runtime/names.py`",
        [
            INTRODUCTION,
            "## Names in a savepoint",
            "None of them ever changes: state is found again by them.",
            *_names(),
            "## Entries",
            *(part for module in modules for part in _entries(module)),
            "## Versions",
            _versions([kind for kind in kinds if not kind.travels]),
            "## Between two operators",
            "In the same form, with a byte in front that says what it is. They lie in state while they wait.",
            _versions([kind for kind in kinds if kind.travels]),
            "## Content",
            *(part for structure in _structures(kinds) for part in _structure(structure)),
        ],
    )


def _names() -> Iterator[str]:
    for job in (names.DECISIONS_NAMES, names.OFFERS_NAMES):
        yield f"**`{job.job}`**"
        yield table(["Operator (uid)", "What it does"], [[code(uid), words] for uid, words in job.operators.items()])
    states = [names.INTAKE_ENTRIES, names.ACCOUNT_ENTRIES, names.OFFER_ENTRIES, names.PROGRAMME]
    yield (
        f"What Python keeps is under {', '.join(code(name) for name in states)}. "
        f"There are {names.MAX_PARALLELISM} key groups."
    )


def _entries(module: ModuleType) -> Iterator[str]:
    tables = list(tables_of(module, "Kept until"))
    if tables:
        yield f"{code(_file(module))}: {sentences(module.__doc__)}"
        yield from tables


def _file(module: ModuleType) -> str:
    return module.__name__.replace(".", "/") + ".py"


def _kinds() -> Iterator[Kind]:
    """Every kind that a module of `loyalty` defines, in the order of modules and of their lines."""
    for found in sorted(pkgutil.walk_packages(loyalty.__path__, "loyalty."), key=lambda one: one.name):
        module = import_module(found.name)
        # By what they are called: a list's head that has a codec of its own takes the place of the list's.
        kinds: dict[str, Kind] = {}
        for name in defined_names(module):
            value = getattr(module, name, None)
            for part, codec in _codecs(value):
                said = f"{name.strip('_')}{part}".lower().replace("_", " ")
                kinds[said] = Kind(module, said, codec, isinstance(value, Payload))
        yield from kinds.values()


def _codecs(value: Any) -> list[tuple[str, EntryCodec[Any]]]:
    """The codecs in a module's value, and what each adds to its name."""
    match value:
        case EntryCodec():
            return [("", value)]
        case Payload():
            return [("", value.codec)]
        case ListCodec():
            return [(" head", value.head), (" chunk", value.chunk)]
    return []


def _versions(kinds: list[Kind]) -> str:
    return table(
        ["Kind", "Content", "Version", "Reads", "In"],
        [
            [
                code(kind.name),
                code(kind.shape),
                str(kind.codec.version),
                _reads(kind.codec),
                code(_file(kind.module)),
            ]
            for kind in kinds
        ],
    )


def _reads(codec: EntryCodec[Any]) -> str:
    oldest = min(codec.upcasters, default=codec.version)
    return str(codec.version) if oldest == codec.version else f"{oldest} to {codec.version}"


def _structures(kinds: list[Kind]) -> list[type[msgspec.Struct]]:
    """The structures that entries are made of, each once, a structure before those that it holds."""
    found: dict[type[msgspec.Struct], None] = {}

    def visit(shape: Any) -> None:
        if isinstance(shape, type) and issubclass(shape, msgspec.Struct) and shape not in found:
            if shape.__module__.startswith("loyalty."):
                found[shape] = None
            for field in msgspec.structs.fields(shape):
                visit(field.type)
        for inner in getattr(shape, "__args__", ()):
            visit(inner)

    for kind in kinds:
        visit(kind.codec.shape)
    return list(found)


def _structure(structure: type[msgspec.Struct]) -> Iterator[str]:
    texts, types = field_texts(structure), field_types(structure)
    yield f"### {structure.__name__.strip('_')}"
    # A structure without a docstring of its own has msgspec's, which says nothing.
    own = structure.__dict__.get("__doc__")
    if own and not own.startswith(structure.__name__ + "("):
        yield sentences(own)
    yield table(
        ["", "Field", "Type", ""],
        [
            [
                str(at),
                code(field.name),
                code(types.get(field.name, _type(field.type))),
                sentences(texts.get(field.name)),
            ]
            for at, field in enumerate(msgspec.structs.fields(structure))
        ],
    )


def _type(shape: Any) -> str:
    """A type as Python writes it, without the modules' names."""
    arguments = getattr(shape, "__args__", ())
    name = getattr(shape, "__name__", None) or str(shape)
    return f"{name}[{', '.join(_type(one) for one in arguments)}]" if arguments else str(name)
