"""Walks of SimGrid's torus and dragonfly, hop by hop as its code takes them: the routing of `simgrid_networks`.

Each gives the links of all flows in order, and where those of each flow begin.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def torus(source, destination, sides):
    """One dimension after the other, the shorter way round; a cable belongs to its lower end."""
    begin = np.zeros(len(source) + 1, np.int64)
    links = np.empty(len(source) * (np.sum(sides // 2) + len(sides)), np.int32)
    many = 0
    for flow in range(len(source)):
        below = 1
        for axis in range(len(sides)):
            side = sides[axis]
            a, b = source[flow] // below % side, destination[flow] // below % side
            ahead = a < b <= a + side // 2 or (a > side // 2 and (a + side // 2) % side >= b)
            beside = destination[flow] % below + source[flow] // (below * side) * (below * side)
            while a != b:
                far = (a + 1) % side if ahead else (a - 1 + side) % side
                owner = beside + (a if ahead else far) * below
                links[many] = 2 * (owner * len(sides) + axis) + (0 if ahead else 1)
                a, many = far, many + 1
            below *= side
        begin[flow + 1] = many
    return begin, links[:many].copy()


@njit(cache=True, nogil=True)
def dragonfly(source, destination, groups, chassis, routers, nodes):
    """Up, within the group to the router that joins the other one, across, within that group, and down.

    Within a group the walk goes on from the first chassis after a green link, wherever that link was.
    """
    green = groups * chassis * routers * nodes
    black = green + groups * chassis * routers**2
    blue = black + groups * routers * chassis**2
    begin, links, many = np.zeros(len(source) + 1, np.int64), np.empty(7 * len(source), np.int32), 0
    for flow in range(len(source)):
        place, to_place = source[flow] // nodes, destination[flow] // nodes
        router, to_router = place % routers, to_place % routers
        rack, to_rack = place // routers % chassis, to_place // routers % chassis
        group, to_group = place // routers // chassis, to_place // routers // chassis
        links[many] = 2 * source[flow]
        many += 1
        if group != to_group:
            if router != to_group:
                links[many] = _between(green, place // routers, routers, router, to_group)
                many += 1
            if rack != 0:
                links[many] = _between(black, group * routers + to_group, chassis, rack, 0)
                many += 1
            links[many] = _between(blue, 0, groups, group, to_group)
            many += 1
            router, rack = group, 0
        if router != to_router:
            links[many] = _between(green, to_group * chassis + rack, routers, router, to_router)
            many += 1
            rack = 0
        if rack != to_rack:
            links[many] = _between(black, to_group * routers + to_router, chassis, rack, to_rack)
            many += 1
        links[many] = 2 * destination[flow] + 1
        many += 1
        begin[flow + 1] = many
    return begin, links[:many].copy()


@njit(cache=True, nogil=True)
def _between(first, bundle, width, near, far):
    """The link from one to another of those that are all joined with each other."""
    pair = 2 * (far * width + near) + 1 if near > far else 2 * (near * width + far)
    return 2 * first + bundle * (2 * width**2) + pair
