"""The appendix: every number of the document with its formula, inputs and source, numbered in order of appearance.

A holds what was calculated or observed, B catalog facts, C fields of the design file, D what navarch chose. An entry's
code ("A12") is also its anchor ("a12"), and every use of it in the text has an anchor of its own, so that links run
both ways.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from navarch.core.folding import Alike, Fold, folds_of
from navarch.core.formula import Body, body_of, formula, symbol
from navarch.core.ledger import Entry, Input
from navarch.design.document.model import Document, numbers_in
from navarch.design.document.wording import stated_interval

PARTS = {
    "A": "Derivations",
    "B": "Facts of the catalog",
    "C": "Given in the design file",
    "D": "Chosen by navarch",
}
_PLAIN = ("arithmetic", "definition", "count")  # sources that say no more than the formula
_LETTER = {"fact": "B", "field": "C", "choice": "D"}


@dataclass(frozen=True, slots=True)
class Use:
    """One place of the text where a number stands: its anchor, and the section's anchor and name."""

    anchor: str
    place: str
    name: str


class Layout(NamedTuple):
    """The entries that a document rests on by part, their codes, what uses them, and what is folded."""

    parts: dict[str, tuple[Entry, ...]]
    codes: dict[int, str]
    parents: dict[int, tuple[Entry, ...]]
    folds: tuple[Fold, ...]


@dataclass(frozen=True)
class Appendix:
    """The entries that a document rests on, by part, with their codes and what uses them, in the text too."""

    parts: dict[str, tuple[Entry, ...]]
    codes: dict[int, str]
    parents: dict[int, tuple[Entry, ...]]
    folds: tuple[Fold, ...]
    intervals: Mapping[int, tuple[float, float]]
    uses: dict[int, list[Use]] = field(default_factory=lambda: defaultdict(list))

    def code(self, entry: Entry) -> str:
        """The entry's code in the appendix, such as "A12"."""
        return self.codes[entry.number]

    def anchor(self, entry: Entry) -> str:
        """The entry's anchor, such as "a12"."""
        return self.codes[entry.number].lower()

    def use(self, entry: Entry, place: str, name: str) -> str:
        """Note that the text prints an entry, and give the anchor of that place."""
        uses = self.uses[entry.number]
        anchor = f"u-{self.anchor(entry)}-{len(uses) + 1}"
        uses.append(Use(anchor, place, name))
        return anchor

    def used(self, entry: Entry) -> list[tuple[str, str, list[str]]]:
        """Where the text prints an entry: (section's anchor, its name, anchors of the uses), in order."""
        grouped: dict[tuple[str, str], list[str]] = {}
        for use in self.uses.get(entry.number, ()):
            grouped.setdefault((use.place, use.name), []).append(use.anchor)
        return [(place, name, anchors) for (place, name), anchors in grouped.items()]

    def interval(self, entry: Entry) -> tuple[float, float] | None:
        """The 80 % interval of an entry, or None where it does not vary."""
        found = stated_interval(entry) or self.intervals.get(entry.number)
        return None if found is None or found[0] == found[1] else found

    def inputs(self, entry: Entry) -> list[tuple[str, Input]]:
        """The inputs of a calculation, each once, with the symbol under which the formula prints it."""
        variadic = entry.equation is not None and entry.equation.variadic
        seen: dict[tuple[int, str], tuple[str, Input]] = {}
        for given in entry.inputs:
            sign = (given.entry.symbol if self.telling(entry) else "") if variadic else given.symbol
            seen.setdefault((given.entry.number, sign), (sign, given))
        return list(seen.values())

    def fold(self, entry: Entry) -> Fold | None:
        """The calculations like this one that are told by their inputs alone, where this is the one written out."""
        return next((fold for fold in self.folds if fold.shown is entry), None)

    def range_of(self, fold: Fold) -> tuple[str, str]:
        """The codes of the first and the last row of a fold."""
        return self.code(fold.rows[0].entry), self.code(fold.rows[-1].entry)

    def named(self, row: Alike) -> str:
        """What a row is called: by its own title, or where that is only its equation's by what alone uses it."""
        users, equation = self.users(row), row.entry.equation
        general = equation is not None and row.entry.title == equation.title
        return users[0].title if general and len(users) == 1 else row.entry.title

    def users(self, row: Alike) -> tuple[Entry, ...]:
        """What uses the result of a row."""
        return self.parents.get(row.entry.number, ())

    def telling(self, entry: Entry) -> bool:
        """Whether the symbols of a formula tell its inputs apart, as those of a sum of unnamed parts do not."""
        if entry.equation is None or not entry.equation.variadic:
            return True
        symbols = [given.entry.symbol for given in entry.inputs]
        return all(symbols) and len(set(symbols)) == len({given.entry.number for given in entry.inputs})

    def plain(self, entry: Entry) -> bool:
        """Whether a calculation is mere arithmetic (a sum, a product, a ratio), which its numbers alone tell."""
        if entry.equation is None or entry.source not in _PLAIN:
            return False
        return entry.equation.variadic or _arithmetic(body_of(entry.equation))

    def left_side(self, entry: Entry, dialect: str) -> str:
        """The formula of a calculation; where its symbols tell nothing, the result's own symbol or nothing."""
        if self.telling(entry):
            return formula(entry, dialect)
        own = entry.equation is not None and entry.symbol != entry.equation.symbol
        return symbol(entry.symbol, dialect) if own else ""

    def meaning(self, entry: Entry, given: Input) -> str:
        """What an input is, in a few words: the parameter's meaning, or its own title in a sum."""
        variadic = entry.equation is not None and entry.equation.variadic
        return given.entry.title if variadic else given.parameter.meaning


def make_appendix(document: Document) -> Appendix:
    """The appendix of a document: what the text prints, in order, and then what that rests on.

    Of calculations that repeat, one is written out; the others come last, and what is inside them is left out.
    """
    return Appendix(**document.appendix._asdict(), intervals=document.intervals)


def laid_out(document: Document) -> Layout:
    """What the appendix of a document has, whoever renders it."""
    printed = list(_once(n.entry for n in numbers_in(document)))
    reached = list(_reached(printed))
    folds, inside = folds_of(reached, {e.number for e in printed})
    rows = {row.entry.number: row for fold in folds for row in fold.rows}
    written = [e for e in reached if e.number not in inside and e.number not in rows]
    rest = [e for e in document.ledger.entries if e.kind in ("field", "choice")]
    parts: dict[str, list[Entry]] = {letter: [] for letter in PARTS}
    codes: dict[int, str] = {}
    for entry in _once([*written, *rest]):
        letter = _LETTER.get(entry.kind, "A")
        parts[letter].append(entry)
        codes[entry.number] = f"{letter}{len(parts[letter])}"
    for place, number in enumerate(rows, len(parts["A"]) + 1):
        codes[number] = f"A{place}"
    parents: dict[int, list[Entry]] = defaultdict(list)
    used = [(e, [i.entry for i in e.inputs]) for e in parts["A"]]
    used += [(row.entry, list(row.inputs)) for row in rows.values()]
    for entry, inputs in used:
        for number in dict.fromkeys(e.number for e in inputs):
            parents[number].append(entry)
    return Layout(
        {letter: tuple(entries) for letter, entries in parts.items()},
        codes,
        {number: tuple(entries) for number, entries in parents.items()},
        folds,
    )


def entry_of(document: Document, code: str) -> Entry | None:
    """The entry that a code of the appendix names ("A12"), or None."""
    layout = document.appendix
    number = next((n for n, known in layout.codes.items() if known == code.upper()), None)
    return None if number is None else document.ledger.entries[number - 1]


def _reached(printed: Iterable[Entry]) -> Iterator[Entry]:
    """Entries, and then all that they rest on, each once: for each in turn what none before it rests on."""
    seen = {entry.number for entry in printed}
    yield from printed
    for entry in printed:
        waiting = [i.entry for i in reversed(entry.inputs)]
        while waiting:
            below = waiting.pop()
            if below.number not in seen:
                seen.add(below.number)
                yield below
                waiting.extend(i.entry for i in reversed(below.inputs))


def _arithmetic(body: Body) -> bool:
    """Whether an equation's body is one expression of names and numbers with signs of arithmetic between."""
    nodes = (ast.BinOp, ast.Name, ast.Constant, ast.operator, ast.expr_context)
    return not body.assigned and all(isinstance(node, nodes) for node in ast.walk(body.returned))


def _once(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries in order, each at its first appearance."""
    return iter({e.number: e for e in entries}.values())
