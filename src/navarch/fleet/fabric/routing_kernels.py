"""The loops of routing, compiled: distances to destinations, and walks along shortest paths.

A state is a node with the number of global links that a path may still use there: state `b * nodes + n`. Where global
links are not counted there is one level, b = 0.
"""

from __future__ import annotations

import numpy as np
from numba import njit

FIRST, MODULO, ECMP, ADAPTIVE = range(4)
LOST = -1


@njit(cache=True, nogil=True)
def stirred(h, part):
    """A 64-bit hash with one more number in it (splitmix64, Steele et al. 2014)."""
    h = (h ^ np.uint64(part)) + np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


@njit(cache=True, nogil=True)
def mixed(a, b, c, d):
    """A 64-bit hash of four numbers."""
    return stirred(stirred(stirred(stirred(np.uint64(0), a), b), c), d)


@njit(cache=True, nogil=True)
def distances(starts, seeds, first, offsets, links, target, forwards, costly, budget, table):
    """Fill table[k, b, n] with the links from node n to destination k by at most b global links; LOST where none leads.

    Destination k is reached from the nodes seeds[starts[k]:starts[k + 1]], which are first[k] links from it.
    """
    nodes = len(offsets) - 1
    queue = np.empty((budget + 1) * nodes, dtype=np.int64)
    for k in range(len(starts) - 1):
        head, tail = 0, 0
        table[k] = LOST
        for s in range(starts[k], starts[k + 1]):
            for b in range(budget + 1):
                table[k, b, seeds[s]] = first[k]
                queue[tail] = b * nodes + seeds[s]
                tail += 1
        while head < tail:
            b, n = queue[head] // nodes, queue[head] % nodes
            head += 1
            for e in range(offsets[n], offsets[n + 1]):
                m = target[links[e]]
                allowed = b + costly[links[e]]
                if forwards[m] and allowed <= budget and table[k, allowed, m] == LOST:
                    table[k, allowed, m] = table[k, b, n] + 1
                    queue[tail] = allowed * nodes + m
                    tail += 1


@njit(cache=True, nogil=True)
def lengths(sources, destinations, classes, table, offsets, links, target, forwards):
    """Links of the shortest path of each flow; LOST where there is none."""
    budget = table.shape[1] - 1
    found = np.zeros(len(sources), dtype=np.int64)
    for i in range(len(sources)):
        n, k = sources[i], classes[i]
        if n == destinations[i]:
            continue
        if forwards[n]:
            found[i] = table[k, budget, n]
            continue
        found[i] = LOST
        for e in range(offsets[n], offsets[n + 1]):
            beyond = table[k, budget, target[links[e]]]
            if beyond != LOST and (found[i] == LOST or beyond + 1 < found[i]):
                found[i] = beyond + 1
    return found


@njit(cache=True, nogil=True)
def following(n, left, b, goal, k, table, offsets, links, target, forwards, costly, found):
    """Write the links that lie on a shortest path from node n, `left` links from the goal, to found; returns how many.

    b: global links that the path may still use.
    """
    count = 0
    for e in range(offsets[n], offsets[n + 1]):
        link = links[e]
        m = target[link]
        if left == 1:
            on = m == goal
        else:
            rest = b - costly[link]
            on = forwards[m] and rest >= 0 and table[k, rest, m] == left - 1
        if on:
            found[count] = link
            count += 1
    return count


@njit(cache=True, nogil=True)
def walk(
    sources, destinations, classes, copies, hops, table, offsets, links, target, forwards, costly, policy, seed, sizes,
    capacity, load, rows, out
):  # fmt: skip
    """Write the links of each flow to out[rows[i]:rows[i + 1]]; load [s] grows by what the flows add to each link."""
    found = np.empty(np.max(offsets[1:] - offsets[:-1]), dtype=np.int32)
    divisor = np.ones(np.max(hops) + 1 if len(hops) else 1, dtype=np.int64)
    for i in range(len(sources)):
        n, goal, b, product = sources[i], destinations[i], table.shape[1] - 1, 1
        for left in range(hops[i], 0, -1):
            count = following(
                n, left, b, goal, classes[i], table, offsets, links, target, forwards, costly, found
            )  # fmt: skip
            pick = np.int64(0)
            if policy == MODULO:
                step = hops[i] - left
                if 2 * step < hops[i]:  # up; down again, the cables of a bundle are told apart as on the way up
                    divisor[step] = product
                    product *= count
                pick = (goal // divisor[min(step, left - 1)]) % count
            elif policy != FIRST and count > 1:
                pick = np.int64(mixed(seed, sources[i] * len(target) + goal, copies[i], n) % np.uint64(count))
            chosen = found[pick]
            if policy == ADAPTIVE:
                for e in range(count):
                    if load[found[e]] < load[chosen]:
                        chosen = found[e]
            load[chosen] += sizes[i] / capacity[chosen]
            out[rows[i] + hops[i] - left] = chosen
            b -= costly[chosen]
            n = target[chosen]


@njit(cache=True, nogil=True)
def spread(sources, destinations, classes, hops, table, offsets, links, target, forwards, costly):
    """Rows, links and weights of flows that are split evenly over all shortest next links at each node."""
    nodes, budget = len(offsets) - 1, table.shape[1] - 1
    share = np.zeros((budget + 1) * nodes)
    here, ahead = np.empty(len(share), dtype=np.int64), np.empty(len(share), dtype=np.int64)
    out, weights = np.empty(1024, dtype=np.int32), np.empty(1024)
    found = np.empty(np.max(offsets[1:] - offsets[:-1]), dtype=np.int32)
    rows = np.zeros(len(sources) + 1, dtype=np.int64)
    used = 0
    for i in range(len(sources)):
        goal, count = destinations[i], 0
        if hops[i] > 0:
            here[0] = budget * nodes + sources[i]
            share[here[0]] = 1.0
            count = 1
        for left in range(max(hops[i], 0), 0, -1):
            coming = 0
            for s in range(count):
                b, n = here[s] // nodes, here[s] % nodes
                carried, share[here[s]] = share[here[s]], 0.0
                choices = following(
                    n, left, b, goal, classes[i], table, offsets, links, target, forwards, costly, found
                )  # fmt: skip
                for link in found[:choices]:
                    if used == len(out):
                        out = np.concatenate((out, np.empty_like(out)))
                        weights = np.concatenate((weights, np.empty_like(weights)))
                    out[used], weights[used] = link, carried / choices
                    used += 1
                    state = (b - costly[link]) * nodes + target[link]
                    if share[state] == 0.0:
                        ahead[coming] = state
                        coming += 1
                    share[state] += carried / choices
            here, ahead, count = ahead, here, coming
        for s in range(count):
            share[here[s]] = 0.0
        rows[i + 1] = used
    return rows, out[:used], weights[:used]


@njit(cache=True, nogil=True)
def grid_walk(sources, destinations, coordinates, sides, steps, live, rows, out, reached):
    """Dimension by dimension, the shorter way round; where both are equal, up.

    steps[n, d, s]: the link of node n in dimension d, up (s = 0) or down.
    """
    for i in range(len(sources)):
        n, goal = sources[i], destinations[i]
        at = rows[i]
        for d in range(len(sides)):
            ahead = (coordinates[goal, d] - coordinates[n, d]) % sides[d]
            way, count = (0, ahead) if 2 * ahead <= sides[d] else (1, sides[d] - ahead)
            for _ in range(count):
                link = steps[n, d, way, 0]
                reached[i] = reached[i] and live[link]
                out[at] = link
                n = steps[n, d, way, 1]
                at += 1


@njit(cache=True, nogil=True)
def lighter(rows, links, far_rows, far_links, sizes, capacity, load, taken):
    """For each flow whether its second path is taken: where greatest load times hops is less than by the first."""
    for i in range(len(taken)):
        near, far = 0.0, 0.0
        for e in range(rows[i], rows[i + 1]):
            near = max(near, load[links[e]])
        for e in range(far_rows[i], far_rows[i + 1]):
            far = max(far, load[far_links[e]])
        taken[i] = near * (rows[i + 1] - rows[i]) > far * (far_rows[i + 1] - far_rows[i])
        taken[i] = taken[i] and far_rows[i + 1] > far_rows[i]
        if taken[i]:
            for e in range(far_rows[i], far_rows[i + 1]):
                load[far_links[e]] += sizes[i] / capacity[far_links[e]]
        else:
            for e in range(rows[i], rows[i + 1]):
                load[links[e]] += sizes[i] / capacity[links[e]]
