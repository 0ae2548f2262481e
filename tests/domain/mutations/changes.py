"""What is changed of a module, one place at a time."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}
OTHER = {"min": "max", "max": "min"}
SHOWN = 50
"""How many characters are shown on each side of a change, at most."""


class Change(NamedTuple):
    """One change of a syntax tree: in `holder`, the field (or its entry `at`) becomes `new`."""

    line: int
    around: range | None
    """The lines of the statement, those of its body left out; None where it runs when the module is loaded."""
    within: str
    """The function or class around it; empty at the top of the module."""
    what: str
    """`before` → `after`, with the expression around it; numbered where the same comes again within the same."""
    holder: ast.AST
    field: str
    at: int | None
    new: Any

    def make(self) -> None:
        """Change the tree."""
        _swap(self.holder, self.field, self.at, self.new)


def no_change(tree: ast.Module) -> Change:
    """One that leaves the tree as it is."""
    return Change(0, None, "", "nothing", tree, "body", None, tree.body)


class _Edit(NamedTuple):
    show: Callable[[], str]
    holder: ast.AST
    field: str
    at: int | None
    new: Any


def changes(tree: ast.Module) -> list[Change]:
    """Every change of the module, in the order of its lines. They share the tree: make one of them only."""
    found: list[Change] = []
    said: Counter[tuple[str, str]] = Counter()
    for edit, place in _walk(tree, tree, _Place(0, "", False, None)):
        before = edit.show()
        old = _swap(edit.holder, edit.field, edit.at, edit.new)
        what = _shown(before, edit.show())
        _swap(edit.holder, edit.field, edit.at, old)
        said[place.within, what] += 1
        number = said[place.within, what]
        what += f" ({number})" if number > 1 else ""
        found.append(Change(place.line, place.around, place.within, what, edit.holder, edit.field, edit.at, edit.new))
    return sorted(found, key=lambda change: change.line)


class _Place(NamedTuple):
    line: int
    within: str
    called: bool
    """Inside a function."""
    around: range | None

    def of(self, node: ast.AST) -> _Place:
        """Where `node` is, a part of what is here."""
        line = getattr(node, "lineno", self.line)
        around = self.around
        if isinstance(node, ast.stmt) and self.called:
            inner = [one.lineno for one in ast.walk(node) if isinstance(one, ast.stmt) and one is not node]
            around = range(node.lineno, max(node.lineno + 1, min(inner, default=(node.end_lineno or line) + 1)))
        if around is not None and line not in around:
            around = None
        return self._replace(line=line, around=around)

    def inside(self, node: ast.AST) -> _Place:
        """Where the parts of `node` are."""
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            return self
        within = f"{self.within}.{node.name}" if self.within else node.name
        return self._replace(within=within, called=isinstance(node, ast.FunctionDef), around=None)


def _walk(node: ast.AST, shown: ast.AST, place: _Place) -> Iterator[tuple[_Edit, _Place]]:
    """`shown` is the smallest part that shows what `node` belongs to."""
    if isinstance(node, ast.Assert):
        return  # it never fails
    place = place.of(node)
    for edit in _edits(node, shown):
        yield edit, place
    place = place.inside(node)
    shows = isinstance(node, (ast.expr, ast.keyword, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return))
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "bases"):
            continue
        if field == "keywords" and isinstance(node, ast.ClassDef):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child, node if shows else child, place)


def _edits(node: ast.AST, shown: ast.AST) -> Iterator[_Edit]:
    whole, part = partial(ast.unparse, node), partial(ast.unparse, shown)
    match node:
        case ast.Compare(ops=ops):
            for at, sign in enumerate(ops):
                if type(sign) in COMPARISONS:
                    yield _Edit(whole, node, "ops", at, COMPARISONS[type(sign)]())
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in ARITHMETIC:
            yield _Edit(whole, node, "op", None, ARITHMETIC[type(op)]())
        case ast.BoolOp(op=either):
            yield _Edit(whole, node, "op", None, ast.Or() if isinstance(either, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield _Edit(part, node, "operand", None, _negated(operand))
        case ast.UnaryOp(op=ast.USub()):
            yield _Edit(part, node, "op", None, ast.UAdd())
        case ast.Call(func=ast.Name(id=name) as function) if name in OTHER:
            yield _Edit(whole, function, "id", None, OTHER[name])
        case ast.Constant(value=int(number)) if not isinstance(number, bool) and number in (0, 1):
            yield _Edit(part, node, "value", None, number + 1)
        case ast.keyword(arg=name, value=ast.Constant(value=bool(flag)) as constant) if name != "strict":
            yield _Edit(part, constant, "value", None, not flag)
        case ast.AnnAssign(value=ast.Constant(value=bool(flag)) as constant):
            yield _Edit(whole, constant, "value", None, not flag)
        case ast.arguments():
            for default in (*node.defaults, *node.kw_defaults):
                if isinstance(default, ast.Constant) and isinstance(default.value, bool):
                    yield _Edit(whole, default, "value", None, not default.value)
        case ast.comprehension(ifs=conditions):
            for at, condition in enumerate(conditions):
                if not _has_an_opposite(condition):
                    yield _Edit(lambda: ast.unparse(node).strip(), node, "ifs", at, _negated(condition))
        case ast.If(test=test) | ast.While(test=test) if not _has_an_opposite(test):
            word = type(node).__name__.lower()
            yield _Edit(lambda: f"{word} {ast.unparse(node.test)}", node, "test", None, _negated(test))
        case ast.IfExp(test=test) if not _has_an_opposite(test):
            yield _Edit(whole, node, "test", None, _negated(test))


def _has_an_opposite(condition: ast.expr) -> bool:
    """To negate the condition is a change that is made anyway."""
    match condition:
        case ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Compare(ops=[ast.Eq() | ast.NotEq()]):
            return True
    return False


def _negated(condition: ast.expr) -> ast.expr:
    return ast.copy_location(ast.UnaryOp(ast.Not(), condition), condition)


def _swap(holder: ast.AST, field: str, index: int | None, new: Any) -> Any:
    """Put `new` there; returns what was there."""
    if index is None:
        old = getattr(holder, field)
        setattr(holder, field, new)
    else:
        entries = getattr(holder, field)
        old, entries[index] = entries[index], new
    return old


def _shown(before: str, after: str) -> str:
    """Both in one line, without the far ends that they have in common."""
    before, after = " ".join(before.split()), " ".join(after.split())
    start = max(0, _common(before, after) - SHOWN)
    end = max(0, _common(before[::-1], after[::-1]) - SHOWN)
    cut = [("…" if start else "") + text[start : len(text) - end] + ("…" if end else "") for text in (before, after)]
    return f"`{cut[0]}` → `{cut[1]}`"


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)
