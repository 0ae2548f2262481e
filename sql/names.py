"""Which tables a statement reads, found by Flink's own parser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from py4j.java_gateway import get_field
from pyflink.table import TableEnvironment

from sql.project import Project, SqlFile


class Place(NamedTuple):
    """Where something stands in a text: lines and columns from 1, both ends included."""

    line: int
    column: int
    end_line: int
    end_column: int


class Read(NamedTuple):
    """A table that is named in FROM: its parts as written, and where."""

    parts: tuple[str, ...]
    place: Place

    @property
    def name(self) -> str:
        return ".".join(self.parts)


def parse(tables: TableEnvironment, text: str) -> list[Any]:
    """The statements of a text, as Calcite's nodes. It is Flink's own splitter: `;` in texts and comments are none.

    Raises Py4JJavaError, which says where, when the text cannot be parsed.
    """
    nodes = tables._j_tenv.getPlanner().createFlinkPlanner().parser().parseSqlList(text)
    return [nodes.get(at) for at in range(nodes.size())]


def place_of(node: Any) -> Place:
    found = node.getParserPosition()
    return Place(found.getLineNum(), found.getColumnNum(), found.getEndLineNum(), found.getEndColumnNum())


def reads(node: Any) -> list[Read]:
    """The tables that a query reads, in the order in which they stand; names of its own WITH are none."""
    return list(_reads(node, frozenset(), as_table=True))


def _reads(node: Any, known: frozenset[str], *, as_table: bool) -> Iterator[Read]:
    """`as_table`: an identifier here names a table, not a column."""
    if node is None:
        return
    kind = type_of(node)
    if kind == "SqlIdentifier":
        parts = tuple(get_field(node, "names"))
        if as_table and not (len(parts) == 1 and parts[0] in known):
            yield Read(parts, place_of(node))
    elif kind == "SqlNodeList":
        for at in range(node.size()):
            yield from _reads(node.get(at), known, as_table=False)
    elif kind == "SqlWith":
        items = get_field(node, "withList")
        for at in range(items.size()):
            item = items.get(at)
            yield from _reads(get_field(item, "query"), known, as_table=True)
            known |= {get_field(item, "name").getSimple()}
        yield from _reads(get_field(node, "body"), known, as_table=True)
    elif kind == "SqlSelect":
        yield from _reads(node.getFrom(), known, as_table=True)
        for at, operand in enumerate(_operands(node)):
            if at != _FROM:
                yield from _reads(operand, known, as_table=False)
    elif kind == "SqlJoin":
        yield from _reads(node.getLeft(), known, as_table=True)
        yield from _reads(node.getRight(), known, as_table=True)
        yield from _reads(node.getCondition(), known, as_table=False)
    elif has_operands(node):
        operator = node.getKind().toString()
        operands = _operands(node)
        for at, operand in enumerate(operands):
            inner = operator in _SETS or (at == 0 and operator in _AROUND_A_TABLE and (as_table or operator != "AS"))
            yield from _reads(operand, known, as_table=inner)


_FROM = 2
_SETS = {"UNION", "INTERSECT", "EXCEPT", "ORDER_BY"}
_AROUND_A_TABLE = {
    "AS",
    "EXPLICIT_TABLE",
    "SNAPSHOT",
    "MATCH_RECOGNIZE",
    "TABLE_REF",
    "LATERAL",
    "TABLESAMPLE",
    "EXTEND",
}


def type_of(node: Any) -> str:
    name: str = node.getClass().getSimpleName()
    return name


def has_operands(node: Any) -> bool:
    return type_of(node) not in _LEAVES


_LEAVES = {
    "SqlDynamicParam",
    "SqlDataTypeSpec",
    "SqlIntervalQualifier",
    "SqlCharStringLiteral",
    "SqlNumericLiteral",
    "SqlIntervalLiteral",
    "SqlLiteral",
    "SqlDateLiteral",
    "SqlTimeLiteral",
    "SqlTimestampLiteral",
    "SqlBinaryStringLiteral",
    "SqlUnknownLiteral",
    "SqlTableRef",
}


def _operands(node: Any) -> list[Any]:
    found = node.getOperandList()
    return [found.get(at) for at in range(found.size())]


def depends_on(tables: TableEnvironment, project: Project, file: SqlFile) -> list[str]:
    """The models that a model or an audit reads, itself or through others, each after those that it reads."""
    found: list[str] = []
    _follow(tables, project, file, (), found)
    return found


def _follow(
    tables: TableEnvironment, project: Project, file: SqlFile, above: tuple[str, ...], found: list[str]
) -> None:
    (node,) = parse(tables, file.text)
    for each in reads(node):
        if each.name in above:
            raise CircularModels([*above[above.index(each.name) :], each.name])
        if project.is_view(each.name) and each.name not in found:
            _follow(tables, project, project.models[each.name], (*above, each.name), found)
            found.append(each.name)


def tables_of(tables: TableEnvironment, project: Project, file: SqlFile) -> list[str]:
    """The tables that are no models, which a model or an audit reads, itself or through models; in order of names."""
    files = [project.models[name] for name in depends_on(tables, project, file)]
    found = {each.name for one in [*files, file] for node in parse(tables, one.text) for each in reads(node)}
    return sorted(name for name in found if not project.is_view(name))


class CircularModels(Exception):
    """Models that read each other in a circle."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(" reads ".join(names))
        self.names = names
