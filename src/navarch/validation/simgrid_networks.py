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
    below = np.concatenate([[1], np.cumprod(sides)])

    def paths(source: Longs, destination: Longs) -> Paths:
        offsets, legs = np.zeros(len(source) + 1, np.int64), []
        for axis, side in enumerate(sides):
            a, b = source // below[axis] % side, destination // below[axis] % side
            ahead = ((b > a) & (b <= a + side // 2)) | ((a > side // 2) & ((a + side // 2) % side >= b))
            legs.append((a, np.where(ahead, 1, -1), np.where(ahead, b - a, a - b) % side))
            offsets[1:] += legs[axis][2]
        np.cumsum(offsets, out=offsets)
        links, begin = np.empty(offsets[-1], np.int32), offsets[:-1].copy()
        for axis, (side, (a, way, hops)) in enumerate(zip(sides, legs, strict=True)):
            flow = np.repeat(np.arange(len(source)), hops)
            step = np.arange(len(flow)) - np.repeat(np.cumsum(hops) - hops, hops)
            turned = (a[flow] + way[flow] * step - (way[flow] < 0)) % side  # a cable belongs to its lower end
            passed, ahead_of = destination[flow] % below[axis], source[flow] // below[axis + 1] * below[axis + 1]
            owner = passed + turned * below[axis] + ahead_of
            links[begin[flow] + step] = 2 * (owner * len(sides) + axis) + (way[flow] < 0)
            begin += hops
        return Paths(offsets, links, np.ones(len(source), bool))

    return Zone(int(below[-1]), 2 * int(below[-1]) * len(sides), paths)


def dragonfly(groups: int, chassis: int, routers: int, nodes: int) -> Zone:
    """DragonflyZone with one link each, minimal routing.

    A group is a rectangle of chassis by routers: all routers of a chassis are joined ("green"), and all of the same
    place in the chassis ("black"); router j of the first chassis joins group j ("blue"). Within a group its code
    walks on from the first chassis after a green link, wherever that link was; the runs have it so, hence we do.
    """
    hosts = groups * chassis * routers * nodes
    green = hosts
    black = green + groups * chassis * routers**2
    blue = black + groups * routers * chassis**2

    def between(first: int, bundle: Longs, width: int, near: Longs, far: Longs) -> Longs:
        pair = np.where(near > far, 2 * (far * width + near) + 1, 2 * (near * width + far))
        return 2 * first + bundle * (2 * width**2) + pair

    def paths(source: Longs, destination: Longs) -> Paths:
        place, to_place = source // nodes, destination // nodes
        router, to_router = place % routers, to_place % routers
        rack, to_rack = place // routers % chassis, to_place // routers % chassis
        group, to_group = place // routers // chassis, to_place // routers // chassis
        away = group != to_group
        to_blue = away & (router != to_group)
        out = [2 * source]
        out.append(np.where(to_blue, between(green, place // routers, routers, router, to_group), UNUSED))
        if chassis > 1:
            hop = between(black, group * routers + to_group, chassis, rack, np.zeros_like(rack))
            out.append(np.where(away & (rack != 0), hop, UNUSED))
        out.append(np.where(away, between(blue, 0 * group, groups, group, to_group), UNUSED))
        router, rack = np.where(away, group, router), np.where(away, 0, rack)
        turns = router != to_router
        out.append(np.where(turns, between(green, to_group * chassis + rack, routers, router, to_router), UNUSED))
        if chassis > 1:
            rack = np.where(turns, 0, rack)
            hop = between(black, to_group * routers + to_router, chassis, rack, to_rack)
            out.append(np.where(rack != to_rack, hop, UNUSED))
        return _packed([*out, 2 * destination + 1])

    return Zone(hosts, 2 * (blue + groups**2), paths)


def _packed(hops: Sequence[Longs]) -> Paths:
    """Hops of each flow in order, those that are unused left out."""
    table = np.stack(hops, axis=1)
    used = table != UNUSED
    offsets = np.concatenate([[0], np.cumsum(used.sum(axis=1))])
    return Paths(offsets, table[used].astype(np.int32), np.ones(len(table), bool))
