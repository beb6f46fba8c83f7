"""The derivation of a number as a tree of text: formula, numbers put in, and the same under it for every input."""

from __future__ import annotations

from navarch.core.formula import formula, own_symbol
from navarch.core.formula import symbol as symbol_of
from navarch.core.ledger import Entry
from navarch.core.quantity import show


def explain(entry: Entry, depth: int = 40) -> str:
    """The derivation tree of a ledger entry down to catalog facts, design-file fields and choices.

    entry: explained; depth: levels shown at most. A sub-tree that was shown before is named, not repeated.
    """
    lines: list[str] = []
    _branch(entry, entry.symbol, "", "", lines, set(), depth)
    return "\n".join(lines)


def origin(entry: Entry) -> str:
    """Where a leaf came from, in one line."""
    if entry.kind == "fact" and entry.fact is not None:
        dated = f", {entry.fact.date}" if entry.fact.date else ""
        return f"{entry.fact.id}: {entry.source}{dated}, {entry.fact.kind}"
    if entry.kind == "field":
        return f"design file: {entry.path}"
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


def _branch(entry: Entry, symbol: str, lead: str, under: str, lines: list[str], shown: set[int], depth: int) -> None:
    spelt = f"{symbol} = " if symbol else ""
    value = show(entry.value, entry.unit)
    name = f"  «{entry.names[0]}»" if entry.names else ""
    if entry.is_leaf:
        lines.append(f"{lead}{spelt}{value}{interval(entry)}  {entry.title}{name}  [{origin(entry)}]")
        return
    if entry.number in shown:
        lines.append(f"{lead}{spelt}{value}  {entry.title}{name}  (derived above)")
        return
    shown.add(entry.number)
    exceeded = f"  OUTSIDE VALIDITY {entry.valid}" if entry.exceeded else ""
    lines.append(f"{lead}{spelt}{value}  {entry.title}{name}{exceeded}")
    lines.append(f"{under}{'│ ' if entry.inputs else '  '}  {formula(entry, 'text')}")
    lines.append(f"{under}{'│ ' if entry.inputs else '  '}  = {formula(entry, 'text', numbers=True)}  [{entry.source}]")
    if depth <= 0:
        return
    for index, given in enumerate(entry.inputs):
        last = index == len(entry.inputs) - 1
        many = entry.equation is not None and entry.equation.variadic
        spelt_symbol = symbol_of(own_symbol(given.entry, index + 1) if many else given.symbol, "text")
        _branch(
            given.entry, spelt_symbol, under + ("└─ " if last else "├─ "), under + ("   " if last else "│  "),
            lines, shown, depth - 1,
        )  # fmt: skip
