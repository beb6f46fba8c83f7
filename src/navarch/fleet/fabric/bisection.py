"""Bisection bandwidth of a network three ways: by theory, by the greatest flow, and by trying every partition.

The greatest flow between two halves of the hosts equals the least cut between them (Ford and Fulkerson 1956), in which
switches may fall on either side. Bisection bandwidth is that of the worst halves; `Network.half` holds the halves that
theory calls worst.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from navarch.core.arithmetic import product_of, smallest_of
from navarch.fleet.fabric import clos, dragonfly, estimate, hypercube, torus
from navarch.fleet.fabric.graph import Flags, GraphError, Network

SEARCHED = 16
"""Hosts up to which every balanced partition is tried unless more are asked for."""
MOST_SEARCHED = 24


@dataclass(frozen=True, slots=True)
class Bisection:
    """Bandwidth between two halves of the hosts, one direction [byte/s].

    flow: between the halves that theory cuts; theory: its closed form, None where there is none; search: the least over
    all balanced partitions, None where there are too many.
    """

    flow: float
    theory: float | None
    search: float | None


@dataclass(frozen=True)
class Cut:
    """The greatest flow between two halves [byte/s], and the cables of a least cut, which limit it."""

    flow: float
    cables: NDArray[np.int64]


def bisection_of(network: Network, searched: int = SEARCHED) -> Bisection:
    """The bisection of a network; searched: hosts up to which all balanced partitions are tried."""
    search = least_cut(network, searched)[0] if 2 <= network.hosts <= searched else None
    return Bisection(cut_of(network).flow, theory_of(network), search)


def cut_of(network: Network, half: Flags | None = None) -> Cut:
    """The greatest flow between a half of the hosts and the other, by default the halves that theory cuts."""
    from navarch.fleet.fabric import cut_kernels as kernels

    chosen = network.half if half is None else np.asarray(half, dtype=bool)
    if len(chosen) != network.hosts:
        raise GraphError(f"a half is said of each of the {network.hosts} hosts, not of {len(chosen)}")
    unit = _unit(network)
    side = np.zeros(network.nodes, dtype=np.int64)
    side[: network.hosts] = np.where(chosen, kernels.SOURCE, kernels.SINK)
    flow, reached = kernels.greatest_flow(
        *network.adjacency, network.target, network.capacity / unit, side, np.inf
    )  # fmt: skip
    crossing = reached[network.ends[:, 0]] != reached[network.ends[:, 1]]
    return Cut(flow * unit, np.flatnonzero(crossing & network.live))


def least_cut(network: Network, searched: int = SEARCHED) -> tuple[float, Flags]:
    """The least bandwidth between two halves of the hosts, over all balanced partitions, and such a half."""
    from navarch.fleet.fabric import cut_kernels as kernels

    most = min(searched, MOST_SEARCHED)
    if not 2 <= network.hosts <= most:
        raise GraphError(f"all balanced partitions are tried of 2 to {most} hosts, not of {network.hosts}")
    unit = _unit(network)
    found, bits = kernels.least_balanced(
        network.hosts, *network.adjacency, network.target, network.capacity / unit, network.nodes
    )  # fmt: skip
    return float(found) * unit, np.array([bool(bits >> host & 1) for host in range(network.hosts)])


def _unit(network: Network) -> float:
    """A bandwidth of which all others are whole multiples, so that sums are exact; else the largest one."""
    rates = np.unique(network.capacity[network.capacity > 0])
    if not len(rates):
        return 1.0
    whole = np.all(rates == np.rint(rates)) and rates[-1] < 2**53
    return float(np.gcd.reduce(rates.astype(np.int64))) if whole else float(rates[-1])


def theory_of(network: Network) -> float | None:
    """Bisection bandwidth by the closed form of the network's family [byte/s]; None where there is none.

    Theory holds where all cables work and are equal, switches and bundles are filled evenly, no router of a dragonfly
    has more global links than hosts (no spine of a dragonfly+ more than leaves), its groups are joined better within
    than between, and n of a twisted torus is even.
    """
    link = _one_rate(network)
    if link is None or not network.live.all() or not _even(network):
        return None
    links = _links(network)
    if links is None:
        return None
    across = estimate.bisection_bandwidth(links, product_of(link, network.shape.get("copies", 1), unit="byte/s"))
    return float(across if "domains" not in network.shape else _domains(network, across, link))


def _one_rate(network: Network) -> float | None:
    rates = np.unique(network.bandwidth[network.cable_tier < len(network.cable_tiers) - ("domains" in network.shape)])
    return float(rates[0]) if len(rates) == 1 else None


def _domains(network: Network, across: Any, link: float) -> Any:
    """Whole scale-up domains on either side of the network's own bisection, or the one domain halved."""
    size, domains = network.shape["domain_hosts"], network.shape["domains"]
    if domains == 1:
        own = float(network.bandwidth[-1])
        return estimate.domain_bisection(size, network.shape["planes"], own, link)
    return smallest_of(across, product_of(domains // 2, size, link, unit="byte/s", title="Cards of half the domains"))


def _even(network: Network) -> bool:
    """Whether the network is filled evenly, as the closed forms take it to be."""
    shape = network.shape
    if network.kind == "twisted torus":
        return min(shape[d] for d in "xyz"[: shape["dimensions"]]) % 2 == 0
    if network.kind == "dragonfly":
        return _whole_groups_are_worst(shape)
    if network.kind == "dragonfly+":
        per_group = shape["leaf_hosts"] * shape["leaves_per_group"]
        return shape["hosts"] == per_group * shape["groups"] and shape["global_ports"] <= shape["leaves_per_group"]
    return "uplinks" not in shape or _even_tree(network)


def _whole_groups_are_worst(shape: Mapping[str, int]) -> bool:
    """Whether a dragonfly is halved by whole groups: routers with no more global links than hosts, groups well joined.

    Halving every group cuts at most (side / 2) x (side / 2) links in each row or column of its routers.
    """
    routers, chassis, links = shape["routers_per_group"], shape["chassis"], shape["links"]
    side = routers if chassis == 1 else min(chassis, routers // chassis)
    within = 4 * (side // 2) * (side - side // 2) * routers // side
    full = shape["hosts"] == shape["hosts_per_router"] * routers * shape["groups"]
    thin = -(-links * (shape["groups"] - 1) // routers) <= shape["hosts_per_router"]
    return full and thin and within >= links * shape["groups"]


def _even_tree(network: Network) -> bool:
    """Whether leaves are alike in hosts, or thin nothing out, and bundles of cables are alike."""
    shape = network.shape
    filled = np.bincount(network.places["leaf"][: network.hosts], minlength=shape["leaf"])
    pod_spines = shape["spine"] // shape["pods"]
    full = shape["uplinks"] >= filled.max()
    if not shape["core"]:
        return bool(full or filled.min() == filled.max())
    group = shape["core"] // pod_spines
    bundles = shape["uplinks"] % pod_spines == 0 and shape["spine_uplinks"] % group == 0
    pods = shape["leaf"] % shape["pods"] == 0 and filled.min() == filled.max()
    wide = full and pod_spines * shape["spine_uplinks"] >= shape["uplinks"] * -(-shape["leaf"] // shape["pods"])
    return bool(bundles and (pods or wide))


def _links(network: Network) -> Any:
    """Links across the bisection by theory."""
    shape = network.shape
    if network.kind == "torus" and shape["dimensions"] <= 3:
        return torus.torus_bisection(*(float(shape[d]) for d in "xyz"))
    if network.kind == "twisted torus":
        return torus.twisted_torus_bisection(
            float(shape["hosts"]), float(min(shape[d] for d in "xyz"[: shape["dimensions"]]))
        )
    if network.kind == "hypercube":
        return hypercube.hypercube_bisection(float(shape["dimensions"]))
    if network.kind == "dragonfly" and shape["groups"] > 1:
        return dragonfly.dragonfly_bisection(float(shape["groups"]), float(shape["links"]))
    if network.kind == "dragonfly+" and shape["groups"] > 1:
        hosts = float(shape["leaf_hosts"] * shape["leaves_per_group"])
        return dragonfly.dragonfly_plus_bisection(float(shape["groups"]), float(shape["links"]), hosts)
    if network.kind == "one switch":
        return clos.clos_bisection(*[float(shape["hosts"])] * 3)
    return _clos_links(network) if "uplinks" in shape else None


def _clos_links(network: Network) -> Any:
    shape = network.shape
    leaves, pods, up = (float(shape[name]) for name in ("leaf", "pods", "uplinks"))
    leaf_hosts = float(shape["hosts"]) / leaves
    if not shape["core"]:
        return clos.leaf_spine_bisection(leaves, leaf_hosts, up)
    spine_cables = clos.uplink_cables(float(shape["spine"]) / pods, float(shape["spine_uplinks"]))
    pod_leaves = leaves / pods
    return clos.pods_bisection(
        pods,
        clos.pod_cut(pod_leaves, leaf_hosts, up),
        spine_cables,
        clos.leaf_spine_bisection(pod_leaves, leaf_hosts, up),
    )
