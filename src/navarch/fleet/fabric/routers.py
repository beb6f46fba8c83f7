"""The routers behind `routing.router_for`."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from navarch.core.events import stream
from navarch.fleet.fabric import routing_kernels as kernels
from navarch.fleet.fabric.graph import NOWHERE, SCALE_UP, Flags, Floats, GraphError, Ints, Network
from navarch.fleet.fabric.routing import GRIDS, HOPWISE, ONE_GLOBAL, Paths

Longs = NDArray[np.int64]
KEPT = 64_000_000  # distances that a router keeps; of more it works them out block by block
KNOWN = "known distances"
_making = Lock()
DRAWS = 32  # of a place in between, until it is in neither end's group
GLOBAL = "between groups"


class Shortest:
    """One shortest path a flow, chosen hop by hop."""

    def __init__(self, network: Network, policy: str, seed: int) -> None:
        self.network, self.policy, self.seed = network, HOPWISE.index(policy), seed
        self.tables = distances_of(network)

    def paths(self, sources: ArrayLike, destinations: ArrayLike, sizes: ArrayLike | None = None) -> Paths:
        """The paths of flows (`routing.Router`)."""
        return self.route(*flows_of(self.network, sources, destinations, sizes))

    def route(self, a: Ints, b: Ints, sizes: Floats | None = None) -> Paths:
        """The paths between nodes of any kind."""
        net, load = self.network, np.zeros(2 * self.network.cables)
        carried = np.ones(len(a)) if sizes is None else sizes
        copies, hops = occurrences(a, b), np.zeros(len(a), dtype=np.int64)
        pieces: list[tuple[Longs, Ints]] = []
        for chosen, classes, table in self.tables.blocks(b, whole=self.policy == kernels.ADAPTIVE):
            some, shape = (a[chosen], b[chosen], classes), self.tables.shape
            found = kernels.lengths(*some, table, *shape[:4])
            rows = starts_of(np.maximum(found, 0))
            out = np.empty(rows[-1], dtype=np.int32)
            kernels.walk(
                *some, copies[chosen], found, table, *shape, self.policy, self.seed, carried[chosen], net.capacity,
                load, rows, out,
            )  # fmt: skip
            hops[chosen] = found
            pieces.append((chosen, out))
        return assembled(hops, pieces)


class Spray:
    """Every flow over all its shortest paths at once."""

    def __init__(self, network: Network) -> None:
        self.network, self.tables = network, distances_of(network)

    def paths(self, sources: ArrayLike, destinations: ArrayLike, sizes: ArrayLike | None = None) -> Paths:
        """The paths of flows (`routing.Router`)."""
        a, b, _ = flows_of(self.network, sources, destinations, sizes)
        classes, table = self.tables.whole(b)
        hops = kernels.lengths(a, b, classes, table, *self.tables.shape[:4])
        rows, links, weights = kernels.spread(a, b, classes, hops, table, *self.tables.shape)
        return Paths(rows, links, hops != kernels.LOST, weights)


class DimensionOrder:
    """One dimension of a torus or hypercube after the other."""

    def __init__(self, network: Network) -> None:
        if network.kind not in GRIDS:
            raise GraphError(f"dimension-order routing is of a torus or a hypercube, not of a {network.kind}")
        self.network = network
        names = [name for name in network.places if name.startswith("axis")]
        self.coordinates = np.stack([network.places[name] for name in names], axis=1)
        self.sides = self.coordinates.max(axis=0) + 1
        self.steps = self._steps()

    def _steps(self) -> Ints:
        """The link and the neighbour of each node in each dimension, up and down."""
        net = self.network
        steps = np.full((net.nodes, len(self.sides), 2, 2), NOWHERE, dtype=np.int32)
        moved = (self.coordinates[net.target] - self.coordinates[net.source]) % self.sides
        axis = np.argmax(moved, axis=1)
        ahead = moved[np.arange(len(axis)), axis]
        for way, step in ((0, np.ones_like(self.sides)), (1, self.sides - 1)):
            links = np.flatnonzero(ahead == step[axis])
            steps[net.source[links], axis[links], way, 0] = links
            steps[net.source[links], axis[links], way, 1] = net.target[links]
        return steps

    def paths(self, sources: ArrayLike, destinations: ArrayLike, sizes: ArrayLike | None = None) -> Paths:
        """The paths of flows (`routing.Router`)."""
        a, b, _ = flows_of(self.network, sources, destinations, sizes)
        ahead = (self.coordinates[b] - self.coordinates[a]) % self.sides
        rows = starts_of(np.minimum(ahead, self.sides - ahead).sum(axis=1))
        out, reached = np.empty(rows[-1], dtype=np.int32), np.ones(len(a), dtype=bool)
        live = np.repeat(self.network.live, 2)
        kernels.grid_walk(a, b, self.coordinates, self.sides, self.steps, live, rows, out, reached)
        if reached.all():
            return Paths(rows, out, reached)
        hops = np.where(reached, np.diff(rows), 0)
        return Paths(starts_of(hops), out[np.repeat(reached, np.diff(rows))], reached)


class Valiant:
    """By way of a random place, minimal to it and from it."""

    def __init__(self, network: Network, seed: int) -> None:
        self.network, self.seed = network, seed
        self.minimal = Shortest(network, "ecmp", seed)
        top = network.nodes_of([tier for tier in network.tiers if tier != SCALE_UP][-1])
        self.between = top[np.bincount(network.source, np.repeat(network.live, 2), network.nodes)[top] > 0]

    def paths(self, sources: ArrayLike, destinations: ArrayLike, sizes: ArrayLike | None = None) -> Paths:
        """The paths of flows (`routing.Router`)."""
        a, b, _ = flows_of(self.network, sources, destinations, sizes)
        middle = np.where(a == b, a, self._middle(a, b))
        return joined(self.minimal.route(a, middle), self.minimal.route(middle, b))

    def _middle(self, a: Ints, b: Ints) -> Ints:
        """A place for each flow; of a dragonfly in a group that is neither end's."""
        group = self.network.places.get("group")
        middle = self._drawn(len(a), 0)
        if group is None:
            return middle
        for draw in range(1, DRAWS):
            taken = (group[middle] == group[a]) | (group[middle] == group[b])
            middle = np.where(taken, self._drawn(len(a), draw), middle)
        return middle

    def _drawn(self, count: int, draw: int) -> Ints:
        return self.between[stream(self.seed, 0, draw).integers(0, len(self.between), size=count)]


class Ugal:
    """The better of the minimal and the Valiant path, flows placed one after another."""

    def __init__(self, network: Network, seed: int) -> None:
        self.network = network
        self.minimal, self.valiant = Shortest(network, "ecmp", seed), Valiant(network, seed)

    def paths(self, sources: ArrayLike, destinations: ArrayLike, sizes: ArrayLike | None = None) -> Paths:
        """The paths of flows (`routing.Router`)."""
        a, b, carried = flows_of(self.network, sources, destinations, sizes)
        near, far = self.minimal.paths(a, b), self.valiant.paths(a, b)
        taken = np.zeros(len(a), dtype=bool)
        load = np.zeros(2 * self.network.cables)
        kernels.lighter(
            near.offsets, near.links, far.offsets, far.links, carried, self.network.capacity, load, taken
        )  # fmt: skip
        taken |= ~near.reached & far.reached
        return either(taken, far, near)


class Distances:
    """How far every node is from the destinations asked for, worked out once for hosts on the same switches.

    minimal: of a dragonfly by at most one global link (by two, once a pair of groups has lost all of theirs).
    """

    def __init__(self, network: Network, minimal: bool = True) -> None:
        self.network = network
        offsets, links = network.adjacency
        costly = np.zeros(2 * network.cables, dtype=np.int64)
        self.budget = 0
        if minimal and network.kind in ONE_GLOBAL and GLOBAL in network.cable_tiers:
            costly[np.repeat(network.live, 2) & (network.tier == network.cable_tiers.index(GLOBAL))] = 1
            self.budget = 1 if _all_joined(network) else 2
        self.costs = costly
        self.shape: tuple[Longs, Ints, Ints, Flags, Longs] = (offsets, links, network.target, network.forwards, costly)
        self.kind_of, self.seeds = self._kinds()
        self._row_of = np.full(len(self.seeds), NOWHERE, dtype=np.int64)
        self._table = np.zeros((0, self.budget + 1, network.nodes), dtype=np.int16)
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=Lock())

    def whole(self, destinations: Ints) -> tuple[Longs, NDArray[np.int16]]:
        """The row of each destination, and the distances of all rows; kept for the next time."""
        kinds = self.kind_of[destinations]
        with self._lock:
            missing = np.unique(kinds[self._row_of[kinds] == NOWHERE])
            if len(missing):
                self._row_of[missing] = len(self._table) + np.arange(len(missing))
                self._table = np.concatenate([self._table, self._worked_out(missing)])
            return self._row_of[kinds], self._table

    def fresh(self, destinations: Ints) -> tuple[Longs, NDArray[np.int16]]:
        """Like `whole`, and nothing is kept."""
        kinds, rows = np.unique(self.kind_of[destinations], return_inverse=True)
        return rows, self._worked_out(kinds)

    def blocks(self, destinations: Ints, whole: bool) -> Iterator[tuple[Longs, Longs, NDArray[np.int16]]]:
        """Flows with their rows and distances: all at once, or (unless whole) block by block where they are many."""
        kinds = self.kind_of[destinations]
        asked = np.unique(kinds)
        most = max(1, KEPT // ((self.budget + 1) * self.network.nodes))
        if whole or len(asked) <= most:
            yield np.arange(len(destinations)), *self.whole(destinations)
            return
        rows = np.searchsorted(asked, kinds)
        for start in range(0, len(asked), most):
            chosen = np.flatnonzero((rows >= start) & (rows < start + most))
            yield chosen, rows[chosen] - start, self._worked_out(asked[start : start + most])

    def _kinds(self) -> tuple[Longs, list[tuple[int, ...]]]:
        """Which nodes are reached alike, and from where: hosts on the same switches, or a node that passes on."""
        net = self.network
        if net.direct:
            return np.arange(net.nodes), [(node,) for node in range(net.nodes)]
        offsets, links = net.adjacency
        near = np.split(net.target[links], offsets[1:-1])
        seeds: dict[tuple[int, ...], int] = {}
        kinds = np.empty(net.nodes, dtype=np.int64)
        for host in range(net.hosts):
            around = tuple(sorted(set(near[host].tolist())))
            kinds[host] = seeds.setdefault((NOWHERE, *around), len(seeds))
        for switch in range(net.hosts, net.nodes):
            kinds[switch] = seeds.setdefault((switch,), len(seeds))
        return kinds, list(seeds)

    def _worked_out(self, kinds: Longs) -> NDArray[np.int16]:
        seeds = [self.seeds[kind] for kind in kinds.tolist()]
        hosts = np.array([seed[0] == NOWHERE for seed in seeds], dtype=np.int64)
        starts = starts_of(np.array([len(seed) for seed in seeds]) - hosts)
        flat = np.array([n for seed in seeds for n in seed if n != NOWHERE], dtype=np.int64)
        table = np.empty((len(seeds), self.budget + 1, self.network.nodes), dtype=np.int16)
        kernels.distances(starts, flat, hosts, *self.shape, self.budget, table)
        return table


def distances_of(network: Network) -> Distances:
    """The distances of a network, the same for all of its routers."""
    with _making:
        known: Distances | None = network.__dict__.get(KNOWN)
        if known is None:
            known = network.__dict__[KNOWN] = Distances(network)
        return known


def _all_joined(network: Network) -> bool:
    """Whether each two groups still have a link between them."""
    group = network.places["group"]
    pairs = group[network.ends[network.cables_of(GLOBAL)]][network.live[network.cables_of(GLOBAL)]]
    groups = int(group.max()) + 1
    joined_pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    return len(joined_pairs) == groups * (groups - 1) // 2


def flows_of(
    network: Network, sources: ArrayLike, destinations: ArrayLike, sizes: ArrayLike | None
) -> tuple[Ints, Ints, Floats]:
    """Both ends of each flow, checked, and its size."""
    a = np.atleast_1d(np.asarray(sources, dtype=np.int32))
    b = np.atleast_1d(np.asarray(destinations, dtype=np.int32))
    if len(a) != len(b):
        raise GraphError(f"there are {len(a)} sources and {len(b)} destinations; a flow has one of each")
    for ends in (a, b):
        if len(ends) and (ends.min() < 0 or ends.max() >= network.hosts):
            raise GraphError(f"flows run between hosts 0 to {network.hosts - 1}, not {ends.min()} to {ends.max()}")
    carried = np.ones(len(a)) if sizes is None else np.broadcast_to(np.asarray(sizes, dtype=np.float64), a.shape)
    return a, b, np.ascontiguousarray(carried)


def occurrences(a: Ints, b: Ints) -> Longs:
    """How many flows of the same two hosts come before each one."""
    pair = a.astype(np.int64) * (int(b.max(initial=0)) + 1) + b
    order = np.argsort(pair, kind="stable")
    fresh = np.ones(len(pair), dtype=bool)
    fresh[1:] = pair[order][1:] != pair[order][:-1]
    first = np.maximum.accumulate(np.where(fresh, np.arange(len(pair)), 0))
    found = np.empty(len(pair), dtype=np.int64)
    found[order] = np.arange(len(pair)) - first
    return found


def starts_of(lengths: NDArray[Any]) -> Longs:
    """Where rows of such lengths start, and where the last one ends."""
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts


def assembled(hops: Longs, pieces: list[tuple[Longs, Ints]]) -> Paths:
    """Paths from rows that were worked out in pieces."""
    reached = hops != kernels.LOST
    hops = np.maximum(hops, 0)
    rows = starts_of(hops)
    if len(pieces) == 1:
        return Paths(rows, pieces[0][1], reached)
    links = np.empty(rows[-1], dtype=np.int32)
    for chosen, out in pieces:
        links[entries(rows, hops, chosen)] = out
    return Paths(rows, links, reached)


def entries(rows: Longs, hops: Longs, chosen: Longs) -> Longs:
    """The places of all entries of some rows, row by row."""
    counts = hops[chosen]
    within = np.arange(counts.sum()) - np.repeat(starts_of(counts)[:-1], counts)
    return np.repeat(rows[chosen], counts) + within


def joined(first: Paths, second: Paths) -> Paths:
    """Each flow by its first path and then by its second."""
    reached = first.reached & second.reached
    counts = np.where(reached, first.hops(), 0), np.where(reached, second.hops(), 0)
    rows = starts_of(counts[0] + counts[1])
    links = np.empty(rows[-1], dtype=np.int32)
    every = np.flatnonzero(reached)
    for path, count, shift in ((first, counts[0], np.zeros_like(counts[0])), (second, counts[1], counts[0])):
        links[entries(rows[:-1] + shift, count, every)] = path.links[entries(path.offsets, count, every)]
    return Paths(rows, links, reached)


def either(taken: Flags, one: Paths, other: Paths) -> Paths:
    """Each flow's path from one or the other."""
    hops = np.where(taken, one.hops(), other.hops())
    rows = starts_of(hops)
    links = np.empty(rows[-1], dtype=np.int32)
    for path, chosen in ((one, np.flatnonzero(taken)), (other, np.flatnonzero(~taken))):
        links[entries(rows, hops, chosen)] = path.links[entries(path.offsets, hops, chosen)]
    return Paths(rows, links, np.where(taken, one.reached, other.reached))
