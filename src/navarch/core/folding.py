"""Calculations that repeat: of many of one form one is written out, and the others are told by their inputs.

Two calculations are alike where the same equations stand in the same places, down to inputs that other numbers use
too, or that a calculation hands to several of its parts. What only they rest on (their inner numbers) is shown for the
one that is written out; of the others the inputs in which they differ, and the result, say the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from navarch.core.ledger import Entry, Equation, Input

FEWEST = 6  # calculations of one form
SMALLEST, LARGEST = 8, 80  # numbers in one, from which it is folded, and up to which it reads as one calculation
LEAST_SAVED = 60  # numbers, for which a reader is sent to a table
MOST_COLUMNS = 4
HANDED = 3  # parts of a calculation that take a number under one name, from which it is an argument of the whole

Form = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Alike:
    """A calculation told by its inputs: those in which it differs from its like, in the order of the columns."""

    entry: Entry
    inputs: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """Calculations of one form.

    shown: the one written out; columns: the inputs in which they differ, as it has them; rows: the others.
    """

    shown: Entry
    columns: tuple[Input, ...]
    rows: tuple[Alike, ...]

    def unit(self, column: int) -> str | None:
        """The unit in which a column's inputs are all given; None where they are counts of different things."""
        units = {row.inputs[column].unit for row in self.rows}
        return units.pop() if len(units) == 1 else None


def folds_of(reached: Sequence[Entry], printed: Collection[int]) -> tuple[tuple[Fold, ...], set[int]]:
    """The folds of the entries that a text reaches, and the numbers of those that are inside their rows.

    printed: numbers of the entries that the text prints, which stay as they are.
    """
    graph = _Graph(reached, printed)
    ranked = sorted((_Kind(graph, equation) for equation in graph.repeated()), key=lambda kind: -kind.saved)
    folds: list[Fold] = []
    hidden: set[int] = set()
    used: set[int] = set()
    for kind in ranked:
        if kind.saved < LEAST_SAVED:
            break
        if used & (kind.inner | kind.members.keys()):
            continue
        found = [kind.fold(group) for group in kind.groups()]
        if found:
            used |= kind.inner | kind.members.keys()
            hidden |= kind.hidden(found)
            folds += found
    return tuple(folds), hidden


class _Graph:
    """The calculations that a text reaches: what each rests on."""

    def __init__(self, reached: Sequence[Entry], printed: Collection[int]):
        self.entries = {e.number: e for e in reached if e.equation is not None}
        self.below = {
            number: [i.entry.number for i in entry.inputs if i.entry.number in self.entries]
            for number, entry in self.entries.items()
        }
        self.printed = [number for number in printed if number in self.entries]
        self.steps: dict[int, int] = {}  # of the calculation of each, counted again wherever they are used
        for number in sorted(self.below):  # what an entry rests on has lower numbers
            self.steps[number] = 1 + sum(self.steps[n] for n in self.below[number])

    def repeated(self) -> Iterator[Equation]:
        """The equations, sums and products aside, of which there are many results that the text does not print."""
        counted: dict[str, list[Entry]] = defaultdict(list)
        shown = set(self.printed)
        for entry in self.entries.values():
            sums = entry.equation is None or entry.equation.variadic
            if not sums and entry.number not in shown and self.steps[entry.number] >= SMALLEST:
                counted[entry.equation.identifier].append(entry)  # type: ignore[union-attr]
        for entries in counted.values():
            if len(entries) >= FEWEST and entries[0].equation is not None:
                yield entries[0].equation

    def reached(self, begin: Collection[int], end: Collection[int] = ()) -> set[int]:
        """All that some entries rest on, themselves included, where nothing is followed beyond `end`."""
        found = set(begin)
        waiting = [number for number in begin if number not in end]
        while waiting:
            for number in self.below[waiting.pop()]:
                if number not in found:
                    found.add(number)
                    if number not in end:
                        waiting.append(number)
        return found


class _Kind:
    """The results of one equation, with the numbers that nothing else rests on.

    members: the results, by number; inner: what only they rest on; saved: about how many numbers one for all saves.
    """

    def __init__(self, graph: _Graph, equation: Equation):
        shown = set(graph.printed)
        self.graph = graph
        self.members = {n: e for n, e in sorted(graph.entries.items()) if e.equation is equation and n not in shown}
        outside = graph.reached(graph.printed, self.members)
        below = {n for m in self.members for n in graph.below[m]}
        self.inner = graph.reached(below - outside, outside) - outside
        self.inner -= graph.reached(self._arguments())
        size = len(self.inner) / len(self.members)
        self.saved = len(self.inner) - size if SMALLEST <= size + 1 <= LARGEST else 0.0

    def edges(self, member: Entry) -> Iterator[tuple[Input, bool]]:
        """The inputs of a calculation and of what is inside it, always in one order, and which come from outside."""
        seen: set[int] = set()
        waiting = [member]
        while waiting:
            entry = waiting.pop()
            for given in entry.inputs:
                number = given.entry.number
                outside = number not in self.inner
                yield given, outside
                if not outside and number not in seen:
                    seen.add(number)
                    waiting.append(given.entry)

    def _arguments(self) -> set[int]:
        """The inner numbers that a calculation hands to several of its parts under one name: the sides of a matrix."""
        found: set[int] = set()
        for member in self.members.values():
            inner = (given for given, outside in self.edges(member) if not outside)
            handed = Counter((given.entry.number, given.parameter.name) for given in inner)
            found |= {number for (number, _), times in handed.items() if times >= HANDED}
        return found

    def groups(self) -> Iterator[list[Entry]]:
        """The results in groups of one form that differ in few inputs."""
        alike: dict[Form, list[Entry]] = defaultdict(list)
        for member in self.members.values():
            alike[self._form(member)].append(member)
        for group in alike.values():
            yield from (part for part in self._parted(group) if len(part) >= FEWEST)

    def _form(self, member: Entry) -> Form:
        """What a calculation has in common with its like: equations and their places."""
        places: dict[int, int] = {}
        return tuple(
            given.parameter.name if outside
            else (places.setdefault(given.entry.number, len(places)), given.entry.equation, len(given.entry.inputs))
            for given, outside in self.edges(member)
        )  # fmt: skip

    def _parted(self, group: list[Entry]) -> Iterator[list[Entry]]:
        """A group in parts that differ in few inputs: by the one that takes the fewest values, while they are many."""
        differing = self._columns(group)
        if len(differing) <= MOST_COLUMNS:
            yield group
            return
        fewest = min(differing, key=lambda column: len(set(column)))
        parts: dict[int, list[Entry]] = defaultdict(list)
        for entry, number in zip(group, fewest, strict=True):
            parts[number].append(entry)
        for part in parts.values():
            yield from self._parted(part)

    def _columns(self, group: Sequence[Entry]) -> dict[tuple[int, ...], Input]:
        """The inputs in which a group differs, as few as tell the others too: their entries' numbers.

        What most parts of a calculation take comes first.
        """
        rows = [[given for given, outside in self.edges(entry) if outside] for entry in group]
        first: dict[tuple[int, ...], Input] = {}
        taken: Counter[tuple[int, ...]] = Counter()
        for column in zip(*rows, strict=True):
            numbers = tuple(given.entry.number for given in column)
            first.setdefault(numbers, column[0])
            taken[numbers] += len(set(numbers)) > 1
        found: dict[tuple[int, ...], Input] = {}
        for numbers, times in taken.most_common():
            told = all(any(other[i] == number for other in found) for i, number in enumerate(numbers))
            if times and not told:
                found[numbers] = first[numbers]
        return found

    def fold(self, group: Sequence[Entry]) -> Fold:
        """A group as a fold: its first is written out."""
        columns = self._columns(group)
        entries = {given.entry.number: given.entry for e in group for given, outside in self.edges(e) if outside}
        rows = [Alike(e, tuple(entries[numbers[i]] for numbers in columns)) for i, e in enumerate(group) if i]
        return Fold(group[0], tuple(columns.values()), tuple(rows))

    def hidden(self, folds: Sequence[Fold]) -> set[int]:
        """The inner numbers that no calculation written out shows."""
        rows = {row.entry.number for fold in folds for row in fold.rows}
        written = [number for number in self.members if number not in rows]
        return self.inner - self.graph.reached(written)
