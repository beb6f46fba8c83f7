"""Folded Clos networks, drawn in rows: cores, spines and leaves of each pod, hosts below their leaf."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from navarch.fleet.fabric.graph import Network
from navarch.fleet.fabric.pen import Pen, Segment, shown, spots

LEFT, RIGHT, FOOT = 126.0, 936.0, 552.0
MOST_PODS, MOST_IN_ROW, MOST_HOSTS, MOST_ALONE = 4, 16, 32, 256
PLURALS = {"leaf": "leaves", "spine": "spines", "core": "cores", "host": "hosts"}
Row = dict[int, tuple[float, float]]


def tree(pen: Pen, network: Network, top: float, bottom: float) -> None:
    """One to three rows of switches above the hosts, pod by pod."""
    pods = max(1, network.shape.get("pods", 1)) if network.count("core") else 1
    domains = "domains" in network.shape
    rows = _heights(top, bottom, bool(network.count("core")), bool(network.count("spine")), domains)
    chosen = shown(pods, MOST_PODS)
    wide = spots(LEFT, RIGHT, len(chosen))
    room = (RIGHT - LEFT) / len(chosen)
    cores: Row = {}
    if network.count("core"):
        cores = _row(pen, network.nodes_of("core").tolist(), LEFT + 40, RIGHT - 40, rows["core"], "core", MOST_IN_ROW)
    spines: Row = {}
    leaves: Row = {}
    for middle, pod in zip(wide, chosen, strict=True):
        left, right = middle - room / 2 + 8, middle + room / 2 - 8
        if pod is None:
            for side in (-34, 34):  # the line between the halves may run through the middle
                pen.say(middle + side, (rows["leaf"] + rows["spine"]) / 2 + 8, "…", "middle", "muted", size=30)
            continue
        if pods > 1:
            pen.panel(left, rows["spine"] - 26, right - left, bottom - rows["spine"] + 26)
            pen.say(middle, bottom + 22, f"pod {pod + 1}", "middle", "muted")
        spines |= _row(
            pen, _of_pod(network, "spine", pod), left + 10, right - 10, rows.get("spine", 0), "spine", _most(pods)
        )
        leaves |= _row(pen, _of_pod(network, "leaf", pod), left + 4, right - 4, rows["leaf"], "leaf", _most(pods))
    _hosts(pen, network, leaves, rows["host"])
    if domains:
        _domains(pen, network, bottom)
    _cables(pen, network, {**cores, **spines, **leaves})
    _names(pen, network, rows, pods)
    between = _halves(network, leaves)
    if between is not None:
        pen.cut(between, top - 22, between, rows["host"] + 64)


def _most(pods: int) -> int:
    return MOST_IN_ROW if pods == 1 else 6 if pods > 2 else 9


def _heights(top: float, bottom: float, core: bool, spine: bool, domains: bool) -> dict[str, float]:
    """The height of each row that there is."""
    names = [name for name, there in (("core", core), ("spine", spine), ("leaf", True)) if there]
    low = bottom - (150 if domains else 116)
    step = (low - top) / max(len(names) - 1, 1)
    heights = {name: top + step * place if len(names) > 1 else low - 110 for place, name in enumerate(names)}
    return {**heights, "host": heights["leaf"] + 52}


def _of_pod(network: Network, tier: str, pod: int) -> list[int]:
    nodes = network.nodes_of(tier)
    place = network.places.get("pod")
    return nodes.tolist() if place is None else nodes[place[nodes] == pod].tolist()


def _row(pen: Pen, nodes: list[int], left: float, right: float, y: float, tier: str, most: int) -> Row:
    """A row of switches; returns where those drawn are."""
    if not nodes:
        return {}
    chosen = shown(len(nodes), most)
    wide = min(46.0, (right - left) / len(chosen) * 0.66)
    drawn: Row = {}
    for x, place in zip(spots(left, right, len(chosen)), chosen, strict=True):
        if place is None:
            pen.say(x, y + 4, "…", "middle", "muted", size=18)
        else:
            drawn[nodes[place]] = (x, y)
            pen.box(x, y, wide, 17, tier)
    return drawn


def _cables(pen: Pen, network: Network, drawn: Row) -> None:
    """Cables between drawn switches, each pair once; where none of a tier would show, those that stand for it."""
    pairs = np.unique(network.ends[network.live], axis=0)
    pairs = pairs[(pairs >= network.hosts).all(axis=1)]
    known = np.zeros(network.nodes, dtype=bool)
    known[list(drawn)] = True
    far: list[Segment] = []
    for a, b in pairs[known[pairs].all(axis=1)].tolist():
        (x, y), (u, v) = drawn[a], drawn[b]
        far.append((x, min(y, v) + 8.5 if y < v else y - 8.5, u, v + 8.5 if v < y else v - 8.5))
    tops = {node for node in drawn if network.node_tier[node] == _tier(network, "core")}
    hung = {int(b) for _, b in pairs[known[pairs].all(axis=1)].tolist()}
    for node in tops - hung:  # cores whose spine is left out: short ends that lead on
        x, y = drawn[node]
        far += [(x, y + 8.5, x + dx, y + 34) for dx in (-10.0, 0.0, 10.0)]
    pen.links(far, "far", 1.1)


def _tier(network: Network, name: str) -> int:
    return network.tiers.index(name) if name in network.tiers else -1


def _hosts(pen: Pen, network: Network, leaves: Row, y: float) -> None:
    """Below each drawn leaf its hosts as a block of squares, and how many they are."""
    filled = np.bincount(network.ends[network.ends[:, 0] < network.hosts, 1], minlength=network.nodes)
    xs = sorted(x for x, _ in leaves.values())
    alone = len(xs) == 1
    room = min([430.0 if alone else 100.0, *(0.84 * (after - before) for before, after in pairwise(xs))])
    near: list[Segment] = []
    for leaf, (x, height) in leaves.items():
        number = int(filled[leaf])
        drawn = min(number, MOST_ALONE if alone else MOST_HOSTS)
        widest = int(np.ceil(2 * np.sqrt(drawn))) if alone else int(room // 9)
        across = min(drawn, max(4, widest))
        side = min(9.0, room / max(across, 1))
        near.append((x, height + 8.5, x, y - 6))
        for host in range(drawn):
            line, column = divmod(host, across)
            pen.box(x + (column - (across - 1) / 2) * side, y + line * side, side * 0.84, side * 0.84, "host", 1)
        deep = y + np.ceil(drawn / max(across, 1)) * side
        pen.say(x, deep + 9, f"{number:,}", "middle", "muted", size=11.5)
    pen.links(near, "slate", 2.2)


def _domains(pen: Pen, network: Network, bottom: float) -> None:
    """Bars below the hosts: each domain has hosts on many leaves."""
    shape = network.shape
    for bar in range(min(3, shape["domains"])):
        pen.box((LEFT + RIGHT) / 2, bottom - 24 + bar * 9, RIGHT - LEFT - 30, 6, "scale-up", 2)
    said = f"{shape['domains']:,} scale-up domain{'s' if shape['domains'] > 1 else ''} of {shape['domain_hosts']} hosts"
    pen.say(20, FOOT, f"green: {said}, each on {shape['planes']} switches of its own", fill="muted", size=12.5)


def _names(pen: Pen, network: Network, rows: dict[str, float], pods: int) -> None:
    """On the left what each row is, and how many there are in all."""
    for tier, y in rows.items():
        number = network.hosts if tier == "host" else network.count(tier)
        pen.say(20, y + 1, f"{number:,}", bold=True, size=16)
        word = "switch" if network.kind == "one switch" and tier == "leaf" else tier
        alike = pods > 1 and tier in ("spine", "leaf") and number % pods == 0
        each = f", {number // pods:,} a pod" if alike else ""
        pen.say(20, y + 17, f"{word if number == 1 else PLURALS[tier]}{each}", fill="muted", size=12.5)


def _halves(network: Network, leaves: Row) -> float | None:
    """Where a line between the two halves crosses the row of leaves; None where a leaf belongs to both."""
    near = network.ends[network.ends[:, 0] < network.hosts]
    below = {leaf: network.half[near[near[:, 1] == leaf, 0]] for leaf in leaves}
    first = [x for leaf, (x, _) in leaves.items() if below[leaf].all()]
    second = [x for leaf, (x, _) in leaves.items() if not below[leaf].any()]
    if not first or not second or len(first) + len(second) < len(leaves):
        return None
    return (max(first) + min(second)) / 2 if max(first) < min(second) else None
