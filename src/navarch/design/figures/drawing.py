"""A small pen for figures without axes: bars, lines and text as SVG, in the palette and type of `navarch.core.plot`."""

from __future__ import annotations

import html
from collections.abc import Sequence

from navarch.core.plot import SANS_FALLBACK, colour
from navarch.design.document.model import Sketch
from navarch.design.document.prose import Number, Sayable, prose

WIDTH = 680.0  # of every figure, in its own units; it is scaled to the column
SIZE = 13.0
_NARROW, _WIDE = set("iljtfrI.,:;'|!()[] "), set("mwMWGOQDHNU—%@")


def text_width(text: str, size: float = SIZE) -> float:
    """About how wide text is set."""
    return size * sum(0.29 if c in _NARROW else 0.74 if c in _WIDE else 0.61 if c.isupper() else 0.475 for c in text)


def numbers_of(*given: Sayable) -> tuple[Number, ...]:
    """The numbers that some prose prints."""
    return tuple(part for g in given for part in prose(g).parts if isinstance(part, Number))


def shorten(text: str, width: float, size: float = SIZE) -> str:
    """Text cut to a width, with an ellipsis where it was cut."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap(text: str, width: float, size: float = SIZE, most: int = 2) -> list[str]:
    """Text in lines of a width, at most so many; what does not fit is cut."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if len(lines) == most or not lines[-1] or text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [shorten(line, width, size) for line in lines]


class Drawing:
    """SVG as it grows; every text is escaped on its way in."""

    def __init__(self, width: float = WIDTH) -> None:
        self.width = width
        self.height = 0.0
        self._marks: list[str] = []

    def _reach(self, y: float) -> None:
        self.height = max(self.height, y)

    def rect(self, x: float, y: float, width: float, height: float, fill: str, *, round_: float = 0, opacity: float = 1,
             stroke: str = "") -> None:  # fmt: skip
        """A rectangle in a palette colour."""
        edge = f' stroke="{colour(stroke)}" stroke-width="1"' if stroke else ""
        shade = f' fill-opacity="{opacity:g}"' if opacity != 1 else ""
        ink = colour(fill) if fill else "none"
        place = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" rx="{round_:g}"'
        self._marks.append(f'<rect {place} fill="{ink}"{shade}{edge}/>')
        self._reach(y + height)

    def line(self, x1: float, y1: float, x2: float, y2: float, stroke: str = "hair", width: float = 1, dash: str = "",
             opacity: float = 1) -> None:  # fmt: skip
        """A straight line."""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        shade = f' stroke-opacity="{opacity:g}"' if opacity != 1 else ""
        place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
        self._marks.append(f'<line {place} stroke="{colour(stroke)}" stroke-width="{width:g}"{dashed}{shade}/>')
        self._reach(max(y1, y2))

    def lines(self, segments: Sequence[tuple[float, float, float, float]], stroke: str = "hair", width: float = 1,
              opacity: float = 1) -> None:  # fmt: skip
        """Many straight lines in one path."""
        path = "".join(f"M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}" for a, b, c, d in segments)
        ink = f'stroke="{colour(stroke)}" stroke-width="{width:g}" stroke-opacity="{opacity:g}"'
        self._marks.append(f'<path d="{path}" fill="none" {ink}/>')
        self._reach(max((max(s[1], s[3]) for s in segments), default=0))

    def arcs(self, segments: Sequence[tuple[float, float, float, float]], stroke: str = "hair", width: float = 1,
             opacity: float = 1) -> None:  # fmt: skip
        """Many bent lines in one path, each bulging to its left by a sixth of its length."""
        path = "".join(
            f"M{a:.1f} {b:.1f}Q{(a + c) / 2 + (d - b) / 3:.1f} {(b + d) / 2 - (c - a) / 3:.1f} {c:.1f} {d:.1f}"
            for a, b, c, d in segments
        )
        if path:
            ink = f'stroke="{colour(stroke)}" stroke-width="{width:g}" stroke-opacity="{opacity:g}"'
            self._marks.append(f'<path d="{path}" fill="none" {ink}/>')
        self._reach(max((max(b, d, (b + d) / 2 - (c - a) / 6) for a, b, c, d in segments), default=0))

    def circle(self, x: float, y: float, radius: float, fill: str) -> None:
        """A dot."""
        self._marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour(fill)}"/>')
        self._reach(y + radius)

    def text(self, x: float, y: float, text: str, *, anchor: str = "start", fill: str = "ink", size: float = SIZE,
             weight: str = "normal") -> None:  # fmt: skip
        """A line of text with its baseline at y."""
        bold = f' font-weight="{weight}"' if weight != "normal" else ""
        ink = f'font-size="{size:g}" fill="{colour(fill)}"{bold}'
        said = html.escape(text)
        self._marks.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {ink}>{said}</text>')
        self._reach(y + 0.3 * size)

    def svg(self) -> str:
        """The finished drawing."""
        height = self.height + 2
        size = f'width="{self.width:g}" height="{height:.0f}" viewBox="0 0 {self.width:g} {height:.0f}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{html.escape(SANS_FALLBACK)}">'
        return head + "".join(self._marks) + "</svg>"


def bar_sketch(rows: Sequence[tuple[Sayable, Sayable, float]]) -> tuple[Sketch, ...]:
    """The text form of bars: label, value, and length relative to the longest."""
    longest = max((abs(r[2]) for r in rows), default=0.0) or 1.0
    return tuple(Sketch(prose(label), prose(value), abs(size) / longest) for label, value, size in rows)
