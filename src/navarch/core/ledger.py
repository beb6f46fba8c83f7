"""The ledger: where every number of a design came from.

Under an open ledger each equation records what it computed from what. The record is a graph whose leaves are catalog
facts, fields of the design file and choices; it can be explained, printed, and replayed on arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextvars import Token
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from navarch.core.equation import (
    Equation,
    Parameter,
    Recorder,
    equation,
    off_the_ledger,
    open_ledger,
    printable,
    registry,
)

__all__ = [
    "Entry",
    "Equation",
    "EquationError",
    "Fact",
    "Input",
    "Joint",
    "Ledger",
    "Value",
    "equation",
    "off_the_ledger",
    "printable",
    "registry",
]

Kind = Literal["datasheet", "measured", "published", "estimate"]
EntryKind = Literal["fact", "field", "choice", "calculation", "observation", "orphan"]


class EquationError(ArithmeticError):
    """An equation was called with inputs that it cannot take; the message names it and them."""


@dataclass(frozen=True, slots=True)
class Joint:
    """Facts that were estimated together, so that an error in one goes with an error in the others.

    members: ids of the facts; logarithmic: whether a member deviates from its value by a factor (else by an addend);
    covariance: of these deviations (of the logarithm of the factor), which are jointly normal.
    """

    name: str
    members: tuple[str, ...]
    logarithmic: tuple[bool, ...]
    covariance: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One sourced value: SI, with what it is, where it was read, when, of what kind, and an 80 % interval if known.

    joint: the facts with which it varies together, where it was fitted with others.
    """

    id: str
    value: float
    unit: str
    title: str
    source: str
    url: str = ""
    date: str = ""
    kind: Kind = "datasheet"
    low: float | None = None
    high: float | None = None
    note: str = ""
    joint: Joint | None = None

    def __float__(self) -> float:
        return float(self.value)


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a recorded calculation: the parameter it was given for, and the entry that it came from."""

    parameter: Parameter
    entry: Entry

    @property
    def symbol(self) -> str:
        return self.parameter.symbol


@dataclass(slots=True, eq=False)
class Entry:
    """One line of the ledger."""

    number: int
    kind: EntryKind
    title: str
    symbol: str
    value: float
    unit: str
    source: str = ""
    url: str = ""
    inputs: tuple[Input, ...] = ()
    equation: Equation | None = None
    exceeded: bool = False
    path: str = ""
    fact: Fact | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""
    names: list[str] = field(default_factory=list)

    @property
    def valid(self) -> str:
        return self.equation.valid if self.equation else ""

    @property
    def is_leaf(self) -> bool:
        return self.kind != "calculation"

    @property
    def is_uncertain(self) -> bool:
        return self.low is not None or self.high is not None

    def ancestors(self) -> Iterator[Entry]:
        """This entry and all that it rests on, each once, the deepest last."""
        seen: set[int] = set()
        waiting = [self]
        while waiting:
            entry = waiting.pop()
            if entry.number in seen:
                continue
            seen.add(entry.number)
            yield entry
            waiting.extend(i.entry for i in reversed(entry.inputs))

    def leaves(self) -> list[Entry]:
        """The facts, fields and choices that this entry rests on."""
        return [e for e in self.ancestors() if e.is_leaf]


class Value(float):
    """A float that remembers its ledger entry. Arithmetic on it gives a plain float, which remembers nothing."""

    __slots__ = ("entry",)
    entry: Entry

    def __new__(cls, value: float, entry: Entry) -> Value:
        made = super().__new__(cls, value)
        made.entry = entry
        return made

    def __reduce__(self) -> tuple[type[float], tuple[float]]:
        return (float, (float(self),))


class Ledger:
    """Records every equation called while it is open (`with Ledger() as ledger:`), each result linked to its inputs."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.named: dict[str, Entry] = {}
        self._facts: dict[str, Value] = {}
        self._fields: dict[str, Value] = {}
        self._results: dict[tuple[Any, ...], Value] = {}
        self._tokens: list[Token[Recorder | None]] = []

    def __enter__(self) -> Ledger:
        self._tokens.append(open_ledger.set(self))
        return self

    def __exit__(self, *_: object) -> None:
        open_ledger.reset(self._tokens.pop())

    def _add(self, kind: EntryKind, title: str, symbol: str, value: float, unit: str, **more: Any) -> Value:
        entry = Entry(len(self.entries) + 1, kind, title, symbol, float(value), unit, **more)
        self.entries.append(entry)
        return Value(entry.value, entry)

    def fact(self, fact: Fact, symbol: str = "") -> Value:
        """Enter a catalog fact (once, however often it is used)."""
        known = self._facts.get(fact.id)
        if known is None:
            known = self._facts[fact.id] = self._add(
                "fact", fact.title, symbol, fact.value, fact.unit, source=fact.source, url=fact.url,
                fact=fact, low=fact.low, high=fact.high, note=fact.note,
            )  # fmt: skip
        return known

    def field(
        self, path: str, value: float, unit: str, title: str, low: float | None = None, high: float | None = None
    ) -> Value:
        """Enter a field of the design file under its dotted path."""
        known = self._fields.get(path)
        if known is None:
            known = self._fields[path] = self._add("field", title, "", value, unit, path=path, low=low, high=high)
        return known

    def choice(self, path: str, value: float, unit: str, title: str, reason: str) -> Value:
        """Enter a number that navarch chose because the design file leaves it out."""
        known = self._fields.get(path)
        if known is None:
            known = self._fields[path] = self._add("choice", title, "", value, unit, path=path, note=reason)
        return known

    def observation(
        self, title: str, value: float, unit: str, low: float | None, high: float | None, source: str, note: str
    ) -> Value:
        """Enter the result of a simulation or a measurement: what was run, with its interval."""
        return self._add("observation", title, "", value, unit, low=low, high=high, source=source, note=note)

    def name(self, name: str, value: float) -> Value:
        """Give a remembered value its dotted quantity name (`training.step_time`)."""
        if not isinstance(value, Value):
            raise TypeError(f"{name}: {value!r} remembers no entry; a reported number comes from an equation")
        if name in self.named and self.named[name] is not value.entry:
            raise ValueError(f"{name} already names another entry")
        self.named[name] = value.entry
        if name not in value.entry.names:
            value.entry.names.append(name)
        return value

    def orphans(self) -> list[Entry]:
        """Inputs that came from nowhere: neither a fact, a field, a choice nor a recorded result."""
        return [e for e in self.entries if e.kind == "orphan"]

    def exceeded(self) -> list[Entry]:
        """Calculations whose inputs lie outside the equation's stated validity."""
        return [e for e in self.entries if e.exceeded]

    def record(
        self, used: Equation, args: Sequence[Any], keywords: Mapping[str, Any], described: Mapping[str, str]
    ) -> Any:
        """Call an equation and record it, where its inputs are scalars; with arrays it is a plain call."""
        given = list(args) if used.variadic else _bind(used, args, keywords)
        if any(isinstance(g, np.ndarray) and g.ndim for g in given):
            return used.function(*(float(g) if isinstance(g, (Value, Fact)) else g for g in given))
        entries = [self._origin(used, index, value) for index, value in enumerate(given)]
        key = (used.identifier, tuple(e.number for e in entries), *sorted(described.items()))
        known = self._results.get(key)
        if known is None:
            known = self._results[key] = self._calculate(used, entries, described)
        return known

    def _calculate(self, used: Equation, entries: list[Entry], described: Mapping[str, str]) -> Value:
        numbers = [np.float64(e.value) for e in entries]
        with np.errstate(all="ignore"):
            result = float(used.function(*numbers))
            exceeded = used.check is not None and not bool(used.check(*numbers))
        if np.isnan(result):
            shown = ", ".join(f"{n}={v:g}" for n, v in zip(used.names, numbers, strict=False))
            raise EquationError(f"{used.identifier} has no value for {shown}")
        parameters = used.parameters if not used.variadic else [used.parameters[0]] * len(entries)
        unit = described.get("unit") or used.unit or (entries[0].unit if entries else "1")
        return self._add(
            "calculation", described.get("title") or used.title, described.get("symbol") or used.symbol, result, unit,
            source=used.source, url=used.url, equation=used, exceeded=exceeded,
            inputs=tuple(Input(p, e) for p, e in zip(parameters, entries, strict=True)),
        )  # fmt: skip

    def _origin(self, used: Equation, index: int, value: Any) -> Entry:
        if isinstance(value, Value) and self._holds(value.entry):
            return value.entry
        if isinstance(value, Fact):
            return self.fact(value).entry
        parameter = used.parameters[0 if used.variadic else index]
        return self._add("orphan", f"{parameter.meaning} (no origin)", parameter.symbol, value, parameter.unit).entry

    def _holds(self, entry: Entry) -> bool:
        return 0 < entry.number <= len(self.entries) and self.entries[entry.number - 1] is entry


def _bind(used: Equation, args: Sequence[Any], keywords: Mapping[str, Any]) -> list[Any]:
    """The arguments in the order of the signature."""
    rest = used.names[len(args) :]
    missing = [n for n in rest if n not in keywords]
    extra = [k for k in keywords if k not in rest]
    if missing or extra or len(args) > len(used.names):
        raise TypeError(f"{used.identifier}({', '.join(used.names)}): missing {missing}, unexpected {extra}")
    return [*args, *(keywords[n] for n in rest)]
