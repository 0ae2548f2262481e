"""`loyalty sql plan`: what a model's job is made of, and whether a changed one goes on from a savepoint.

Flink finds the state of an operator again by the operator's place in the job, and then needs it to be of the same
types. So a job goes on if the operators are the same ones in the same order, and those that keep state keep it of the
same types. What is in the state was made by the old model all the same: where that matters, it is said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from ops.errors import Refusal
from ops.sql.check import create_tables
from ops.sql.explain import problems_of
from ops.sql.problems import Problem
from ops.sql.show import key_of, topic_of
from sql.project import RESULTS, Project, SqlFile
from sql.results import create_views

RESTORES = "restores from a savepoint"
REBUILD = "needs a rebuild by replay"

STATELESS = {
    "calc",
    "python-calc",
    "correlate",
    "python-correlate",
    "exchange",
    "union",
    "values",
    "expand",
    "watermark-assigner",
    "local-window-aggregate",
    "local-group-aggregate",
    "incremental-group-aggregate",
    "mini-batch-assigner",
    "window-table-function",
    "drop-update-before",
    "sink",
}
"""All others are taken to keep state. A sink that puts changes in order (`upsertMaterialize`) does, too."""

Node = dict[str, Any]


@dataclass
class Difference:
    """What changed between two plans."""

    verdict: str
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    old_rule: list[str] = field(default_factory=list)
    """Operators whose state is taken over although they now work by another rule."""
    old_key: list[str] | None = None
    """The key of the rows that the old model has written, where the new one's is another."""


def committed(project: Project, name: str) -> Path:
    return project.root / "plans" / f"{name}.json"


def plan(tables: Any, project: Project, file: SqlFile) -> list[Node]:
    """The operators of a model's job, in Flink's order. Raises Py4JJavaError or TableException."""
    create_views(tables, project, file)
    table = tables.sql_query(file.text)
    compiled = table._j_table.insertInto(f"{RESULTS}.{file.name}").compilePlan()
    nodes = nodes_of(compiled.asJsonString())
    for node in nodes:
        if node["operator"] == "sink":
            node["key"] = key_of(project.sinks[file.name])
    return nodes


def nodes_of(compiled: str) -> list[Node]:
    """The operators of a plan that Flink has compiled, numbered from 1, without what is the same for every model."""
    found = json.loads(compiled)
    numbers = {node["id"]: at for at, node in enumerate(found["nodes"], 1)}
    inputs: dict[int, list[int]] = {}
    for edge in found["edges"]:
        inputs.setdefault(edge["target"], []).append(numbers[edge["source"]])
    nodes = []
    for node in found["nodes"]:
        kept = {
            name: value
            for name, value in node.items()
            if name not in ("id", "type", "description", "configuration", "inputProperties", "state", "outputType")
        }
        operator = re.sub(r"^stream-exec-|_\d+$", "", node["type"])
        keeps = operator not in STATELESS or kept.get("requireUpsertMaterialize", False)
        nodes.append(
            {
                "operator": operator,
                "reads": inputs.get(node["id"], []),
                "does": re.sub(r"\*anonymous_\S+?\*|(?<=\$cor)\d+", "", node.get("description", "")),
                "rows": node.get("outputType"),
                "keeps_state": keeps,
                "by": kept if keeps and operator != "table-source-scan" else {},
            }
        )
    return nodes


def as_text(nodes: list[Node]) -> str:
    """A plan as it is committed: one operator a line."""
    return "[\n" + ",\n".join(json.dumps(node, ensure_ascii=False) for node in nodes) + "\n]\n"


def compare(old: list[Node], new: list[Node]) -> Difference:
    """What it takes to go from one plan to another."""
    same_place = [_place(node) for node in old] == [_place(node) for node in new]
    difference = Difference(RESTORES if same_place else REBUILD)
    old_key, new_key = _key(old), _key(new)
    if old_key and new_key is not None and old_key != new_key:
        difference.verdict, difference.old_key = REBUILD, old_key
    before, after = [_place(node)[0] for node in old], [_place(node)[0] for node in new]
    for kind, from_old, to_old, from_new, to_new in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            for one, other in zip(range(from_old, to_old), range(from_new, to_new), strict=True):
                _compare_nodes(old, new, one, other, difference)
        else:
            difference.removed += [_called(node) for node in old[from_old:to_old]]
            difference.added += [_called(node) for node in new[from_new:to_new]]
    return difference


def _compare_nodes(old: list[Node], new: list[Node], one: int, other: int, difference: Difference) -> None:
    before, after = old[one], new[other]
    if _kept(old, before) != _kept(new, after):
        difference.verdict = REBUILD
        difference.changed.append(f"{_called(before)} -> {after['does']} [its state is of other types]")
    elif before["does"] != after["does"] or before["by"] != after["by"]:
        difference.changed.append(f"{_called(before)} -> {after['does']}")
        if before["keeps_state"]:
            difference.old_rule.append(after["operator"])


def _key(nodes: list[Node]) -> list[str] | None:
    """The columns of the key under which a plan's rows are written; None in a plan of before keys were written down."""
    return next((node["key"] for node in nodes if node["operator"] == "sink" and "key" in node), None)


def _place(node: Node) -> tuple[str, tuple[int, ...]]:
    return node["operator"], tuple(node["reads"])


def _kept(nodes: list[Node], node: Node) -> Any:
    """What the types of an operator's state follow from; nothing where it has none."""
    if not node["keeps_state"]:
        return None
    if node["operator"] == "table-source-scan":
        return node["operator"]  # It keeps its place in the topic, whatever it makes of a record.
    by = node["by"]
    keys = {
        name: by[name] for name in ("grouping", "partition", "partitionSpec", "uniqueKeys", "joinSpec") if name in by
    }
    if "overSpec" in by:
        keys["over"] = [by["overSpec"]["partition"], [group["orderBy"] for group in by["overSpec"]["groups"]]]
    taken_back = by.get("aggCallNeedRetractions", [])
    calls = [(call.get("type"), call.get("distinct"), _keeps(call, any(taken_back))) for call in _calls(by)]
    read = [_types(nodes[number - 1]["rows"]) for number in node["reads"]]
    return node["operator"], json.dumps([keys, calls, read, _types(node["rows"])], sort_keys=True)


def _types(rows: Any) -> Any:
    """The types of rows without the names of columns, which no state has."""
    if isinstance(rows, str):
        return re.sub(r"`[^`]*` ", "", rows)
    if isinstance(rows, dict):
        return {key: _types(value) for key, value in rows.items() if key != "name"}
    return [_types(each) for each in rows] if isinstance(rows, list) else rows


def _calls(by: Node) -> list[Node]:
    found = by.get("aggCalls") or []
    for group in (by.get("overSpec") or {}).get("groups", []):
        found = [*found, *group.get("aggCalls", [])]
    return list(found)


def _keeps(call: Node, taken_back: bool) -> str:
    """What an aggregate keeps: one value of the result's type is alike to Flink; of others, the name says it."""
    name = str(call.get("internalName") or call.get("name") or "")
    return "one value" if name in _ONE_VALUE and not taken_back else name


_ONE_VALUE = {"$SUM$1", "$MAX$1", "$MIN$1"}


def _called(node: Node) -> str:
    does: str = node["does"] or node["operator"]
    return does + (" [keeps state]" if node["keeps_state"] else "")


def planned(tables: Any, project: Project, file: SqlFile) -> tuple[list[Node], list[Problem]]:
    """A model's plan, or what is wrong with it."""
    found = create_tables(tables, project)
    if found:
        return [], found
    try:
        return plan(tables, project, file), []
    except Exception as failure:  # noqa: BLE001 - whatever Flink says
        return [], problems_of(tables, project, file, failure)


def show_plan(tables: Any, project: Project, file: SqlFile, say: Callable[[str], None], *, write: bool) -> None:
    """Says what the model's job is made of, and what is another than in the committed plan; writes that if asked to.

    Raises Refusal when the model is not right.
    """
    nodes, problems = planned(tables, project, file)
    if problems:
        raise Refusal("\n".join(map(str, problems)))
    for number, node in enumerate(nodes, 1):
        reads = f" <- {', '.join(map(str, node['reads']))}" if node["reads"] else ""
        say(f"{number:3}. {_called(node)}{reads}")
    path = committed(project, file.name)
    if path.exists():
        difference = compare(json.loads(path.read_text(encoding="utf-8")), nodes)
        say("")
        for title, lines in (
            ("added", difference.added),
            ("removed", difference.removed),
            ("changed", difference.changed),
        ):
            for line in lines:
                say(f"{title}: {line}")
        if not (difference.added or difference.removed or difference.changed or difference.old_key):
            say(f"Nothing has changed since {path.name} was written.")
        for operator in difference.old_rule:
            say(f"Mind: {operator} would go on with what it has counted by the old rule.")
        say(f"A running job of this model {difference.verdict}.")
        if difference.old_key:
            topic = topic_of(project.sinks[file.name])
            say(
                f"Its key was {', '.join(difference.old_key)}: what was written under that stays in {topic}, and "
                f"nothing replaces it. Give the sink a new topic, or delete {topic}, `loyalty topics apply` it again, "
                "and run the model with --fresh."
            )
    else:
        say(f"\nThere is no committed plan yet ({path.name}); --write makes it.")
    if write:
        path.parent.mkdir(exist_ok=True)
        path.write_text(as_text(nodes), encoding="utf-8")
        say(f"Written to {path.name}; commit it with the model.")
