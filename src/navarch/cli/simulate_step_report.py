"""How `navarch simulate step` tells what it found: tables, JSON and a drawing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from navarch.cli.validate_tables import DASH, signed, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from navarch.distributed.training.on_fabric import Answer, Comparison
    from navarch.fleet.fabric.graph import Network

FEW = 2
NEVER = "never"
FORMS = {"data": "Data", "expert": "Expert", "context": "Context", "tensor": "Tensor", "pipeline": "Pipeline"}


@dataclass(frozen=True)
class StepFound:
    """A step on a fabric, without faults and with each of some.

    design: its name; topology: which of its networks; routing; scattered: over the network; plan: in words.
    """

    design: str
    topology: str
    network: Network
    routing: str
    scattered: bool
    plan: str
    costs: Comparison


def as_data(found: StepFound) -> dict[str, Any]:
    """What was found, for a program."""
    costs = found.costs
    return {
        "design": found.design, "topology": found.topology, "network": found.network.name,
        "hosts": found.network.hosts, "routing": found.routing, "scattered": found.scattered, "plan": found.plan,
        "accelerators": costs.placed.accelerators, "domain": costs.placed.domain,
        "groups": [
            {
                "name": form.name, "form": form.form, "groups": form.count, "ranks": form.ranks, "stride": form.stride,
                "within": form.within, "domains": form.domains, "leaves": form.leaves, "pods": form.pods,
                "lies": form.lies, "sent": costs.sent.get(form.name, 0.0),
            }
            for form in costs.placed.forms
        ],
        "base": _answer_data(costs.base.simulated),
        "faults": [
            {
                "fault": row.name, "routing": row.policy, "simulated": _answer_data(row.simulated),
                "estimated": None if row.estimated is None else _answer_data(row.estimated), "low": row.low,
                "high": row.high, "slower": row.slower, "groups_slowed": dict(row.groups_slowed),
            }
            for row in costs.rows
        ],
    }  # fmt: skip


def _answer_data(answer: Answer) -> dict[str, Any]:
    return {
        "step_time": answer.step_time, "exposed": answer.exposed, "share": answer.share,
        "communication": answer.communication, "slowdowns": dict(answer.slowdowns),
    }  # fmt: skip


def draw(found: StepFound, file: Path) -> None:
    """Draw the groups and the steps into a file."""
    import altair as alt

    from navarch.cli.session import working
    from navarch.core.gantt import write
    from navarch.design.errors import DesignError
    from navarch.distributed.training.on_fabric import figure

    where = figure.placement(found.costs.placed, f"Where the parallel groups lie: {found.plan.split(', ')[0]}")
    what = figure.steps(found.costs, f"What faults cost a step: {found.topology}, routing {found.routing}")
    with working("Drawing"):
        try:
            drawn: Any = alt.vconcat(where, what, spacing=36).resolve_scale(color="independent")
            write(drawn, file, found.design)
        except ValueError as error:
            raise DesignError("--plot", str(error)) from error


def show_step(found: StepFound, out: Console) -> None:
    """Print what was found."""
    from rich.text import Text

    costs = found.costs
    out.print(Text(f"{found.design}: a training step on its fabric, {found.topology}", style="bold"))
    told = f"{found.plan}; {costs.placed.accelerators:,} accelerators on {found.network.hosts:,} adapters"
    out.print(Text(told, style="dim"))
    lying = "in random order" if found.scattered else "in order"
    out.print(Text(f"routing {found.routing}, nodes {lying}", style="dim"))
    for each in (_groups(costs), _base(costs), _communication(costs), _steps(costs)):
        if each is not None:
            out.print()
            out.print(each)


def _groups(costs: Comparison) -> Table:
    from rich.text import Text

    from navarch.core.quantity import show

    made = table("Groups", "Number", "Ranks", "Apart", "In a domain", "Domains", "Leaves", "Pods", "Lie",
                 "Sent out of it", left=(0, 8))  # fmt: skip
    for form in costs.placed.forms:
        places = (DASH if each is None else f"{each:,}" for each in (form.leaves, form.pods))
        sent = show(costs.sent[form.name], "byte") if form.name in costs.sent else DASH
        numbers = (f"{each:,}" for each in (form.count, form.ranks, form.stride, form.within, form.domains))
        made.add_row(Text(form.title), *numbers, *places, form.lies, sent)
    return made


def _base(costs: Comparison) -> Table:
    """The step without a fault: with nothing in the way, and simulated on the fabric."""
    from navarch.core.arithmetic import relative_change
    from navarch.core.quantity import show

    alone, there = costs.base.simulated, costs.rows[0].simulated
    made = table("Step without a fault", "Nothing in the way", "Simulated", "Difference", left=(0,))
    pairs = [("Time", alone.step_time, there.step_time)]
    pairs += [(f"Waits for {FORMS[form].lower()} communication", time, there.communication[form])
              for form, time in alone.communication.items() if time or there.communication[form]]  # fmt: skip
    for title, before, after in pairs:
        apart = signed(float(relative_change(after, before))) if math.isfinite(after) and before else DASH
        made.add_row(title, _seconds(before), _seconds(after), apart)
    shares = (show(answer.share, "fraction", FEW) for answer in (alone, there))
    made.add_row("Communication of the step", *shares, "")
    return made


def _communication(costs: Comparison) -> Table | None:
    """How many times as long each form takes, and how many groups are slowed themselves."""
    from rich.text import Text

    from navarch.core.quantity import show

    forms = list(costs.base.simulated.slowdowns)
    if not forms:
        return None
    headings = [part for form in forms for part in (f"{FORMS[form]}: closed form", "Simulated", "Groups slowed")]
    made = table("Communication, times as long", *headings, left=(0,))
    for row in costs.rows:
        cells = []
        for form in forms:
            closed = DASH if row.estimated is None else _times(row.estimated.slowdowns[form])
            slowed = max(row.groups_slowed[each] for each in costs.sent if _form_of(costs, each) == form)
            cells += [closed, _times(row.simulated.slowdowns[form]), show(slowed, "fraction", FEW)]
        made.add_row(Text(row.name), *cells)
    return made


def _form_of(costs: Comparison, name: str) -> str:
    found = costs.placed.of(name)
    return "" if found is None else found.form


def _steps(costs: Comparison) -> Table:
    """What each fault costs the step."""
    from rich.text import Text

    made = table("Step", "Closed form", "Simulated", "Least to most", "Times as long", "Communication: closed form",
                 "Simulated", left=(0,))  # fmt: skip
    for row in costs.rows:
        spread = f"{_seconds(row.low)} to {_seconds(row.high)}" if row.high > row.low else ""
        closed = (DASH, DASH) if row.estimated is None else _step(row.estimated)
        simulated = _step(row.simulated)
        made.add_row(Text(row.name), closed[0], simulated[0], spread, _times(row.slower), closed[1], simulated[1])
    return made


def _step(answer: Answer) -> tuple[str, str]:
    from navarch.core.quantity import show

    return _seconds(answer.step_time), show(answer.share, "fraction", FEW)


def _times(value: float) -> str:
    from navarch.core.quantity import show

    return show(value, "1") if math.isfinite(value) else NEVER


def _seconds(value: float) -> str:
    from navarch.core.quantity import show

    return show(value, "s") if math.isfinite(value) else NEVER
