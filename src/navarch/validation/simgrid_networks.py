"""The networks of SimGrid's cluster zones, link for link, with its routing: what its recorded runs ran on.

All links are alike and go both ways (split duplex): link 2 c one way, 2 c + 1 the other. `paths` gives the links of
flows as the flow simulator takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from navarch.fleet.fabric.routing import Paths

Longs = NDArray[np.int64]
UNUSED = -1


@dataclass(frozen=True)
class Zone:
    """A network: how many links it has, and the paths of flows."""

    hosts: int
    links: int
    paths: Callable[[Longs, Longs], Paths]


def fat_tree(down: Sequence[int], up: Sequence[int]) -> Zone:
    """FatTreeZone with one cable a pair; down, up: children and parents of a node, level by level.

    Up to the lowest common ancestor, the digits of the destination's number choose the parents, level by level
    (D-mod-K); then down to it. A node is numbered by the parents that lead to it and then by what it is above.
    """
    levels = len(down)
    below, parents = (np.concatenate([[1], np.cumprod(sides)]) for sides in (down, up))
    nodes = parents[:-1] * below[-1] // below[:-1]
    base = np.concatenate([[0], np.cumsum(nodes * np.asarray(up))])

    def cable(level: int, end: Longs, destination: Longs) -> Longs:
        node = destination % parents[level] + end // below[level] * parents[level]
        return base[level] + node * up[level] + destination // parents[level] % up[level]

    def paths(source: Longs, destination: Longs) -> Paths:
        climb, fall = [], []
        for level in range(levels):
            apart = source // below[level] != destination // below[level]
            climb.append(np.where(apart, 2 * cable(level, source, destination), UNUSED))
            fall.append(np.where(apart, 2 * cable(level, destination, destination) + 1, UNUSED))
        return _packed([*climb, *reversed(fall)])

    return Zone(int(below[-1]), 2 * int(base[-1]), paths)


def torus(sides: Sequence[int]) -> Zone:
    """TorusZone: one dimension after the other, the shorter way round; at equal lengths as its code has it."""
    hosts, of_each = int(np.prod(sides)), np.asarray(sides, np.int64)

    def paths(source: Longs, destination: Longs) -> Paths:
        from navarch.validation import simgrid_walks

        offsets, links = simgrid_walks.torus(source, destination, of_each)
        return Paths(offsets, links, np.ones(len(source), bool))

    return Zone(hosts, 2 * hosts * len(sides), paths)


def dragonfly(groups: int, chassis: int, routers: int, nodes: int) -> Zone:
    """DragonflyZone with one link each, minimal routing.

    A group is a rectangle of chassis by routers: all routers of a chassis are joined ("green"), and all of the same
    place in the chassis ("black"); router j of the first chassis joins group j ("blue").
    """
    hosts = groups * chassis * routers * nodes
    links = hosts + groups * chassis * routers**2 + groups * routers * chassis**2 + groups**2

    def paths(source: Longs, destination: Longs) -> Paths:
        from navarch.validation import simgrid_walks

        offsets, links = simgrid_walks.dragonfly(source, destination, groups, chassis, routers, nodes)
        return Paths(offsets, links, np.ones(len(source), bool))

    return Zone(hosts, 2 * links, paths)


def _packed(hops: Sequence[Longs]) -> Paths:
    """Hops of each flow in order, those that are unused left out."""
    table = np.stack(hops, axis=1)
    used = table != UNUSED
    offsets = np.concatenate([[0], np.cumsum(used.sum(axis=1))])
    return Paths(offsets, table[used].astype(np.int32), np.ones(len(table), bool))
