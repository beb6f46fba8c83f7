"""Links and switches that fail: which, and what is left of the network.

A failed cable takes both directions, a failed switch all its cables. What is left is measured on the graph: the
greatest flow between the halves, pairs of hosts that are cut off, and how much longer the shortest paths are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from navarch.core.arithmetic import ratio
from navarch.core.events import stream
from navarch.fleet.fabric.bisection import cut_of
from navarch.fleet.fabric.graph import SCALE_UP, GraphError, Network
from navarch.fleet.fabric.measures import Lengths, lengths_of

LINKS, SWITCHES = 1, 2  # random streams


@dataclass(frozen=True, slots=True)
class Damage:
    """What failures leave.

    cables: that work no more; bisection: of what is left, one direction [byte/s]; left: as a share of that before;
    lengths: of the shortest paths, with the share of pairs that are cut off.
    """

    cables: int
    bisection: float
    left: float
    lengths: Lengths


def failed(network: Network, links: float = 0.0, switches: int = 0, tier: str = "", seed: int = 0) -> Network:
    """The network after random failures.

    links: share of the cables between switches (between hosts where these are routers) that fail; switches: how many
    fail of a tier, by default the top one; seed: of the choice.
    """
    if not 0 <= links <= 1:
        raise GraphError(f"the share of links that fail is from 0 to 1, not {links:g}")
    between = np.flatnonzero(network.live & (network.direct | (network.ends >= network.hosts).all(axis=1)))
    number = round(links * len(between))
    cables = stream(seed, 0, LINKS).choice(between, number, replace=False) if number else between[:0]
    return network.without(cables, _switches(network, switches, tier, seed))


def _switches(network: Network, switches: int, tier: str, seed: int) -> NDArray[np.int64] | list[int]:
    if not switches:
        return []
    own = [name for name in network.tiers[1:] if name != SCALE_UP]
    if not own:
        raise GraphError(f"a {network.kind} has no switches; its links may fail")
    if tier and tier not in network.tiers[1:]:
        raise GraphError(f'there is no tier "{tier}" of switches; there are {", ".join(network.tiers[1:])}')
    among = network.nodes_of(tier or own[-1])
    if not 0 <= switches <= len(among):
        raise GraphError(f"{switches} switches of the {len(among)} of the tier cannot fail")
    chosen: NDArray[np.int64] = stream(seed, 0, SWITCHES).choice(among, switches, replace=False)
    return chosen


def damage(before: Network, after: Network, bisection: float | None = None) -> Damage:
    """What is left of a network; bisection: of the network before, where it is known [byte/s]."""
    whole = cut_of(before).flow if bisection is None else bisection
    flow = cut_of(after).flow
    return Damage(
        cables=int(np.count_nonzero(before.live & ~after.live)),
        bisection=flow,
        left=float(ratio(flow, whole, unit="fraction", title="Bisection that is left")) if whole else 0.0,
        lengths=lengths_of(after),
    )
