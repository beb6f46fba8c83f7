"""How fast the training planner is, as a table; beside mlsysim's `DistributedModel.solve` where it is installed.

Usage: python benchmarks/training.py    (mlsysim: pip install 'navarch[bench]')

Designs a second count full evaluations, memory and time of every legal plan under every form of parallelism, with
nothing pruned, in one process on one core.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

from rich.console import Console
from rich.table import Table

from navarch.catalog import load
from navarch.core.quantity import show
from navarch.distributed.training.forms import EVERYTHING
from navarch.distributed.training.inputs import hardware_of, scaleout_bandwidth, shape_of
from navarch.distributed.training.runtime import runtime_of
from navarch.distributed.training.search import Task, search, task_of
from navarch.distributed.training.strategy import choose

REPEATS = 5
PLAN_BAR, LARGE_BAR, RATE_BAR, MEMORY_BAR = 1.0, 30.0, 1e6, 2 * 2**30
PEER_CALLS = 200
LARGE = ("deepseek-v3", "dgx-h100", "fp8", 3840, 30720, 4096)
"""A mixture of experts on 3,840 accelerators: some 10 million legal plans."""
SMALL = ("gpt3-175b", "dgx-a100-640", "bf16", 512, 1536, 2048)
PEER = ("gpt3-175b", "dgx-a100-640", "bf16", 1024, 1536, 2048)


def arguments_of(model: str, node: str, precision: str, accelerators: int, batch: int, sequence: int) -> tuple:
    """Shape, hardware, runtime and sizes of a case."""
    catalog = load()
    entry = catalog.get("node", node)
    return (
        shape_of(catalog, catalog.get("model", model)),
        hardware_of(catalog, entry, precision, scaleout_bandwidth(entry)),
        runtime_of(catalog, entry.accelerator, precision),
        accelerators,
        batch,
        sequence,
    )


def task(case: tuple, prune: bool) -> Task:
    return task_of(*arguments_of(*case), forms=EVERYTHING, prune=prune)


def wall(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """The median of some runs [s], after one that fills the caches."""
    call()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return median(times)


def evaluations() -> tuple[float, int]:
    """Full evaluations a second on one core, and how many plans were evaluated."""
    whole = task(PEER, prune=False)
    considered = search(whole).considered
    return considered / wall(lambda: search(whole)), considered


def plan() -> tuple[float, int]:
    """Time of an exhaustive plan of GPT-3 175B on 512 A100 [s], enumeration and reasons included; plans considered."""
    arguments = arguments_of(*SMALL)
    considered = choose(*arguments, forms=EVERYTHING).considered
    return wall(lambda: choose(*arguments, forms=EVERYTHING)), considered


def large() -> None:
    """In a process of its own: time [s], plans and peak memory [byte] of a large search."""
    begin = time.perf_counter()
    found = search(task(LARGE, prune=True))
    print(time.perf_counter() - begin, found.considered, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def large_apart() -> tuple[float, int, int]:
    done = subprocess.run([sys.executable, __file__, "large"], capture_output=True, text=True, check=True)
    seconds, considered, memory = done.stdout.split()
    return float(seconds), int(considered), int(memory)


def peer() -> float | None:
    """mlsysim's evaluations a second, or None where it is not installed."""
    try:
        from mlsysim.engine.solvers.distributed import DistributedModel
        from mlsysim.models import Models
        from mlsysim.systems import Systems
    except ImportError:
        return None
    solver, model, fleet = DistributedModel(), Models.Language.GPT3, Systems.Clusters.Training_1K_A100

    def solve() -> None:
        for _ in range(PEER_CALLS):
            solver.solve(
                model, fleet, batch_size=1536, tp_size=8, pp_size=8, v_stages=2, microbatch_count=96, zero_stage=1,
                seq_len=2048, activation_recomputation=True,
            )  # fmt: skip

    return PEER_CALLS / wall(solve, 3)


def main() -> None:
    """Print the table."""
    table = Table("training planner", "figure", "bar", "over", title="navarch benchmarks")
    rate, evaluated = evaluations()
    table.add_row("full evaluations a second, one core", f"{rate:,.0f}", f"{RATE_BAR:,.0f}", f"{evaluated:,} plans")
    seconds, considered = plan()
    table.add_row("plan of GPT-3 175B on 512 A100", show(seconds, "s"), show(PLAN_BAR, "s"), f"{considered:,} plans")
    seconds, considered, memory = large_apart()
    over = f"{considered:,} plans, {show(memory, 'byte')} at the peak (bar {show(MEMORY_BAR, 'byte')})"
    table.add_row("plan of DeepSeek-V3 on 3,840 H100", show(seconds, "s"), show(LARGE_BAR, "s"), over)
    other = peer()
    if other is None:
        table.add_row("mlsysim DistributedModel.solve a second", "not installed", "", "pip install 'navarch[bench]'")
    else:
        table.add_row(
            "mlsysim DistributedModel.solve a second", f"{other:,.0f}", "", f"navarch {rate / other:,.0f} times"
        )
    Console().print(table)


if __name__ == "__main__":
    if sys.argv[1:] == ["large"]:
        large()
    else:
        main()
