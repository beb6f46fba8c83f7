"""A picture of a network that is read at a glance, at 64 hosts as at 16,384: every node where they are few, the shape
with what repeats left out where they are many, and the line along which theory halves it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from navarch.core.quantity import show
from navarch.fleet.fabric import picture_grid, picture_ring, picture_tree
from navarch.fleet.fabric.estimate import bisection_per_host
from navarch.fleet.fabric.graph import SCALE_UP, Network
from navarch.fleet.fabric.pen import Pen

WIDTH, HEIGHT = 960.0, 560.0
TOP, BOTTOM = 64.0, 44.0
IN_A_COLUMN = 1.25  # how much larger words are where the picture is half as wide
DRAWERS: Mapping[str, Callable[[Pen, Network, float, float], None]] = {
    "torus": picture_grid.grid,
    "twisted torus": picture_grid.grid,
    "hypercube": picture_grid.hypercube,
    "dragonfly": picture_ring.groups,
    "dragonfly+": picture_ring.groups,
    "own": picture_ring.web,
}
PLURALS = {"leaf": "leaves", "switch": "switches"}


def picture(network: Network, bisection: float | None = None, title: str = "") -> str:
    """The picture as SVG; bisection: bandwidth across the line that halves it, one direction [byte/s]."""
    pen = Pen(WIDTH, HEIGHT)
    _draw(pen, network)
    name = title or network.name
    pen.say(24, 34, name[:1].upper() + name[1:], size=21, bold=True)
    pen.say(24, 57, counts(network), fill="muted")
    if bisection is not None:
        pen.say(WIDTH - 24, 34, f"bisection {show(bisection, 'byte/s')}", "end", "red", size=17, bold=True)
        each = float(bisection_per_host(bisection, float(network.hosts)))
        pen.say(WIDTH - 24, 57, f"{show(each, 'byte/s')} for each host to the other half", "end", "muted")
    return pen.svg()


def drawing(network: Network) -> str:
    """The picture for a page that says itself what it shows: no heading, cropped, its words large enough to be read
    in a column of text."""
    pen = Pen(WIDTH, HEIGHT, IN_A_COLUMN)
    _draw(pen, network)
    return pen.svg(cropped=True)


def is_cut(network: Network) -> bool:
    """Whether the drawing shows a line between the halves."""
    pen = Pen(WIDTH, HEIGHT)
    _draw(pen, network)
    return pen.halved


def _draw(pen: Pen, network: Network) -> None:
    DRAWERS.get(network.kind, picture_tree.tree)(pen, network, TOP + 26, HEIGHT - BOTTOM)


def counts(network: Network) -> str:
    """The nodes by tier and the cables, in words."""
    said = [f"{network.hosts:,} hosts"]
    for tier in network.tiers[:0:-1]:
        number = len(network.nodes_of(tier))
        word = "switch" if network.kind == "one switch" or tier == SCALE_UP else tier
        before = "scale-up " if tier == SCALE_UP else ""
        said.append(f"{number:,} {before}{word if number == 1 else PLURALS.get(word, word + 's')}")
    return ", ".join([*said, f"{network.cables:,} cables"])
