"""What the chapters share: finding numbers and names, wording that follows from values, and the table of how sure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from navarch.core.arithmetic import difference, share_of
from navarch.core.ledger import Entry, Value
from navarch.design.document.blocks import table
from navarch.design.document.model import Table
from navarch.design.document.prose import Label, Prose, Sayable, join, number, prose, say
from navarch.design.evaluation.result import Alternative, Decision, Evaluation

INPUTS = 3  # told of each number
REPLAY = "replay of this ledger on samples of its uncertain inputs"
NOTHING = 5e-4  # a relative change under this is told as none: a matter of display
SLIGHT = 5e-3  # an input that explains less than this share of a variance is not told

Titled = tuple[str, Value]


def name(evaluation: Evaluation, key: str) -> Label:
    """A name that the evaluation put down: of the node, the model, the region."""
    return Label(evaluation.labels.get(key, ""), "catalog")


def field(evaluation: Evaluation, path: str) -> Value | None:
    """A number of the design file, or that navarch chose in its place, by its path; None where neither exists."""
    return _found(e for e in evaluation.ledger.entries if e.path == path)


def constant(evaluation: Evaluation, identifier: str) -> Value | None:
    """A general constant of the catalog, where this design rests on it."""
    wanted = f"constant/{identifier}"
    return _found(e for e in evaluation.ledger.entries if e.fact is not None and e.fact.id == wanted)


def given_or(evaluation: Evaluation, path: str, identifier: str) -> Value | None:
    """A field of the design file, or the constant that stands for it."""
    return field(evaluation, path) or constant(evaluation, identifier)


def _found(entries: Iterable[Entry]) -> Value | None:
    entry = next(iter(entries), None)
    return None if entry is None else Value(entry.value, entry)


def observe(
    evaluation: Evaluation, title: str, value: float, unit: str, source: str, note: str = "",
    low: float | None = None, high: float | None = None,
) -> Value:  # fmt: skip
    """Enter what was counted, simulated or read from samples; the same title is entered once."""
    known = _found(e for e in evaluation.ledger.entries if e.kind == "observation" and e.title == title)
    if known is not None:
        return known
    return evaluation.ledger.observation(title, value, unit, low, high, source, note)


def bound(evaluation: Evaluation, value: Value, end: Literal["low", "high"]) -> Value | None:
    """An end of a number's interval as a number of its own, for a trigger; None where it does not vary."""
    low, high = evaluation.uncertainty.interval(value.entry)
    if not low < high:
        return None
    title = f"{'Low' if end == 'low' else 'High'} end of the 80 % interval: {value.entry.title}"
    return observe(evaluation, title, low if end == "low" else high, value.entry.unit, REPLAY, _sampled(evaluation))


def under(evaluation: Evaluation, what: str, value: Value, needed: Value | None) -> Prose:
    """A trigger on a measured number: under what the deadline needs, or under the low end of its interval if higher."""
    low = bound(evaluation, value, "low")
    if needed is not None and (low is None or float(needed) >= float(low)):
        return say(f"{what} stays under {{needed}}, which the deadline needs", needed=needed)
    if low is None:
        return Prose()
    told = say(f"{what} stays under {{low}}, the low end of its interval", low=low)
    return told if needed is None else told + say(" (the deadline holds down to {needed})", needed=needed)


def inputs_of(evaluation: Evaluation, value: Value, most: int = INPUTS) -> list[tuple[Label, Value]]:
    """The uncertain inputs that a number rests on most, each with the share of its variance that it explains."""
    found = []
    for leaf, explained in evaluation.uncertainty.contributions(value.entry, most):
        if explained < SLIGHT:
            continue
        title = f"Share of the variance of entry {value.entry.number} ({value.entry.title}) from: {leaf.title}"
        told = observe(evaluation, title, explained, "fraction", REPLAY, _sampled(evaluation))
        found.append((Label(input_name(leaf), "catalog"), told))
    return found


def input_name(leaf: Entry) -> str:
    """What an input is called: a fact by its title, a field by where it stands in the design file."""
    return leaf.path.replace(".", " ").replace("_", " ") if leaf.kind in ("field", "choice") else leaf.title


def _sampled(evaluation: Evaluation) -> str:
    return f"{evaluation.uncertainty.count} samples, seed {evaluation.uncertainty.seed}"


def inputs_told(evaluation: Evaluation, value: Value, most: int = INPUTS) -> Prose:
    """The same in a line; a dash where nothing that is uncertain moves the number."""
    shares = inputs_of(evaluation, value, most)
    if not shares:
        return prose("nothing uncertain")
    return join((say("{name} {share:.2}", name=leaf, share=share) for leaf, share in shares), last=", ")


def how_sure(evaluation: Evaluation, rows: Sequence[tuple[str, str]]) -> Table | None:
    """The numbers of a section with their intervals and the inputs that move them most: (title, quantity name)."""
    known = [(title, evaluation.quantities[q]) for title, q in rows if q in evaluation.quantities]
    if not known:
        return None
    return sure_table(evaluation, known)


def sure_table(evaluation: Evaluation, rows: Sequence[Titled]) -> Table:
    """Numbers with their intervals and the inputs that move them most."""
    told: list[list[Sayable | None]] = [
        [say(f"{title} {{value:~}}", value=value), inputs_told(evaluation, value)] for title, value in rows
    ]
    return table(["Estimate, with its interval", "Moved most by, with the share of its variance"], told)


def largest(parts: Sequence[Titled]) -> Titled:
    """The largest of some parts."""
    return max(parts, key=lambda part: float(part[1]))


def share(part: Value, whole: Value, title: str) -> Value:
    """A part as a share of the whole."""
    return share_of(part, whole, title=title)


def longer(change: Value) -> Prose:
    """What becomes of a time under a relative change: longer, shorter, or as it was."""
    if abs(float(change)) < NOTHING:
        return prose("leaves it as it is")
    if float(change) > 0:
        return say("lengthens it by {change:.2}", change=change)
    return say("changes it by {change:+.2}", change=change)


def lost_because(alternative: Alternative) -> Prose:
    """Why an alternative lost, and by how much."""
    if alternative.lost_by is None:
        return prose(alternative.why_lost)
    return say(f"{alternative.why_lost} {{by}}", by=alternative.lost_by)


def runner_up_told(decision: Decision) -> Prose:
    """The best of what lost and why: "TP 8 (needs more accelerators, by 7 %)"."""
    runner = decision.runner_up
    if runner is None:
        return Prose()
    return say("{label} ({why})", label=Label(runner.label, "catalog"), why=lost_because(runner))


def gap(larger: Value, smaller: Value, title: str) -> Value:
    """What one exceeds another by, in the first one's unit."""
    return difference(larger, smaller, unit=larger.entry.unit, title=title)


def counted(value: Value, one: str, many: str) -> Prose:
    """A count with its noun in the right number."""
    return say(f"{{count}} {one if float(value) == 1 else many}", count=value)


def sentence(*parts: Sayable | None, between: str = " ") -> Prose:
    """Sentences in a row; what is empty is left out."""
    told = Prose()
    for part in parts:
        said = prose(part)
        if said:
            told = told + between + said if told else said
    return told


def clauses(items: Sequence[Sayable], last: str = ", or ") -> Prose:
    """Conditions in one sentence, the first in lower case as given, closed by a full stop."""
    return join(items, between=", ", last=last) + "." if items else Prose()


def beside(evaluation: Evaluation, *groups: tuple[str, Sequence[tuple[str, str]]]) -> Table:
    """Groups of quantities side by side, each (heading, pairs of title and quantity name), as far as they are known."""
    columns: list[Sayable] = []
    known: list[list[tuple[Sayable | None, Sayable | None]]] = []
    for title, pairs in groups:
        columns += [title, ""]
        known.append([(t, number(evaluation.quantities[q])) for t, q in pairs if q in evaluation.quantities])
    longest = max((len(rows) for rows in known), default=0)
    cells = [[cell for rows in known for cell in (rows[i] if i < len(rows) else (None, None))] for i in range(longest)]
    return table(columns, cells)
