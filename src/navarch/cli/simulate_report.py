"""How `navarch simulate pipeline` tells what it found: tables, JSON, and the Gantt chart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from navarch.cli.session import console, print_json, working

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from navarch.distributed.training.schedules import Schedule
    from navarch.distributed.training.simulate import PipelineRun, Spread

SAME = 1e-9
FEW_DIGITS = 2
LIKELY = 0.8


@dataclass(frozen=True, slots=True)
class Stage:
    """What one microbatch takes on a whole stage [s]; overlapped: a forward and a backward side by side, or None."""

    forward: float
    backward_input: float
    backward_weight: float
    overlapped: float | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """The closed form: step and bubble where stages go on by themselves, step with a barrier [s]; activations held.

    The step with a barrier is None where a zero-bubble schedule has too few microbatches for its closed form.
    """

    step: float
    bubble: float
    barrier_step: float | None
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Found:
    """A run, its repetitions with other draws, and the closed form where there is one; unlike: what that leaves out."""

    schedule: Schedule
    title: str
    stage: Stage
    run: PipelineRun
    spread: Spread | None
    estimate: Estimate | None
    unlike: tuple[str, ...]


def list_schedules(json: bool) -> None:
    """Print the schedules that can be generated."""
    from navarch.distributed.training.named_schedules import rules
    from navarch.distributed.training.pipeline import SCHEDULES

    listed = [{"schedule": r.name, "title": r.title, "closed_form": r.name in SCHEDULES} for r in rules().values()]
    if json:
        print_json(listed)
        return
    out = console()
    for each in listed:
        out.print(f"{each['schedule']:14} {each['title']}{'' if each['closed_form'] else ' (no closed form)'}")


def draw(found: Found, file: Path) -> None:
    """Draw the Gantt chart into a file."""
    from navarch.core.gantt import write
    from navarch.core.quantity import show as shown
    from navarch.design.errors import DesignError

    shares = [shown(float(share), "fraction", FEW_DIGITS) for share in found.run.bubble_share]
    with working("Drawing the pipeline"):
        try:
            write(found.run.plot(remarks=shares, remarks_title="waits"), file, _heading(found))
        except ValueError as error:
            raise DesignError("--plot", str(error)) from error


def as_data(found: Found) -> dict[str, Any]:
    """What was found, for a program."""
    run, estimate = found.run, found.estimate
    data: dict[str, Any] = {
        "schedule": found.schedule.name,
        "stages": found.schedule.stages,
        "chunks": found.schedule.chunks,
        "microbatches": found.schedule.microbatches,
        "tasks": len(found.schedule),
        "simulation": {"step": run.step, "bubble": float(run.bubble.max()), "makespan": run.makespan,
                       "in_flight_first": float(run.in_flight[0]), "in_flight_last": float(run.in_flight[-1])},
        "estimate": None,
        "not_in_estimate": list(found.unlike),
    }  # fmt: skip
    if estimate is not None:
        data["estimate"] = {"step": estimate.step, "bubble": estimate.bubble, "makespan": estimate.barrier_step,
                            "in_flight_first": estimate.first, "in_flight_last": estimate.last}  # fmt: skip
        data["difference"] = {
            name: data["simulation"][name] - told for name, told in data["estimate"].items() if told is not None
        }
    if found.spread is not None:
        low, high = found.spread.interval(LIKELY)
        data["replications"] = {"number": len(found.spread.steps), "mean_step": float(found.spread.steps.mean()),
                                "low": low, "high": high, "share": LIKELY}  # fmt: skip
    data["by_stage"] = run.stages_frame().to_dicts()
    return data


def show(found: Found, out: Console) -> None:
    """Print what was found."""
    from rich.text import Text

    from navarch.core.quantity import show as shown

    out.print(Text(_heading(found), style="bold"))
    out.print()
    out.print(_beside(found))
    if found.spread is not None:
        low, high = (shown(value, "s") for value in found.spread.interval(LIKELY))
        mean = shown(float(found.spread.steps.mean()), "s")
        out.print(f"\n{len(found.spread.steps)} replications: step {mean} on average, 80 % of them {low} to {high}.")
    out.print()
    out.print(_stages(found))
    if found.estimate is None:
        out.print(Text("\nThis schedule has no closed form.", style="dim"))
    elif found.unlike:
        out.print(Text(f"\nThe estimate leaves out {' and '.join(found.unlike)}.", style="dim"))


def _heading(found: Found) -> str:
    schedule = found.schedule
    chunks = f", {schedule.chunks} chunks each" if schedule.chunks > 1 else ""
    return f"{found.title}: {schedule.stages} stages{chunks}, {schedule.microbatches} microbatches"


def _beside(found: Found) -> Table:
    """Estimate and simulation side by side."""
    from navarch.core.arithmetic import share_of

    run, told = found.run, found.estimate
    table = _table("", "Estimate", "Simulation", "Difference", left=(0,))
    bubble = float(run.bubble.max())
    rows: list[tuple[str, str, Any, float]] = [
        ("Step", "s", told and told.step, run.step),
        ("Bubble of the longest stage", "s", told and told.bubble, bubble),
        ("Its share of the step", "fraction", told and share_of(told.bubble, told.step), share_of(bubble, run.step)),
        ("Step where stages wait for each other", "s", told and told.barrier_step, run.makespan),
        ("Microbatches in flight, first stage", "1", told and told.first, float(run.in_flight[0])),
        ("Microbatches in flight, last stage", "1", told and told.last, float(run.in_flight[-1])),
    ]
    for title, unit, estimate, simulated in rows:
        table.add_row(title, *_compared(estimate, simulated, unit, SAME * (run.step if unit == "s" else 1)))
    return table


def _compared(estimate: float | None, simulated: float, unit: str, same: float) -> tuple[str, str, str]:
    """Both numbers and their difference; rounding of the last digits is none."""
    from navarch.core.quantity import show as shown

    def clean(value: float) -> str:
        return shown(0.0 if abs(value) <= same else value, unit)

    if estimate is None:
        return "—", clean(simulated), "—"
    apart = simulated - estimate
    sign = "" if abs(apart) <= same else "+" if apart > 0 else "−"
    points = clean(abs(apart)).replace("%", "points") if unit == "fraction" else clean(abs(apart))
    return clean(estimate), clean(simulated), f"{sign}{points}"


def _stages(found: Found) -> Table:
    from navarch.core.quantity import show as shown

    run = found.run
    sends, holds = bool(run.sending.any()), run.held_bytes
    headings = ["Stage", "Works", *(["Sends"] if sends else []), "Bubble", "Waits in the step", "In flight"]
    table = _table(*headings, *([] if holds is None else ["Activations"]), left=())
    same = SAME * run.makespan
    for stage in range(found.schedule.stages):
        cells = [f"{stage}", shown(float(run.busy[stage]), "s")]
        cells += [shown(float(run.sending[stage]), "s")] if sends else []
        bubble = float(run.bubble[stage])
        cells += [shown(0.0 if abs(bubble) <= same else bubble, "s")]
        share = float(run.bubble_share[stage])
        cells += [shown(0.0 if abs(share) <= SAME else share, "fraction"), shown(float(run.in_flight[stage]), "1")]
        cells += [] if holds is None else [shown(float(holds[stage]), "byte")]
        table.add_row(*cells)
    return table


def _table(*headings: str, left: tuple[int, ...]) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index in left else "right")
    return table
