"""How fast storage is simulated and searched, and how near simulation and theory are, as a table.

Usage: python benchmarks/storage.py

Times are of one process, its own CPU time beside the clock's: a machine that others use is slower by the clock alone.
"""

from __future__ import annotations

import resource
import time
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from navarch.catalog import load
from navarch.core.quantity import show
from navarch.fleet.storage.expected import expected
from navarch.fleet.storage.model import Readers, Store, Tier
from navarch.fleet.storage.parts import Choice, Parts, Workload
from navarch.fleet.storage.search import Needs, search
from navarch.fleet.storage.simulate import simulate

WORKLOAD = Workload(1000, 2500.0, 250, 115e3, 1e8)
CASES = (  # accelerators, units, steps, size of a request [byte]
    (1000, 4, 100, 1e6),
    (4096, 17, 40, 1e6),
    (16384, 66, 20, 1e6),
    (16384, 66, 100, 8e6),
)
YEARS = 3 * 31_536_000.0
MOST_MEMORY = 4 * 2**30


def simulated(parts: Parts) -> Table:
    """Readers on parallel file systems of the catalog."""
    made = Table(title="Readers, each 2,500 images a second, request by request", box=None)
    for heading in ("accelerators", "steps", "requests", "CPU", "clock", "requests a CPU second", "starve"):
        made.add_column(heading, justify="right")
    simulate(parts.store(WORKLOAD, Choice("ddn-ai400x2", 4)), WORKLOAD.readers, 2)
    for accelerators, units, steps, request in CASES:
        workload = replace(WORKLOAD, accelerators=accelerators, request=request)
        store = parts.store(workload, Choice("ddn-ai400x2", units))
        clock, own = time.perf_counter(), time.process_time()
        run = simulate(store, workload.readers, steps)
        clock, own = time.perf_counter() - clock, time.process_time() - own
        made.add_row(
            f"{accelerators:,}", f"{steps}", f"{run.requests:,}", show(own, "s"), show(clock, "s"),
            f"{run.requests / own:,.0f}", show(run.starvation, "fraction"),
        )  # fmt: skip
    return made


def beside_theory() -> Table:
    """Queues with an exact theory: the mean wait by both."""
    made = Table(title="Mean wait for a channel, random requests", box=None)
    for heading in ("queue", "load", "theory", "simulation", "difference"):
        made.add_column(heading, justify="right")
    for name, channels, service in (("M/M/1", 1, "exponential"), ("M/M/8", 8, "exponential"), ("M/D/1", 1, "fixed")):
        for load_ in (0.5, 0.8):
            tier = Tier("queue", 1, channels, 1e-3, 1e-3, service=service)  # type: ignore[arg-type]
            store = Store((tier,))
            reader = Readers(1, 1e-3 / (load_ * channels), 1, 1.0, workers=150, prefetch=150, variation=1.0)
            told = float(expected(store, replace(reader, together=False)).tiers[0].wait)
            found = simulate(store, reader, 500_000, seed=1).tiers[0].wait
            made.add_row(name, f"{load_:g}", show(told, "s"), show(found, "s"), f"{found / told - 1:+.1%}")
    return made


def searched(parts: Parts) -> tuple[str, float]:
    """A search over the catalog, told in a line."""
    needs = Needs(405e9 * 14, 120.0, 10.0, 3.0, 0.01, YEARS, 0.8)
    clock = time.perf_counter()
    found = search(parts, WORKLOAD, needs)
    clock = time.perf_counter() - clock
    best = found.best.title if found.best else "nothing"
    return f"{found.considered} designs judged, {len(found.simulated)} simulated: {best}, {show(clock, 's')}", clock


def main() -> None:
    """Print the tables."""
    out = Console(width=140)
    parts = Parts(load())
    out.print(simulated(parts))
    out.print(beside_theory())
    out.print(searched(parts)[0])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    out.print(f"largest memory {show(float(memory), 'byte')} (bar {show(float(MOST_MEMORY), 'byte')})")


if __name__ == "__main__":
    main()
