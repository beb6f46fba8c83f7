"""The printed formula, generated from an equation's own expression tree.

One walker reads the body of the function; `dialects` spells what it finds. Nothing here is typed beside an equation,
so that what is printed cannot disagree with what is computed.
"""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from navarch.core.dialects import DIALECTS
from navarch.core.equation import Equation
from navarch.core.ledger import Entry
from navarch.core.validity import UnprintableError

SUM, PRODUCT, POWER, ATOM = range(4)
_COMPARE: dict[type, str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=", ast.NotEq: "!="}
_BETWEEN = {"ceil": "ceil", "floor": "floor", "abs": "abs", "absolute": "abs", "fabs": "abs"}
_NAMED = {
    "maximum": ("max", r"\max"), "minimum": ("min", r"\min"), "log": ("ln", r"\ln"), "log2": ("log2", r"\log_2"),
    "log10": ("log10", r"\log_{10}"), "log1p": ("ln1p", r"\mathrm{ln1p}"),
    "sin": ("sin", r"\sin"), "cos": ("cos", r"\cos"), "tan": ("tan", r"\tan"), "arcsin": ("arcsin", r"\arcsin"),
    "arccos": ("arccos", r"\arccos"), "arctan2": ("atan2", r"\mathrm{atan2}"), "radians": ("rad", r"\mathrm{rad}"),
    "round": ("round", r"\mathrm{round}"), "rint": ("round", r"\mathrm{round}"), "clip": ("clip", r"\mathrm{clip}"),
}  # fmt: skip
_CONSTANT = {"pi": "pi", "e": "e", "inf": "∞"}


@dataclass(frozen=True, slots=True)
class Spelt:
    """Finished text, how tightly it binds, and whether it begins or ends with a digit."""

    text: str
    level: int = ATOM
    digit: bool = False


@dataclass(frozen=True)
class Body:
    """An equation's body: the assignments before the return, in order, and the returned expression."""

    assigned: tuple[tuple[str, ast.expr], ...]
    returned: ast.expr
    functions: Mapping[str, Any]


@functools.cache
def body_of(used: Equation) -> Body:
    """The expression tree of an equation.

    Raises UnprintableError where the body is more than assignments and one return.
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(used.function)))
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise UnprintableError(f"{used.identifier} is not a plain function")
    statements = [s for s in definition.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    assigned = []
    for statement in statements[:-1]:
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            raise UnprintableError(f"{used.identifier}: line {statement.lineno} is neither assignment nor return")
        assigned.append((statement.targets[0].id, statement.value))
    last = statements[-1]
    if not (isinstance(last, ast.Return) and last.value is not None):
        raise UnprintableError(f"{used.identifier} does not end in a return")
    return Body(tuple(assigned), last.value, used.function.__globals__)


class Walker:
    """Walks one expression tree and spells it in one dialect."""

    def __init__(self, dialect: Any, names: Mapping[str, Spelt | Sequence[Spelt]], functions: Mapping[str, Any]):
        self.dialect = dialect
        self.names = names
        self.functions = functions

    def spell(self, node: ast.expr) -> Spelt:
        handler = getattr(self, f"_{type(node).__name__.lower()}", None)
        if handler is None:
            raise UnprintableError(f"no printed form for {ast.unparse(node)!r}")
        return handler(node)

    def text(self, node: ast.expr, least: int = SUM) -> str:
        """The spelling, in parentheses where it binds less tightly than `least`."""
        spelt = self.spell(node)
        return spelt.text if spelt.level >= least else self.dialect.paren(spelt.text)

    def _constant(self, node: ast.Constant) -> Spelt:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            raise UnprintableError(f"no printed form for {node.value!r}")
        return Spelt(self.dialect.number(f"{node.value:.12g}"), digit=True)

    def _name(self, node: ast.Name) -> Spelt:
        found = self.names.get(node.id)
        if isinstance(found, Spelt):
            return found
        raise UnprintableError(f"{node.id!r} is neither an input nor assigned before")

    def _attribute(self, node: ast.Attribute) -> Spelt:
        if node.attr not in _CONSTANT:
            raise UnprintableError(f"no printed form for {ast.unparse(node)!r}")
        return Spelt(self.dialect.ident(_CONSTANT[node.attr]))

    def _unaryop(self, node: ast.UnaryOp) -> Spelt:
        if not isinstance(node.op, ast.USub):
            raise UnprintableError(f"no printed form for {ast.unparse(node)!r}")
        return Spelt(self.dialect.signed([("-", self.text(node.operand, PRODUCT))]), SUM)

    def _binop(self, node: ast.BinOp) -> Spelt:
        if isinstance(node.op, (ast.Add, ast.Sub)):
            return Spelt(self.dialect.signed(self._terms(node, "+")), SUM)
        if isinstance(node.op, (ast.Mult, ast.Div)):
            return self._fraction(node)
        if isinstance(node.op, ast.Pow):
            exponent = self.spell(node.right)
            base = self.text(node.left, ATOM)
            digit = self.spell(node.left).digit
            return Spelt(self.dialect.power(base, exponent.text, exponent.level < ATOM), POWER, digit)
        if isinstance(node.op, ast.FloorDiv):
            return Spelt(self.dialect.between("floor", self._fraction(node).text))
        if isinstance(node.op, (ast.BitAnd, ast.BitOr)):
            word = "and" if isinstance(node.op, ast.BitAnd) else "or"
            return Spelt(self.dialect.logic(word, [self.text(node.left), self.text(node.right)]), SUM)
        raise UnprintableError(f"no printed form for {ast.unparse(node)!r}")

    def _terms(self, node: ast.expr, sign: str) -> list[tuple[str, str]]:
        """The signed terms of a sum, flattened."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            right = sign if isinstance(node.op, ast.Add) else ("-" if sign == "+" else "+")
            if sign == "-" or not isinstance(node.right, ast.BinOp):
                return [*self._terms(node.left, sign), (right, self.text(node.right, PRODUCT))]
            return [*self._terms(node.left, sign), *self._right_terms(node.right, right)]
        return [(sign, self.text(node, PRODUCT))]

    def _right_terms(self, node: ast.expr, sign: str) -> list[tuple[str, str]]:
        return self._terms(node, sign) if sign == "+" else [(sign, self.text(node, PRODUCT))]

    def _factors(self, node: ast.expr, top: list[ast.expr], bottom: list[ast.expr]) -> None:
        """The factors of a product chain, above and below the line."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            self._factors(node.left, top, bottom)
            self._factors(node.right, top, bottom)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.FloorDiv)):
            self._factors(node.left, top, bottom)
            self._factors(node.right, bottom, top)
        else:
            top.append(node)

    def _fraction(self, node: ast.BinOp) -> Spelt:
        top: list[ast.expr] = []
        bottom: list[ast.expr] = []
        if isinstance(node.op, ast.FloorDiv):
            top, bottom = [node.left], [node.right]
        else:
            self._factors(node, top, bottom)
        top = [n for n in top if not (isinstance(n, ast.Constant) and n.value == 1)] if len(top) > 1 else top
        if not bottom:
            return self._product(top)
        over, under = self._product(top), self._product(bottom)
        return Spelt(self.dialect.frac(over.text, under.text, over.level < PRODUCT, under.level < ATOM), PRODUCT)

    def _product(self, nodes: list[ast.expr]) -> Spelt:
        spelt = [self.spell(n) for n in nodes]
        if len(spelt) == 1:
            return spelt[0]
        texts = [s.text if s.level >= PRODUCT else self.dialect.paren(s.text) for s in spelt]
        tight = [not b.digit for _, b in itertools.pairwise(spelt)]
        return Spelt(self.dialect.product(texts, tight), PRODUCT, digit=spelt[0].digit)

    def _compare(self, node: ast.Compare) -> Spelt:
        parts = [self.text(node.left)]
        for sign, right in zip(node.ops, node.comparators, strict=True):
            if type(sign) not in _COMPARE:
                raise UnprintableError(f"no printed form for {ast.unparse(node)!r}")
            parts += [_COMPARE[type(sign)], self.text(right)]
        return Spelt(self.dialect.relation(parts), SUM)

    def _boolop(self, node: ast.BoolOp) -> Spelt:
        word = "and" if isinstance(node.op, ast.And) else "or"
        return Spelt(self.dialect.logic(word, [self.text(v) for v in node.values]), SUM)

    def _call(self, node: ast.Call) -> Spelt:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        called = self.functions.get(name) if isinstance(node.func, ast.Name) else None
        if called is not None and hasattr(called, "printed_name"):
            args = [self.text(a) for a in node.args]
            return Spelt(self.dialect.call(called.printed_name, called.printed_latex, args))
        if isinstance(node.func, ast.Name) or name == "reduce":
            return self._over_all(name, node)
        if name == "where":
            return self._cases(node)
        if name == "sqrt":
            return Spelt(self.dialect.sqrt(self.text(node.args[0])))
        if name in _BETWEEN:
            return Spelt(self.dialect.between(_BETWEEN[name], self.text(node.args[0])))
        if name == "power":
            return self._binop(ast.BinOp(node.args[0], ast.Pow(), node.args[1]))
        if name == "prod":
            return self._over_all(name, node)
        if name in ("exp", "expm1"):
            return self._exponential(name, node.args[0])
        if name in _NAMED:
            args = [self.text(a) for a in self._flat(name, node)]
            return Spelt(self.dialect.call(*_NAMED[name], args))
        raise UnprintableError(f"no printed form for {ast.unparse(node)!r}")

    def _exponential(self, name: str, node: ast.expr) -> Spelt:
        """A power of e, less one where it is `expm1`."""
        exponent = self.spell(node)
        power = self.dialect.power(self.dialect.ident("e"), exponent.text, exponent.level < ATOM)
        if name == "exp":
            return Spelt(power, POWER)
        return Spelt(self.dialect.signed([("+", power), ("-", self.dialect.number("1"))]), SUM)

    def _flat(self, name: str, node: ast.Call) -> list[ast.expr]:
        """The arguments, with nested calls of the same maximum or minimum taken in."""
        args: list[ast.expr] = []
        for a in node.args:
            inner = isinstance(a, ast.Call) and isinstance(a.func, ast.Attribute) and a.func.attr == name
            args += self._flat(name, a) if inner and isinstance(a, ast.Call) and "imum" in name else [a]
        return args

    def _over_all(self, name: str, node: ast.Call) -> Spelt:
        """A sum, product, maximum or minimum over all inputs of a variadic equation."""
        over = self.names.get(getattr(node.args[-1], "id", ""))
        if over is None:
            raise UnprintableError(f"no printed form for {ast.unparse(node)!r}")
        if name == "reduce":
            kind = getattr(node.args[0], "attr", "")
            parts = [over.text] if isinstance(over, Spelt) else [s.text for s in over]
            return Spelt(self.dialect.call(*_NAMED[kind], parts))
        if isinstance(over, Spelt):
            return Spelt(self.dialect.big(name, over.text), PRODUCT)
        if name == "sum":
            return Spelt(self.dialect.signed([("+", s.text) for s in over]), SUM)
        tight = [not b.digit for _, b in itertools.pairwise(over)]
        return Spelt(self.dialect.product([s.text for s in over], tight), PRODUCT)

    def _cases(self, node: ast.Call) -> Spelt:
        branches: list[tuple[str, str]] = []
        rest: ast.expr = node
        while isinstance(rest, ast.Call) and isinstance(rest.func, ast.Attribute) and rest.func.attr == "where":
            condition, value, rest = rest.args
            branches.append((self.text(value), self.text(condition)))
        return Spelt(self.dialect.cases(branches, self.text(rest)))


def symbol(name: str, dialect: str) -> str:
    """A symbol such as `T_ring` or `alpha` in one dialect."""
    return DIALECTS[dialect].ident(name)


def formula(what: Entry | Equation, dialect: str = "text", numbers: bool = False) -> str:
    """The formula of an equation, or of a recorded calculation.

    what: an equation or a ledger entry of a calculation; dialect: "latex", "typst", "mathml" or "text";
    numbers: give the right-hand side with the entry's inputs put in, each with its unit.
    """
    spoken: Any = DIALECTS[dialect]
    entry = what if isinstance(what, Entry) else None
    used = entry.equation if entry is not None else what
    if not isinstance(used, Equation):
        return ""
    names = _names(used, entry, spoken, numbers)
    body = body_of(used)
    local: dict[str, Any] = {name: Spelt(spoken.ident(name)) for name, _ in body.assigned}
    walker = Walker(spoken, {**names, **local}, body.functions)
    if numbers:
        inlined = dict(names)
        for name, value in body.assigned:
            inlined[name] = Walker(spoken, inlined, body.functions).spell(value)
        return Walker(spoken, inlined, body.functions).text(body.returned)
    left = spoken.ident(entry.symbol if entry else used.symbol)
    lines = [spoken.relation([left, "=", walker.text(body.returned)])]
    lines += [spoken.relation([spoken.ident(name), "=", walker.text(value)]) for name, value in body.assigned]
    return _joined(lines, dialect)


def _joined(lines: list[str], dialect: str) -> str:
    """The formula and the definitions that it uses."""
    between = {"latex": r",\quad ", "typst": ' "," quad ', "mathml": '<mo>,</mo><mspace width="1em"/>', "text": ",  "}
    return between[dialect].join(lines)


def _names(used: Equation, entry: Entry | None, spoken: Any, numbers: bool) -> dict[str, Spelt | list[Spelt]]:
    """What each input prints as: its symbol, or its value with unit."""
    if used.variadic and entry is not None:
        given = [i.entry for i in entry.inputs]
        if numbers:
            return {used.names[0]: [_value(e, spoken) for e in given]}
        return {used.names[0]: [Spelt(spoken.ident(own_symbol(e, i))) for i, e in enumerate(given, 1)]}
    if numbers and entry is not None:
        return {i.parameter.name: _value(i.entry, spoken) for i in entry.inputs}
    return {p.name: Spelt(spoken.ident(p.symbol)) for p in used.parameters}


def own_symbol(entry: Entry, place: int) -> str:
    """The symbol of one of any number of inputs: its own, or its place."""
    return entry.symbol or f"x_{place}"


def _value(entry: Entry, spoken: Any) -> Spelt:
    from navarch.core.quantity import parts

    number, unit = parts(entry.value, entry.unit)
    level = PRODUCT if unit or "e" in number else ATOM
    return Spelt(spoken.quantity(number, unit), SUM if number.startswith(("-", "−")) else level, digit=True)


def validity(what: Entry | Equation, dialect: str = "text") -> str:
    """The validity range of an equation, spelt; empty where none is stated."""
    used = what.equation if isinstance(what, Entry) else what
    if used is None or not used.valid:
        return ""
    spoken = DIALECTS[dialect]
    names: dict[str, Spelt | Sequence[Spelt]] = {p.name: Spelt(spoken.ident(p.symbol)) for p in used.parameters}
    return Walker(spoken, names, {}).text(ast.parse(used.valid, mode="eval").body)
