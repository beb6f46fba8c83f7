"""The derivation of a number as a tree of text: formula, numbers put in, and the same under it for every input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from navarch.core.folding import Alike, Fold, folds_of
from navarch.core.formula import formula, own_symbol
from navarch.core.formula import symbol as symbol_of
from navarch.core.ledger import Entry
from navarch.core.quantity import show


def explain(entry: Entry, depth: int = 40, given: str = "design file") -> str:
    """The derivation tree of a ledger entry down to catalog facts, design-file fields and choices.

    entry: explained; depth: levels shown at most; given: where its inputs come from. A sub-tree that was shown before
    is named, not repeated. Of calculations that repeat with other inputs one is written out, and the others are told
    by these inputs.
    """
    folds, _ = folds_of(list(entry.ancestors()), {entry.number})
    tree = Tree({row.entry.number: (fold, row) for fold in folds for row in fold.rows}, given)
    tree.branch(entry, entry.symbol, "", "", depth)
    return "\n".join(tree.lines)


def origin(entry: Entry, given: str = "design file") -> str:
    """Where a leaf came from, in one line; given: where fields come from."""
    if entry.kind == "fact" and entry.fact is not None:
        dated = f", {entry.fact.date}" if entry.fact.date else ""
        return f"{entry.fact.id}: {entry.source}{dated}, {entry.fact.kind}"
    if entry.kind == "field":
        return f"{given}: {entry.path}"
    if entry.kind == "choice":
        return f"chosen by navarch: {entry.path}; {entry.note}"
    if entry.kind == "observation":
        return f"observed: {entry.source}"
    return "no origin"


def interval(entry: Entry) -> str:
    """The stated 80 % interval of a leaf, or nothing."""
    if entry.low is None or entry.high is None:
        return ""
    return f" (80 %: {show(entry.low, entry.unit)} to {show(entry.high, entry.unit)})"


class Tree:
    """A derivation as lines of text.

    alike: calculations that are told by their inputs, by number; given: where fields come from.
    """

    def __init__(self, alike: Mapping[int, tuple[Fold, Alike]], given: str = "design file"):
        self.lines: list[str] = []
        self._given = given
        self._alike = alike
        self._shown: set[int] = set()

    def branch(self, entry: Entry, symbol: str, lead: str, under: str, depth: int) -> None:
        """An entry and all that it rests on. lead, under: what stands before its first line, and before the others."""
        spelt = f"{symbol} = " if symbol else ""
        value = show(entry.value, entry.unit)
        name = f"  «{', '.join(entry.names)}»" if entry.names else ""
        head = f"{lead}{spelt}{value}"
        if entry.is_leaf:
            self.lines.append(f"{head}{interval(entry)}  {entry.title}{name}  [{origin(entry, self._given)}]")
            return
        if entry.number in self._shown:
            self.lines.append(f"{head}  {entry.title}{name}  (derived above)")
            return
        self._shown.add(entry.number)
        if entry.number in self._alike:
            self._by_inputs(f"{head}  {entry.title}{name}", *self._alike[entry.number], under, depth)
            return
        exceeded = f"  OUTSIDE VALIDITY {entry.valid}" if entry.exceeded else ""
        self.lines.append(f"{head}  {entry.title}{name}{exceeded}")
        self.lines.append(f"{under}{'│ ' if entry.inputs else '  '}  {formula(entry, 'text')}")
        put_in = formula(entry, "text", numbers=True)
        self.lines.append(f"{under}{'│ ' if entry.inputs else '  '}  = {put_in}  [{entry.source}]")
        many = entry.equation is not None and entry.equation.variadic
        self._inputs(
            [
                (own_symbol(given.entry, place + 1) if many else given.symbol, given.entry)
                for place, given in enumerate(entry.inputs)
            ],
            under,
            depth,
        )

    def _by_inputs(self, head: str, fold: Fold, row: Alike, under: str, depth: int) -> None:
        """A calculation that is like one that is written out: the inputs in which it differs."""
        shown = fold.shown
        self.lines.append(f"{head}  (calculated as ‘{shown.title}’, {show(shown.value, shown.unit)}, from:)")
        self._inputs([(c.symbol, e) for c, e in zip(fold.columns, row.inputs, strict=True)], under, depth)

    def _inputs(self, given: Sequence[tuple[str, Entry]], under: str, depth: int) -> None:
        if depth <= 0:
            return
        for place, (sign, entry) in enumerate(given):
            last = place == len(given) - 1
            lead, rest = ("└─ ", "   ") if last else ("├─ ", "│  ")
            self.branch(entry, symbol_of(sign, "text"), under + lead, under + rest, depth - 1)
