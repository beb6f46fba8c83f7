"""Networks side by side at the same hosts: what they carry, how far hosts are apart, what they cost and draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from navarch.core.arithmetic import ratio, sum_of
from navarch.core.events import stream
from navarch.fleet.fabric import estimate, families
from navarch.fleet.fabric.bisection import Bisection, bisection_of
from navarch.fleet.fabric.graph import SCALE_UP, Network
from navarch.fleet.fabric.measures import Lengths, Ways, lengths_of, ways
from navarch.fleet.fabric.parts import cable_of
from navarch.fleet.fabric.placement import CABLES, MEDIA, Hall, media_of, placed, wires_of
from navarch.fleet.fabric.routing import router_for
from navarch.fleet.fabric.scaleup_graph import HOST_SCALE_UP
from navarch.fleet.fabric.sizing import SizingError

if TYPE_CHECKING:
    from navarch.catalog import Catalog
    from navarch.fleet.fabric.parts import Parts

DESTINATIONS, SOURCES = 64, 16
"""Random hosts to which, and for each of them from which, latency is measured."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What a network is made of: counts, cost [USD] and power [W] of its switches and of its cables by medium."""

    switches: int
    cables: Mapping[str, int]
    longest: float  # cable [m]
    cost: float
    power: float


@dataclass(frozen=True, slots=True)
class Compared:
    """One network of a comparison. Latencies are of an idle network, along shortest paths [s]."""

    name: str
    network: Network
    bill: Bill
    bisection: Bisection
    bisection_share: float
    bisection_per_host: float
    lengths: Lengths
    far: Ways
    latency_mean: float
    latency_far: float
    cost_per_host: float

    def as_data(self) -> dict[str, Any]:
        """Plain data for JSON, in SI units."""
        return {
            "name": self.name,
            "title": self.network.name,
            "shape": dict(self.network.shape),
            "hosts": self.network.hosts,
            "switches": self.bill.switches,
            "switches_by_tier": {tier: self.network.count(tier) for tier in self.network.tiers[1:]},
            "cables": self.network.cables,
            "cables_by_tier": {tier: self.network.count(tier) for tier in self.network.cable_tiers},
            "cables_by_medium": dict(self.bill.cables),
            "longest_cable": self.bill.longest,
            "bisection": self.bisection.flow,
            "bisection_theory": self.bisection.theory,
            "bisection_search": self.bisection.search,
            "bisection_share": self.bisection_share,
            "bisection_per_host": self.bisection_per_host,
            "diameter": self.lengths.farthest,
            "mean_links": self.lengths.mean,
            "shortest_paths": self.far.shortest,
            "disjoint_paths": self.far.disjoint,
            "latency_mean": self.latency_mean,
            "latency_far": self.latency_far,
            "cost": self.bill.cost,
            "cost_per_host": self.cost_per_host,
            "power": self.bill.power,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Networks of equal hosts, and why other families are not among them."""

    hosts: int
    rows: Sequence[Compared]
    refused: Mapping[str, str]

    def as_data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"hosts": self.hosts, "rows": [row.as_data() for row in self.rows], "refused": dict(self.refused)}

    def to_frame(self) -> Any:
        """The comparison as a polars frame."""
        import polars as pl

        nested = ("shape", "switches_by_tier", "cables_by_tier", "cables_by_medium")
        return pl.DataFrame([{k: v for k, v in row.as_data().items() if k not in nested} for row in self.rows])

    def _repr_html_(self) -> str:
        return str(self.to_frame()._repr_html_())


def compare(
    asked: families.Asked, parts: Parts, hall: Hall, catalog: Catalog, chosen: Sequence[str] | None = None
) -> Comparison:
    """Every family (or those chosen) at the same number of hosts; those that cannot hold them are told why."""
    rows, refused = [], {}
    for family in chosen or tuple(families.FAMILIES):
        try:
            network = families.made(family, asked, parts, wires_of(parts))
        except SizingError as error:
            refused[family] = str(error)
            continue
        rows.append(described(network, parts, hall, catalog))
    return Comparison(asked.hosts, rows, refused)


def described(network: Network, parts: Parts, hall: Hall, catalog: Catalog, searched: int = 16) -> Compared:
    """Everything that a comparison says of one network; its cables get their lengths from the hall unless they have."""
    network = network if network.length.any() else placed(network, hall, parts)
    bill = bill_of(network, parts, hall, catalog)
    found = bisection_of(network, searched)
    far = ways(network, 0, farthest(network))
    mean, longest = latencies(network)
    links = ratio(found.flow, float(parts.link_bandwidth), unit="1", title="Links across the bisection")
    return Compared(
        name=network.name,
        network=network,
        bill=bill,
        bisection=found,
        bisection_share=float(estimate.bisection_share(links, float(network.hosts))),
        bisection_per_host=float(estimate.bisection_per_host(found.flow, float(network.hosts))),
        lengths=lengths_of(network),
        far=far,
        latency_mean=mean,
        latency_far=longest,
        cost_per_host=float(ratio(bill.cost, float(network.hosts), unit="USD", title="Network cost of a host")),
    )


def bill_of(network: Network, parts: Parts, hall: Hall, catalog: Catalog) -> Bill:
    """Counts, cost and power of a placed network; scale-up switches and their cables are their machines'."""
    counts = media_counts(network, hall)
    cables = {name: cable_of(catalog, float, CABLES[name], parts.link_bandwidth, 0.0) for name in MEDIA}
    switches = network.switches - network.count(SCALE_UP)
    costs = [estimate.tier_cost(float(counts[name]), cables[name].price) for name in MEDIA]
    powers = [estimate.tier_power(float(counts[name]), cables[name].power) for name in MEDIA]
    return Bill(
        switches=switches,
        cables=counts,
        longest=float(network.length.max(initial=0.0)),
        cost=float(sum_of(estimate.tier_cost(float(switches), parts.switch_price), *costs)),
        power=float(sum_of(estimate.tier_power(float(switches), parts.switch_power), *powers)),
    )


def media_counts(network: Network, hall: Hall) -> dict[str, int]:
    """Cables of a placed network by medium, without those of scale-up domains, which are their machines'."""
    media = media_of(network, hall)
    ours = np.ones(network.cables, dtype=bool)
    ours[network.cables_of(HOST_SCALE_UP)] = False
    return {name: int(np.count_nonzero((media == place) & ours)) for place, name in enumerate(MEDIA)}


def farthest(network: Network) -> int:
    """The host, of the highest number, that is farthest from host 0."""
    from navarch.fleet.fabric.routers import Distances
    from navarch.fleet.fabric.routing_kernels import lengths

    if network.hosts < 2:
        return 0
    far = Distances(network)
    here = np.arange(network.hosts, dtype=np.int32)
    goal = np.zeros(network.hosts, dtype=np.int32)
    rows, table = far.whole(goal)
    apart = lengths(here, goal, rows, table, *far.shape[:4])
    return int(network.hosts - 1 - np.argmax(apart[::-1]))


def latencies(network: Network, seed: int = 0) -> tuple[float, float]:
    """Mean latency of some random pairs of hosts, and of host 0 and the farthest [s]."""
    if network.hosts < 2:
        return 0.0, 0.0
    draws = stream(seed, 0)
    b = np.repeat(draws.integers(0, network.hosts, DESTINATIONS), SOURCES)
    a = (b + draws.integers(1, network.hosts, len(b))) % network.hosts
    ends = np.append(a, farthest(network)), np.append(b, 0)
    paths = router_for(network, "ecmp", seed).paths(*ends)
    each = np.add.reduceat(network.delay[paths.links], paths.offsets[:-1]) if len(paths.links) else np.zeros(1)
    return float(each[:-1][paths.reached[:-1]].mean()), float(each[-1])
