"""How fast navarch is, as a table: the times that people wait for, and the rates that search lives on.

All are medians on this machine as it is; arrays of a million designs (8 MB each) stay within a large cache.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import navarch as nv
from navarch.design.evaluation import parallelism, size, workload
from navarch.design.evaluation.desk import Desk
from navarch.distributed.collectives.estimate import ring_all_reduce_time

ROOT = Path(__file__).parents[1]
FRONTIER = ROOT / "examples/frontier.yaml"
DESIGNS = 1_000_000
MISSED_CONSTRAINT = 1  # an exit code that is an answer, not a failure


def usual(call: Callable[[], object], repeats: int = 7) -> float:
    """The median of some runs [s], after one that fills the caches: what a person gets, not the luckiest run."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def shell(*arguments: str) -> Callable[[], object]:
    """A fresh interpreter that runs navarch, as a person would."""

    def call() -> object:
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
        if done.returncode > MISSED_CONSTRAINT:
            raise RuntimeError(f"{' '.join(arguments)} exits with {done.returncode}: {done.stderr.strip()[-300:]}")
        return done

    return call


def waits() -> list[tuple[str, float, float]]:
    """What a person waits for: (what, time [s], bar [s])."""
    catalog = nv.load_catalog()
    design = nv.read_design(FRONTIER)
    evaluation = nv.evaluate(design, catalog)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / FRONTIER.name
        copy.write_bytes(FRONTIER.read_bytes())
        return [
            ("import navarch", usual(shell("-c", "import navarch")) - usual(shell("-c", "")), 0.5),
            ("evaluate the frontier example", usual(lambda: nv.evaluate(design, catalog)), 1.5),
            ("its 10,000 samples", usual(lambda: nv.propagate(evaluation.ledger, 10_000)), 1.0),
            ("navarch check frontier.yaml", usual(shell("-m", "navarch.cli", "check", str(copy)), 3), 1.5),
            ("navarch design frontier.yaml", usual(shell("-m", "navarch.cli", "design", str(copy)), 2), 8.0),
        ]


def plans() -> float:
    """Training plans searched a second: every legal one of the frontier example, memory and time."""
    design, catalog = nv.read_design(FRONTIER), nv.load_catalog()
    with nv.Ledger() as ledger:
        desk = Desk(design, catalog, ledger)
        trained = workload.evaluate(desk)
        fleet = size.fleet(desk, trained)
        runtime = parallelism.runtime_of(desk, trained, fleet)
        considered = parallelism.search(desk, trained, fleet, runtime).considered
        return considered / usual(lambda: parallelism.search(desk, trained, fleet, runtime))


def rates() -> list[tuple[str, float]]:
    """What is done many times over: (what, how often a second)."""
    ranks = np.random.default_rng(1).integers(2, 1024, DESIGNS).astype(float)
    calls = 10_000

    def scalar() -> None:
        for _ in range(calls):
            ring_all_reduce_time(1e9, 8.0, 50e9, 5e-6)

    def recorded() -> None:
        with nv.Ledger() as ledger:
            for number in range(calls):
                message = ledger.field(f"message.{number}", 1e9 + number, "byte", "Message")
                ring_all_reduce_time(message, message, message, message)

    def shown() -> None:
        for number in range(calls):
            nv.show(number * 1.37e6, "byte/s")

    def parsed() -> None:
        for number in range(calls):
            nv.parse(f"{number} GB/s", "byte/s")

    return [
        (
            "one equation on a million designs: designs",
            DESIGNS / usual(lambda: ring_all_reduce_time(1e9, ranks, 50e9, 5e-6)),
        ),
        ("training plans searched, memory and time", plans()),
        ("one equation, plain calls", calls / usual(scalar)),
        ("one equation, calls that a ledger records", calls / usual(recorded)),
        ("quantities written", calls / usual(shown)),
        ("quantities read", calls / usual(parsed)),
    ]


def main() -> None:
    """Print both tables."""
    console = Console()
    table = Table("rate", "per second", title="navarch benchmarks")
    for what, rate in rates():
        table.add_row(what, f"{rate:,.0f}")
    console.print(table)
    table = Table("wait", "time", "bar")
    for what, seconds, bar in waits():
        table.add_row(what, nv.show(seconds, "s"), nv.show(bar, "s"), style="" if seconds < bar else "red")
    console.print(table)


if __name__ == "__main__":
    main()
