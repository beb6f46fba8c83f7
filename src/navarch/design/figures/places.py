"""Where the names of dots stand, so that none covers another, and how far an axis goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from navarch.design.figures.drawing import text_width

BESIDE: dict[str, tuple[Literal["left", "right"], int, int]] = {
    "after": ("left", 9, 1), "before": ("right", -9, 1), "above": ("left", 3, -13), "below": ("left", 3, 15),
    "above before": ("right", -3, -13), "below before": ("right", -3, 15),
}  # fmt: skip
"""Where a name may stand beside its dot: which of its ends is at the dot, and by how much it is moved."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def reach_of(values: NDArray[np.float64], share: float) -> tuple[float, float]:
    """The ends of an axis with some room at either side."""
    low, high = float(values.min()), float(values.max())
    room = share * (high - low or abs(high) or 1.0)
    return max(low - room, 0.0) if low >= 0 else low - room, high + room


def sides_of(
    spots: Sequence[tuple[float, float]],
    names: Sequence[str],
    first: Sequence[bool],
    room: tuple[float, float],
    taken: Sequence[Box] = (),
) -> list[str]:
    """On which side of its dot each name stands so that none covers another; "" where there is room on none.

    The names of `first` dots are placed first, then from the top. room: width and height of the plot; taken: boxes that
    no name may cover.
    """
    width, height = room
    filled = [*((x - 6, y - 5, x + 6, y + 5) for x, y in spots), *taken]
    sides = [""] * len(spots)
    for i in sorted(range(len(spots)), key=lambda i: (not first[i], spots[i][1])):
        (x, y), long = spots[i], text_width(names[i], 12.0) * 1.05
        for side, (end, dx, dy) in BESIDE.items():
            left = x + dx if end == "left" else x + dx - long
            box = (left, y + dy - 8, left + long, y + dy + 6)
            others = [t for k, t in enumerate(filled) if k != i]
            if left >= 0 and box[2] <= width + 8 and box[3] <= height + 2 and not any(_overlap(box, t) for t in others):
                sides[i] = side
                filled.append(box)
                break
    return sides


def _overlap(a: Box, b: Box) -> bool:
    """Whether two boxes have a point in common."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
