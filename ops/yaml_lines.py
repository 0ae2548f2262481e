"""YAML as people mean it, with the line of everything in it.

Plain words are text: times too, and `no` and `on`, which YAML 1.1 takes for booleans. Integers are decimal and may have
underscores (`10_000`). A key that is named twice, an anchor or an alias is an error: none of them says what it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

Path = tuple[str | int, ...]


class BadYaml(Exception):
    """What is wrong with a YAML file, and in which line (from 1)."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class Content(NamedTuple):
    """One document of a YAML file: plain Python values, and the line (from 1) of each by its path."""

    value: Any
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """Of what is there, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as PyYAML has it

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            raise BadYaml(event.start_mark.line + 1, "anchors and aliases are not used here: write it out")
        return super().compose_node(parent, index)


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", "n~"),
    ("int", r"[-+]?(0|[1-9][0-9_]*)", "-+0123456789"),
    ("float", r"[-+]?[0-9][0-9_]*\.[0-9]*([eE][-+]?[0-9]+)?", "-+0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), [*_first])
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^$"), [""])

_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "map", "seq")}


def read(text: str) -> Iterator[Content]:
    """The documents of a YAML text; empty ones are left out.

    Raises BadYaml.
    """
    try:
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                continue
            lines: dict[Path, int] = {}
            value = _build(loader, node, (), lines)
            if value is not None:
                yield Content(value, lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadYaml(mark.line + 1 if mark else 1, f"this is not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise BadYaml(1, f"this is not YAML: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise BadYaml(1, "this is nested too deep") from None


def _build(loader: _Loader, node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    line = node.start_mark.line + 1
    if path in lines and path:
        line = lines[path]
    lines[path] = line
    if node.tag not in _PLAIN_TAGS:
        raise BadYaml(line, f"the tag {node.tag} is not known here")
    if isinstance(node, yaml.MappingNode):
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            at = key_node.start_mark.line + 1
            key = loader.construct_object(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise BadYaml(at, "a key must be text")
            if key in content:
                raise BadYaml(at, f"the key {key} is named twice")
            inner = (*path, key)
            lines[inner] = at
            content[key] = _build(loader, value_node, inner, lines)
        return content
    if isinstance(node, yaml.SequenceNode):
        return [_build(loader, item, (*path, index), lines) for index, item in enumerate(node.value)]
    return loader.construct_object(node)
