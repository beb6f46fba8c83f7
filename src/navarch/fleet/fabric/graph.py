"""A network as a graph: nodes, cables, and the arrays that a flow simulator takes.

Nodes are numbered: the hosts first (0 to `hosts` - 1), then the switches, tier by tier. A cable joins two nodes and is
two links, one a direction: cable `c` from `ends[c, 0]` to `ends[c, 1]` is link `2 c`, the way back link `2 c + 1`, so
that `link ^ 1` is a link's way back and `link // 2` its cable. Parallel cables are separate: a hash can put two flows
on one of them. What has failed stays in its place (`live` is False), so that numbers never change during a run.

What a simulator reads: `source`, `target`, `capacity`, `delay`, `tier` of the links, `hosts`, `machine`; the paths come
from `navarch.fleet.fabric.routing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import rustworkx as rx

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SCALE_UP = "scale-up"
"""Tier of the switches of scale-up domains, which belong to their machines rather than to the network."""
NOWHERE = -1  # of a node that a coordinate does not place


class GraphError(ValueError):
    """A network cannot be built, read or routed as asked; the message says what is allowed."""


@dataclass(frozen=True, slots=True)
class Wires:
    """How fast cables are: bandwidth per direction [byte/s], latencies [s].

    near: of a link between host and switch; far: of a link between switches, with the switch that it enters; direct: of
    a link between hosts that are their own routers. The default counts links: bandwidth 1, no latency.
    """

    bandwidth: float = 1.0
    near: float = 0.0
    far: float = 0.0
    direct: float = 0.0


@dataclass(frozen=True)
class Network:
    """A network of hosts, switches and cables.

    name, kind: what it is called, and its family; hosts: how many; tiers: names of the tiers of nodes, "host" first;
    node_tier: of each node, its place in `tiers`; ends: the two nodes of each cable; cable_tiers, cable_tier: likewise
    of cables; bandwidth: of each cable per direction [byte/s]; latency: of each cable [s]; half: which hosts are on one
    side of the bisection that theory cuts; machine: the machine that each host (a network interface, an accelerator)
    is in; direct: whether hosts pass on what is for others; places: coordinates of the nodes by name ("pod", "group",
    "x"), -1 where there is none; shape: the whole numbers that it was built from; live: which cables work; length: of
    each cable [m], 0 until it is placed (`placement`).
    """

    name: str
    kind: str
    hosts: int
    tiers: tuple[str, ...]
    node_tier: NDArray[np.int8]
    ends: Ints
    cable_tiers: tuple[str, ...]
    cable_tier: NDArray[np.int8]
    bandwidth: Floats
    latency: Floats
    half: Flags
    machine: Ints
    direct: bool = False
    places: Mapping[str, Ints] = field(default_factory=dict)
    shape: Mapping[str, int] = field(default_factory=dict)
    live: Flags = field(default_factory=lambda: np.zeros(0, dtype=bool))
    length: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def nodes(self) -> int:
        """Hosts and switches."""
        return len(self.node_tier)

    @property
    def switches(self) -> int:
        """Switches; a direct network has none."""
        return self.nodes - self.hosts

    @property
    def cables(self) -> int:
        """Cables, those that have failed counted."""
        return len(self.ends)

    @cached_property
    def source(self) -> Ints:
        """The node that each link leaves."""
        return self.ends.ravel()

    @cached_property
    def target(self) -> Ints:
        """The node that each link enters."""
        return np.ascontiguousarray(self.ends[:, ::-1]).ravel()

    @cached_property
    def capacity(self) -> Floats:
        """Bandwidth of each link [byte/s]; 0 where it has failed."""
        return np.repeat(np.where(self.live, self.bandwidth, 0.0), 2)

    @cached_property
    def delay(self) -> Floats:
        """Latency of each link [s]."""
        return np.repeat(self.latency, 2)

    @cached_property
    def tier(self) -> NDArray[np.int8]:
        """Tier of each link, its place in `cable_tiers`."""
        return np.repeat(self.cable_tier, 2)

    @cached_property
    def forwards(self) -> Flags:
        """Which nodes pass on what is for others."""
        return np.ones(self.nodes, dtype=bool) if self.direct else np.arange(self.nodes) >= self.hosts

    @cached_property
    def adjacency(self) -> tuple[NDArray[np.int64], Ints]:
        """Working links by the node that they leave: those of node n are links[offsets[n]:offsets[n + 1]], in order."""
        usable = np.flatnonzero(np.repeat(self.live, 2)).astype(np.int32)
        leaving = self.source[usable]
        order = np.argsort(leaving, kind="stable")
        offsets = np.zeros(self.nodes + 1, dtype=np.int64)
        np.cumsum(np.bincount(leaving, minlength=self.nodes), out=offsets[1:])
        return offsets, usable[order]

    def count(self, name: str) -> int:
        """How many nodes or cables the tier of that name has; 0 where there is no such tier."""
        if name in self.tiers:
            return int(np.count_nonzero(self.node_tier == self.tiers.index(name)))
        return len(self.cables_of(name))

    def nodes_of(self, tier: str) -> Ints:
        """The nodes of a tier."""
        if tier not in self.tiers:
            return np.zeros(0, dtype=np.int32)
        return np.flatnonzero(self.node_tier == self.tiers.index(tier)).astype(np.int32)

    def cables_of(self, tier: str) -> Ints:
        """The cables of a tier."""
        if tier not in self.cable_tiers:
            return np.zeros(0, dtype=np.int32)
        return np.flatnonzero(self.cable_tier == self.cable_tiers.index(tier)).astype(np.int32)

    def ports(self) -> Ints:
        """Cable ends at each node."""
        return np.bincount(self.ends.ravel(), minlength=self.nodes).astype(np.int32)

    def graph(self) -> rx.PyGraph:
        """The same network in rustworkx: nodes bear their tier, edges the number of their cable."""
        import rustworkx as rx

        graph = rx.PyGraph(multigraph=True, node_count_hint=self.nodes, edge_count_hint=self.cables)
        graph.add_nodes_from([self.tiers[t] for t in self.node_tier])
        working = np.flatnonzero(self.live).tolist()
        ends = self.ends.tolist()
        graph.add_edges_from([(ends[c][0], ends[c][1], c) for c in working])
        return graph

    def without(self, cables: ArrayLike = (), switches: ArrayLike = ()) -> Network:
        """The network after failures, numbers unchanged: of cables, and of switches with all their cables."""
        lost = np.zeros(self.cables, dtype=bool)
        lost[_chosen(cables, self.cables, "cable")] = True
        dead = np.zeros(self.nodes, dtype=bool)
        dead[_chosen(switches, self.nodes, "node")] = True
        return self._with(live=self.live & ~lost & ~dead[self.ends].any(axis=1))

    def slowed(self, cables: ArrayLike, share: float) -> Network:
        """The network with some cables at a share of their bandwidth: a slow port, a bad PCIe setting."""
        if not 0 < share <= 1:
            raise GraphError(f"a slow cable keeps a share of its bandwidth above 0 and at most 1, not {share:g}")
        bandwidth = self.bandwidth.copy()
        bandwidth[_chosen(cables, self.cables, "cable")] *= share
        return self._with(bandwidth=bandwidth)

    def _with(self, **changed: Any) -> Network:
        return replace(self, **changed)


def _chosen(numbers: ArrayLike, count: int, what: str) -> NDArray[np.int64]:
    chosen = np.atleast_1d(np.asarray(numbers, dtype=np.int64))
    if chosen.size and (chosen.min() < 0 or chosen.max() >= count):
        worst = chosen.min() if chosen.min() < 0 else chosen.max()
        raise GraphError(f"there is no {what} {worst}; they are numbered 0 to {count - 1}")
    return chosen


class Draft:
    """A network while it is built: nodes tier by tier, hosts first, then cables."""

    def __init__(self, kind: str, name: str, wires: Wires, shape: Mapping[str, int], direct: bool = False) -> None:
        self.kind, self.name, self.wires, self.direct = kind, name, wires, direct
        self.shape = dict(shape)
        self._tiers: list[str] = []
        self._counts: list[int] = []
        self._cable_tiers: list[str] = []
        self._cables: list[tuple[Ints, NDArray[np.int8], Floats, Floats]] = []

    def nodes(self, tier: str, count: int) -> Ints:
        """Add so many nodes of a tier; returns their numbers."""
        first = sum(self._counts)
        self._tiers.append(tier)
        self._counts.append(count)
        return np.arange(first, first + count, dtype=np.int32)

    def join(
        self, lower: ArrayLike, upper: ArrayLike, tier: str, latency: float, bandwidth: float | None = None
    ) -> None:
        """Add one cable for each pair of nodes, in that order."""
        a, b = np.broadcast_arrays(np.asarray(lower, dtype=np.int32), np.asarray(upper, dtype=np.int32))
        ends = np.stack([a.ravel(), b.ravel()], axis=1)
        if tier not in self._cable_tiers:
            self._cable_tiers.append(tier)
        kind = np.full(len(ends), self._cable_tiers.index(tier), dtype=np.int8)
        rate = self.wires.bandwidth if bandwidth is None else bandwidth
        self._cables.append((ends, kind, np.full(len(ends), float(rate)), np.full(len(ends), float(latency))))

    def finish(
        self, half: ArrayLike, machine: ArrayLike | None = None, places: Mapping[str, ArrayLike] | None = None
    ) -> Network:
        """The network; half: the hosts on one side of its bisection; machine: of each host, by default its own."""
        hosts = self._counts[0]
        cables = self._cables or [
            (np.zeros((0, 2), dtype=np.int32), np.zeros(0, dtype=np.int8), np.zeros(0), np.zeros(0))
        ]
        ends, kinds, bandwidth, latency = (np.concatenate(part) for part in zip(*cables, strict=True))
        return Network(
            name=self.name,
            kind=self.kind,
            hosts=hosts,
            tiers=tuple(self._tiers),
            node_tier=np.repeat(np.arange(len(self._tiers), dtype=np.int8), self._counts),
            ends=ends,
            cable_tiers=tuple(self._cable_tiers),
            cable_tier=kinds,
            bandwidth=bandwidth,
            latency=latency,
            half=np.asarray(half, dtype=bool),
            machine=np.arange(hosts, dtype=np.int32) if machine is None else np.asarray(machine, dtype=np.int32),
            direct=self.direct,
            places={name: np.asarray(value, dtype=np.int32) for name, value in (places or {}).items()},
            shape=self.shape,
            live=np.ones(len(ends), dtype=bool),
            length=np.zeros(len(ends)),
        )


def bundled(cables: int, over: int) -> Ints:
    """Which of some switches each of so many cables goes to: evenly, the first ones get what is left."""
    return np.sort(np.arange(cables, dtype=np.int32) % over)


def whole(**counts: int) -> None:
    """Refuse counts that are no whole numbers of at least 1."""
    for name, value in counts.items():
        if int(value) != value or value < 1:
            raise GraphError(f"{name.replace('_', ' ')} must be a whole number of at least 1, not {value:g}")


def first_half(hosts: int) -> Flags:
    """The first half of the hosts, rounded down."""
    return np.arange(hosts) < hosts // 2


def listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return ", ".join(names)
