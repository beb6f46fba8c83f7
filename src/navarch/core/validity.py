"""The validity range of an equation: comparisons and arithmetic over its inputs, checked at every recorded call."""

from __future__ import annotations

import ast
import functools
import itertools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np


class UnprintableError(TypeError):
    """An equation's body holds something that has no printed form: it is more than one equation."""


_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}  # fmt: skip
_RELATION: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip


def compile_condition(text: str, names: Sequence[str]) -> Callable[..., Any]:
    """A validity range as a function of the equation's inputs; only comparisons and arithmetic are let in."""
    body = ast.parse(text, mode="eval").body
    for node in ast.walk(body):
        if isinstance(node, ast.Name) and node.id not in names:
            raise UnprintableError(f"validity {text!r}: {node.id!r} is not an input")
    return lambda *values: _holds(body, dict(zip(names, values, strict=False)))


def _holds(node: ast.expr, given: Mapping[str, Any]) -> Any:
    """The value of a condition, or of a part of one."""
    if isinstance(node, ast.BoolOp):
        join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return functools.reduce(join, [_holds(v, given) for v in node.values])
    if isinstance(node, ast.Compare):
        values = [_holds(v, given) for v in (node.left, *node.comparators)]
        pairs = zip(node.ops, itertools.pairwise(values), strict=True)
        return functools.reduce(np.logical_and, [_RELATION[type(o)](*pair) for o, pair in pairs])
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        return _ARITHMETIC[type(node.op)](_holds(node.left, given), _holds(node.right, given))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_holds(node.operand, given)
    if isinstance(node, ast.Name):
        return given[node.id]
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    raise UnprintableError(f"{ast.unparse(node)!r} is no comparison")
