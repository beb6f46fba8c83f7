"""What a graph says of itself: how far apart hosts are, and how many ways lead from one to another.

Lengths are counted in links, those of the hosts with it: two hosts on one switch are 2 links apart, so switches passed
are one fewer; neighbours in a direct network are 1 apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from navarch.fleet.fabric.graph import Ints, Network

if TYPE_CHECKING:
    from navarch.fleet.fabric.routers import Distances

ALIKE = ("torus", "twisted torus", "hypercube")  # every host sees the same network
MOST_STARTS = 4096
BLOCK = 256


@dataclass(frozen=True, slots=True)
class Lengths:
    """Shortest paths between hosts [links]: the longest, the mean over pairs of different hosts, and those cut off.

    exact: whether paths from every host were measured, rather than from a part of them, evenly chosen.
    """

    farthest: int
    mean: float
    unreached: float
    exact: bool


@dataclass(frozen=True, slots=True)
class Ways:
    """Between two hosts: length of the shortest path [links], how many there are, and paths that share no cable.

    Disjoint paths are counted between the switches of the two hosts, whose own cables are alone; between the hosts
    themselves in a direct network. A path in the sense of the family: of a dragonfly with at most one global link.
    """

    length: int
    shortest: int
    disjoint: int


def lengths_of(network: Network) -> Lengths:
    """The lengths of shortest paths, whatever the routing."""
    from navarch.fleet.fabric.routers import Distances

    far = Distances(network, minimal=False)
    kinds, first, weight = np.unique(far.kind_of[: network.hosts], return_index=True, return_counts=True)
    starts, exact = _starts(network, len(kinds))
    longest, total, pairs, lost = 0, 0.0, 0.0, 0.0
    for block in range(0, len(starts), BLOCK):
        chosen = starts[block : block + BLOCK]
        apart = _apart(network, far, first, first[chosen].astype(np.int32))
        count = weight[chosen][:, None] * weight[None, :].astype(float)
        count[np.arange(len(chosen)), chosen] -= weight[chosen]
        reached = apart >= 0
        longest = max(longest, int(apart[count > 0].max(initial=0)))
        total += float((apart * count)[reached].sum())
        pairs += float(count[reached].sum())
        lost += float(count[~reached].sum())
    return Lengths(longest, total / pairs if pairs else 0.0, lost / (pairs + lost) if pairs + lost else 0.0, exact)


def _starts(network: Network, kinds: int) -> tuple[NDArray[np.int64], bool]:
    """From which hosts lengths are measured: all, one where all are alike, or a part that is evenly chosen."""
    if network.kind in ALIKE and network.live.all():
        return np.zeros(1, dtype=np.int64), True
    if network.kind.startswith("dragonfly") and network.live.all() and _groups_alike(network):
        return np.arange(kinds // network.shape["groups"]), True
    if "uplinks" in network.shape and network.live.all() and _leaves_alike(network):
        return np.zeros(1, dtype=np.int64), True
    if kinds <= MOST_STARTS:
        return np.arange(kinds), True
    return np.unique(np.linspace(0, kinds - 1, MOST_STARTS).astype(np.int64)), False


def _groups_alike(network: Network) -> bool:
    """Whether a dragonfly looks the same from every group: links spread, which turns with the groups, and all full."""
    shape = network.shape
    size = [shape[n] for n in ("hosts_per_router", "routers_per_group", "leaf_hosts", "leaves_per_group") if n in shape]
    return shape["hosts"] == size[0] * size[1] * shape["groups"] and not shape.get("by_number", 0)


def _leaves_alike(network: Network) -> bool:
    """Whether every leaf of a tree has as many hosts, its pod as many leaves, and each switch every one above it."""
    shape = network.shape
    filled = np.bincount(network.places["leaf"][: network.hosts], minlength=shape["leaf"])
    spines = shape["spine"] // shape["pods"]
    joined = shape["uplinks"] >= spines and (not shape["core"] or shape["spine_uplinks"] >= shape["core"] // spines)
    alike = filled.min() == filled.max() and shape["leaf"] % shape["pods"] == 0
    return bool(joined and alike and "domains" not in shape and "copies" not in shape)


def _apart(network: Network, far: Distances, first: NDArray[np.int64], chosen: Ints) -> NDArray[np.int64]:
    """Links from hosts of each kind to some hosts; -1 where there is no way, 2 between hosts on the same switches."""
    rows, table = far.fresh(chosen)
    nearest = table[rows, -1]  # by destination, to every node
    if network.direct:
        return nearest[:, first].astype(np.int64)
    offsets, links = network.adjacency
    longest = np.iinfo(np.int16).max
    reach = np.where(nearest < 0, longest, nearest).astype(np.int64)
    counts = np.diff(offsets)[first]
    apart = np.full((len(chosen), len(first)), longest, dtype=np.int64)
    for place in range(int(counts.max(initial=0))):
        has = np.flatnonzero(counts > place)
        beyond = network.target[links[offsets[first[has]] + place]]
        apart[:, has] = np.minimum(apart[:, has], reach[:, beyond] + 1)
    return np.where(apart >= longest, -1, apart)


def ways(network: Network, a: int, b: int) -> Ways:
    """How many ways lead from one host to another."""
    from navarch.fleet.fabric import cut_kernels as cuts
    from navarch.fleet.fabric.routers import Distances

    if a == b:
        return Ways(0, 0, 0)
    far = Distances(network)
    rows, table = far.whole(np.array([b], dtype=np.int32))
    length, shortest = _shortest(network, far.costs, table[rows[0]], a, b)
    side = np.zeros(network.nodes, dtype=np.int64)
    side[_exits(network, a)], side[_exits(network, b)] = cuts.SOURCE, cuts.SINK
    if (side == 0).all() or not length or (length == 2 and not network.direct):
        return Ways(length, shortest, shortest)
    unit = (network.capacity > 0).astype(float)
    disjoint, _ = cuts.greatest_flow(*network.adjacency, network.target, unit, side, np.inf)
    return Ways(length, shortest, int(disjoint))


def _exits(network: Network, host: int) -> Ints:
    """The switches of a host; itself where hosts are routers."""
    if network.direct:
        return np.array([host], dtype=np.int32)
    offsets, links = network.adjacency
    return np.unique(network.target[links[offsets[host] : offsets[host + 1]]])


def _shortest(network: Network, costs: NDArray[np.int64], table: NDArray[np.int16], a: int, b: int) -> tuple[int, int]:
    """Length and number of the shortest paths, counted from the start, level by level."""
    offsets, links = network.adjacency
    budget = len(table) - 1
    around = network.target[links[offsets[a] : offsets[a + 1]]]
    near = table[budget, around][table[budget, around] >= 0]
    length = int(table[budget, a]) if network.forwards[a] else int(near.min() + 1) if len(near) else 0
    front: Mapping[tuple[int, int], int] = {(budget, a): 1} if length > 0 else {}
    for left in range(length, 0, -1):
        ahead: dict[tuple[int, int], int] = {}
        for (allowed, node), count in front.items():
            for link in links[offsets[node] : offsets[node + 1]].tolist():
                rest, beyond = allowed - int(costs[link]), int(network.target[link])
                last = left == 1 and beyond == b
                if last or (left > 1 and rest >= 0 and network.forwards[beyond] and table[rest, beyond] == left - 1):
                    ahead[rest, beyond] = ahead.get((rest, beyond), 0) + count
        front = ahead
    return max(length, 0), sum(front.values())
