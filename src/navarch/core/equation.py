"""An equation is a function: the decorator that gives a pure function its symbol, unit and source.

Called with no ledger open, an equation is a plain call. Called under a `Ledger` with scalars, it returns a
`Value`: a float that remembers the entry it came from.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from navarch.core.validity import compile_condition


class Recorder(Protocol):
    """What an equation needs of the ledger that is open."""

    def record(
        self, used: Equation, args: Sequence[Any], keywords: Mapping[str, Any], described: Mapping[str, str]
    ) -> Any: ...

    def fact(self, fact: Any, symbol: str = "") -> Any: ...


open_ledger: ContextVar[Recorder | None] = ContextVar("open_ledger", default=None)

_registry: dict[str, Equation] = {}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One input of an equation: its name, the symbol it prints as, its meaning and its unit."""

    name: str
    symbol: str
    meaning: str
    unit: str


class Equation:
    """A pure function of floats or arrays in SI units that knows its symbol, unit, source and validity range."""

    def __init__(
        self,
        function: Callable[..., Any],
        symbol: str,
        unit: str | None,
        source: str,
        symbols: Mapping[str, str],
        valid: str,
        url: str,
    ) -> None:
        self.function = function
        self.symbol = symbol
        self.unit = unit
        self.source = source
        self.valid = valid
        self.url = url
        signature = inspect.signature(function).parameters.values()
        self.names = tuple(p.name for p in signature)
        self.variadic = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in signature)
        unknown = set(symbols) - set(self.names)
        if unknown:
            raise TypeError(f"{function.__qualname__}: symbols for unknown parameters {sorted(unknown)}")
        if any(p.default is not inspect.Parameter.empty for p in signature):
            raise TypeError(
                f"{function.__qualname__}: parameters of an equation have no defaults: each needs an origin"
            )
        self._symbols = dict(symbols)
        self._described_at_call = ("title", "symbol") if unit else ("title", "symbol", "unit")
        self.identifier = f"{function.__module__.removeprefix('navarch.')}.{function.__name__}"
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        ledger = open_ledger.get()
        if ledger is None:
            if keywords:
                for name in self._described_at_call:
                    keywords.pop(name, None)
            return self.function(*args, **keywords)
        described = {k: keywords.pop(k) for k in self._described_at_call if k in keywords} if keywords else {}
        return ledger.record(self, args, keywords, described)

    def __repr__(self) -> str:
        return f"<equation {self.identifier}>"

    @functools.cached_property
    def title(self) -> str:
        """The first line of the docstring, without its full stop."""
        return (self.function.__doc__ or self.function.__name__).strip().splitlines()[0].rstrip(".")

    @functools.cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The inputs with the meanings and units that the docstring states."""
        described = _described_inputs(self.function.__doc__ or "", self.names)
        return tuple(
            Parameter(name, self._symbols.get(name, name), *described.get(name, (name.replace("_", " "), "1")))
            for name in self.names
        )

    def parameter(self, name: str) -> Parameter:
        """The input of that name (the one shared description, where the inputs are variadic)."""
        return next((p for p in self.parameters if p.name == name), self.parameters[0])

    @functools.cached_property
    def check(self) -> Callable[..., Any] | None:
        """The validity range as a function of the inputs, or None where none is stated."""
        return compile_condition(self.valid, self.names) if self.valid else None


def _described_inputs(doc: str, names: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """Meaning and unit of each input, read from docstring items such as `message: bytes reduced [byte];`."""
    text = " ".join(line.strip() for line in doc.strip().splitlines()[1:])
    found: dict[str, tuple[str, str]] = {}
    for name in names:
        match = re.search(rf"(?:^|[\s;.,]){re.escape(name)}:\s*(.*)", text)
        if match is None:
            continue
        item = re.split(r";|\.\s+(?=[A-Z])|\.\s*$|(?<=\])[.,]?\s", match.group(1), maxsplit=1)[0]
        unit = re.search(r"\[([^\]]*)\]", item)
        meaning = re.sub(r"\s*\[[^\]]*\]", "", item).strip(" ,.;")
        found[name] = (meaning or name, unit.group(1).strip() if unit else "1")
    return found


def equation(
    *,
    symbol: str,
    unit: str | None,
    source: str,
    symbols: Mapping[str, str] | None = None,
    valid: str = "",
    url: str = "",
) -> Callable[[Callable[..., Any]], Equation]:
    """Mark a pure function as an equation.

    symbol: of the result; unit: of the result, SI, or None where it is that of the inputs (then `unit` may be given
    at the call, as `title` and `symbol` may be anywhere); source: paper, section, equation; symbols: of parameters;
    valid: an expression over the parameters that holds where the equation does, printed and checked.
    """

    def mark(function: Callable[..., Any]) -> Equation:
        made = Equation(function, symbol, unit, source, symbols or {}, valid, url)
        _registry[made.identifier] = made
        return made

    return mark


@contextmanager
def off_the_ledger() -> Iterator[None]:
    """Call equations plainly although a ledger is open: a search over many designs records none of them."""
    token = open_ledger.set(None)
    try:
        yield
    finally:
        open_ledger.reset(token)


def printable(*, latex: str, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a plain vectorised function stand in an equation's body: it prints as `name(arguments)`.

    latex: how the name prints in LaTeX; name: how it prints elsewhere.
    """

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        function.printed_latex = latex  # type: ignore[attr-defined]
        function.printed_name = name  # type: ignore[attr-defined]
        return function

    return mark


def registry() -> dict[str, Equation]:
    """Every equation defined so far, by its identifier (`room.module.function`)."""
    return dict(_registry)
