"""Tori and hypercubes: a lattice in two or three directions, what repeats left out, ways round drawn bent."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from navarch.fleet.fabric.graph import Network
from navarch.fleet.fabric.pen import Pen, Segment, shown

MOST_FLAT, MOST_DEEP = 9, 4
FOOT = 548.0
MOST_BITS = 6
Place = tuple[int, ...]
Axes = Sequence[Sequence[int | None]]


def grid(pen: Pen, network: Network, top: float, bottom: float) -> None:
    """A torus of one to three dimensions."""
    names = [name for name in network.places if name.startswith("axis")]
    sides = [int(network.places[name].max()) + 1 for name in names]
    kept = [side for side in sides if side > 1] or [1]
    kept = kept[:3] if len(kept) <= 3 else [int(np.prod(kept[:-2])), *kept[-2:]]
    axes = [shown(side, MOST_DEEP if len(kept) == 3 else MOST_FLAT) for side in kept]
    at = _lattice(axes, top, bottom)
    _links(pen, axes, at, kept, network.kind == "twisted torus")
    for place, (x, y) in sorted(at.items(), key=lambda item: -item[0][2]):
        hidden = any(axes[axis][place[axis]] is None for axis in range(len(kept)))
        pen.dot(x, y, 3.0 if hidden else 8.0, "slate" if hidden else "host")
    _sizes(pen, axes, at, kept)
    _cut(pen, axes, at, kept, network.kind == "twisted torus")


def _lattice(axes: Axes, top: float, bottom: float) -> dict[Place, tuple[float, float]]:
    """x to the right, y upwards, z to the back."""
    counts = [len(axis) for axis in axes] + [1] * (3 - len(axes))
    depth = (150.0, 92.0) if counts[2] > 1 else (0.0, 0.0)
    high = bottom - top - 84 - depth[1]
    wide = min(640.0, high * 1.25) if counts[2] > 1 else min(760.0, high * counts[0] / max(counts[1], 1))
    left = 480 - (wide + depth[0]) / 2
    at = {}
    for place in itertools.product(*(range(count) for count in counts)):
        share = [p / max(count - 1, 1) for p, count in zip(place, counts, strict=True)]
        y = (top + bottom) / 2 + 10 if counts[1] == 1 else bottom - 62 - share[1] * high
        at[place] = (left + share[0] * wide + share[2] * depth[0], y - share[2] * depth[1])
    return at


def _links(pen: Pen, axes: Axes, at: dict[Place, tuple[float, float]], sides: Sequence[int], twisted: bool) -> None:
    """Links to the next host, dotted where hosts are left out, and the ways round along the outer edges."""
    front: list[Segment] = []
    back: list[Segment] = []
    left_out: list[Segment] = []
    round_: list[Segment] = []
    for place, (x, y) in at.items():
        for axis in range(len(sides)):
            ahead = tuple(p + 1 if a == axis else p for a, p in enumerate(place))
            if ahead in at:
                gap = axes[axis][place[axis]] is None or axes[axis][ahead[axis]] is None
                chosen = left_out if gap else front if place[2] == 0 and axis < 2 else back
                chosen.append((x, y, *at[ahead]))
            elif sides[axis] > 2 and _outside(place, axis, axes):
                u, v = at[tuple(0 if a == axis else p for a, p in enumerate(place))]
                round_.append((u, v, x, y) if axis == 1 else (x, y, u, v))
    pen.links(left_out, "slate", 1.2, 200, dash="1.5 5")
    pen.links(back, "mist", 1.4, 400)
    pen.links(front, "slate", 1.6, 400)
    pen.bends(round_, "plum" if twisted else "teal", 1.8, 0.12)


def _outside(place: Place, axis: int, axes: Axes) -> bool:
    """Whether the way round from here is on the edge of the picture."""
    if axis == 2:
        return place[0] == len(axes[0]) - 1 and place[1] == 0
    return place[1 - axis] == 0 and place[2] == 0


def _sizes(pen: Pen, axes: Axes, at: dict[Place, tuple[float, float]], sides: Sequence[int]) -> None:
    """How long each dimension is."""
    origin = at[0, 0, 0]
    ends = [at[tuple(len(axes[a]) - 1 if a == axis else 0 for a in range(3))] for axis in range(len(sides))]
    arc = 0.12 * (ends[0][0] - origin[0]) if sides[0] > 2 else 0.0
    word = "hosts" if len(sides) == 1 else ""
    pen.say((origin[0] + ends[0][0]) / 2, origin[1] + arc + 26, f"{sides[0]:,} {word}", "middle", bold=True)
    if len(sides) > 1:
        pen.say(origin[0] - 64, (origin[1] + ends[1][1]) / 2 + 4, f"{sides[1]:,}", "end", bold=True)
    if len(sides) > 2:
        near, far = at[len(axes[0]) - 1, 0, 0], at[len(axes[0]) - 1, 0, len(axes[2]) - 1]
        pen.say((near[0] + far[0]) / 2 + 40, (near[1] + far[1]) / 2 + 24, f"{sides[2]:,}", bold=True)
    told = [] if max(sides) < 3 else ["ways round are drawn along one edge of each dimension"]
    told += ["dotted: what is left out"] if any(None in axis for axis in axes) else []
    pen.say(24, FOOT, "; ".join(told), fill="muted", size=12.5)


def _cut(pen: Pen, axes: Axes, at: dict[Place, tuple[float, float]], sides: Sequence[int], twisted: bool) -> None:
    """A line across the dimension that theory cuts, in the middle of what is drawn of it."""
    weight = [side if side != 2 else 4 for side in sides]
    axis = int(np.argmin(sides)) if twisted else int(np.argmax(weight))
    last = [len(a) - 1 for a in axes] + [0] * (3 - len(axes))

    def middle(x: int, y: int, z: int) -> tuple[float, float]:
        half = len(axes[axis]) // 2
        corner = [x * last[0], y * last[1], z * last[2]]
        before, after = corner.copy(), corner.copy()
        before[axis], after[axis] = max(half - 1, 0), half
        one, other = at[tuple(before)], at[tuple(after)]
        return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2

    if len(axes[axis]) < 2:
        return
    if axis == 0:
        (x, low), (_, high), far = middle(0, 0, 0), middle(0, 1, 0), middle(0, 1, 1)
        pen.cut(x, low + 20, x, high - (0 if last[2] else 26))
        pen.cut(x, high, *far)
    elif axis == 1:
        (left, y), (right, _), far = middle(0, 0, 0), middle(1, 0, 0), middle(1, 0, 1)
        pen.cut(left - 26, y, right + (0 if last[2] else 26), y)
        pen.cut(right, y, *far)
    else:
        (left, y), (right, _), top = middle(0, 0, 0), middle(1, 0, 0), middle(1, 1, 0)
        pen.cut(left - 16, y, right, y)
        pen.cut(right, y, *top)


def hypercube(pen: Pen, network: Network, top: float, bottom: float) -> None:
    """Up to six dimensions, one bit after another doubling what is drawn."""
    bits = network.shape["dimensions"]
    drawn = min(bits, MOST_BITS)
    steps = [(94.0, 0.0), (0.0, -94.0), (36.0, -26.0), (380.0, 0.0), (0.0, -210.0), (58.0, -46.0)]
    if drawn == MOST_BITS:
        steps = [(62.0, 0.0), (0.0, -78.0), (27.0, -26.0), (186.0, 0.0), (0.0, -196.0), (420.0, -36.0)]
    numbers = range(1 << drawn)
    at = [np.array([sum(steps[b][i] for b in range(drawn) if number >> b & 1) for i in (0, 1)]) for number in numbers]
    low, high = np.min(at, axis=0), np.max(at, axis=0)
    shift = np.array([480, (top + bottom) / 2 + 4]) - (low + high) / 2
    at = [point + shift for point in at]
    for bit in reversed(range(drawn)):
        ink = "plum" if bit == drawn - 1 else "teal" if bit >= 3 else "slate"
        pairs = [(n, n | 1 << bit) for n in numbers if not n >> bit & 1]
        pen.links([(*at[a], *at[b]) for a, b in pairs], ink, 1.3 if bit < 3 else 1.0, 60)
    for x, y in at:
        pen.dot(x, y, 6.5, "host")
    if bits > drawn:
        each = f"{drawn} of {bits} dimensions are drawn; each dot stands for {network.hosts >> drawn:,} hosts"
        pen.say(24, FOOT, each, fill="muted", size=12.5)
    if drawn > 3:
        pen.cut(480, top - 10, 480, bottom)
