"""Who sits where: a ring in the order of the hosts and in random order, on leaves whose uplinks are ever fewer."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from navarch.core.arithmetic import ceil_div, ratio
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger
from navarch.course.communication_topologies.fabrics import parts_named
from navarch.course.communication_topologies.variant import Leaves, menu, quantities
from navarch.course.desk import reading
from navarch.course.errors import CourseError
from navarch.course.instrument import Answer, instrument

if TYPE_CHECKING:
    from navarch.distributed.collectives.schedule import Schedule
    from navarch.distributed.collectives.simulate import Setting

RATIOS = (1, 2, 4, 8)
DRAWS = tuple(range(1, 9))
PARTS = "roce"
RING, DOUBLING = "ring", "halving_doubling"
ALGORITHMS = {RING: "Ring", DOUBLING: "Halving-doubling"}
ORDERS = {"in order": False, "at random": True}


def ratios() -> list[int]:
    """Oversubscriptions of the slider, ports down over ports up."""
    return list(RATIOS)


def gradients() -> list[float]:
    """Gradients of the slider [byte]."""
    return quantities(menu()["gradient"], "byte")


def orders() -> list[int]:
    """Draws of a random order."""
    return list(DRAWS)


def algorithms() -> dict[str, str]:
    """All-reduces that may be asked about."""
    return dict(ALGORITHMS)


def shapes() -> dict[str, str]:
    """Clusters that may be asked about: leaves and hosts of a leaf."""
    found = {shape_of(Leaves(**told)): "" for told in menu()["leaves"]}
    return {name: "{} leaves of {} hosts".format(*name.split("x")) for name in found}


def shape_of(leaves: Leaves) -> str:
    """A cluster by its name."""
    return f"{leaves.leaves}x{leaves.hosts}"


def _sizes(shape: str) -> tuple[int, int]:
    if shape not in shapes():
        raise CourseError(f"shape: {shape!r} is not one of {', '.join(shapes())}")
    leaves, hosts = shape.split("x")
    return int(leaves), int(hosts)


@lru_cache(maxsize=256)
def timed(shape: str, ratio_: int, algorithm: str, gradient: float, draw: int) -> tuple[float, float | None]:
    """Time of an all-reduce over all hosts, simulated and in closed form [s]. draw: 0 for the order of the hosts."""
    from navarch.distributed.collectives.fault_cost import estimated
    from navarch.distributed.collectives.simulate import simulate

    schedule, setting = scene(shape, ratio_, algorithm, draw)
    with off_the_ledger():
        return simulate(schedule, gradient, setting).time, estimated(schedule, gradient, setting, None)


def scene(shape: str, ratio_: int, algorithm: str, draw: int) -> tuple[Schedule, Setting]:
    """The schedule and where it runs: flows are spread over the uplinks packet by packet."""
    from navarch.distributed.collectives.algorithms import schedule_of
    from navarch.distributed.collectives.simulate import Setting
    from navarch.fleet.fabric import clos_graph
    from navarch.fleet.fabric.placement import wires_of

    leaves, leaf_hosts = _sizes(shape)
    hosts = leaves * leaf_hosts
    uplinks = int(ceil_div(leaf_hosts, ratio_))
    network = clos_graph.leaf_spine(leaves, leaf_hosts, uplinks, uplinks, wires_of(parts_named(PARTS)))
    order = np.random.default_rng(draw).permutation(hosts) if draw else None
    return schedule_of("all_reduce", algorithm, hosts), Setting(network, "spray", hosts=order)


@instrument
def ring_on_leaves(shape: str, ratio: int, algorithm: str, gradient: float, draw: int) -> Answer:
    """An all-reduce on leaves and spines, ranks in order and in random order, at every oversubscription.

    shape: leaves x hosts of a leaf; ratio: ports down over ports up; algorithm: of the all-reduce; gradient [byte];
    draw: of the random order.
    """
    rows: list[dict[str, Any]] = []
    with Ledger() as ledger:
        seen = {}
        for told, shuffled in ORDERS.items():
            for each in sorted({*RATIOS, ratio}):
                time, closed = timed(shape, each, algorithm, gradient, draw if shuffled else 0)
                seen[told, each] = ledger.observation(
                    f"{ALGORITHMS[algorithm]}, ranks {told}, {each} : 1", time, "s", None, None,
                    "distributed.collectives.simulate", "flows spread over the uplinks",
                )  # fmt: skip
                rows.append({"order": told, "ratio": each, "estimate": closed, "simulated": time})
        readings: dict[str, Any] = {
            "time": reading(seen["in order", ratio].entry),
            "random": reading(seen["at random", ratio].entry),
            **_compared(seen, ratio),
        }
    for row in rows:
        row["times"] = float(_plain(row["simulated"], float(seen["in order", 1])))
    return Answer(readings, rows)


def _plain(one: float, other: float) -> float:
    with off_the_ledger():
        return float(ratio(one, other, unit="1"))


def _compared(seen: dict[tuple[str, int], Any], asked: int) -> dict[str, Any]:
    ordered, shuffled = seen["in order", asked], seen["at random", asked]
    found = {
        "longer": ratio(shuffled, ordered, unit="1", title="Random order, times as long as in order"),
        "thinned": ratio(ordered, seen["in order", 1], unit="1", title="In order, times as long as with every uplink"),
        "whole": ratio(
            seen["at random", 1], seen["in order", 1], unit="1", title="Random order with every uplink, times as long"
        ),
    }
    return {key: reading(value.entry) for key, value in found.items()}
