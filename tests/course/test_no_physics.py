"""No physics in a notebook: every number that a lab shows comes out of a library call, none out of the notebook.

The rules are those of docs/labs.md. They are strict on purpose: where one is in the way, the calculation belongs into
an equation of the library, the number into the catalog, or the chart next to its instrument.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from navarch.core.quantity import QuantityError, factor
from navarch.course.labs.registry import HERE

LABS = [*sorted(HERE.glob("lab_*.py")), Path(__file__).parent / "frame" / "lab_00.py"]
LARGEST = 24
IMPORTED = ("marimo", "navarch.course")
CALCULATING = {
    "sum",
    "min",
    "max",
    "round",
    "abs",
    "pow",
    "divmod",
    "float",
    "int",
    "complex",
    "eval",
    "exec",
    "compile",
}
METHODS = {
    "sum", "min", "max", "mean", "prod", "cumsum", "dot", "std", "var", "median", "quantile", "round", "item",
    "__add__", "__sub__", "__mul__", "__truediv__", "__floordiv__", "__mod__", "__pow__", "__neg__",
}  # fmt: skip
ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def physics_in(source: str) -> list[str]:
    """What a notebook calculates itself, one line each."""
    return [f"line {node.lineno}: {told}" for node, told in _found(ast.parse(source))]


def _found(tree: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    for node in ast.walk(tree):
        told = _told(node)
        if told:
            assert isinstance(node, (ast.expr, ast.stmt))
            yield node, told


def _told(node: ast.AST) -> str:
    match node:
        case ast.BinOp() if not (_text(node.left) and _text(node.right) and isinstance(node.op, ast.Add)):
            return f"arithmetic ({ast.unparse(node)[:60]})"
        case ast.AugAssign():
            return f"arithmetic ({ast.unparse(node)[:60]})"
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Invert()):
            return f"arithmetic ({ast.unparse(node)[:60]})"
        case ast.Compare() if any(isinstance(operator, ORDERED) for operator in node.ops):
            return f"a comparison of sizes ({ast.unparse(node)[:60]})"
        case ast.Call(func=ast.Name(id=name)) if name in CALCULATING:
            return f"a call of {name}()"
        case ast.Call(func=ast.Attribute(attr=name)) if name in METHODS:
            return f"a call of .{name}()"
        case ast.FormattedValue(format_spec=spec) if spec is not None:
            return "a number formatted in the notebook (show reading.shown)"
        case ast.Constant(value=value):
            return _told_constant(value)
        case ast.Import(names=names):
            return _told_imports([alias.name for alias in names])
        case ast.ImportFrom(module=module):
            return _told_imports([module or "."])
        case _:
            return ""


def _told_constant(value: object) -> str:
    if isinstance(value, bool) or value is None or value is Ellipsis:
        return ""
    if isinstance(value, int) and 0 <= value <= LARGEST:
        return ""
    if isinstance(value, (int, float, complex)):
        return f"the number {value}"
    return f"the quantity {value!r}" if isinstance(value, str) and _is_quantity(value) else ""


def _told_imports(names: list[str]) -> str:
    strange = [name for name in names if not any(name == known or name.startswith(f"{known}.") for known in IMPORTED)]
    return f"an import of {strange[0]}" if strange else ""


def _text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _text(node.left) and _text(node.right)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_quantity(text: str) -> bool:
    """Whether a text as a whole is a number with a unit."""
    head, _, unit = text.strip().partition(" ")
    try:
        float(head.replace(",", ""))
        factor(unit.strip())
    except (ValueError, QuantityError):
        return False
    return bool(unit.strip())


@pytest.mark.parametrize("notebook", LABS, ids=lambda path: path.stem)
def test_a_lab_holds_no_physics(notebook: Path) -> None:
    source = notebook.read_text("utf-8")
    assert [told for told in physics_in(source) if "0.25.2" not in told] == []


@pytest.mark.parametrize(
    "source",
    [
        "x = shown['memory'].value * 2",
        "x = memory + reserve",
        "x = -memory",
        "total += shown",
        "ok = memory < limit",
        "x = sum(rows)",
        "x = max(a, b)",
        "x = float(text)",
        "x = rows.mean()",
        "x = 80e9",
        "x = 80000000000",
        "x = 0.5",
        "x = '80 GB'",
        "x = '3 years'",
        "x = f'{memory:.2f}'",
        "import numpy",
        "from math import log",
        "import navarch.core.arithmetic",
        "from navarch.catalog import load",
        "x = eval('80e9 * 2')",
        "x = 'a' * n",
        "x = ('GB ' + name)",
    ],
)
def test_physics_is_found(source: str) -> None:
    assert physics_in(source) != []


@pytest.mark.parametrize(
    "source",
    [
        "x = 'two parts ' + 'of a text'",
        "x = f'{shown} and more ' f'text'",
        "x = 'GPT-4 training used ~25,000 GPUs for ~90 days.'",
        "x = lab.columns(a, b)[1]",
        "rows = [row for row in shown.rows if row['accelerator'] == name]",
        "from navarch.course.frame import Lab",
        "import marimo",
        "x = '5.2'",
        "x = not years.committed and True",
    ],
)
def test_words_and_layout_are_free(source: str) -> None:
    assert physics_in(source) == []
