"""A small pen for pictures of networks: boxes, links and words as SVG, in the palette of `navarch.core.plot`."""

from __future__ import annotations

import html
from collections.abc import Sequence

from navarch.core.plot import SANS_FALLBACK, colour

FILLS = {"core": "plum", "spine": "teal", "leaf": "sky", "router": "sky", "host": "orange", "scale-up": "green"}
INKS = {"global": "plum", "near": "mist", "far": "slate", "cut": "red"}
SIZE = 14.0
EDGE = 6.0
Segment = tuple[float, float, float, float]


class Pen:
    """SVG as it grows; every text is escaped on its way in. type_scale: of all text, for a picture shown small."""

    def __init__(self, width: float, height: float, type_scale: float = 1.0) -> None:
        self.width, self.height, self.type_scale = width, height, type_scale
        self._marks: list[str] = []
        self._top, self._bottom = height, 0.0
        self.halved = False

    def _reach(self, *ys: float) -> None:
        self._top, self._bottom = min(self._top, *ys), max(self._bottom, *ys)

    def box(self, x: float, y: float, width: float, height: float, tier: str, round_: float = 3) -> None:
        """A node, around its middle."""
        place = f'x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}"'
        self._reach(y - height / 2, y + height / 2)
        ink = colour(FILLS.get(tier, "slate"))
        self._marks.append(
            f'<rect {place} rx="{min(round_, height / 3):.1f}" fill="{ink}" stroke="{colour("paper")}"/>'
        )

    def dot(self, x: float, y: float, radius: float, tier: str) -> None:
        """A round node."""
        self._reach(y - radius, y + radius)
        ink = colour(FILLS.get(tier, tier))
        self._marks.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{ink}" stroke="{colour("paper")}"/>'
        )

    def panel(self, x: float, y: float, width: float, height: float) -> None:
        """A quiet ground that holds what belongs together."""
        self._reach(y, y + height)
        place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="8"'
        self._marks.append(f'<rect {place} fill="{colour("panel")}" stroke="{colour("hair")}"/>')

    def ring(self, x: float, y: float, radius: float) -> None:
        """A quiet round ground."""
        self._reach(y - radius, y + radius)
        ink = f'fill="{colour("panel")}" stroke="{colour("hair")}"'
        self._marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" {ink}/>')

    def links(
        self, segments: Sequence[Segment], ink: str, width: float = 1.0, crowd: float = 120.0, dash: str = ""
    ) -> None:
        """Straight links in one path, fainter where they are more than `crowd`."""
        path = "".join(f"M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}" for a, b, c, d in segments)
        self._stroke(path, ink, width, max(0.13, 0.9 * min(1.0, crowd / max(len(segments), 1)) ** 0.5), dash)

    def bends(self, segments: Sequence[Segment], ink: str, width: float = 1.0, bulge: float = 0.16) -> None:
        """Bent links, each bulging to its left by a share of its length."""
        for a, b, c, d in segments:
            self._reach((b + d) / 2 - bulge * (c - a))
        path = "".join(
            f"M{a:.1f} {b:.1f}Q{(a + c) / 2 + 2 * bulge * (d - b):.1f} {(b + d) / 2 - 2 * bulge * (c - a):.1f} "
            f"{c:.1f} {d:.1f}"
            for a, b, c, d in segments
        )
        self._stroke(path, ink, width, 0.75)

    def cut(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """The line along which the network is halved."""
        self._reach(y1, y2)
        self.halved = True
        place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
        self._marks.append(f'<line {place} stroke="{colour("red")}" stroke-width="1.6" stroke-dasharray="7 5"/>')

    def _stroke(self, path: str, ink: str, width: float, opacity: float, dash: str = "") -> None:
        if path:
            shade = f'stroke="{colour(INKS.get(ink, ink))}" stroke-width="{width:g}" stroke-opacity="{opacity:.2f}"'
            shade += f' stroke-dasharray="{dash}"' if dash else ""
            self._marks.append(f'<path d="{path}" fill="none" stroke-linecap="round" {shade}/>')

    def say(
        self, x: float, y: float, text: str, anchor: str = "start", fill: str = "ink", size: float = SIZE,
        bold: bool = False,
    ) -> None:  # fmt: skip
        """A line of text with its baseline at y."""
        size *= self.type_scale
        self._reach(y - size, y + size / 3)
        weight = ' font-weight="bold"' if bold else ""
        ink = f'font-size="{size:g}" fill="{colour(fill)}"{weight}'
        self._marks.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {ink}>{html.escape(text)}</text>')

    def svg(self, cropped: bool = False) -> str:
        """The finished picture; cropped: without the empty space above and below."""
        top, high = 0.0, self.height
        if cropped:
            top, high = self._top - EDGE, self._bottom - self._top + 2 * EDGE
        size = f'width="{self.width:g}" height="{high:.0f}" viewBox="0 {top:.0f} {self.width:g} {high:.0f}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{html.escape(SANS_FALLBACK)}">'
        ground = f'<rect y="{top:.0f}" width="100%" height="100%" fill="{colour("paper")}"/>'
        return head + ground + "".join(self._marks) + "</svg>"


def shown(count: int, most: int) -> list[int | None]:
    """Which of so many equal things to draw in so many places: the first ones, a gap (None), the last."""
    if count <= most:
        return list(range(count))
    return [*range(most - 2), None, count - 1]


def spots(left: float, right: float, count: int) -> list[float]:
    """So many places evenly between two abscissae."""
    return [left + (right - left) * (place + 0.5) / count for place in range(count)]
