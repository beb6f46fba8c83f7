"""How chapters read an evaluation: what a quantity was calculated from, and whether a limit is kept."""

from __future__ import annotations

from collections.abc import Sequence

from navarch.core.arithmetic import difference
from navarch.core.ledger import Value
from navarch.design.amount import Amount
from navarch.design.chapters.phrases import how_sure, inputs_of
from navarch.design.document.blocks import heading
from navarch.design.document.model import Block
from navarch.design.document.prose import Label, Prose, join, say
from navarch.design.evaluation.result import Constraint, Evaluation
from navarch.design.spec import note


def origin(value: Value, *parameters: str) -> Value:
    """What a result was calculated from, by the names of its equation's parameters: origin(cost, "energy", "pue").

    Raises KeyError where a result has no such input.
    """
    entry = value.entry
    for name in parameters:
        found = next((i.entry for i in entry.inputs if i.parameter.name == name), None)
        if found is None:
            raise KeyError(f"{entry.title} was not calculated from {name!r}")
        entry = found
    return Value(entry.value, entry)


def parts_of(value: Value) -> list[Value]:
    """The summands of a sum."""
    return [Value(i.entry.value, i.entry) for i in value.entry.inputs]


def constraint(evaluation: Evaluation, field: str) -> Constraint | None:
    """The constraint on a field of the design file, where there is one."""
    return next((c for c in evaluation.constraints if c.field == field), None)


def kept(limit: Constraint, of: str = "of it") -> Prose:
    """Whether a limit is kept and by how much, in one clause: "met, with 12 % of it to spare", "missed, by 4 t"."""
    if limit.met:
        return say(f"met, with {{margin:.2}} {of} to spare", margin=limit.margin)
    over, under = (limit.designed, limit.asked) if limit.designed > limit.asked else (limit.asked, limit.designed)
    gap = difference(over, under, title=f"{limit.title}: by how much the limit is missed")
    return say("**missed**, by {gap}", gap=gap)


def moves(evaluation: Evaluation, what: str, value: Value) -> Prose:
    """What a result moves most with, in one sentence; nothing where it rests on nothing uncertain."""
    found = [(Label(_within(title.text), "catalog"), share) for title, share in inputs_of(evaluation, value)]
    if not found:
        return Prose()
    (first, most), *others = found
    told = say("{title} ({share:.2} of its variance)", title=first, share=most)
    rest = [say("{title} ({share:.2})", title=title, share=share) for title, share in others]
    return say(f"{what} moves most with {{told}}.", told=join([told, *rest]))


def triggers(*clauses: Prose | None) -> Prose:
    """What follows "Revisit when": clauses in lower case, each with its full stop, those that are None left out."""
    return join((c for c in clauses if c), " Or when ", " Or when ")


def asked(evaluation: Evaluation, path: str) -> Value | None:
    """A numeric field of the design file, whether or not the evaluation used it; None where it is left out."""
    found = evaluation.spec.field(path)
    if not isinstance(found, Amount):
        return None
    return evaluation.ledger.field(path, found.value, found.unit, note(path).title, found.low, found.high)


def sureness(evaluation: Evaluation, rows: Sequence[tuple[str, str]]) -> tuple[Block | None, ...]:
    """The end of a section: how sure its numbers are, those of them that are uncertain; nothing where none is."""
    known = [(title, key, evaluation.quantities.get(key)) for title, key in rows]
    varied = [(title, key) for title, key, value in known if value is not None and _varies(evaluation, value)]
    return (heading("How sure"), how_sure(evaluation, varied)) if varied else ()


def _varies(evaluation: Evaluation, value: Value) -> bool:
    low, high = evaluation.uncertainty.interval(value.entry)
    return low < high


def _within(title: str) -> str:
    """A title as it stands within a sentence: its first letter small, unless the word is an abbreviation."""
    return title if title[1:2].isupper() or title[1:2].isdigit() else title[:1].lower() + title[1:]
