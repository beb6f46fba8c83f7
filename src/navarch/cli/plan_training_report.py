"""How `navarch plan training` tells what it found: tables, JSON, and the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from navarch.cli.session import working
from navarch.core.arithmetic import difference, share_of
from navarch.core.quantity import parts
from navarch.core.quantity import show as shown
from navarch.distributed.training.estimate import TrainingEstimate
from navarch.distributed.training.footprint import StageMemory
from navarch.distributed.training.objectives import GREATER_IS_BETTER, OBJECTIVES, TITLES, UNITS, FleetChoice, Option
from navarch.distributed.training.ratios import CommunicationRatio
from navarch.distributed.training.sensitivity import Changed
from navarch.distributed.training.strategy import Candidate

if TYPE_CHECKING:
    from navarch.cli.plan_training import Planned

FEW = 2
BAR = 24
EIGHTHS = " ▏▎▍▌▋▊▉"
FULL = "█"
SHOWN_OF_FRONT = 6
NEAR = 2.0
NEGLIGIBLE = 0.0005
NO_CHANGE = 5e-5
HEADS = {
    "time": "Step", "cost": "Cost", "energy": "Energy", "carbon": "Carbon", "mfu": "MFU", "headroom": "Memory left",
}  # fmt: skip


def show(found: Planned, out: Console, whole_front: bool = False) -> None:
    """Print what was found, the verdict first."""
    sections: list[RenderableType | None] = [
        _title(found),
        _verdict(found),
        _fleets(found) if len(found.fleets) > 1 else None,
        _step(found.made),
        _memory(found),
        _losers(found),
        _front(found, whole_front),
        _changes(found) if found.changes else None,
        _ratios(found.ratios) if found.ratios else None,
        Text(_count(found), style="dim"),
    ]
    told = [section for section in sections if section is not None]
    out.print(Padding(Group(*(Padding(section, (0, 0, 1, 0)) for section in told)), (1, 1, 0, 1)))


def _title(found: Planned) -> Text:
    asked = found.asked
    title = Text(f"{asked.model} on {found.chosen.accelerators:,} x {asked.accelerator}", style="bold")
    more = f"   {asked.node}, {asked.precision}, {asked.software}; "
    return title.append(f"{more}{asked.global_batch:,} sequences of {asked.sequence:,} tokens", style="dim")


def _verdict(found: Planned) -> Text:
    """The chosen plan and what it does, in two sentences."""
    made, plan = found.made, found.chosen.candidate
    line = Text(plan.label, style="bold cyan")
    line.append(f"\n{shown(plan.step_time, 's')} a step", style="bold")
    line.append(f" (80 %: {_span(*found.interval)}), ", style="default")
    rate, share = shown(float(made.tokens_per_second), "token/s"), shown(plan.mfu, "fraction", FEW)
    line.append(f"{rate}, MFU {share}", style="bold")
    free = shown(found.chosen.objectives.headroom, "fraction", FEW)
    held = f"{shown(plan.memory, 'byte')} of {shown(_capacity(found), 'byte')}"
    line.append(f", {held} ({free} left free)", style="default")
    told = [
        f"{TITLES[name].lower()} {shown(float(getattr(found.chosen.objectives, name)), UNITS[name])}"
        for name in ("cost", "energy", "carbon")
        if getattr(found.chosen.objectives, name) is not None
    ]
    return line.append(f"; {', '.join(told)}." if told else ".", style="default")


def _span(low: float, high: float) -> str:
    """Two times, their unit once where it is the same."""
    (first, unit), (last, other) = parts(low, "s"), parts(high, "s")
    return f"{first} to {last} {other}" if unit == other else f"{first} {unit} to {last} {other}"


def _fleets(found: Planned) -> Table:
    """The best plan of each size of the fleet."""
    from navarch.distributed.training.objectives import best_of

    known = [name for name in found.chosen.objectives.known() if name != "headroom"]
    table = _table("Accelerators", *(HEADS[name] for name in known), "Best plan", left=(len(known) + 1,))
    for fleet in found.fleets:
        own = [option for option in found.options if option.accelerators == fleet.accelerators]
        if not own:
            told = Text(_none(fleet), style="yellow")
            table.add_row(f"{fleet.accelerators:,}", *([""] * len(known)), told)
            continue
        best = best_of(own, found.asked.objectives[0])
        style = "bold" if best is found.chosen else ""
        cells = (shown(float(getattr(best.objectives, name)), UNITS[name]) for name in known)
        table.add_row(*(Text(c, style=style) for c in (f"{fleet.accelerators:,}", *cells, best.candidate.label)))
    return table


def _none(fleet: FleetChoice) -> str:
    """Why a fleet has no plan."""
    error = fleet.infeasible
    return "" if error is None else f"none: {error.field.replace('_', ' ')} {error.value:,}, {error.problem}"


def _step(made: TrainingEstimate) -> Table:
    """Where the step goes, and what communication is hidden beside it."""
    table = _table("Where the step goes", "", "", "", "Hidden beside computation", left=(0, 3, 4))
    total = float(made.step_time)
    every = {key: float(time) for key, _, time in made.communication.parts()}
    for key, title, time in made.step.parts():
        exposed = float(time)
        share = float(share_of(exposed, total))
        hidden = float(difference(every[key], exposed)) if key in every else 0.0
        if max(abs(share), float(share_of(hidden, total))) < NEGLIGIBLE:
            continue
        told = f"{shown(hidden, 's')} of {shown(every[key], 's')}" if hidden > 0 else ""
        bar = Text(_bar(share), style="cyan" if key not in every else "yellow")
        table.add_row(title, shown(exposed, "s"), shown(share, "fraction", FEW), bar, Text(told, style="dim"))
    ratio = shown(float(made.communication_ratio), "1")
    last = Text(f"communication, hidden or not, {ratio} of computation", style="dim")
    table.add_row(Text("Step", style="bold"), Text(shown(total, "s"), style="bold"), "", "", last)
    return table


def _bar(share: float) -> str:
    """A share as a bar of eighths of a character."""
    eighths = round(max(0.0, share) * BAR * 8)
    return FULL * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def _memory(found: Planned) -> Table:
    """Memory of an accelerator by part, on the first and on the last stage."""
    stages = _stages(found.made)
    table = _table("Memory of an accelerator", *stages, "", left=(0, len(stages) + 1))
    capacity = _capacity(found)
    peak = max(stages.values(), key=lambda stage: float(stage.total))
    for index, (_, title, _) in enumerate(peak.parts()):
        cells = [float(stage.parts()[index][2]) for stage in stages.values()]
        if max(cells):
            bar = _bar(float(share_of(float(peak.parts()[index][2]), capacity)))
            table.add_row(title, *(shown(cell, "byte") if cell else "" for cell in cells), Text(bar, style="cyan"))
    totals = [Text(shown(float(stage.total), "byte"), style="bold") for stage in stages.values()]
    free = shown(found.chosen.objectives.headroom, "fraction", FEW)
    left = Text(f"{free} of {shown(capacity, 'byte')} left free", style="dim")
    table.add_row(Text("All", style="bold"), *totals, left)
    return table


def _stages(made: TrainingEstimate) -> dict[str, StageMemory]:
    """The stages that are shown, by their heading."""
    if float(made.memory.first.total) == float(made.memory.last.total):
        return {"Each stage": made.memory.first}
    return {"First stage": made.memory.first, "Last stage": made.memory.last}


def _losers(found: Planned) -> Table | None:
    """What lost on the chosen fleet, and why; nothing where the choice was not by time."""
    choice = found.fleet.choice
    if choice is None or not choice.losers or choice.best.plan != found.chosen.candidate.plan:
        return None
    table = _table("What lost", "Step", "Memory", "Why", left=(0, 3))
    for candidate in choice.losers:
        runner = candidate.label == getattr(choice.runner_up, "label", None)
        table.add_row(
            Text(candidate.label, style="bold" if runner else ""),
            shown(candidate.step_time, "s"),
            Text(shown(candidate.memory, "byte"), style="" if candidate.fits else "red"),
            Text(f"{'runner-up, ' if runner else ''}{candidate.why_lost}", style="dim"),
        )
    return table


def _front(found: Planned, whole: bool) -> Table:
    """The plans that no other beats in all of the front's objectives."""
    names = _front_names(found)
    several = len(found.fleets) > 1
    size = ("Accelerators",) if several else ()
    heads = tuple(HEADS[name] for name in names)
    title = f"Pareto front ({len(found.front)})"
    table = _table(title, *size, *heads, left=(0,))
    plans = list(found.front) if whole else _spread(found.front, names[0])
    for option in plans:
        cells = [shown(float(getattr(option.objectives, name)), UNITS[name]) for name in names]
        style = "bold" if option is found.chosen else ""
        count = (f"{option.accelerators:,}",) if several else ()
        table.add_row(*(Text(cell, style=style) for cell in (option.candidate.label, *count, *cells)))
    if len(plans) < len(found.front):
        table.add_row(Text(f"{len(plans)} of them; --front has all {len(found.front)}.", style="dim"))
    return table


def _front_names(found: Planned) -> tuple[str, ...]:
    from navarch.cli.plan_training import front_objectives

    return front_objectives(found.asked, found.machine.rates)


def _spread(front: Sequence[Option], name: str) -> list[Option]:
    """Some of a front: its first, its last, and evenly between those up to twice worse than the first."""
    first = abs(front[0].objectives.to_minimise(name))
    near = [option for option in front if abs(option.objectives.to_minimise(name)) <= NEAR * first]
    if name in GREATER_IS_BETTER:
        near = [option for option in front if abs(option.objectives.to_minimise(name)) >= first / NEAR]
    most = min(len(near), SHOWN_OF_FRONT)
    picked = [near[round(index * (len(near) - 1) / max(1, most - 1))] for index in range(most)]
    return picked if front[-1] in picked else [*picked, front[-1]]


def _changes(found: Planned) -> Table:
    """What other hardware and batches do to the plan, and to the choice."""
    fastest = found.fleet.choice.best if found.fleet.choice is not None else found.chosen.candidate
    table = _table("The fastest plan with ...", "Plan kept", "Best then", "What is best then", left=(0, 3))
    for change in found.changes:
        kept = Text(_moved(change.kept)) if change.kept is not None else Text(_cannot(change), style="yellow")
        if change.best is None:
            table.add_row(change.title, kept, Text("none fits", style="red"), Text(change.why, style="dim"))
            continue
        same = replace(change.best.plan, global_batch=found.asked.global_batch) == fastest.plan
        label = Text("the same plan", style="dim") if same else Text(change.best.label)
        if change.flips:
            label.append("  another strategy", style="yellow")
        table.add_row(change.title, kept, _moved(change.moved), label)
    table.add_row(Text("Change of the time of one token.", style="dim"))
    return table


def _cannot(change: Changed) -> str:
    return "no plan" if change.best is None else change.why.removeprefix("the plan ")


def _moved(change: float | None) -> str:
    if change is None:
        return ""
    if abs(change) < NO_CHANGE:
        return "no change"
    return f"{'+' if change > 0 else '−'}{shown(abs(change), 'fraction', FEW)}"


def _ratios(ratios: Sequence[CommunicationRatio]) -> Table:
    """Each form of parallelism alone: what it sends, and the time of that against computation."""
    heads = ("Degree", "Sent in a step", "Its time", "Computation", "Ratio", "Over", "Memory")
    table = _table("Each form alone", *heads, left=(0, 6))
    for each in ratios:
        table.add_row(
            each.form.title,
            f"{each.degree:,}",
            shown(each.volume, "byte"),
            shown(each.communication, "s"),
            shown(each.computation, "s"),
            Text(shown(each.ratio, "1"), style="bold"),
            Text("network" if each.crosses else "scale-up", style="dim"),
            Text(shown(each.memory, "byte"), style="" if each.fits else "red"),
        )
    return table


def _count(found: Planned) -> str:
    choices = [fleet.choice for fleet in found.fleets if fleet.choice is not None]
    considered, feasible = sum(c.considered for c in choices), sum(c.feasible for c in choices)
    bound = {c.binding for c in choices} - {"none: no legal plan is faster"}
    kept_out = f" Faster plans are kept out by the {', '.join(sorted(bound))}." if bound else ""
    took = shown(found.seconds, "s")
    return f"{considered:,} legal plans considered, {feasible:,} fit; searched in {took}.{kept_out}"


def _capacity(found: Planned) -> float:
    return float(found.machine.hardware.memory)


def _table(*headings: str, left: tuple[int, ...] = (0,)) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index in left else "right", overflow="fold")
    return table


def draw(found: Planned, file: Path) -> None:
    """Draw the front and the step into a file."""
    from navarch.core.gantt import write
    from navarch.design.errors import DesignError
    from navarch.distributed.training.figures import plan_figure

    with working("Drawing the plan"):
        try:
            figure: Any = plan_figure(found.made, found.fleet.choice, _capacity(found), _by_degree(found))
            write(figure, file, _title(found).plain)
        except ValueError as error:
            raise DesignError("--plot", str(error)) from error


def _by_degree(found: Planned) -> Sequence[CommunicationRatio]:
    """Each form alone at every degree, where ratios were asked for."""
    from navarch.distributed.training.ratios import ratios_by_degree

    if not found.ratios:
        return ()
    asked, machine = found.asked, found.machine
    sizes = (found.chosen.accelerators, asked.global_batch, asked.sequence)
    return ratios_by_degree(machine.shape, machine.hardware, machine.runtime, *sizes)


def as_data(found: Planned) -> dict[str, Any]:
    """What was found, for a program, in SI."""
    made, choice = found.made, found.fleet.choice
    stages = {"first": made.memory.first, "last": made.memory.last}
    return {
        "question": asdict(found.asked),
        "chosen": {
            **_option_data(found.chosen),
            "interval": {"low": found.interval[0], "high": found.interval[1], "share": 0.8},
            "tokens_per_second": float(made.tokens_per_second),
            "tokens_per_second_per_accelerator": float(made.tokens_per_second_per_accelerator),
            "microbatches": float(made.microbatches),
            "mfu_full_attention": float(made.mfu_full_attention),
            "hfu": float(made.hfu),
            "flops_per_accelerator": float(made.flops_per_accelerator),
            "step": {key: float(time) for key, _, time in made.step.parts()},
            "communication": {key: float(time) for key, _, time in made.communication.parts()},
            "communication_ratio": float(made.communication_ratio),
            "bubble": float(made.bubble),
            "memory": {name: {key: float(size) for key, _, size in stage.parts()} for name, stage in stages.items()},
            "memory_capacity": _capacity(found),
        },
        "runner_up": None if choice is None or choice.runner_up is None else _candidate_data(choice.runner_up),
        "losers": [] if choice is None else [_candidate_data(candidate) for candidate in choice.losers],
        "front": {"objectives": list(_front_names(found)), "plans": [_option_data(option) for option in found.front]},
        "fleets": [
            {
                "accelerators": fleet.accelerators,
                "considered": None if fleet.choice is None else fleet.choice.considered,
                "feasible": None if fleet.choice is None else fleet.choice.feasible,
                "best": None if fleet.choice is None else _candidate_data(fleet.choice.best),
                "binding": None if fleet.choice is None else fleet.choice.binding,
                "infeasible": None if fleet.infeasible is None else str(fleet.infeasible),
            }
            for fleet in found.fleets
        ],
        "seconds": found.seconds,
        "sensitivity": [_change_data(change) for change in found.changes],
        "ratios": [{**asdict(ratio), "form": ratio.form.key} for ratio in found.ratios],
    }


def _option_data(option: Option) -> dict[str, Any]:
    judged = {name: getattr(option.objectives, name) for name in OBJECTIVES}
    return {
        "accelerators": option.accelerators,
        "objectives": {name: None if value is None else float(value) for name, value in judged.items()},
        **_candidate_data(option.candidate),
    }


def _candidate_data(candidate: Candidate) -> dict[str, Any]:
    return {
        "label": candidate.label,
        "plan": asdict(candidate.plan),
        "step_time": candidate.step_time,
        "memory": candidate.memory,
        "mfu": candidate.mfu,
        "fits": candidate.fits,
        "parts": dict(candidate.parts),
        "communication_ratio": candidate.communication_ratio,
        "why_lost": candidate.why_lost,
    }


def _change_data(change: Changed) -> dict[str, Any]:
    return {
        "what": change.what,
        "factor": change.factor,
        "kept": change.kept,
        "best": None if change.best is None else _candidate_data(change.best),
        "moved": change.moved,
        "flips": change.flips,
        "considered": change.considered,
        "why": change.why,
    }
