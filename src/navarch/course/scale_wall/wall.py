"""One accelerator against a frontier run: how long it would take, and the fleet that the deadline forces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from navarch.core.arithmetic import ceil_div, ratio
from navarch.core.ledger import Ledger
from navarch.course.desk import accelerator_of, shelf, with_intervals
from navarch.course.instrument import Answer, instrument
from navarch.course.scale_wall.measured import recorded_machines
from navarch.course.scale_wall.runs import run_compute
from navarch.course.scale_wall.variant import menu, quantities
from navarch.fleet.scale import estimate

PRECISION = "bf16"
COUNTS = tuple(4**power for power in range(11))
"""Accelerators of the figure's line."""


def runs() -> list[str]:
    """The published frontier runs that may be asked about."""
    return list(menu()["run"])


def accelerators() -> dict[str, str]:
    """The accelerators that may be asked about, with their names."""
    return {name: accelerator_of(name).name for name in menu()["accelerator"]}


def deadlines() -> list[float]:
    """Deadlines of the slider [s]."""
    return quantities(menu()["deadline"], "s")


@instrument
def one_accelerator(run: str, accelerator: str, deadline: float) -> Answer:
    """Time of a published run on one accelerator, and the fleet that finishes it by a deadline [s]."""
    catalog = shelf()
    with Ledger() as ledger:
        compute = ledger.fact(run_compute(run))
        peak = ledger.fact(catalog.fact("accelerator", accelerator, PRECISION))
        utilisation = ledger.fact(catalog.fact("constant", "scale.utilisation"))
        available = ledger.fact(catalog.fact("constant", "design.planned-goodput"))
        limit = ledger.field("deadline", deadline, "s", "Deadline")
        values = {
            "alone": estimate.time_on_one(compute, peak, utilisation),
            "fleet": estimate.accelerators_for_deadline(compute, limit, peak, utilisation, available),
            "compute": compute,
            "peak": peak,
            "utilisation": utilisation,
        }
        readings, drawn = with_intervals(ledger, values)
        rows = [_count(ledger, count, compute, peak, utilisation) for count in COUNTS]
    low, high = drawn.interval(values["alone"].entry)
    for row in rows:
        row |= {name: float(ratio(end, row["accelerators"])) for name, end in (("low", low), ("high", high))}
    return Answer(readings, rows)


def _count(ledger: Ledger, count: int, compute: Any, peak: Any, utilisation: Any) -> dict[str, Any]:
    shared = ledger.field(f"accelerators.{count}", count, "1", "Accelerators that share the work")
    return {"accelerators": count, "time": float(estimate.time_at_utilisation(compute, shared, peak, utilisation))}


@instrument
def this_machine(run: str, rate: float, machine: str, recorded: bool, deadline: float) -> Answer:
    """Time of a published run on a machine that trains at a measured rate [FLOP/s], beside other machines.

    recorded: whether the rate was measured elsewhere.
    """
    catalog = shelf()
    with Ledger() as ledger:
        compute = ledger.fact(run_compute(run))
        measured = ledger.observation(
            f"Training rate of {machine}", rate, "FLOP/s", None, None, "measured", "forward and backward of a block"
        )
        alone = ratio(compute, measured, unit="s", title="Time of the run on this machine", symbol="T_here")
        limit = ledger.field("deadline", deadline, "s", "Deadline")
        values = {
            "alone": alone,
            "machines": ceil_div(alone, limit, title="Machines like this that the deadline needs", symbol="n_here"),
            "rate": measured,
        }
        readings, _ = with_intervals(ledger, values)
        utilisation = ledger.fact(catalog.fact("constant", "scale.utilisation"))
        rows: list[Mapping[str, Any]] = []
        if not recorded:
            rows.append(_machine(f"this machine, {machine}", rate, float(alone), "measured now"))
        for name, known in recorded_machines().items():
            time = ratio(compute, known, unit="s", title="Time of the run on a recorded machine")
            rows.append(_machine(name, known, float(time), "recorded"))
        for name, title in accelerators().items():
            peak = ledger.fact(catalog.fact("accelerator", name, PRECISION))
            reached = ratio(compute, estimate.time_on_one(compute, peak, utilisation), unit="FLOP/s")
            time = estimate.time_on_one(compute, peak, utilisation)
            rows.append(_machine(title, float(reached), float(time), "planned from the data sheet"))
    return Answer(readings, rows)


def _machine(name: str, rate: float, time: float, kind: str) -> dict[str, Any]:
    return {"machine": name, "rate": rate, "time": time, "kind": kind}
