"""Paths of flows that are spread packet by packet, as few links as decide their shares.

Over three levels of switches a flow is on thousands of links. Flows between the same two leaves are on the same ones,
so that one of them is routed for all; and of links that carry the same flows in the same shares one is kept, the
others limit nothing that it does not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from navarch.core.events import stream
from navarch.fleet.fabric.graph import Network
from navarch.fleet.fabric.routing import Paths, Router

Longs = NDArray[np.int64]
NOWHERE = -1
MARKS = 0
"""Random stream of the numbers by which links that carry the same are recognised."""


def sprayed(network: Network, router: Router, source: Longs, destination: Longs) -> Paths:
    """The paths of flows; of each kind of link one. Whole where hosts have several cables or none."""
    own = _own_links(network)
    if own is None or not len(source):
        return router.paths(source, destination)
    leaf = network.target[own].astype(np.int64)
    pair, first, kind = np.unique(
        leaf[source] * network.nodes + leaf[destination], return_index=True, return_inverse=True
    )
    between = router.paths(source[first], destination[first])
    owner = np.repeat(np.arange(len(pair)), between.hops())
    ends = (network.source[between.links] < network.hosts) | (network.target[between.links] < network.hosts)
    kept = ~ends & _of_each_kind(network, between, owner)[between.links]
    counts = np.bincount(owner[kept], minlength=len(pair))
    starts = np.cumsum(counts) - counts
    shares = np.ones(len(owner)) if between.weights is None else between.weights
    return _whole(own, source, destination, between.reached[kind], counts[kind], starts[kind], between.links[kept],
                  shares[kept])  # fmt: skip


def _own_links(network: Network) -> Longs | None:
    """The link of each host into the network; None where a host has not just one."""
    near = np.flatnonzero((network.source < network.hosts) & (network.target >= network.hosts))
    if network.direct or len(near) != network.hosts or len(np.unique(network.source[near])) != network.hosts:
        return None
    own = np.full(network.hosts, NOWHERE, np.int64)
    own[network.source[near]] = near
    return own


def _of_each_kind(network: Network, paths: Paths, owner: Longs) -> NDArray[np.bool_]:
    """One link of each kind: those of a kind carry the same flows in the same shares over the same bandwidth."""
    marks = stream(0, MARKS).random(len(paths))[owner]
    carried: Any = np.bincount(paths.links, marks if paths.weights is None else marks * paths.weights,
                               minlength=len(network.capacity))  # fmt: skip
    _, first = np.unique(carried + 1j * network.capacity, return_index=True)
    found = np.zeros(len(network.capacity), bool)
    found[first] = True
    return found


def _whole(
    own: Longs, source: Longs, destination: Longs, reached: NDArray[np.bool_], counts: Longs, starts: Longs,
    links: NDArray[Any], shares: NDArray[np.float64],
) -> Paths:  # fmt: skip
    """Each flow over its own two links and those between its leaves."""
    hops = np.where(reached, counts + 2, 0)
    offsets = np.concatenate([[0], np.cumsum(hops)])
    at = np.arange(offsets[-1]) - np.repeat(offsets[:-1], hops)
    flow = np.repeat(np.arange(len(source)), hops)
    inner = (at > 0) & (at < hops[flow] - 1)
    made, weights = np.empty(offsets[-1], np.int32), np.ones(offsets[-1])
    made[at == 0] = own[source[reached]]
    made[at == hops[flow] - 1] = own[destination[reached]] ^ 1
    entry = starts[flow[inner]] + at[inner] - 1
    made[inner], weights[inner] = links[entry], shares[entry]
    return Paths(offsets, made, reached, weights)
