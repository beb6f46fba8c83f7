"""The bisection of a pod: closed form and greatest flow side by side, against what its accelerators hold and send."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import product_of, ratio, relative_change, share_of
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger
from navarch.course.desk import reading, shelf, titled
from navarch.course.errors import CourseError
from navarch.course.instrument import Answer, instrument
from navarch.course.interconnect_wall.variant import menu
from navarch.fleet.compute.estimate import aggregate_memory_bandwidth
from navarch.fleet.fabric import clos, estimate

if TYPE_CHECKING:
    from navarch.fleet.fabric.graph import Network
    from navarch.fleet.fabric.parts import Parts

MACHINE = 8  # accelerators of a machine, where a family asks
FAMILIES = ("fat-tree", "rail-optimised", "dragonfly", "dragonfly+", "3-D torus", "2-D torus", "hypercube")


def leaves() -> list[int]:
    """Leaf switches of the slider."""
    return list(menu()["pod"]["leaves"])


def splits() -> dict[str, str]:
    """Ports of a leaf, down and up, as they may be split."""
    told = {}
    for down, up in menu()["pod"]["split"]:
        told[split_named(down, up)] = f"{down} down, {up} up"
    return told


def split_named(down: int, up: int) -> str:
    """The name of a split."""
    return f"{down}/{up}"


def accelerators() -> dict[str, str]:
    """The accelerators that may be asked about, with their names."""
    return {name: shelf().get("accelerator", name).name for name in menu()["pod"]["accelerator"]}


def host_counts() -> list[int]:
    """Hosts of the families side by side."""
    return list(menu()["pod"]["hosts"])


@lru_cache(maxsize=1)
def parts() -> Parts:
    """Link and switch of the lab's pods."""
    from navarch.fleet.fabric.parts import parts_of

    told = menu()["pod"]
    with off_the_ledger():
        return parts_of(shelf(), told["link"], told["switch"])


@lru_cache(maxsize=64)
def network_of(leaf_count: int, down: int, up: int) -> Network:
    """The pod as a graph."""
    from navarch.fleet.fabric.clos_graph import leaf_spine
    from navarch.fleet.fabric.placement import wires_of

    with off_the_ledger():
        radix = float(parts().radix)
        spines = int(clos.spines_for(float(leaf_count), radix, float(up)))
        return leaf_spine(leaf_count, down, spines, up, wires_of(parts()))


@lru_cache(maxsize=64)
def _greatest_flow(leaf_count: int, down: int, up: int) -> float:
    from navarch.fleet.fabric.bisection import cut_of

    return cut_of(network_of(leaf_count, down, up)).flow


def split_of(split: str) -> tuple[int, int]:
    """Ports down and up of a split of the menu; CourseError for another."""
    if split not in splits():
        raise CourseError(f"split: {split!r} is not one of {', '.join(splits())}")
    down, up = split.split("/")
    return int(down), int(up)


@instrument
def bisection(leaves: int, split: str, accelerator: str) -> Answer:
    """What the worst halves of a pod of leaves and spines can send each other: closed form and greatest flow."""
    ports_down, ports_up = split_of(split)
    catalog = shelf()
    with Ledger() as ledger:
        count = ledger.field("leaves", leaves, "1", "Leaf switches")
        down = ledger.field("down", ports_down, "1", "Accelerators of a leaf")
        up = ledger.field("up", ports_up, "1", "Cables from a leaf to the spines")
        link = ledger.fact(catalog.fact("fabric", menu()["pod"]["link"], "bandwidth"))
        chip = catalog.get("accelerator", accelerator)
        memory = ledger.fact(chip.memory_bandwidth)
        hosts = product_of(count, down, unit="1", title="Accelerators of the pod", symbol="n")
        across = estimate.bisection_bandwidth(clos.leaf_spine_bisection(count, down, up), link)
        flow = ledger.observation(
            "Greatest flow between the halves", _greatest_flow(leaves, ports_down, ports_up), "byte/s", None, None,
            "fleet.fabric.bisection", "maximum flow on the graph of the pod",
        )  # fmt: skip
        injected = estimate.injection_bandwidth(hosts, link)
        held = aggregate_memory_bandwidth(hosts, memory)
        values = {
            "bisection": across,
            "flow": flow,
            "off": relative_change(flow, across, title="Flow against closed form", symbol="delta"),
            "each": estimate.bisection_per_host(across, hosts),
            "hosts": hosts,
            "memories": ratio(across, memory, unit="1", title="As much as the memories of so many accelerators"),
            "share": share_of(across, held, title="As a share of all memories"),
        }
        readings = {key: reading(value.entry) for key, value in values.items()}
        rows = [
            {"what": f"memories of all {int(float(hosts)):,}", "bandwidth": float(held)},
            {"what": "network cards of all", "bandwidth": float(injected)},
            {"what": "the pod's bisection", "bandwidth": float(across)},
            {"what": "memory of one", "bandwidth": float(memory)},
        ]
        if chip.scaleup_bandwidth is not None:
            joined = estimate.injection_bandwidth(hosts, ledger.fact(chip.scaleup_bandwidth))
            rows.insert(1, {"what": f"{chip.scaleup_name} of all", "bandwidth": float(joined)})
    titles = {"bisection": "Bisection, closed form", "flow": "Bisection, greatest flow"}
    return Answer(titled(readings, titles), rows)


@instrument
def families(hosts: int) -> Answer:
    """Bisection of other networks of as many accelerators on the same links, by closed form and by greatest flow."""
    from navarch.fleet.fabric.bisection import cut_of, theory_of
    from navarch.fleet.fabric.families import Asked, made
    from navarch.fleet.fabric.placement import wires_of
    from navarch.fleet.fabric.sizing import SizingError

    rows: list[dict[str, Any]] = []
    refused = []
    with off_the_ledger():
        asked = Asked(hosts, int(float(parts().radix)), 1.0, MACHINE)
        for family in FAMILIES:
            try:
                network = made(family, asked, parts(), wires_of(parts()))
            except SizingError as error:
                refused.append(f"{family}: {error}")
                continue
            flow, theory = cut_of(network).flow, theory_of(network)
            rows.append({
                "family": family, "switches": network.switches, "cables": network.cables, "theory": theory,
                "flow": flow, "each": float(estimate.bisection_per_host(flow, float(network.hosts))),
            })  # fmt: skip
    flows = [float(row["flow"]) for row in rows]
    readings: dict[str, tuple[str, float | str, str]] = {
        "most": ("Most bisection", max(flows), "byte/s"),
        "least": ("Least bisection", min(flows), "byte/s"),
        "refused": ("Left out", "; ".join(refused) or "none", "text"),
    }
    return Answer(readings, rows)
