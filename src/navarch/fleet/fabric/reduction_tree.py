"""The tree along which switches reduce and multicast: its links carry a message once, however many are below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from navarch.core.arithmetic import sum_of
from navarch.fleet.fabric.graph import GraphError, Network
from navarch.fleet.fabric.routing import Paths

Longs = NDArray[np.int64]
NONE = -1


@dataclass(frozen=True, eq=False)
class ReductionTree:
    """The links to the root that some hosts use, one for each node below it; latency: of the longest way [s]."""

    links: Longs
    latency: float

    def paths(self, up: Sequence[bool]) -> Paths:
        """Each link as a flow of its own: a switch passes on as it receives, so all links are busy at once."""
        links = np.concatenate([self.links if way else self.links ^ 1 for way in up]).astype(np.int32)
        return Paths(np.arange(len(links) + 1), links, np.ones(len(links), bool))


def reduction_tree(network: Network, hosts: Longs, root: int | None = None) -> ReductionTree:
    """The shortest paths of some hosts to one switch; root: the switch, the first of the top tier where left out."""
    if network.switches == 0:
        raise GraphError(f"in-network reduction needs switches, and {network.name} has none")
    top = int(network.nodes_of(network.tiers[-1])[0]) if root is None else root
    towards = _towards(network, top)
    used, away = np.zeros(network.nodes, bool), np.zeros(network.nodes)
    here = np.unique(hosts)
    while len(here):
        if (towards[here] == NONE).any():
            raise GraphError(f"host {int(here[towards[here] == NONE][0])} cannot reach the switch that reduces")
        used[here] = True
        links = towards[here]
        np.maximum.at(away, network.target[links], sum_of(away[here], network.delay[links]))
        above = np.unique(network.target[links])
        here = above[~used[above] & (above != top)]
    return ReductionTree(towards[used].astype(np.int64), float(away[top]))


def _towards(network: Network, root: int) -> Longs:
    """For each node the link that leads towards the root."""
    offsets, leaving = network.adjacency
    towards = np.full(network.nodes, NONE, np.int64)
    seen = np.zeros(network.nodes, bool)
    seen[root] = True
    front = np.array([root])
    while len(front):
        links = np.concatenate([leaving[offsets[node] : offsets[node + 1]] for node in front])
        nodes = network.target[links]
        fresh = ~seen[nodes]
        nodes, first = np.unique(nodes[fresh], return_index=True)
        towards[nodes] = links[fresh][first] ^ 1
        seen[nodes] = True
        front = nodes[network.forwards[nodes]]
    return towards
