"""How `navarch simulate network` and `navarch simulate collective` tell what they found: tables and JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from navarch.cli.validate_tables import DASH, signed, table

if TYPE_CHECKING:
    from rich.console import Console

    from navarch.distributed.collectives.fault_cost import Costs
    from navarch.distributed.collectives.schedule import Schedule
    from navarch.distributed.collectives.simulate import CollectiveRun
    from navarch.fleet.fabric.graph import Network
    from navarch.fleet.fabric.traffic import TrafficRun

FEW, MEDIAN, NEARLY_ALL = 2, 0.5, 0.99
NEVER = "never"


@dataclass(frozen=True)
class TrafficFound:
    """A pattern without faults, and with each of some."""

    rows: tuple[tuple[str, TrafficRun], ...]
    routing: str
    background: float


@dataclass(frozen=True)
class CollectiveFound:
    """A collective, its estimate without contention [s], and the costs of faults where some were given."""

    run: CollectiveRun
    estimate: float
    routing: str
    by_need: bool
    costs: Costs | None


def traffic(
    network: Network, pattern: str, size: float, policy: str, seed: int, background: float, faults: Sequence[Any],
    fails_at: float | None, reroute_after: float | None,
) -> TrafficFound:  # fmt: skip
    """Run a pattern, and run it again with each fault: from the start, or from a time on."""
    from navarch.core.arithmetic import sum_of
    from navarch.fleet.fabric.faults import Collisions
    from navarch.fleet.fabric.traffic import run

    rows = [("none", run(network, pattern, size, policy, seed, background))]
    for fault in faults:
        broken = fault.of(network)
        if isinstance(fault, Collisions):
            rows.append((f"hash collisions (ECMP), seed {seed}", run(network, pattern, size, "ecmp", seed, background)))
        elif fails_at is None:
            rows.append((fault.told, run(broken, pattern, size, policy, seed, background)))
        else:
            changes = [(fails_at, broken, reroute_after == 0)]
            if reroute_after:
                changes.append((float(sum_of(fails_at, reroute_after)), broken, True))
            rows.append((fault.told, run(network, pattern, size, policy, seed, background, changes)))
    return TrafficFound(tuple(rows), policy, background)


def traffic_data(found: TrafficFound) -> dict[str, Any]:
    """What was found, for a program."""
    network = found.rows[0][1].network
    return {
        "network": network.name, "hosts": network.hosts, "routing": found.routing, "background": found.background,
        "pattern": found.rows[0][1].pattern, "size": found.rows[0][1].size,
        "runs": [
            {
                "fault": fault, "time": run.time, "injected_share": run.injected if math.isfinite(run.time) else None,
                "median": run.slowest(MEDIAN), "p99": run.slowest(NEARLY_ALL), "stalled": len(run.run.stalled),
                "busiest": run.busiest(), "events": run.run.events,
            }
            for fault, run in found.rows
        ],
    }  # fmt: skip


def show_traffic(found: TrafficFound, out: Console) -> None:
    """Print what was found."""
    from rich.text import Text

    from navarch.core.quantity import show

    first = found.rows[0][1]
    many = f"{len(first.took):,} flows of {show(first.size, 'byte')}"
    out.print(Text(f"{_title(first.network)}, {first.pattern}: {many}", style="bold"))
    rest = f", background {show(found.background, 'fraction')}" if found.background else ""
    out.print(Text(f"routing {found.routing}{rest}", style="dim"))
    out.print()
    made = table("Fault", "All done", "Median flow", "p99 flow", "Of injection", "Stalled", *_tiers(first), left=(0,))
    for fault, run in found.rows:
        ends = math.isfinite(run.time)
        times = [_seconds(run.time), *(_seconds(run.slowest(share)) for share in (MEDIAN, NEARLY_ALL))]
        share = show(run.injected, "fraction", FEW) if ends else DASH
        busy = [show(value, "fraction", FEW) for value in run.busiest().values()]
        made.add_row(Text(fault), *times, share, f"{len(run.run.stalled):,}", *busy)
    out.print(made)


def _title(network: Network) -> str:
    return f"{network.name[:1].upper()}{network.name[1:]}"


def _tiers(run: TrafficRun) -> list[str]:
    return [f"Busiest {name}" for name in run.busiest()]


def _seconds(value: float) -> str:
    from navarch.core.quantity import show

    return show(value, "s") if math.isfinite(value) else NEVER


def collective(
    schedule: Schedule, message: float, network: Network, policy: str, seed: int, step: float, shuffled: bool,
    by_need: bool, faults: Sequence[Any],
) -> CollectiveFound:  # fmt: skip
    """Simulate a collective, and with each fault."""
    from navarch.core.events import stream
    from navarch.distributed.collectives.fault_cost import costs
    from navarch.distributed.collectives.simulate import Setting, simulate, simulate_by_need

    setting = Setting(network, policy, seed, step=step)
    if shuffled:
        setting = replace(setting, hosts=stream(seed, 0).permutation(network.hosts))
    run = simulate_by_need(schedule, message, setting) if by_need else simulate(schedule, message, setting)
    near = (network.ends < network.hosts).any(axis=1)
    estimate = run.estimate(float(network.bandwidth[near].max()))
    found = costs(schedule, message, setting, faults) if faults else None
    return CollectiveFound(run, estimate, policy, by_need, found)


def collective_data(found: CollectiveFound) -> dict[str, Any]:
    """What was found, for a program."""
    run = found.run
    return {
        "network": run.network.name, "collective": run.schedule.collective, "algorithm": run.schedule.algorithm,
        "ranks": run.schedule.ranks, "message": run.message, "routing": found.routing, "by_need": found.by_need,
        "rounds": run.schedule.steps, "rounds_simulated": run.simulated, "time": run.time, "estimate": found.estimate,
        "bus_bandwidth": run.bus_bandwidth, "busiest": run.busiest(),
        "steps": [asdict(step) for step in run.steps[:MOST_STEPS]],
        "faults": [] if found.costs is None else [asdict(cost) for cost in found.costs.rows],
    }  # fmt: skip


MOST_STEPS = 1000
"""Steps that JSON holds; a longer run begins with these."""


def draw(found: CollectiveFound, file: Path) -> None:
    """Draw what the faults cost into a file."""
    from navarch.design.errors import DesignError
    from navarch.distributed.collectives.fault_figure import figure

    if found.costs is None:
        raise DesignError("--plot", "there is nothing to draw without a --fault")
    title = f"What faults cost: {_what(found.run)}"
    _write(figure(found.costs, title), file, title)


def draw_traffic(found: TrafficFound, file: Path) -> None:
    """Draw when the flows were done into a file."""
    from navarch.core.quantity import show
    from navarch.fleet.fabric.traffic_figure import figure

    first = found.rows[0][1]
    named = [("no fault" if fault == "none" else fault, run) for fault, run in found.rows]
    title = f"{_title(first.network)}: {first.pattern}, {len(first.took):,} flows of {show(first.size, 'byte')}"
    _write(figure(named, title), file, title)


def _write(drawn: Any, file: Path, title: str) -> None:
    from navarch.cli.session import working
    from navarch.core.gantt import write
    from navarch.design.errors import DesignError

    with working("Drawing"):
        try:
            write(drawn, file, title)
        except ValueError as error:
            raise DesignError("--plot", str(error)) from error


def _what(run: CollectiveRun) -> str:
    what = f"{run.schedule.collective.replace('_', '-')}, {run.schedule.algorithm.replace('_', '-')}"
    return f"{_title(run.network)}: {what}"


def show_collective(found: CollectiveFound, out: Console) -> None:
    """Print what was found."""
    from rich.text import Text

    from navarch.core.arithmetic import relative_change
    from navarch.core.quantity import show

    run = found.run
    out.print(Text(f"{_what(run)}, {show(run.message, 'byte')}", style="bold"))
    alike = f"{run.schedule.steps:,} rounds, {run.simulated:,} simulated"
    out.print(Text(f"routing {found.routing}; {alike}{', no barrier' if found.by_need else ''}", style="dim"))
    out.print()
    made = table("", "Estimate, nothing in the way", "Simulated", "Difference", left=(0,))
    apart = signed(float(relative_change(run.time, found.estimate))) if math.isfinite(run.time) else DASH
    made.add_row("Time", _seconds(found.estimate), _seconds(run.time), apart)
    made.add_row("Bus bandwidth", DASH, show(run.bus_bandwidth, "byte/s"), "")
    for name, used in run.busiest().items():
        made.add_row(f"Busiest link, {name}", DASH, show(used, "fraction", FEW), "")
    out.print(made)
    if found.costs is not None:
        out.print()
        if found.by_need:
            out.print(Text("with a barrier after each round:", style="dim"))
        out.print(_costs(found.costs))


def _costs(costs: Costs) -> Any:
    from rich.text import Text

    from navarch.core.quantity import show

    made = table("Fault", "Closed form", "Simulated", "Least to most", "Times as long", left=(0,))
    for cost in costs.rows:
        spread = f"{_seconds(cost.low)} to {_seconds(cost.high)}" if cost.high > cost.low else ""
        estimate = DASH if cost.estimated is None else _seconds(cost.estimated)
        times = show(cost.slower, "1") if math.isfinite(cost.slower) else NEVER
        made.add_row(Text(cost.fault), estimate, _seconds(cost.simulated), spread, times)
    return made
