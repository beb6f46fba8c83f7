"""The fabric, drawn from a schematic: nodes in tiers and the links between them (`navarch.fleet.fabric.drawing`)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

from navarch.core.ledger import Value
from navarch.design.document.model import Figure, Sketch
from navarch.design.document.prose import Label, Sayable, join, prose, say
from navarch.design.document.wording import clean, words
from navarch.design.figures.drawing import WIDTH, Drawing, numbers_of, text_width

MARGIN, TOP, ROW_APART, SQUARE = 92.0, 16.0, 78.0, 340.0
FILLS = {"core": "plum", "spine": "teal", "leaf": "sky", "router": "sky", "host": "orange", "node": "orange"}
ELLIPSIS = "ellipsis"


class Node(Protocol):
    """A drawn thing: its place in the unit square, y upwards, and its tier ("leaf", "spine", ..., "ellipsis")."""

    @property
    def x(self) -> float: ...

    @property
    def y(self) -> float: ...

    @property
    def tier(self) -> str: ...


class Edge(Protocol):
    """A drawn cable between two nodes, by their places in the sequence; `wrap` where it goes round the back."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...

    @property
    def wrap(self) -> bool: ...


def topology(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    caption: Sayable,
    *,
    key: str = "topology",
    counts: Sequence[tuple[Sayable, Value]] = (),
) -> Figure:
    """A topology drawing.

    nodes, edges: of the schematic, in which what repeats is left out; counts: how many there really are, by name, from
    the ledger: ("leaf switches", value), written below it.
    """
    tiers = _tiers(nodes)
    shown = [(t, sum(n.tier == t for n in nodes)) for t in tiers]
    return Figure(
        key,
        lambda: _topology(nodes, edges, counts),
        prose(caption),
        say("Schematic of the network, from the top: {names}.", names=join(Label(t, "catalog") for t in tiers)),
        (
            *(Sketch(prose(Label(t, "catalog")), drawn=" ".join("▣" * min(16, count))) for t, count in shown),
            *(Sketch(prose(label), prose(value)) for label, value in counts),
        ),
        numbers_of(*(value for _, value in counts)),
    )


def _tiers(nodes: Sequence[Node]) -> list[str]:
    """The tiers from the top."""
    return list(dict.fromkeys(n.tier for n in sorted(nodes, key=lambda n: -n.y) if n.tier != ELLIPSIS))


def _topology(nodes: Sequence[Node], edges: Sequence[Edge], counts: Sequence[tuple[Sayable, Value]]) -> str:
    drawing = Drawing()
    tiers = _tiers(nodes)
    rows = {t: {round(n.y, 6) for n in nodes if n.tier == t} for t in tiers}
    layered = all(len(heights) == 1 for heights in rows.values())
    spots = _spots(nodes, len(tiers) if layered else 0)
    _cables(drawing, edges, spots)
    for tier in tiers:
        placed = [spot for node, spot in zip(nodes, spots, strict=True) if node.tier == tier]
        _boxes(drawing, placed, FILLS.get(tier, "slate"), layered)
        if layered:
            drawing.text(0, placed[0][1] + 4, clean(tier), fill="muted")
    for i, (node, (x, y)) in enumerate(zip(nodes, spots, strict=True)):
        if node.tier == ELLIPSIS:
            if layered or not any(i in (e.start, e.end) for e in edges):
                drawing.text(x, y + 3, "…", anchor="middle", fill="muted", size=15)
            else:
                drawing.circle(x, y, 1.6, "slate")
    below = drawing.height + 26
    if not layered:
        below = _key(drawing, tiers, below)
    _counts(drawing, counts, below)
    return drawing.svg()


def _spots(nodes: Sequence[Node], layers: int) -> list[tuple[float, float]]:
    """The places of the nodes on the page: rows over its width, or a square in its middle."""
    left, right = (MARGIN, WIDTH - 20) if layers else ((WIDTH - SQUARE) / 2 - 40, (WIDTH + SQUARE) / 2 + 40)
    height = ROW_APART * max(layers - 1, 1) if layers else SQUARE
    xs, ys = [n.x for n in nodes], [n.y for n in nodes]
    wide = (max(xs, default=0.0) - min(xs, default=0.0)) or 1.0
    high = (max(ys, default=0.0) - min(ys, default=0.0)) or 1.0
    return [
        (left + (n.x - min(xs)) / wide * (right - left), TOP + (max(ys) - n.y) / high * height)
        for n in nodes
    ]  # fmt: skip


def _cables(drawing: Drawing, edges: Sequence[Edge], spots: Sequence[tuple[float, float]]) -> None:
    """The cables, fainter where they are many."""
    faint = max(0.28, 0.85 * min(1.0, 80.0 / max(len(edges), 1)) ** 0.5)
    straight = [(*spots[e.start], *spots[e.end]) for e in edges if not e.wrap]
    round_ = [(*spots[e.start], *spots[e.end]) for e in edges if e.wrap]
    drawing.lines(straight, "slate", 0.9, faint)
    drawing.arcs(round_, "slate", 0.9, faint)


def _boxes(drawing: Drawing, placed: Sequence[tuple[float, float]], fill: str, layered: bool) -> None:
    xs = sorted({round(x, 1) for x, _ in placed})
    apart = min((b - a for a, b in pairwise(xs) if b - a > 2), default=60.0)
    width = max(5.0, min(40.0, apart * 0.68)) if layered else 12.0
    for x, y in placed:
        drawing.rect(x - width / 2, y - 6.5, width, 13, fill, round_=2.5, stroke="paper")


def _key(drawing: Drawing, tiers: Sequence[str], y: float) -> float:
    """What the colours mean; gives the baseline of the next line."""
    x = 0.0
    for tier in tiers:
        drawing.rect(x, y - 9.5, 10, 10, FILLS.get(tier, "slate"), round_=1)
        drawing.text(x + 15, y, clean(tier), fill="muted")
        x += 15 + text_width(clean(tier)) + 20
    return y + 22


def _counts(drawing: Drawing, counts: Sequence[tuple[Sayable, Value]], y: float) -> None:
    """The true counts, under the drawing."""
    x = 0.0
    for label, value in counts:
        name, amount = words(label), words(value)
        room = text_width(amount) * 1.08 + 5
        width = room + text_width(name) + 24
        if x and x + width > WIDTH:
            x, y = 0.0, y + 20
        drawing.text(x, y, amount, weight="bold")
        drawing.text(x + room, y, name, fill="muted")
        x += width
