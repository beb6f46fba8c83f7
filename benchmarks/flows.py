"""How fast the flow simulator is, as tables: beside SimGrid's recorded times, at scale, and for a training step.

Usage: python benchmarks/flows.py

Times are the least of some runs in one process on one core, after one that compiles: others use the machine too.
SimGrid's are as recorded (one of two shared cores), the building of its platform not counted; ours count the routing.
"""

from __future__ import annotations

import itertools
import resource
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from navarch.catalog import load
from navarch.core.quantity import show
from navarch.distributed.collectives.algorithms import schedule_of
from navarch.distributed.collectives.simulate import CollectiveRun, Setting, simulate
from navarch.distributed.training import Plan, on_fabric
from navarch.distributed.training.inputs import hardware_of, scaleout_bandwidth, shape_of
from navarch.distributed.training.runtime import DEFAULT_STACK, runtime_of
from navarch.fleet.fabric import clos_graph, grid_graph
from navarch.fleet.fabric.graph import Network, Wires
from navarch.validation import validate
from navarch.validation.network import published

TIMES_BAR, SECONDS_BAR, MEMORY_BAR = 20.0, 60.0, 4 * 2**30
STEP_BAR = 30.0
WIRES = Wires(50e9, 5e-7, 5e-7, 5e-7)
MESSAGE = 2.0**30
LEAST_HOSTS = 512


def beside_simgrid() -> Table:
    """Every recorded case of 512 hosts."""
    catalog = load()
    rows = {str(row["id"]): row for row in published(catalog)}
    report = validate("network", catalog)
    errors = {prediction.id: prediction.ape for prediction in report.predictions}
    made = Table("Case", "Rounds", "Error", "SimGrid", "navarch", "Times as fast", box=None, header_style="dim")
    for clock in report.more["wall"]:
        row = rows[clock["id"]]
        if row["hosts"] < LEAST_HOSTS:
            continue
        assert clock["times"] >= TIMES_BAR, f"{clock['id']}: {clock['times']:.1f} times"
        case = f"{row['topology']} {row['shape']}, {row['pattern']}, {show(row['message_bytes'], 'byte')}"
        times = (show(clock["simgrid_s"], "s"), show(clock["navarch_s"], "s"), f"{clock['times']:,.0f}")
        made.add_row(case, f"{row['rounds_simulated']:,} of {row['rounds']:,}", f"{errors[clock['id']]:.1e}", *times)
    return made


def ring(network: Network, policy: str, **more: object) -> Callable[[], CollectiveRun]:
    """A ring all-reduce among all hosts."""
    schedule = schedule_of("all_reduce", "ring", network.hosts)
    return lambda: simulate(schedule, MESSAGE, Setting(network, policy, **more))


def at_scale() -> Table:
    """Collectives of many hosts, the building of routing tables counted."""
    tree = clos_graph.three_tier(16, 32, 32, 32, 32, 1024, 32, WIRES)
    torus = grid_graph.torus([16, 16, 16], WIRES)
    order = np.random.default_rng(0).permutation(tree.hosts)
    halved = schedule_of("all_reduce", "halving_doubling", tree.hosts)
    rings = schedule_of("all_reduce", "torus", torus.hosts, shape=(16, 16, 16))
    exchange = schedule_of("all_to_all", "pairwise", 1024)
    small = grid_graph.torus([16, 8, 8], WIRES)
    by_axis = "dimension-order"
    cases: list[tuple[str, Callable[[], CollectiveRun]]] = [
        ("16,384 hosts, three tiers: ring", ring(tree, "modulo")),
        ("16,384 hosts, three tiers: ring in random order, ECMP", ring(tree, "ecmp", hosts=order)),
        ("16,384 hosts, three tiers: halving-doubling", lambda: simulate(halved, MESSAGE, Setting(tree, "modulo"))),
        ("4,096 hosts, torus: rings on every axis", lambda: simulate(rings, MESSAGE, Setting(torus, by_axis))),
        ("4,096 hosts, torus: one ring", ring(torus, by_axis)),
        ("1,024 hosts, torus: all-to-all, 1,023 rounds", lambda: simulate(exchange, MESSAGE, Setting(small, by_axis))),
    ]  # fmt: skip
    made = Table("Case", "Rounds", "Flows", "Simulated time", "Wall", "Memory so far", box=None, header_style="dim")
    for name, call in cases:
        begun = time.perf_counter()
        run = call()
        wall = time.perf_counter() - begun
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        assert wall < SECONDS_BAR and memory < MEMORY_BAR, f"{name}: {wall:.0f} s, {show(memory, 'byte')}"
        flows = sum(step.rounds * step.flows for step in run.steps)
        shown = (show(run.time, "s"), show(wall, "s"), show(memory, "byte"))
        made.add_row(name, f"{run.schedule.steps:,}", f"{flows:,}", *shown)
    return made


def steps() -> Table:
    """The step of Llama 3 405B on 16,384 accelerators, all groups of each form at once, one seed of the routing."""
    catalog = load()
    node = catalog.get("node", "dgx-h100")
    shape = shape_of(catalog, catalog.get("model", "llama3.1-405b"))
    hardware = hardware_of(catalog, node, "bf16", scaleout_bandwidth(node))
    runtime = runtime_of(catalog, node.accelerator, "bf16", DEFAULT_STACK)
    plan = Plan(
        tensor=8, pipeline=16, data=128, context=1, expert=1, virtual_stages=8, microbatch=1, global_batch=2048,
        sequence_length=8192, recomputation="selective",
    )  # fmt: skip
    tree = clos_graph.three_tier(16, 32, 32, 32, 32, 1024, 32, WIRES)
    rails = clos_graph.rail_optimised(2048, 8, 32, 32, 32, 64, 1024, 16, WIRES)
    made = Table("Fabric", "Routing", "Nodes", "Data", "Pipeline", "Step", "Wall", box=None, header_style="dim")
    every = (("fat-tree", tree), ("rail-optimised", rails))
    for (name, network), policy, scattered in itertools.product(
        every, ("modulo", "ecmp", "adaptive", "spray"), (False, True)
    ):
        begun = time.perf_counter()
        fabrics = {name: network}
        row = on_fabric.compare(shape, hardware, plan, runtime, fabrics, policy, 1, scattered=scattered).rows[0]
        wall = time.perf_counter() - begun
        assert wall < STEP_BAR, f"{name}, {policy}: {wall:.1f} s"
        slower = (f"{row.simulated.slowdowns[form]:.2f}" for form in ("data", "pipeline"))
        made.add_row(name, policy, "scattered" if scattered else "in order", *slower,
                     show(row.simulated.step_time, "s"), show(wall, "s"))  # fmt: skip
    return made


def main() -> None:
    """Print the tables; a bar that is missed is an error."""
    out = Console(width=150)
    out.print(beside_simgrid())
    out.print()
    out.print(at_scale())
    out.print()
    out.print(steps())


if __name__ == "__main__":
    main()
