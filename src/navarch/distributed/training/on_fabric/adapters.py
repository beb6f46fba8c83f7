"""Which adapters of a network the accelerators of a plan use, in order or scattered."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from navarch.core.arithmetic import product_of, ratio
from navarch.core.events import stream
from navarch.fleet.fabric.graph import GraphError, Network
from navarch.fleet.fabric.routing import GRIDS
from navarch.fleet.fabric.scaleup_graph import HOST_SCALE_UP

Longs = NDArray[np.int64]
SCATTER = 1
"""Random stream of a seed, beside those of hashes."""


@dataclass(frozen=True, slots=True)
class Adapters:
    """How accelerators share the adapters (hosts) of a network.

    accelerators: of the plan; each: adapters of one accelerator, where it has several or its own; shared: accelerators
    of one adapter, where they share it. One of the two is 1.
    """

    accelerators: int
    each: int
    shared: int

    @classmethod
    def of(cls, network: Network, accelerators: int, each: float | None = None) -> Adapters:
        """Those of a network.

        each: adapters of one accelerator (2, 1, 1/2); as many as the network's hosts allow where left out.
        """
        hosts = network.hosts
        if each is None:
            each = hosts // accelerators if hosts >= accelerators else 1 / -(-accelerators // hosts)
        found = cls(accelerators, max(1, round(each)), max(1, round(1 / each)))
        if found.used > hosts:
            raise GraphError(f"{network.name}: {found.used:,} adapters are needed; it has {hosts:,}")
        return found

    @property
    def used(self) -> int:
        """Adapters in use."""
        return -(-self.accelerators * self.each // self.shared)

    def first(self, accelerator: Longs) -> Longs:
        """The first adapter of each accelerator."""
        return accelerator * self.each // self.shared

    def bandwidth(self, network: Network) -> float:
        """Bandwidth of one accelerator out of its domain, with nothing in the way, per direction [byte/s]."""
        return float(ratio(product_of(adapter_bandwidth(network), self.each), self.shared))


def adapter_bandwidth(network: Network) -> float:
    """Bandwidth of the fastest cable of a host into the network, scale-up domains aside, per direction [byte/s]."""
    near = np.asarray((network.ends < network.hosts).any(axis=1), bool)
    near[network.cables_of(HOST_SCALE_UP)] = False
    return float(network.bandwidth[near].max())


def planned(network: Network, adapters: Adapters, domain: int) -> Longs | None:
    """The host of each adapter where a plan lies in order; None: adapter i on host i.

    On a torus or hypercube the accelerators of a domain are a block as near to a cube as its sides allow, and the next
    domain is the block beside it; where no block of so many hosts fits the sides, they are taken as they are numbered.
    """
    names = [name for name in network.places if name.startswith("axis")]
    block = _block(adapters, domain)
    if network.kind not in GRIDS or not names or block is None:
        return None
    at = np.stack([network.places[name] for name in names], axis=1).astype(np.int64)
    sides = at.max(axis=0) + 1
    shapes = [each for each in _boxes(block, len(sides)) if not (sides % each).any()]
    if not shapes:
        return None
    box = np.array(min(shapes, key=max))
    blocks = _there_and_back(at // box, sides // box)
    return np.lexsort([*(at % box).T, blocks])[: adapters.used]


def _block(adapters: Adapters, domain: int) -> int | None:
    """Adapters of a domain, or None where domains share one."""
    return None if domain % adapters.shared else domain * adapters.each // adapters.shared


def _boxes(size: int, dimensions: int) -> list[tuple[int, ...]]:
    """The boxes of so many hosts."""
    if dimensions == 1:
        return [(size,)]
    sides = [side for side in range(1, size + 1) if size % side == 0]
    return [(side, *rest) for side in sides for rest in _boxes(size // side, dimensions - 1)]


def _there_and_back(at: Longs, sides: Longs) -> Longs:
    """A number for each place such that the next one is beside it: along the first dimension and back again."""
    number = np.zeros(len(at), np.int64)
    for axis in reversed(range(len(sides))):
        step = np.where(number % 2 == 0, at[:, axis], sides[axis] - 1 - at[:, axis])
        number = number * sides[axis] + step
    return number


def shuffled(network: Network, adapters: Adapters, domain: int, seed: int = 0) -> Longs:
    """The host of each adapter where a scheduler scatters the domains of a job over the whole network.

    domain: accelerators of a scale-up domain, which stay together and in order; seed: of the permutation.
    """
    block = _block(adapters, domain)
    if block is None:
        raise GraphError(f"domain: {domain} accelerators do not share out adapters for {adapters.shared} each")
    everyone = replace(adapters, accelerators=network.hosts * adapters.shared // adapters.each)
    in_order = planned(network, everyone, domain)
    hosts = np.arange(network.hosts) if in_order is None else in_order
    blocks = len(hosts) // block
    order = stream(seed, SCATTER).permutation(blocks)
    scattered = hosts[(order[:, None] * block + np.arange(block)).ravel()]
    return np.concatenate([scattered, hosts[blocks * block :]])[: adapters.used]
