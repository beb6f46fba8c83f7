"""Faults of networks as inputs: what each does to links and routing, and its closed form where there is one.

A slow adapter or a wrong PCIe setting slows the links of a host; a lost switch takes its cables with it; few uplinks
are oversubscription; collisions are flows that a hash puts on one path while another is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from navarch.core.arithmetic import ceil_div
from navarch.core.ledger import equation, printable
from navarch.core.quantity import QuantityError, parse, show
from navarch.fleet.fabric.graph import GraphError, Network

if TYPE_CHECKING:
    from navarch.catalog import Catalog

PCIE = "PCI Express Base Specification 5.0"


@equation(
    symbol="B_lanes", unit="byte/s", source=PCIE + ", section 1.2",
    symbols={"full": "B_full", "lanes": "n_lane", "width": "w"}, valid="lanes >= 1 and width >= lanes",
)  # fmt: skip
def lanes_bandwidth(full, lanes, width):
    """Bandwidth of a PCIe link that came up with fewer lanes.

    full: with all lanes, per direction [byte/s]; lanes: that came up; width: lanes of the slot.
    """
    return full * lanes / width


@equation(
    symbol="B_read", unit="byte/s", source="Little 1961; Neugebauer et al. 2018, section 3",
    symbols={"requests": "n_tag", "size": "S_read", "round_trip": "t_read"}, valid="round_trip > 0",
)  # fmt: skip
def read_bandwidth(requests, size, round_trip):
    """Bandwidth of reads over PCIe that wait for their answers.

    requests: that may be under way at once (tags); size: the largest that one may ask for (MaxReadReq) [byte];
    round_trip: from request to answer [s]. A small size or few tags starve an adapter however fast the link is.
    """
    return requests * size / round_trip


@equation(
    symbol="f_host", unit="fraction", source="the slowest part of the way decides",
    symbols={"bus": "B_bus", "adapter": "B_nic"}, valid="adapter > 0",
)  # fmt: skip
def adapter_share(bus, adapter):
    """Share of an adapter's bandwidth that its host can feed.

    bus: bandwidth of the way from memory to the adapter, per direction [byte/s]; adapter: of its port, per direction
    [byte/s].
    """
    return np.minimum(1, bus / adapter)


@equation(
    symbol="f_left", unit="fraction", source="count", symbols={"switches": "n_tier", "lost": "n_lost"},
    valid="lost >= 0 and switches > lost",
)  # fmt: skip
def share_left(switches, lost):
    """Share of the bandwidth of a tier that is left when switches of it are lost.

    switches: equal ones of the tier, over which traffic is spread; lost: those that failed.
    """
    return (switches - lost) / switches


@equation(
    symbol="B_flow", unit="byte/s", source="max-min fair sharing of equal flows, Bertsekas and Gallager 1992, 6.5.2",
    symbols={"bandwidth": "B_host", "flows": "m", "uplinks": "u", "uplink": "B_up"}, valid="flows >= 0",
)  # fmt: skip
def uplink_share(bandwidth, flows, uplinks, uplink):
    """Bandwidth of each of some flows that leave a leaf, spread evenly over its uplinks.

    bandwidth: of a host's link, per direction [byte/s]; flows: that leave the leaf at once; uplinks: of the leaf;
    uplink: bandwidth of one, per direction [byte/s].
    """
    return np.minimum(bandwidth, uplinks * uplink / np.maximum(flows, 1))


@equation(
    symbol="B_flow", unit="byte/s", source="the busiest uplink of whole flows spread as evenly as can be (D-mod-K)",
    symbols={"bandwidth": "B_host", "flows": "m", "uplinks": "u", "uplink": "B_up"},
    valid="flows >= 0 and uplinks >= 1",
)  # fmt: skip
def whole_flow_share(bandwidth, flows, uplinks, uplink):
    """Bandwidth of the slowest of some flows that leave a leaf, each over one of its uplinks.

    bandwidth: of a host's link, per direction [byte/s]; flows: that leave the leaf at once; uplinks: of the leaf;
    uplink: bandwidth of one, per direction [byte/s]. One flow more than there are uplinks halves two of them.
    """
    return np.minimum(bandwidth, uplink / np.maximum(np.ceil(flows / uplinks), 1))


@printable(latex=r"E_{\max}", name="ExpectedLargest")
def expected_largest(flows, paths, groups):
    """Expected number of flows on the busiest path, where each of some groups throws its flows at its own paths.

    Exact within a group: path loads are Poisson variables, given that they add up to the flows; groups independent.
    """
    within = np.vectorize(_largest_in_group, otypes=[float])
    return within(flows, paths, groups)


def _largest_in_group(flows: float, paths: float, groups: float) -> float:
    balls, bins = int(flows), int(paths)
    if balls == 0:
        return 0.0
    count = np.arange(balls + 1)
    mean = balls / bins
    log_one = count * np.log(mean) - mean - np.concatenate([[0.0], np.cumsum(np.log(count[1:]))])
    one = np.exp(log_one)
    whole = _power(one, bins, balls)[balls]
    missed = 0.0
    for most in range(balls):
        capped = np.where(count <= most, one, 0.0)
        held = min(1.0, max(0.0, _power(capped, bins, balls)[balls] / whole))
        missed += 1.0 - held**groups
    return float(missed)


def _power(masses: Any, times: int, most: int) -> Any:
    """Distribution of a sum of equal variables, up to `most`, by repeated squaring."""
    result, base = np.eye(1, most + 1)[0], masses
    while times:
        if times % 2:
            result = np.convolve(result, base)[: most + 1]
        base = np.convolve(base, base)[: most + 1]
        times //= 2
    return result


@equation(
    symbol="B_hash", unit="byte/s", source="Thaler and Hopps 2000 (RFC 2991); balls in bins, Raab and Steger 1998",
    symbols={"bandwidth": "B_host", "uplink": "B_up", "flows": "m", "paths": "u", "groups": "g"},
    valid="flows >= 1 and paths >= 1 and groups >= 1",
)  # fmt: skip
def hashed_bandwidth(bandwidth, uplink, flows, paths, groups):
    """Bandwidth of the slowest flow where a hash puts each flow on one of equal paths (ECMP).

    bandwidth: of a host's link, per direction [byte/s]; uplink: of one path, per direction [byte/s]; flows: of each
    group; paths: of each group; groups: leaves, each with flows up and down. All wait for the flow that shares its path
    with most others.
    """
    return np.minimum(bandwidth, uplink / expected_largest(flows, paths, groups))


class Fault(Protocol):
    """What goes wrong with a network."""

    @property
    def told(self) -> str:
        """In words."""
        ...

    def of(self, network: Network) -> Network:
        """The network with it."""
        ...


@dataclass(frozen=True)
class SlowHosts:
    """Hosts whose links keep a share of their bandwidth: a slow adapter, or a bus that cannot feed it."""

    hosts: tuple[int, ...]
    share: float
    why: str = "slow adapter"

    @property
    def told(self) -> str:
        """In words."""
        which = f"host {self.hosts[0]}" if len(self.hosts) == 1 else f"{len(self.hosts)} hosts"
        return f"{self.why}: {which} at {show(self.share, 'fraction')}"

    def of(self, network: Network) -> Network:
        """The network with these hosts' cables slowed."""
        return network.slowed(cables_of_hosts(network, self.hosts), self.share)


@dataclass(frozen=True)
class LostSwitches:
    """Switches of a tier that are gone, the first ones."""

    tier: str
    count: int

    @property
    def told(self) -> str:
        """In words."""
        return f"{self.count} {self.tier} lost" if self.count == 1 else f"{self.count} {self.tier}s lost"

    def of(self, network: Network) -> Network:
        """The network without them; routing knows."""
        there = network.nodes_of(self.tier)
        if len(there) <= self.count:
            raise GraphError(f"lost-{self.tier}: {self.count} is not allowed; {network.name} has {len(there)} of them")
        return network.without(switches=there[: self.count])


@dataclass(frozen=True)
class Oversubscription:
    """Fewer cables up from every switch: 1/ratio of them, the first ones, rounded up."""

    ratio: float

    @property
    def told(self) -> str:
        """In words."""
        return f"oversubscription {self.ratio:g} : 1"

    def of(self, network: Network) -> Network:
        """The network without the other cables."""
        between = np.flatnonzero((network.ends >= network.hosts).all(axis=1))
        if network.direct or not len(between):
            raise GraphError(f"oversubscription: {network.name} has no cables between switches")
        lower = network.ends[between].min(axis=1)
        order = np.argsort(lower, kind="stable")
        many = np.bincount(lower, minlength=network.nodes)
        place = np.empty(len(between), np.int64)
        place[order] = np.arange(len(between)) - np.repeat(np.cumsum(many) - many, many)
        return network.without(cables=between[place >= ceil_div(many, self.ratio)[lower]])


@dataclass(frozen=True)
class Collisions:
    """Flows that a hash puts on paths (ECMP), and not the routing that spreads them evenly."""

    draws: int = 20

    @property
    def told(self) -> str:
        """In words."""
        return f"hash collisions (ECMP), mean of {self.draws} seeds"

    def of(self, network: Network) -> Network:
        """The same network: only its routing is another."""
        return network


KINDS = {
    "slow-nic": "slow-nic:HOSTS=SHARE, such as slow-nic:3=0.5",
    "pcie": "pcie:HOSTS=LINK, such as pcie:3=pcie3-x16, pcie:3=pcie5-x8 or pcie:3=30GB/s",
    "lost": "lost:TIER=COUNT, such as lost:spine=1",
    "oversubscription": "oversubscription=RATIO, such as oversubscription=4",
    "ecmp": "ecmp, or ecmp=SEEDS",
}


def read_fault(text: str, network: Network, catalog: Catalog) -> Fault:
    """A fault as people write it; GraphError says what is allowed."""
    head, _, value = text.partition("=")
    kind, _, where = head.strip().partition(":")
    if kind not in KINDS:
        raise GraphError(f'fault: "{text}" is not one; allowed: {"; ".join(KINDS.values())}')
    try:
        if kind == "slow-nic":
            return SlowHosts(_hosts(where, network), _share(parse(value, "fraction")))
        if kind == "pcie":
            bus, hosts = _bus(value, catalog), _hosts(where, network)
            adapter = float(network.bandwidth[cables_of_hosts(network, hosts)].min())
            return SlowHosts(hosts, float(adapter_share(bus, adapter)), f"PCIe at {show(bus, 'byte/s')}")
        if kind == "lost":
            if where not in network.tiers[1:]:
                raise GraphError(f'fault: "{text}": {network.name} has the tiers {", ".join(network.tiers[1:])}')
            return LostSwitches(where, _whole(value))
        if kind == "oversubscription":
            ratio = parse(value, "1")
            if ratio < 1:
                raise GraphError(f'fault: "{text}" is not allowed; a ratio of at least 1')
            return Oversubscription(ratio)
        return Collisions(_whole(value) if value else Collisions().draws)
    except (QuantityError, ValueError) as error:
        if isinstance(error, GraphError):
            raise
        raise GraphError(f'fault: "{text}" is not allowed; {KINDS[kind]}') from error


def _bus(value: str, catalog: Catalog) -> float:
    """Bandwidth of a bus: a link of the catalog (`pcie4-x16`), fewer lanes of it (`pcie4-x8`), or a rate."""
    name, _, lanes = value.strip().partition("-x")
    if f"{name}-x16" in catalog.ids("fabric") and lanes.isdigit() and 1 <= int(lanes) <= 16:
        return float(lanes_bandwidth(float(catalog.get("fabric", f"{name}-x16").bandwidth), int(lanes), 16))
    return parse(value, "byte/s")


def _share(value: float) -> float:
    if not 0 < value <= 1:
        raise ValueError(value)
    return value


def _whole(value: str) -> int:
    if int(value) < 1:
        raise ValueError(value)
    return int(value)


def _hosts(text: str, network: Network) -> tuple[int, ...]:
    """Hosts as `3`, `3,5` or `0-7`."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    wrong = [host for host in found if not 0 <= host < network.hosts]
    if wrong:
        raise GraphError(f"fault: there is no host {wrong[0]}; they are numbered 0 to {network.hosts - 1}")
    return tuple(found)


def cables_of_hosts(network: Network, hosts: tuple[int, ...]) -> Any:
    """The cables that end at some hosts."""
    return np.flatnonzero(np.isin(network.ends, hosts).any(axis=1))
