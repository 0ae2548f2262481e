"""What the source says beside its values: the text under a field, the tables in a module's docstring."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from types import ModuleType
from typing import Any

OUR_PACKAGES = {"loyalty", "jobs"}


def field_texts(structure: type[Any]) -> dict[str, str]:
    """The text that stands under each field of a class, by field; those of the classes it inherits from included."""
    texts: dict[str, str] = {}
    for one in _with_bases(structure):
        texts |= _fields_of(ast.parse(textwrap.dedent(inspect.getsource(one))).body[0])
    return texts


def _with_bases(structure: type[Any]) -> Iterator[type[Any]]:
    """The class behind those of ours that it inherits from. A TypedDict forgets these but in `__orig_bases__`."""
    for base in getattr(structure, "__orig_bases__", structure.__bases__):
        if isinstance(base, type) and base.__module__.split(".")[0] in OUR_PACKAGES:
            yield from _with_bases(base)
    yield structure


def _fields_of(node: ast.stmt) -> dict[str, str]:
    if not isinstance(node, ast.ClassDef):
        return {}
    return {
        field.target.id: below.value.value
        for field, below in pairwise(node.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def field_types(structure: type[Any]) -> dict[str, str]:
    """The types of a class's own fields, as its source writes them."""
    node = ast.parse(textwrap.dedent(inspect.getsource(structure))).body[0]
    if not isinstance(node, ast.ClassDef):
        return {}
    return {
        field.target.id: ast.unparse(field.annotation)
        for field in node.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }


def defined_names(module: ModuleType) -> list[str]:
    """What a module itself gives a value, in the order of its lines: what it imports is not in it."""
    names = []
    for node in ast.parse(inspect.getsource(module)).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names += [target.id for target in targets if isinstance(target, ast.Name)]
    return names


def tables_of(module: ModuleType, column: str) -> Iterator[str]:
    """The Markdown tables of a module's docstring that have this column."""
    for paragraph in (module.__doc__ or "").split("\n\n"):
        lines = [line.strip() for line in paragraph.splitlines() if line.strip().startswith("|")]
        if lines and column in lines[0]:
            yield "\n".join(lines)
