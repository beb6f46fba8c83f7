"""A whole machine as one tree: chip, node, rack, pod and cluster, and what an accelerator has at each level."""

from __future__ import annotations

from typing import Any

from navarch.core.ledger import Ledger, Value
from navarch.core.quantity import show
from navarch.course.desk import reading, shelf, titled
from navarch.course.errors import CourseError
from navarch.course.instrument import Answer, Reading, instrument
from navarch.course.interconnect_wall.names import short
from navarch.course.interconnect_wall.variant import menu
from navarch.fleet.compute.estimate import bandwidth_ratio


def sizes() -> list[int]:
    """Accelerators of the machine, as the slider has them."""
    return list(menu()["machine"]["accelerators"])


@instrument
def machine_levels(node: str, network: str, accelerators: int) -> Answer:
    """The levels of a machine of so many accelerators: what joins each, and what one accelerator has into it."""
    from navarch.fleet.compute.machine import Network, machine

    switches = menu()["machine"]["switch"]
    if network not in switches:
        raise CourseError(f"network: {network!r} is not one of {', '.join(switches)}")
    catalog = shelf()
    chip = catalog.get("accelerator", catalog.get("node", node).accelerator)
    with Ledger() as ledger:
        total = ledger.field("accelerators", accelerators, "1", "Accelerators of the machine")
        evenly = ledger.field("oversubscription", 1, "1", "Oversubscription of the leaves")
        tree = machine(catalog, node, total, Network(network, switches[network], evenly), take=ledger.fact)
        memory = ledger.fact(chip.memory_bandwidth)
        rows = [_row(unit, chip.memory_type, memory) for unit in tree.units]
        near, far = tree.unit("node").link, tree.root.link
        readings: dict[str, Any] = {
            unit.level: Reading(f"Accelerators of a {unit.level}", float(unit.accelerators), "1")
            for unit in tree.units
            if unit.child is not None
        }
        if near is not None and far is not None and None not in (near.bandwidth, far.bandwidth):
            drop = bandwidth_ratio(near.bandwidth, far.bandwidth, title="Bandwidth within the node over out of it")
            readings["drop"] = reading(drop.entry)
        if far is not None and isinstance(far.bisection, Value):
            readings["bisection"] = reading(far.bisection.entry)
    return Answer(titled(readings, {"bisection": "Across the middle of the cluster, one direction"}), rows)


def _row(unit: Any, memory_name: str, memory: Value) -> dict[str, Any]:
    link = unit.link
    joined = memory_name if link is None else link.name
    bandwidth = memory if link is None else link.bandwidth
    return {
        "level": unit.level, "name": short(unit.name), "accelerators": float(unit.accelerators),
        "units": float(unit.units), "link": joined, "bandwidth": None if bandwidth is None else float(bandwidth),
        "latency": None if link is None or link.latency is None else float(link.latency),
        "bisection": None if link is None or link.bisection is None else float(link.bisection),
        "power": None if unit.power is None else float(unit.power),
    }  # fmt: skip


def told(row: dict[str, Any]) -> str:
    """A level in a few words."""
    if row["accelerators"] == 1:
        return f"{row['level']}: {row['link']}"
    return f"{row['level']} of {show(row['accelerators'], '1')}: {row['link']}"
