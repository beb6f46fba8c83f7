"""Prose in which every number is in the ledger, because it cannot be written otherwise.

The literal text of a template may hold no digit. What a placeholder takes is a number of the ledger (`Value`, `Entry`,
`Number`), a proper name (`Label`), a reference to a section (`Reference`) or prose made the same way:

    say("One stage needs {weights} of {capacity} on {name}.", weights=w, capacity=c, name=Label("H100"))

A number may be given its form: `{x:.2}` significant digits, `{x:+}` with its sign, `{x:~}` with its 80 % interval.
`**literal text**` is strong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from string import Formatter
from typing import Literal

from navarch.core.ledger import Entry, Value

_FORM = re.compile(r"(?P<sign>\+?)(?P<interval>~?)(?:\.(?P<digits>[1-9]))?")
_QUANTITY = re.compile(r"[+\-−]?[\d.,\s]+\s*(%|[A-Za-zµ°]{1,3}(/[A-Za-z]+)?)?")
_SUBSTANCE = "CO₂"  # the one word of English prose that holds a digit


class ProseError(ValueError):
    """Prose holds a number that is not in the ledger, or its placeholders and what they are given do not fit."""


@dataclass(frozen=True, slots=True)
class Text:
    """Literal text of the document itself; it can hold no digit."""

    text: str
    strong: bool = False

    def __post_init__(self) -> None:
        digit = next((c for c in self.text.replace(_SUBSTANCE, "") if c.isnumeric()), "")
        if digit:
            raise ProseError(
                f"{self.text!r} holds the digit {digit!r}: give a number as a value of the ledger, a name as a Label"
            )


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the ledger, printed with its unit and linked to its derivation.

    digits: significant; signed: a plus shown too; interval: followed by its 80 % interval.
    """

    entry: Entry
    digits: int = 3
    signed: bool = False
    interval: bool = False
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """A proper name: text of the catalog, of the design file or of the code ("H100", "1F1B", "p99"), shown as written.

    A label of the code's own may not be a bare quantity ("80 GB"): that is a number.
    """

    text: str
    origin: Literal["catalog", "design file", "code"] = "code"
    strong: bool = False

    def __post_init__(self) -> None:
        if self.origin == "code" and any(c.isdigit() for c in self.text) and _QUANTITY.fullmatch(self.text.strip()):
            raise ProseError(f"the label {self.text!r} is a quantity: give it as a value of the ledger")


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to a section by its key, printed as "section" with its number and linked."""

    key: str
    strong: bool = False


Inline = Text | Number | Label | Reference


@dataclass(frozen=True, slots=True)
class Prose:
    """A run of text, numbers, names and references."""

    parts: tuple[Inline, ...] = ()

    def __add__(self, other: Sayable) -> Prose:
        return Prose((*self.parts, *prose(other).parts))

    def __bool__(self) -> bool:
        return bool(self.parts)


Sayable = str | Prose | Value | Entry | Number | Label | Reference


def prose(given: Sayable | None) -> Prose:
    """Whatever can be said, as prose; a plain string is literal text (no digit; `{}` mean nothing in it)."""
    if given is None or given == "":
        return Prose()
    if isinstance(given, Prose):
        return given
    if isinstance(given, str):
        return Prose(tuple(_literal(given, [False])))
    if isinstance(given, (Value, Entry)):
        return Prose((Number(given if isinstance(given, Entry) else given.entry),))
    if isinstance(given, (Number, Label, Reference)):
        return Prose((given,))
    raise ProseError(
        f"{given!r} has no entry in the ledger: prose takes values, labels and prose, not {type(given).__name__}"
    )


def say(template: str, **given: Sayable) -> Prose:
    """Prose from a template; see the module for what it takes.

    Raises ProseError where the literal text holds a digit, a placeholder is given nothing or what has no origin, or
    something given is not used.
    """
    parts: list[Inline] = []
    strong = [False]
    used: set[str] = set()
    for literal, name, form, conversion in Formatter().parse(template):
        parts += _literal(literal, strong)
        if name is None:
            continue
        if conversion or name not in given:
            raise ProseError(f"{template!r}: the placeholder {{{name}}} is given nothing")
        used.add(name)
        parts += (_strengthened(p) if strong[0] else p for p in _placed(template, name, given[name], form or ""))
    if strong[0]:
        raise ProseError(f"{template!r}: ** is opened and not closed")
    if unused := sorted(set(given) - used):
        raise ProseError(f"{template!r} does not use {', '.join(unused)}")
    return Prose(tuple(parts))


def number(given: Value | Entry, digits: int = 3, *, signed: bool = False, interval: bool = False) -> Number:
    """A number of the ledger in a form of its own, for a table's cell or a card."""
    if not isinstance(given, (Value, Entry)):
        raise ProseError(f"{given!r} remembers no entry of the ledger")
    return Number(given if isinstance(given, Entry) else given.entry, digits, signed, interval)


def join(items: Iterable[Sayable], between: str = ", ", last: str = " and ") -> Prose:
    """Items of a list in one run: "a, b and c"."""
    given = [prose(i) for i in items]
    joined = Prose()
    for index, item in enumerate(given):
        if index:
            joined += last if index == len(given) - 1 else between
        joined += item
    return joined


def strong(given: Sayable) -> Prose:
    """The same, strong."""
    return Prose(tuple(_strengthened(p) for p in prose(given).parts))


def _literal(text: str, strong: list[bool]) -> list[Inline]:
    """Literal text, parted where `**` turns strong on and off."""
    parts: list[Inline] = []
    for index, piece in enumerate(text.split("**")):
        if index:
            strong[0] = not strong[0]
        if piece:
            parts.append(Text(piece, strong[0]))
    return parts


def _placed(template: str, name: str, given: Sayable | None, form: str) -> Iterable[Inline]:
    if isinstance(given, str):
        raise ProseError(f"{template!r}: {{{name}}} is given the bare text {given!r}; a name is given as a Label")
    if given is None:
        raise ProseError(f"{template!r}: {{{name}}} is given nothing")
    made = prose(given)
    if not form:
        return made.parts
    match = _FORM.fullmatch(form)
    if match is None or len(made.parts) != 1 or not isinstance(made.parts[0], Number):
        raise ProseError(f"{template!r}: {{{name}:{form}}} is not a form of a number; allowed: .2  +  ~  +~.2")
    digits = int(match["digits"]) if match["digits"] else made.parts[0].digits
    return (replace(made.parts[0], digits=digits, signed=bool(match["sign"]), interval=bool(match["interval"])),)


def _strengthened(part: Inline) -> Inline:
    return replace(part, strong=True)
