"""Cuts, compiled: the greatest flow between sets of nodes (Dinic 1970), all balanced partitions of few hosts."""

from __future__ import annotations

import numpy as np
from numba import njit

SOURCE, SINK = 1, 2


@njit(cache=True, nogil=True)
def levels_of(offsets, links, target, free, side, level, queue):
    """Levels of the nodes that the sources still reach, -1 of the others; returns whether a sink is among them."""
    head, tail, met = 0, 0, False
    for n in range(len(side)):
        level[n] = -1
        if side[n] == SOURCE:
            level[n] = 0
            queue[tail] = n
            tail += 1
    while head < tail:
        n = queue[head]
        head += 1
        if side[n] == SINK:
            met = True
            continue
        for e in range(offsets[n], offsets[n + 1]):
            m = target[links[e]]
            if level[m] < 0 and free[links[e]] > 0.0:
                level[m] = level[n] + 1
                queue[tail] = m
                tail += 1
    return met


@njit(cache=True, nogil=True)
def greatest_flow(offsets, links, target, capacity, side, enough):
    """The greatest flow from sources to sinks, and which nodes the sources still reach beside the cut.

    side: SOURCE or SINK of each node, else 0; enough: stop once the flow reaches it. What a cable carries one way frees
    the other.
    """
    nodes = len(side)
    free = capacity.copy()
    level, queue = np.empty(nodes, dtype=np.int64), np.empty(nodes, dtype=np.int64)
    path_node, path_link = np.empty(nodes + 1, dtype=np.int64), np.empty(nodes + 1, dtype=np.int64)
    total = 0.0
    while total < enough and levels_of(offsets, links, target, free, side, level, queue):
        ahead = offsets[:-1].copy()
        for source in range(nodes):
            if side[source] != SOURCE:
                continue
            depth = 0
            path_node[0] = source
            while depth >= 0:
                n = path_node[depth]
                if side[n] == SINK:
                    depth, sent = sent_along(path_link, depth, free)
                    total += sent
                    continue
                moved = False
                while ahead[n] < offsets[n + 1]:
                    link = links[ahead[n]]
                    if free[link] > 0.0 and level[target[link]] == level[n] + 1:
                        path_link[depth] = link
                        depth += 1
                        path_node[depth] = target[link]
                        moved = True
                        break
                    ahead[n] += 1
                if not moved:
                    depth -= 1
                    if depth >= 0:
                        ahead[path_node[depth]] += 1
    return total, level >= 0


@njit(cache=True, nogil=True)
def sent_along(path_link, depth, free):
    """Fill a path to a sink; returns the depth of the first link that is full, and what was sent."""
    sent = free[path_link[0]]
    for d in range(1, depth):
        sent = min(sent, free[path_link[d]])
    full = depth
    for d in range(depth - 1, -1, -1):
        free[path_link[d]] -= sent
        free[path_link[d] ^ 1] += sent
        if free[path_link[d]] <= 0.0:
            full = d
    return full, sent


@njit(cache=True, nogil=True)
def next_subset(subset):
    """The next larger number with as many bits set (Gosper's hack)."""
    low = subset & -subset
    ripple = subset + low
    return ripple | (((subset ^ ripple) // low) >> 2)


@njit(cache=True, nogil=True)
def least_balanced(hosts, offsets, links, target, capacity, nodes):
    """The least cut over all partitions of the hosts into halves, and one half as bits; hosts come first among nodes.

    Of an even number of hosts the last one stays on one side, as the other half of a partition is the same cut.
    """
    size = hosts // 2
    movable = hosts - 1 if hosts % 2 == 0 else hosts
    side = np.zeros(nodes, dtype=np.int64)
    best, half = np.inf, np.int64(0)
    subset, last = np.int64((1 << size) - 1), np.int64(1) << movable
    while subset < last:
        for host in range(hosts):
            side[host] = SOURCE if (subset >> host) & 1 else SINK
        if nodes == hosts:
            cut = crossing(offsets, links, target, capacity, side)
        else:
            cut = greatest_flow(offsets, links, target, capacity, side, best)[0]
        if cut < best:
            best, half = cut, subset
        subset = next_subset(subset)
    return best, half


@njit(cache=True, nogil=True)
def crossing(offsets, links, target, capacity, side):
    """What all links from sources to sinks carry."""
    total = 0.0
    for n in range(len(side)):
        if side[n] == SOURCE:
            for e in range(offsets[n], offsets[n + 1]):
                if side[target[links[e]]] == SINK:
                    total += capacity[links[e]]
    return total
