"""Dragonflies: groups on a ring, every two of them joined, and one group beside them with its insides. Own networks."""

from __future__ import annotations

import itertools
import math

import numpy as np

from navarch.fleet.fabric.graph import Network
from navarch.fleet.fabric.pen import Pen, Segment, shown, spots

MOST_GROUPS, MOST_ROUTERS, MOST_LEAVES = 40, 32, 12
MOST_NODES = 400
FEW_ROUTERS = 8


def groups(pen: Pen, network: Network, top: float, bottom: float) -> None:
    """A dragonfly, or a dragonfly+."""
    count = network.shape["groups"]
    x, y, radius = 290.0, (top + bottom) / 2, (bottom - top) / 2 - 22
    chosen = shown(count, MOST_GROUPS)
    size = min(26.0, math.pi * radius / len(chosen) * 0.72)
    at = [_on_ring(x, y, radius, place, len(chosen)) for place in range(len(chosen))]
    pairs = itertools.combinations([spot for spot, group in zip(at, chosen, strict=True) if group is not None], 2)
    pen.links([(*a, *b) for a, b in pairs], "global", 1.2, 90)
    for (u, v), group in zip(at, chosen, strict=True):
        if group is None:
            pen.say(u, v + 5, "…", "middle", "muted", size=22)
        else:
            pen.ring(u, v, size)
            _inside(pen, u, v, size, network.shape.get("routers_per_group", 0))
    pen.cut(x, top - 20, x, bottom + 16)
    shape = network.shape
    said = f"{count:,} groups, {shape['links']:,} link{'s' if shape['links'] > 1 else ''} between each two"
    pen.say(x, bottom + 36, said, "middle")
    _lens(pen, at[len(at) // 4], size, y)
    (_leaves if network.kind == "dragonfly+" else _routers)(pen, network, 728.0, y, 168.0)


def _inside(pen: Pen, x: float, y: float, size: float, routers: int) -> None:
    """A group on the ring: its routers where they are few, else one dot."""
    if not 2 <= routers <= FEW_ROUTERS or size < FEW_ROUTERS * 2:
        pen.dot(x, y, size * 0.62, "router")
        return
    for place in range(routers):
        pen.dot(*_on_ring(x, y, size * 0.52, place, routers), size * 0.24, "router")


def _lens(pen: Pen, at: tuple[float, float], size: float, y: float) -> None:
    """Two lines that lead from a group to its enlarged picture."""
    pen.links([(at[0] + size, at[1] - 4, 546, y - 92), (at[0] + size, at[1] + 4, 546, y + 92)], "slate", 0.9)


def _on_ring(x: float, y: float, radius: float, place: float, count: int) -> tuple[float, float]:
    angle = math.pi / 2 - 2 * math.pi * (place + 0.5) / count
    return x + radius * math.cos(angle), y - radius * math.sin(angle)


def _routers(pen: Pen, network: Network, x: float, y: float, radius: float) -> None:
    """The routers of a group, their links, and their hosts around them."""
    shape = network.shape
    count, hosts = shape["routers_per_group"], shape["hosts_per_router"]
    chosen = shown(count, MOST_ROUTERS)
    pen.ring(x, y, radius + 36)
    at = [_on_ring(x, y, radius - 26, place, len(chosen)) for place in range(len(chosen))]
    wide = count // shape["chassis"]
    local: list[Segment] = []
    near: list[Segment] = []
    for (a, one), (b, other) in itertools.combinations(zip(chosen, at, strict=True), 2):
        if a is not None and b is not None and (a // wide == b // wide or a % wide == b % wide):
            local.append((*one, *other))
    pen.links(local, "far", 1.1, 90)
    drawn = min(hosts, 8)
    spread = 0.8 / len(chosen)
    for place, (router, (u, v)) in enumerate(zip(chosen, at, strict=True)):
        if router is None:
            pen.say(u, v + 5, "…", "middle", "muted", size=20)
            continue
        for host in range(drawn):
            turn = place + spread * len(chosen) * ((host + 0.5) / drawn - 0.5)
            p, q = _on_ring(x, y, radius + 16, turn, len(chosen))
            near.append((u, v, p, q))
            pen.dot(p, q, max(2.2, min(8.0, 90.0 / max(drawn * len(chosen), 1))), "host")
    pen.links(near, "near", 0.8, 300)
    for router, (u, v) in zip(chosen, at, strict=True):
        if router is not None:
            pen.dot(u, v, min(15.0, 150.0 / len(chosen)), "router")
    joined = "each two joined" if shape["chassis"] == 1 else f"in {shape['chassis']} chassis"
    pen.say(
        x,
        y + radius + 62,
        f"one group: {count:,} routers, {joined}, {hosts:,} host{'s' if hosts > 1 else ''} each",
        "middle",
    )


def _leaves(pen: Pen, network: Network, x: float, y: float, radius: float) -> None:
    """The leaves and spines of a group of a dragonfly+."""
    shape = network.shape
    pen.ring(x, y, radius + 36)
    rows = []
    for tier, height, number in (("spine", y - 70, "spines_per_group"), ("leaf", y + 30, "leaves_per_group")):
        chosen = shown(shape[number], MOST_LEAVES)
        row = []
        for u, node in zip(spots(x - 152, x + 152, len(chosen)), chosen, strict=True):
            if node is None:
                pen.say(u, height + 5, "…", "middle", "muted", size=18)
                continue
            row.append((u, height))
        rows.append((tier, row, 200.0 / len(chosen)))
    (_, spines, _), (_, leaves, _) = rows
    pen.links([(u, v + 8, p, q - 8) for u, v in spines for p, q in leaves], "far", 1.1, 90)
    pen.links([(u, v - 8, u + (u - x) * 0.18 + d, v - 52) for u, v in spines for d in (-5.0, 5.0)], "global", 1.2)
    hosts = shape["leaf_hosts"]
    for u, v in leaves:
        drawn = min(hosts, 8)
        for host in range(drawn):
            across = u + (host % 2 - 0.5) * 10 * (drawn > 1)
            pen.box(across, v + 26 + host // 2 * 10, 8.5, 8.5, "host", 1)
    for tier, row, wide in rows:
        for u, v in row:
            pen.box(u, v, wide, 16, tier)
    each = f"{hosts:,} host{'s' if hosts > 1 else ''} a leaf"
    pen.say(
        x,
        y + radius + 62,
        f"one group: {shape['spines_per_group']:,} spines, {shape['leaves_per_group']:,} leaves, {each}",
        "middle",
    )


def web(pen: Pen, network: Network, top: float, bottom: float) -> None:
    """A network without a family: its nodes where springs between them come to rest, hosts small."""
    import rustworkx as rx

    if network.nodes > MOST_NODES:
        pen.say(480, (top + bottom) / 2, f"{network.nodes:,} nodes are too many to draw one by one", "middle", "muted")
        return
    found = rx.spring_layout(network.graph(), seed=1, num_iter=300)
    at = np.array([found[node] for node in range(network.nodes)])
    low, span = at.min(axis=0), np.maximum(np.ptp(at, axis=0), 1e-9)
    at = (at - low) / span * [860, bottom - top - 20] + [50, top + 10]
    pen.links([(*at[a], *at[b]) for a, b in network.ends[network.live].tolist()], "far", 1.2)
    crossing = [
        (*at[a], *at[b])
        for a, b in network.ends.tolist()
        if max(a, b) < network.hosts and network.half[a] != network.half[b]
    ]
    pen.links(crossing, "cut", 1.4)
    for node in range(network.nodes):
        tier = network.tiers[network.node_tier[node]]
        pen.dot(at[node, 0], at[node, 1], 6.0 if node < network.hosts else 10.0, tier)
