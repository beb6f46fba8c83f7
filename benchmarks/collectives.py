"""How fast the real ring is beside gloo, and how near the estimate comes, as a table against the bars.

Usage: python benchmarks/collectives.py [processes]

Both run in turn in the same processes, so that a busy machine slows both; the ratio is the median over the pairs.
"""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.table import Table

from navarch.core.quantity import show
from navarch.distributed.collectives.algorithms import schedule_of
from navarch.distributed.collectives.launch import Site
from navarch.distributed.collectives.measure import measure_collectives
from navarch.distributed.collectives.measurement import CollectivesMeasured

PROCESSES, LARGEST, COMPARED = 4, 256e6, 64e6
RATIO_BAR, ERROR_BAR = 1.5, 0.20
RANKS, MADE_BAR = 16_384, 1.0


def made() -> float:
    """Time to make the ring of 16,384 ranks and its cost [s]."""
    start = time.perf_counter()
    assert schedule_of("all_reduce", "ring", RANKS).cost.rounds == 2 * (RANKS - 1)
    return time.perf_counter() - start


def rows(found: CollectivesMeasured) -> list[tuple[str, str, str, bool]]:
    """What, measured, bar, whether it is met."""
    compared = min(found.sizes, key=lambda each: abs(each.message - COMPARED))
    worst = max(found.sizes, key=lambda each: abs(each.error))
    assert compared.beside is not None
    making = made()
    return [
        (f"Ring of {RANKS:,} ranks and its cost", show(making, "s"), f"< {MADE_BAR:g} s", making < MADE_BAR),
        (
            f"Ring all-reduce of {show(compared.message, 'byte')}, over gloo's time",
            f"{compared.beside:.2f}",
            f"< {RATIO_BAR:g}",
            compared.beside < RATIO_BAR,
        ),
        (
            f"Estimate against measured, worst size ({show(worst.message, 'byte')})",
            f"{worst.error:+.0%}",
            f"within {ERROR_BAR:.0%}",
            abs(worst.error) <= ERROR_BAR,
        ),
        ("Sums, bit for bit", "right" if found.correct else "wrong", "right", found.correct),
    ]


def main() -> int:
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else PROCESSES
    found = measure_collectives(Site(processes), LARGEST, repeats=7)
    table = Table("What", "Measured", "Bar", "Met")
    results = rows(found)
    for what, measured, bar, met in results:
        table.add_row(what, measured, bar, "yes" if met else "no")
    Console().print(table)
    return 0 if all(met for *_, met in results) else 1


if __name__ == "__main__":
    sys.exit(main())
