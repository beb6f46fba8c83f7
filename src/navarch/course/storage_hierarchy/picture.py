"""The picture of the provocation: tiers of storage, and a thousand accelerators that wait for what comes out."""

from __future__ import annotations

from navarch.core.plot import SANS_FALLBACK, colour

COLUMNS, ROWS, CELL = 40, 25, 10
TOLD = (
    "On the left three stores, each larger and farther away than the one before: drives in a node, a shared file "
    "system, an object store. From each a stream runs to the right, the farther the thinner, into a field of a "
    "thousand small squares, one for each accelerator. A few of them are red: their data are late, and all others wait."
)
"""The picture in words."""
TIERS = (("drives in the nodes", "blue", 34), ("shared file system", "teal", 22), ("object store", "orange", 8))
LATE = (137, 421, 512, 655, 818, 934)


def provocation() -> str:
    """Tiers, streams and the field, as SVG."""
    left, top, field_left = 24, 24, 500
    tall = ROWS * CELL
    width, height = field_left + COLUMNS * CELL + 20, top + tall + 34
    drawn = [
        f"<defs>{''.join(_shade(hue) for _, hue, _ in TIERS)}</defs>",
        *_streams(left + 80, field_left - 10, top, tall),
        *_stores(left, top, tall),
        *_field(field_left, top),
    ]
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{SANS_FALLBACK}">{"".join(drawn)}</svg>'


def _shade(hue: str) -> str:
    return (
        f'<linearGradient id="to-{hue}"><stop offset="0" stop-color="{colour(hue)}" stop-opacity="0.75"/>'
        f'<stop offset="1" stop-color="{colour(hue)}" stop-opacity="0.08"/></linearGradient>'
    )


def _middle(place: int, top: int, tall: int) -> float:
    return top + tall * (2 * place + 1) / (2 * len(TIERS))


def _streams(centre: float, end: float, top: int, tall: int) -> list[str]:
    """From each store a stream that spreads over its part of the field's height."""
    drawn = []
    for place, (_, hue, thick) in enumerate(TIERS):
        start, middle = centre + _half(place), _middle(place, top, tall)
        high, low = top + tall * place / len(TIERS), top + tall * (place + 1) / len(TIERS)
        above, below = middle - thick / 2, middle + thick / 2
        out, back = start + (end - start) * 0.6, end - (end - start) * 0.3
        drawn.append(
            f'<path d="M{start} {above:.1f}C{out:.1f} {above:.1f} {back:.1f} {high:.1f} {end} {high:.1f}'
            f"L{end} {low:.1f}C{back:.1f} {low:.1f} {out:.1f} {below:.1f} {start} {below:.1f}Z"
            f'" fill="url(#to-{hue})"/>'
        )
    return drawn


def _half(place: int) -> int:
    return 42 + 15 * place


def _stores(left: int, top: int, tall: int) -> list[str]:
    """A cylinder for each store, the farther the larger."""
    drawn = []
    for place, (name, hue, _) in enumerate(TIERS):
        middle, half, high = _middle(place, top, tall), _half(place), 30 + 8 * place
        centre, flat = left + 80, 7 + place
        x0, x1, y0, y1 = centre - half, centre + half, middle - high / 2, middle + high / 2
        drawn.append(
            f'<path d="M{x0} {y0:.1f}V{y1:.1f}A{half} {flat} 0 0 0 {x1} {y1:.1f}V{y0:.1f}" fill="{colour("panel")}" '
            f'stroke="{colour(hue)}" stroke-width="1.8"/>'
            f'<ellipse cx="{centre}" cy="{y0:.1f}" rx="{half}" ry="{flat}" fill="{colour("paper")}" '
            f'stroke="{colour(hue)}" stroke-width="1.8"/>'
            f'<text x="{centre}" y="{y1 + flat + 13:.1f}" text-anchor="middle" font-size="14" '
            f'fill="{colour("ink")}">{name}</text>'
        )
    return drawn


def _field(left: int, top: int) -> list[str]:
    """A square for each accelerator; those whose data are late are red."""
    drawn = [
        f'<rect x="{left + CELL * (place % COLUMNS)}" y="{top + CELL * (place // COLUMNS)}" width="7.2" height="7.2" '
        f'rx="1.4" fill="{colour("red" if place in LATE else "mist")}"/>'
        for place in range(COLUMNS * ROWS)
    ]
    middle = left + COLUMNS * CELL / 2
    words = f"{COLUMNS * ROWS:,} accelerators; {len(LATE)} have no data, and all wait"
    drawn.append(
        f'<text x="{middle}" y="{top + ROWS * CELL + 22}" text-anchor="middle" font-size="14" '
        f'fill="{colour("ink")}">{words}</text>'
    )
    return drawn
