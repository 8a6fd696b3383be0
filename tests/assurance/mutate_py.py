"""Mutants of Python source, from its syntax tree: operators, comparisons, constants, conditions, statements.

Never made, because they cannot change what a program does: annotations, docstrings, decorators' options.
"""

from __future__ import annotations

import ast
import copy
from typing import Final

from tests.assurance.mutant import Mutant, named

COMPARE: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
BINARY: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
CALLS: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}


def mutants_of_python(path: str, source: str) -> list[Mutant]:
    """Every mutant of one Python file."""
    lines = [0]
    for line in source.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    changes: list[tuple[int, int, str]] = []
    for node in _mutable(ast.parse(source)):
        start = lines[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        end = lines[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
        changes += [(start, end, text) for text in _variants(node)]
    return named(path, source, changes)


def _mutable(tree: ast.AST) -> list[ast.AST]:
    """Nodes that do something: no annotations, no docstrings, no decorators, no imports."""
    found: list[ast.AST] = []
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns", "decorator_list", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.Import | ast.ImportFrom | ast.JoinedStr):
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            if isinstance(child, ast.stmt | ast.expr):
                found.append(child)
            found += _mutable(child)
    return found


def _variants(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Compare):
        return _compares(node)
    if isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return [_changed(node, op=other)]
    if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
        return [_changed(node, op=BINARY[type(node.op)]())]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        return [f"({ast.unparse(node.operand)})"]
    if isinstance(node, ast.Constant):
        return _near(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
        return [_changed(node, func=ast.Name(CALLS[node.func.id]))]
    if isinstance(node, ast.IfExp):
        return [_changed(node, body=node.orelse, orelse=node.body)]
    if isinstance(node, ast.AugAssign) and type(node.op) in BINARY:
        return ["pass", _changed(node, op=BINARY[type(node.op)]())]
    return _statements(node)


def _compares(node: ast.Compare) -> list[str]:
    texts = []
    for index, op in enumerate(node.ops):
        for other in COMPARE[type(op)]:
            ops = [*node.ops[:index], other(), *node.ops[index + 1 :]]
            texts.append(_changed(node, ops=ops))
    return texts


def _statements(node: ast.AST) -> list[str]:
    """Statements left out; `if` with its condition turned round is the comparison's or the `not`'s mutant already."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return ["pass"]
    if isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name):
        return ["pass"]
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call | ast.Constant):
        return []
    return []


def _near(value: object) -> list[str]:
    """Constants beside this one; 0 and 1 stand for each other."""
    if isinstance(value, bool):
        return [repr(not value)]
    if isinstance(value, int | float):
        near = [1 - value] if value in (0, 1) else [value - 1, value + 1]
        return [f"({number!r})" if number < 0 else repr(number) for number in near]
    return []


def _changed(node: ast.expr | ast.stmt, **fields: object) -> str:
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    text = ast.unparse(ast.fix_missing_locations(other))
    return text if isinstance(node, ast.stmt) else f"({text})"
