"""A schematic of a network, readable at a glance at any size: rows and rings with what repeats left out by an ellipsis.

Coordinates lie in the unit square, y upwards. The document draws the nodes, edges and captions; nothing here is a
quantity of the design but the counts in the captions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from navarch.fleet.fabric.topology import FabricEstimate

ELLIPSIS = "ellipsis"
WIDTHS = (8, 6, 5, 4, 3)
Row = Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Node:
    """One drawn thing: a switch, a bundle of hosts, a router, or an ellipsis."""

    x: float
    y: float
    tier: str  # host, leaf, spine, core, router, ellipsis
    label: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """One drawn cable between two nodes, by their places in `Drawing.nodes`; a wrap-around is best drawn curved."""

    start: int
    end: int
    tier: str  # host, leaf, spine, local, global, link
    wrap: bool = False


@dataclass(frozen=True, slots=True)
class Caption:
    """A line of text beside a row or below a group."""

    x: float
    y: float
    text: str


@dataclass(slots=True)
class Drawing:
    """Nodes, edges and captions of a schematic."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    captions: list[Caption] = field(default_factory=list)

    def add(self, x: float, y: float, tier: str, label: str = "") -> int:
        """Place a node; returns its place in `nodes`."""
        self.nodes.append(Node(x, y, tier, label))
        return len(self.nodes) - 1

    def row(self, shown: Row, left: float, right: float, y: float, tier: str, word: str = "") -> list[int]:
        """Place a row of nodes between two abscissae; returns the places of those that are not ellipses."""
        step = (right - left) / len(shown)
        placed = []
        for position, index in enumerate(shown):
            x = left + (position + 0.5) * step
            if index is None:
                self.add(x, y, ELLIPSIS, "…")
            else:
                placed.append(self.add(x, y, tier, f"{word} {index + 1}" if word else ""))
        return placed

    def join(self, lower: Sequence[int], upper: Sequence[int], tier: str) -> None:
        """Draw a cable from each of the lower nodes to each of the upper."""
        self.edges.extend(Edge(a, b, tier) for a, b in itertools.product(lower, upper))


def abbreviated(count: int, most: int) -> Row:
    """The indices to draw of so many equal things in so many places: the first ones, an ellipsis (None), the last."""
    if count <= most:
        return list(range(count))
    return [*range(most - 2), None, count - 1]


def parameters_of(estimate: FabricEstimate) -> dict[str, int]:
    """The counts that `layout` draws, from an estimate."""
    counts = {stock.name: round(float(stock.count)) for stock in estimate.switch_tiers}
    chosen = {name: round(float(value)) for name, value in estimate.plan.values.items()}
    pods = {} if estimate.pods is None else {"pods": round(float(estimate.pods))}
    return {"hosts": round(float(estimate.hosts)), **counts, **chosen, **pods}


def layout(kind: str, parameters: Mapping[str, int], max_nodes: int = 90) -> Drawing:
    """Lay a network out.

    kind: of the topology; parameters: its counts (`parameters_of`); max_nodes: to draw at most, ellipses counted, as
    far as the least readable drawing allows.
    """
    draw = _drawer(kind, parameters)
    drawing = Drawing()
    for most in WIDTHS:
        drawing = draw(parameters, most)
        if len(drawing.nodes) <= max_nodes:
            break
    return drawing


def _drawer(kind: str, parameters: Mapping[str, int]) -> Callable[[Mapping[str, int], int], Drawing]:
    if kind == "torus":
        return _torus
    if kind == "dragonfly":
        return _dragonfly
    return {1: _one_switch, 2: _two_levels, 3: _three_levels}[parameters["levels"]]


def _count(number: int, word: str) -> str:
    plural = {"leaf": "leaves", "switch": "switches"}.get(word, f"{word}s")
    return f"{number:,} {word if number == 1 else plural}"


def _one_switch(parameters: Mapping[str, int], most: int) -> Drawing:
    drawing = Drawing()
    switch = drawing.add(0.5, 0.75, "leaf", "switch")
    hosts = drawing.row(abbreviated(parameters["hosts"], most), 0.05, 0.95, 0.25, "host")
    drawing.join(hosts, [switch], "host")
    drawing.captions.append(Caption(0.5, 0.1, _count(parameters["hosts"], "host")))
    return drawing


def _two_levels(parameters: Mapping[str, int], most: int) -> Drawing:
    drawing = Drawing()
    spines = drawing.row(abbreviated(parameters["spine"], most), 0.15, 0.85, 0.85, "spine")
    leaves = drawing.row(abbreviated(parameters["leaf"], most), 0.02, 0.98, 0.45, "leaf")
    drawing.join(leaves, spines, "leaf")
    _bundles(drawing, leaves, 0.15)
    drawing.captions += [
        Caption(0.5, 0.95, _count(parameters["spine"], "spine")),
        Caption(0.5, 0.55, _count(parameters["leaf"], "leaf")),
        Caption(0.5, 0.03, _count(parameters["hosts"], "host")),
    ]
    return drawing


def _three_levels(parameters: Mapping[str, int], most: int) -> Drawing:
    drawing = Drawing()
    pods = parameters["pods"]
    leaves_of_pod = math.ceil(parameters["leaf"] / pods)
    spines_of_pod = math.ceil(parameters["spine"] / pods)
    cores = drawing.row(abbreviated(parameters["core"], most), 0.15, 0.85, 0.9, "core")
    shown = abbreviated(pods, max(3, most // 2))
    step = 1 / len(shown)
    inside = max(3, most // 2)
    for position, pod in enumerate(shown):
        left, right = (position + 0.08) * step, (position + 0.92) * step
        if pod is None:
            drawing.add((left + right) / 2, 0.42, ELLIPSIS, "…")
            continue
        spines = drawing.row(abbreviated(spines_of_pod, inside), left, right, 0.6, "spine")
        leaves = drawing.row(abbreviated(leaves_of_pod, inside), left, right, 0.35, "leaf")
        for group, spine in enumerate(spines):  # each spine reaches its own group of cores
            drawing.join([spine], cores[group % len(cores) :: max(1, len(spines))] or cores[:1], "spine")
        drawing.join(leaves, spines, "leaf")
        _bundles(drawing, leaves, 0.15)
        drawing.captions.append(Caption((left + right) / 2, 0.05, f"pod {pod + 1}"))
    drawing.captions += [
        Caption(0.5, 0.97, _count(parameters["core"], "core")),
        Caption(0.5, 0.68, f"{_count(parameters['spine'], 'spine')}, {spines_of_pod} a pod"),
        Caption(0.5, 0.24, f"{_count(parameters['leaf'], 'leaf')}, {leaves_of_pod} a pod"),
        Caption(0.5, 0.0, f"{_count(pods, 'pod')}, {_count(parameters['hosts'], 'host')}"),
    ]
    return drawing


def _bundles(drawing: Drawing, leaves: Sequence[int], y: float) -> None:
    """Below each leaf one node that stands for its hosts."""
    for leaf in leaves:
        host = drawing.add(drawing.nodes[leaf].x, y, "host")
        drawing.edges.append(Edge(host, leaf, "host"))


def _torus(parameters: Mapping[str, int], most: int) -> Drawing:
    """An oblique lattice: x to the right, y up, z into the page; wrap-around links on the near edges only."""
    lengths = [parameters[n] for n in "xyz"]
    axes = [abbreviated(d, max(3, most // 2)) for d in lengths]
    drawing = Drawing()
    depth = 0.3 if len(axes[2]) > 1 else 0.0
    span = 0.9 - depth
    place: dict[tuple[int, int, int], int] = {}
    for k, j, i in itertools.product(*(range(len(axes[n])) for n in (2, 1, 0))):
        back = depth * k / max(1, len(axes[2]) - 1)
        x = 0.05 + span * i / max(1, len(axes[0]) - 1) + back
        y = 0.12 + 0.85 * span * j / max(1, len(axes[1]) - 1) + 0.7 * back
        hidden = None in (axes[0][i], axes[1][j], axes[2][k])
        place[i, j, k] = drawing.add(x, y, ELLIPSIS if hidden else "host", "·" if hidden else "")
    _lattice(drawing, place, axes, lengths)
    shape = " × ".join(f"{d:,}" for d in lengths if d > 1) or "1"
    drawing.captions.append(Caption(0.5, 0.03, f"torus of {shape} = {_count(math.prod(lengths), 'host')}"))
    return drawing


def _lattice(
    drawing: Drawing, place: Mapping[tuple[int, int, int], int], axes: Sequence[Row], lengths: Sequence[int]
) -> None:
    """The links of the drawn part of a torus."""
    for at, here in place.items():
        for axis in range(3):
            ahead = _moved(at, axis, at[axis] + 1)
            others = [at[n] for n in range(3) if n != axis]
            if ahead in place:
                drawing.edges.append(Edge(here, place[ahead], "link"))
            elif lengths[axis] > 2 and not any(others) and len(axes[axis]) > 2:
                drawing.edges.append(Edge(here, place[_moved(at, axis, 0)], "link", wrap=True))


def _moved(at: tuple[int, int, int], axis: int, to: int) -> tuple[int, int, int]:
    x, y, z = (to if n == axis else v for n, v in enumerate(at))
    return x, y, z


def _dragonfly(parameters: Mapping[str, int], most: int) -> Drawing:
    """Groups on a ring, routers on a small ring in each, a link between each two groups."""
    groups, routers = parameters["groups"], parameters["routers_per_group"]
    hosts = parameters["hosts_per_router"]
    inside = abbreviated(routers, max(3, most // 2))
    shown = abbreviated(groups, most)
    drawing = Drawing()
    drawn: list[list[int]] = []
    for position, group in enumerate(shown):
        x, y = _on_ring(position, len(shown))
        if group is None:
            drawing.add(x, y, ELLIPSIS, "…")
        drawn.append([] if group is None else _group(drawing, x, y, inside))
    for (a, one), (b, other) in itertools.combinations(enumerate(drawn), 2):
        if one and other:
            drawing.edges.append(Edge(one[b % len(one)], other[a % len(other)], "global"))
    text = f"{_count(groups, 'group')} of {_count(routers, 'router')}, {_count(hosts, 'host')} a router"
    drawing.captions.append(Caption(0.5, 0.0, text))
    return drawing


def _on_ring(position: int, count: int, radius: float = 0.36) -> tuple[float, float]:
    angle = math.pi / 2 - 2 * math.pi * position / count
    return 0.5 + radius * math.cos(angle), 0.53 + radius * math.sin(angle)


def _group(drawing: Drawing, x: float, y: float, shown: Row, radius: float = 0.08) -> list[int]:
    """The routers of one group on a small ring, all joined; returns their places."""
    placed = []
    for position, router in enumerate(shown):
        angle = math.pi / 2 - 2 * math.pi * position / len(shown)
        at = x + radius * math.cos(angle), y + radius * math.sin(angle)
        if router is None:
            drawing.add(*at, ELLIPSIS, "…")
        else:
            placed.append(drawing.add(*at, "router"))
    drawing.edges.extend(Edge(a, b, "local") for a, b in itertools.combinations(placed, 2))
    return placed
