"""One hash: flows that a hash puts on uplinks, as many uplinks as flows, and what those take that share one."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from navarch.core.arithmetic import ratio, share_of, sum_of
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger, Value
from navarch.course.communication_topologies.fabrics import parts_named
from navarch.course.communication_topologies.variant import Hashed, menu, quantities
from navarch.course.desk import reading
from navarch.course.errors import CourseError
from navarch.course.instrument import Answer, instrument

PARTS = "roce"
EVEN, HASHED = "modulo", "ecmp"
SPREADS = {"ecmp": "a hash for each flow (ECMP)", "adaptive": "the least loaded path", "spray": "packet by packet"}


def shapes() -> dict[str, str]:
    """Clusters that may be asked about."""
    found = {shape_of(Hashed(**told)): "" for told in menu()["hashed"]}
    return {name: "{} leaves of {} hosts and {} uplinks".format(*name.split("x"), name.split("x")[1]) for name in found}


def shape_of(hashed: Hashed) -> str:
    """A cluster by its name."""
    return f"{hashed.leaves}x{hashed.hosts}"


def spreads() -> dict[str, str]:
    """Ways to spread flows over the uplinks."""
    return dict(SPREADS)


def blocks() -> list[float]:
    """What each host sends [byte]."""
    return quantities(menu()["block"], "byte")


def _sizes(shape: str) -> tuple[int, int]:
    if shape not in shapes():
        raise CourseError(f"shape: {shape!r} is not one of {', '.join(shapes())}")
    leaves, hosts = shape.split("x")
    return int(leaves), int(hosts)


@lru_cache(maxsize=512)
def timed(shape: str, block: float, policy: str, seed: int) -> float:
    """Time in which every host sends a block to the host half of all hosts away [s]."""
    from navarch.fleet.fabric import clos_graph, traffic
    from navarch.fleet.fabric.placement import wires_of

    leaves, hosts = _sizes(shape)
    network = clos_graph.leaf_spine(leaves, hosts, hosts, hosts, wires_of(parts_named(PARTS)))
    with off_the_ledger():
        return traffic.run(network, "bisection", block, policy, seed).time


def expected(ledger: Ledger, shape: str, block: float) -> tuple[Value, float]:
    """The closed form: the time of the flow that shares its uplink with most [s], and how many those are."""
    from navarch.distributed.collectives.estimate import point_to_point_time
    from navarch.fleet.fabric import faults

    leaves, hosts = _sizes(shape)
    link = ledger.field("rate", float(parts_named(PARTS).link_bandwidth), "byte/s", "Rate of a link")
    flows = ledger.field("flows", hosts, "1", "Flows of a leaf, each way")
    paths = ledger.field("paths", hosts, "1", "Uplinks of a leaf")
    groups = ledger.field("groups", leaves + leaves, "1", "Leaves, up and down")
    slowest = faults.hashed_bandwidth(link, link, flows, paths, groups)
    size, latency = (
        ledger.field("block", block, "byte", "Block"),
        ledger.field("latency", 0.0, "s", "Latency, left out"),
    )
    with off_the_ledger():
        most = float(faults.expected_largest(hosts, hosts, leaves + leaves))
    return point_to_point_time(size, slowest, latency, title="Time by the closed form"), most


@instrument
def one_hash(shape: str, block: float, spread: str) -> Answer:
    """Every host sends a block [byte] across the spines, its flow put on an uplink by a hash, drawn many times.

    shape: leaves x hosts of a leaf, which has as many uplinks; spread: how the uplink of a flow is chosen.
    """
    if spread not in SPREADS:
        raise CourseError(f"spread: {spread!r} is not one of {', '.join(SPREADS)}")
    draws = range(int(menu()["draws"]))
    even = timed(shape, block, EVEN, 0)
    times = [timed(shape, block, spread, draw) for draw in draws]
    with Ledger() as ledger:
        closed, most = expected(ledger, shape, block)
        first = ledger.observation(
            "Every flow on an uplink of its own", even, "s", None, None, "fleet.fabric.traffic.run", EVEN
        )
        seen = [
            ledger.observation(
                f"Draw {draw} of the hash", time, "s", None, None, "fleet.fabric.traffic.run", SPREADS[spread]
            )
            for draw, time in enumerate(times, 1)
        ]
        mean = ratio(sum_of(*seen, unit="s", title="All draws"), len(seen), unit="s", title="Mean of the draws")
        longer = ratio(mean, first, unit="1", title="Times as long as with an uplink for each flow")
        readings: dict[str, Any] = {
            "longer": reading(longer.entry),
            "mean": reading(mean.entry),
            "even": reading(first.entry),
            "closed": reading(closed.entry),
        }
    readings["expected"] = ("Flows on the busiest uplink, expected of a hash", most, "1")
    with off_the_ledger():
        rows = [
            {"draw": draw, "time": time, "times": float(ratio(time, even, unit="1"))}
            for draw, time in enumerate(times, 1)
        ]
    return Answer(readings, rows)


@instrument
def one_collision(shape: str, block: float) -> Answer:
    """What a single collision costs everybody: two flows on one uplink, all others alone."""
    from navarch.distributed.collectives.estimate import point_to_point_time
    from navarch.fleet.fabric import faults

    leaves, hosts = _sizes(shape)
    rate = float(parts_named(PARTS).link_bandwidth)
    with Ledger() as ledger:
        link = ledger.field("rate", rate, "byte/s", "Rate of a link")
        size = ledger.field("block", block, "byte", "Block")
        flows = {told: ledger.field(f"flows.{told}", count, "1", f"Flows on an uplink, {told}")
                 for told, count in (("alone", 1), ("collided", 2))}  # fmt: skip
        one = ledger.field("uplinks", 1, "1", "One uplink")
        shares = {told: faults.whole_flow_share(link, count, one, link) for told, count in flows.items()}
        latency = ledger.field("latency", 0.0, "s", "Latency, left out")
        times = {told: point_to_point_time(size, share, latency) for told, share in shares.items()}
        longer = ratio(times["collided"], times["alone"], unit="1", title="One collision, times as long for everybody")
        every = ledger.field("every", leaves * hosts, "1", "Uplinks")
        idle = share_of(one, every, title="Share of the uplinks that stands idle")
        return Answer({"longer": reading(longer.entry), "idle": reading(idle.entry)})
