"""Routing as data: which links a flow between two hosts takes.

    router = router_for(network, "ecmp", seed=1)
    paths = router.paths(sources, destinations)      # arrays of hosts
    paths.links[paths.offsets[i] : paths.offsets[i + 1]]   # links of flow i, in order

A router is given flows, pairs of hosts, in the order in which they start, and returns `Paths`: compressed rows of link
numbers (`Network.source`, `.target`, `.capacity`). Where a flow is spread over several paths (`spray`) a link carries
`weights` of its rate; else weights is None and each link carries all of it. A flow that cannot arrive has an empty row
and `reached` False; a flow from a host to itself has an empty row and is reached.

| policy | what it does |
|---|---|
| `first` | the first of the shortest paths, in the order of the cables: deterministic |
| `modulo` | the destination's number chooses the way up a tree (D-mod-k): deterministic, no hash collisions |
| `ecmp` | each hop picks among shortest next links by a hash of flow and seed: collisions happen as in practice |
| `adaptive` | each hop picks the least loaded of the shortest next links, flows placed one after another |
| `spray` | every flow is split evenly over all shortest next links, packet by packet |
| `dimension-order` | torus and hypercube: one dimension after the other, the shorter way round |
| `valiant` | by way of a random switch (group, host), Valiant 1982: no pattern is bad, twice the hops |
| `ugal` | the shorter of the minimal and the Valiant path by load times hops, Singh 2005 |

Shortest paths of a dragonfly use at most one global link (Kim et al. 2008, section 4.1, minimal routing).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from navarch.fleet.fabric.graph import Floats, GraphError, Ints, Network, listed

HOPWISE = ("first", "modulo", "ecmp", "adaptive")
POLICIES = (*HOPWISE, "spray", "dimension-order", "valiant", "ugal")
ONE_GLOBAL = ("dragonfly", "dragonfly+")
GRIDS = ("torus", "hypercube")


@dataclass(frozen=True)
class Paths:
    """Links of each flow as compressed rows: those of flow i are links[offsets[i]:offsets[i + 1]], in order.

    weights: share of the flow's rate that each entry carries, None where all is 1; reached: whether a flow arrives.
    """

    offsets: NDArray[np.int64]
    links: Ints
    reached: NDArray[np.bool_]
    weights: Floats | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def of(self, flow: int) -> Ints:
        """The links of one flow."""
        return self.links[self.offsets[flow] : self.offsets[flow + 1]]

    def hops(self) -> NDArray[np.int64]:
        """Links of each flow."""
        return np.diff(self.offsets)

    def load(self, network: Network, rates: ArrayLike = 1.0) -> Floats:
        """What each link carries where flow i sends at rates[i]."""
        each = np.broadcast_to(np.asarray(rates, dtype=np.float64), len(self))
        carried = np.repeat(each, np.diff(self.offsets))
        if self.weights is not None:
            carried = carried * self.weights
        return np.bincount(self.links, carried, minlength=2 * network.cables).astype(np.float64)


class Router(Protocol):
    """Gives flows their paths."""

    def paths(self, sources: ArrayLike, destinations: ArrayLike, sizes: ArrayLike | None = None) -> Paths:
        """The paths of flows between hosts, in the order in which they start.

        sizes: of the flows [byte], by which `adaptive` and `ugal` weigh what a link already carries; equal by default.
        """
        ...


def router_for(network: Network, policy: str = "ecmp", seed: int = 0) -> Router:
    """The router of a network.

    policy: one of POLICIES; seed: of the hash and of the random switches in between. A router keeps distances that it
    has worked out; it is of the network as given: after a failure ask for a new one.
    """
    from navarch.fleet.fabric import routers

    if policy not in POLICIES:
        raise GraphError(f'there is no routing "{policy}"; allowed: {listed(POLICIES)}')
    if policy == "dimension-order":
        return routers.DimensionOrder(network)
    if policy == "spray":
        return routers.Spray(network)
    if policy == "valiant":
        return routers.Valiant(network, seed)
    if policy == "ugal":
        return routers.Ugal(network, seed)
    return routers.Shortest(network, policy, seed)
