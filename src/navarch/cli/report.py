"""An evaluation as terminal tables and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from navarch.cli.session import shown
from navarch.core.quantity import show

if TYPE_CHECKING:
    from navarch.core.ledger import Entry, Value
    from navarch.design.evaluation.result import Alternative, Constraint, Decision, Evaluation

MOST_MISSED = 3
MOVERS = 3
SELDOM = 0.01

BY = {"user": Text("you", style="dim"), "partly": Text("you, in part"), "navarch": Text("navarch", style="cyan")}


def show_evaluation(evaluation: Evaluation, out: Console) -> None:
    """Print the verdict, the constraints, the headline numbers with their intervals, and what was chosen."""
    parts: list[RenderableType] = [_title(evaluation), Text(), verdict(evaluation)]
    if evaluation.constraints:
        parts += [Text(), constraints_table(evaluation)]
    parts += [Text(), headlines_table(evaluation)]
    if evaluation.decisions:
        parts += [Text(), decisions_table(evaluation)]
    parts += [Padding(Text(f"Note: {warning}", style="yellow"), (1, 0, 0, 0)) for warning in evaluation.warnings]
    out.print(Padding(Group(*parts), (1, 1)))


def verdict(evaluation: Evaluation) -> Text:
    """Return the verdict in a sentence: how many constraints are met, which are missed and by how much."""
    constraints = evaluation.constraints
    missed = sorted((c for c in constraints if not c.met), key=lambda c: float(c.margin))
    if not constraints:
        return Text(
            "No constraint is asked for: no deadline, budget or promise stands in the design file.", style="bold"
        )
    met = len(constraints) - len(missed)
    if not missed:
        line = Text(f"Met: all {met} constraints. " if met > 1 else "Met: the one constraint. ", style="bold green")
        binding = evaluation.binding
        if binding is not None and met > 1:
            line.append(
                f"The tightest is {_lower(binding.title)}, with a margin of {_percent(binding.margin)}.",
                style="default",
            )
        return line
    line = Text(f"Missed: {len(missed)} of {len(constraints)} constraints. ", style="bold red")
    told = "; ".join(f"{_lower(c.title)} ({_percent(c.margin)})" for c in missed[:MOST_MISSED])
    more = f" and {len(missed) - MOST_MISSED} more" if len(missed) > MOST_MISSED else ""
    return line.append(f"{told[:1].upper()}{told[1:]}{more}.", style="default")


def constraints_table(evaluation: Evaluation) -> Table:
    """Return the constraints: asked, designed, margin, and the share of the samples in which each is met."""
    table = _table("", "Constraint", "Asked", "Designed", "Margin", "Met in", "")
    for constraint in evaluation.constraints:
        colour = "green" if constraint.met else "red"
        mark = Text("●" if constraint.met else "✗", style=colour)
        note = "missed" if not constraint.met else "binding" if constraint is evaluation.binding else ""
        margin = Text(_percent(constraint.margin), style=colour)
        odds = "" if constraint.probability is None else _odds(float(constraint.probability))
        sides = shown(constraint.asked), shown(constraint.designed)
        table.add_row(mark, Text(constraint.title), *sides, margin, odds, Text(note, style="dim"))
    return table


def headlines_table(evaluation: Evaluation) -> Table:
    """Return the headline numbers with their 80 % intervals and the three inputs that move each most."""
    table = _table("Quantity", "Value", "80 % interval", "What it is, and what moves it most", name_first=True)
    for name, value in evaluation.headlines.items():
        entry = value.entry
        low, high = evaluation.uncertainty.interval(entry)
        interval = f"{show(low, entry.unit)} to {show(high, entry.unit)}" if low < high else ""
        movers = _movers(evaluation, entry)
        what = Text(entry.title).append(f"\n{movers}" if movers else "", style="dim")
        table.add_row(Text(name), Text(shown(value), style="bold"), interval, what)
    return table


def decisions_table(evaluation: Evaluation) -> Table:
    """Return what was decided, by whom, and what it beat."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("Decision", "Chosen", "By", "Against"):
        table.add_column(heading, overflow="fold")
    for decision in evaluation.decisions.values():
        by = BY[decision.by]
        table.add_row(Text(decision.title), Text(decision.chosen), by, Text(_against(decision), style="dim"))
    return table


def as_data(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as plain data for JSON: SI values with their units."""
    return {
        "design": evaluation.spec.name,
        "source": str(evaluation.spec.source_path or ""),
        "sha256": evaluation.spec.text_sha256,
        "met": evaluation.met,
        "verdict": verdict(evaluation).plain,
        "constraints": [_constraint_data(c, c is evaluation.binding) for c in evaluation.constraints],
        "quantities": {name: quantity_data(evaluation, value) for name, value in evaluation.quantities.items()},
        "decisions": [_decision_data(d) for d in evaluation.decisions.values()],
        "warnings": list(evaluation.warnings),
    }


def quantity_data(evaluation: Evaluation, value: Value) -> dict[str, Any]:
    """Return one quantity as plain data: SI value, unit, 80 % interval, title, text."""
    low, high = evaluation.uncertainty.interval(value.entry)
    entry = value.entry
    return {
        "value": float(value),
        "unit": entry.unit,
        "low": low,
        "high": high,
        "title": entry.title,
        "text": shown(value),
    }


def _constraint_data(constraint: Constraint, binding: bool) -> dict[str, Any]:
    return {
        "key": constraint.key,
        "title": constraint.title,
        "field": constraint.field,
        "unit": constraint.asked.entry.unit,
        "asked": float(constraint.asked),
        "designed": float(constraint.designed),
        "margin": float(constraint.margin),
        "met": constraint.met,
        "probability": None if constraint.probability is None else float(constraint.probability),
        "binding": binding,
    }


def _decision_data(decision: Decision) -> dict[str, Any]:
    return {
        "key": decision.key,
        "title": decision.title,
        "chosen": decision.chosen,
        "by": decision.by,
        "considered": None if decision.considered is None else int(decision.considered),
        "binding": decision.binding,
        "alternatives": [_alternative_data(a) for a in decision.alternatives],
    }


def _alternative_data(alternative: Alternative) -> dict[str, Any]:
    lost_by = alternative.lost_by
    metrics = {title: {"value": float(v), "unit": v.entry.unit} for title, v in alternative.metrics.items()}
    return {
        "label": alternative.label,
        "chosen": alternative.chosen,
        "why_lost": alternative.why_lost,
        "lost_by": None if lost_by is None else {"value": float(lost_by), "unit": lost_by.entry.unit},
        "metrics": metrics,
    }


def _title(evaluation: Evaluation) -> Text:
    title = Text(evaluation.spec.name, style="bold")
    if evaluation.spec.source_path is not None:
        title.append(f"   {evaluation.spec.source_path}", style="dim")
    return title


def _movers(evaluation: Evaluation, entry: Entry) -> str:
    found = evaluation.uncertainty.contributions(entry, MOVERS)
    return "; ".join(f"{_lower(leaf.title)} {show(share, 'fraction', 2)}" for leaf, share in found)


def _odds(probability: float) -> str:
    """Return the share of the samples in which a constraint is met, in whole per cent, 0 and 100 only where exact."""
    nearest = min(max(round(probability, 2), SELDOM), 1 - SELDOM)
    return show(probability if probability in (0.0, 1.0) else nearest, "fraction")


def _against(decision: Decision) -> str:
    considered = int(decision.considered) if decision.considered is not None else 0
    told = [f"{considered:,} considered"] if considered > 1 else []
    if decision.runner_up is not None:
        told.append(f"next {decision.runner_up.label}{_lost(decision.runner_up)}")
    return "; ".join(told)


def _lost(alternative: Alternative) -> str:
    """Return why an alternative lost and by how much."""
    if not alternative.why_lost:
        return ""
    by = f" {shown(alternative.lost_by)}" if alternative.lost_by is not None else ""
    return f": {alternative.why_lost}{by}"


def _percent(margin: Value) -> str:
    sign = "+" if margin >= 0 else "−"
    return f"{sign}{show(abs(float(margin)), 'fraction', 2)}"


def _lower(title: str) -> str:
    """Return a title as it stands inside a sentence; an abbreviation stays as it is."""
    return title if title[1:2].isupper() else f"{title[:1].lower()}{title[1:]}"


def _table(*headings: str, name_first: bool = False) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    left = {0, len(headings) - 1} | (set() if name_first else {1})
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index in left else "right", overflow="fold")
    return table
