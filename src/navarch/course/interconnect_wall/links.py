"""One message from tier to tier: the accelerator's memory, its neighbour, its host, the next rack, across the hall."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from navarch.core.arithmetic import product_of, ratio
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Fact, Ledger, Value
from navarch.core.quantity import parse, show
from navarch.course.desk import reading, shelf, with_intervals
from navarch.course.instrument import Answer, instrument
from navarch.course.interconnect_wall.variant import Server, menu, quantities
from navarch.distributed.collectives.estimate import point_to_point_time
from navarch.fleet.compute import estimate as compute
from navarch.fleet.fabric import clos, estimate

PRECISION = "bf16"
KINDS = ("memory", "scaleup", "bus", "network", "hall")
PLACES = {
    "memory": "its own memory", "scaleup": "next door, the same server", "bus": "its host", "network": "the next rack",
    "hall": "across the hall",
}  # fmt: skip
STEP = 16  # from one message size of a curve to the next
SMALLEST, SIZES = 64, 8  # of a curve: the least message [byte], and how many
SIDES = 512  # multiples of which the product's side is one
MOST_SIDE = 32


@dataclass(frozen=True, slots=True)
class Tier:
    """A way from an accelerator. bandwidth [byte/s]; latency [s]; both remembered values."""

    kind: str
    name: str
    bandwidth: Value
    latency: Value

    @property
    def place(self) -> str:
        """Where it leads."""
        return PLACES[self.kind]


def servers() -> list[Server]:
    """The servers that may be asked about."""
    return [Server(**told) for told in menu()["servers"]]


def nodes() -> dict[str, str]:
    """Servers by id, with their names."""
    return {name: shelf().get("node", name).name for name in dict.fromkeys(each.node for each in servers())}


def networks(kind: str) -> dict[str, str]:
    """The links that may be asked about, with their names. kind: network or hall."""
    return {name: shelf().get("fabric", name).name for name in dict.fromkeys(getattr(s, kind) for s in servers())}


def messages() -> list[float]:
    """Sizes of the slider [byte]."""
    small = quantities(["64 kB", "1 MB", "16 MB", "100 MB"], "byte")
    return sorted({*small, *quantities(menu()["message"], "byte")})


def tiers_of(ledger: Ledger, node: str, network: str, hall: str) -> list[Tier]:
    """The tiers around an accelerator of a node, nearest first, entered in a ledger."""
    catalog = shelf()
    entry = catalog.get("node", node)
    chip = catalog.get("accelerator", entry.accelerator)
    bus = f"pcie{chip.pcie_generation}-x16"

    def fact(known: Fact) -> Value:
        return ledger.fact(known)

    def constant(name: str) -> Value:
        return fact(catalog.fact("constant", name))

    def far(kind: str, name: str) -> Tier:
        link = catalog.get("fabric", name)
        base = fact(link.latency) if link.latency else constant("fabric.link-latency")
        levels = ledger.field(f"levels.{kind}", menu()["levels"][kind], "1", f"Levels of switches to {PLACES[kind]}")
        hops = clos.clos_switch_hops(levels, title="Switches on the way")
        lengths = [constant(f"fabric.{each}") for each in ("host-cable-length", "trunk-cable-length")]
        delays = (*lengths, constant("fabric.propagation-delay"))
        latency = estimate.switched_latency(base, hops, constant("fabric.switch-latency"), *delays)
        return Tier(kind, link.name, fact(link.bandwidth), latency)

    return [
        Tier("memory", chip.memory_type, fact(chip.memory_bandwidth), constant("interconnect.memory-latency")),
        Tier("scaleup", chip.scaleup_name, fact(entry.scaleup_bandwidth), fact(_neighbour_latency())),
        Tier("bus", catalog.get("fabric", bus).name, fact(catalog.fact("fabric", bus, "bandwidth")),
             constant("interconnect.bus-latency")),
        far("network", network),
        far("hall", hall),
    ]  # fmt: skip


def _neighbour_latency() -> Fact:
    """Latency of a scale-up link; that of NVLink 4 stands for those whose own is not published."""
    return shelf().fact("fabric", "nvlink4", "latency")


@instrument
def one_message(node: str, network: str, hall: str, message: float) -> Answer:
    """Time of a message [byte] from an accelerator over each tier around it."""
    with Ledger() as ledger:
        size = ledger.field("message", message, "byte", "Message")
        tiers = tiers_of(ledger, node, network, hall)
        times = {
            tier.kind: point_to_point_time(size, tier.bandwidth, tier.latency, title=f"{tier.name}, {tier.place}")
            for tier in tiers
        }
        slower = ratio(
            times["hall"], times["memory"], unit="1", title="Across the hall against its own memory", symbol="r"
        )
        readings = {key: reading(value.entry) for key, value in {**times, "slower": slower}.items()}
        rows = [
            {
                "place": tier.place, "link": tier.name, "bandwidth": float(tier.bandwidth),
                "latency": float(tier.latency), "time": float(times[tier.kind]),
                "times": float(ratio(times[tier.kind], times["memory"])),
            }
            for tier in tiers
        ]  # fmt: skip
    return Answer(readings, rows)


@instrument
def from_memory(node: str, message: float) -> Answer:
    """Time in which an accelerator reads a message [byte] from its own memory."""
    catalog = shelf()
    with Ledger() as ledger:
        size = ledger.field("message", message, "byte", "Message")
        bandwidth = ledger.fact(catalog.get("accelerator", catalog.get("node", node).accelerator).memory_bandwidth)
        latency = ledger.fact(catalog.fact("constant", "interconnect.memory-latency"))
        time = point_to_point_time(size, bandwidth, latency, title=f"{show(message, 'byte')} from its own memory")
        return Answer({"memory": reading(time.entry)})


@instrument
def by_size(node: str, network: str, hall: str) -> Answer:
    """Time and rate of messages of many sizes over each tier, and the size that reaches half of the bandwidth."""
    with Ledger() as ledger:
        tiers = tiers_of(ledger, node, network, hall)
        rows = [_at(tier, float(SMALLEST * STEP**power)) for tier in tiers for power in range(SIZES)]
        halves = {
            tier.kind: product_of(
                tier.bandwidth, tier.latency, unit="byte", title=f"Half speed at, {tier.name}", symbol="M_half"
            )
            for tier in tiers
        }
        readings, _ = with_intervals(ledger, halves)
    return Answer(readings, rows)


def _at(tier: Tier, size: float) -> dict[str, Any]:
    with off_the_ledger():
        time = float(point_to_point_time(size, float(tier.bandwidth), float(tier.latency)))
        rate = float(ratio(size, time))
    return {"place": tier.place, "link": tier.name, "size": size, "time": time, "rate": rate}


@cache
def side_of_product(node: str) -> int:
    """The side of the square product that takes this accelerator nearest to the provocation's time."""
    import numpy as np

    from navarch.fleet.compute.matmul import matmul_kernel, matmul_time

    catalog = shelf()
    sides = SIDES * np.arange(1.0, MOST_SIDE + 1)
    with off_the_ledger():
        kernel = matmul_kernel(catalog, catalog.get("node", node).accelerator, PRECISION)
        times = np.asarray(matmul_time(kernel, sides, sides, sides), dtype=float)
    return int(sides[np.argmin(np.abs(times - parse(menu()["product"], "s")))])


@instrument
def product_next_door(node: str, network: str, hall: str) -> Answer:
    """The provocation: a square product of about a millisecond, and how long its result takes over each tier."""
    from navarch.fleet.compute.matmul import matmul_kernel, matmul_time

    catalog = shelf()
    side = side_of_product(node)
    accelerator = catalog.get("node", node).accelerator
    with off_the_ledger():
        kernel = matmul_kernel(catalog, accelerator, PRECISION)
        took = float(matmul_time(kernel, *[float(side)] * 3))
    with Ledger() as ledger:
        edge = ledger.field("side", side, "1", "Side of the matrices")
        time = ledger.observation(
            "Time of the product", took, "s", None, None, "fleet.compute.matmul", f"{side:,} squared, {accelerator}"
        )
        element = ledger.fact(catalog.fact("constant", f"precision.{PRECISION}.bytes"))
        result = product_of(edge, edge, element, unit="byte", title="The result", symbol="M")
        work = compute.matmul_work(edge, edge, edge)
        tiers = tiers_of(ledger, node, network, hall)
        times = {
            tier.kind: point_to_point_time(result, tier.bandwidth, tier.latency, title=f"The result, {tier.place}")
            for tier in tiers
        }
        values = {"product": time, "result": result, "work": work, **times}
        readings = {key: reading(value.entry) for key, value in values.items()}
        rows = [{"what": f"the product, {side:,} x {side:,}", "time": took, "kind": "computing"}]
        rows += [{"what": t.place, "time": float(times[t.kind]), "kind": "moving the result"} for t in tiers]
    return Answer(readings, rows)
