"""The fabric, drawn from its graph (`navarch.fleet.fabric.picture`), and networks beside each other in bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from navarch.core.ledger import Value
from navarch.design.document.model import Figure, Sketch
from navarch.design.document.prose import Label, Prose, Sayable, join, prose, say
from navarch.design.document.wording import words
from navarch.design.figures.drawing import WIDTH, Drawing, numbers_of, shorten, text_width

if TYPE_CHECKING:
    from navarch.fleet.fabric.graph import Network

MOST_SQUARES = 16
ROW, BAR, TOP, WIDEST = 25.0, 13.0, 26.0, 168.0
BOLD = 1.1
Row = tuple[Sayable, bool, Sequence[Value | None]]
"""A network among others: its name, whether it is the chosen one, and its value in each panel."""


def topology(
    network: Network,
    caption: Sayable,
    *,
    key: str = "topology",
    counts: Sequence[tuple[Sayable, Value]] = (),
) -> Figure:
    """The drawing of a network, what repeats left out.

    counts: the numbers that it prints, by name, from the ledger: ("leaf switches", value).
    """
    tiers = [(t, network.count(t)) for t in reversed(network.tiers) if network.count(t)]
    return Figure(
        key,
        lambda: _drawn(network),
        prose(caption),
        say("Drawing of the network, from the top: {names}.", names=join(Label(t, "catalog") for t, _ in tiers)),
        (
            *(Sketch(prose(Label(t, "catalog")), drawn=" ".join("▣" * min(MOST_SQUARES, n))) for t, n in tiers),
            *(Sketch(prose(label), prose(value)) for label, value in counts),
        ),
        numbers_of(*(value for _, value in counts)),
    )


def _drawn(network: Network) -> str:
    from navarch.fleet.fabric.picture import drawing

    return drawing(network)


def side_by_side(
    panels: Sequence[Sayable], rows: Sequence[Row], caption: Sayable, *, key: str = "alternatives"
) -> Figure:
    """Networks under each other, a bar for each of their values: one panel a quantity, each with a scale of its own.

    A value that there is none of is a dash.
    """
    return Figure(
        key,
        lambda: _panels(panels, rows),
        prose(caption),
        say("Bars: {rows}.", rows=join((_told(panels, row) for row in rows), between="; ", last="; ")),
        tuple(_sketches(panels, rows)),
        numbers_of(*(v for _, _, values in rows for v in values if v is not None)),
    )


def _told(panels: Sequence[Sayable], row: Row) -> Prose:
    name, _, values = row
    parts = [
        say("{panel} {value}", panel=prose(panel), value=value)
        for panel, value in zip(panels, values, strict=True)
        if value is not None
    ]
    return prose(name) + ": " + join(parts, last=", ")


def _sketches(panels: Sequence[Sayable], rows: Sequence[Row]) -> list[Sketch]:
    """The same in text: panel by panel."""
    made = []
    for place, panel in enumerate(panels):
        longest = _longest(rows, place)
        for name, _, values in rows:
            value = values[place]
            if value is not None:
                label = say("{panel}, {name}", panel=prose(panel), name=prose(name))
                made.append(Sketch(label, prose(value), max(float(value), 0.0) / longest))
    return made


def _longest(rows: Sequence[Row], place: int) -> float:
    return max((float(v) for _, _, values in rows if (v := values[place]) is not None), default=0.0) or 1.0


def _widest(rows: Sequence[Row], place: int) -> float:
    shown = [v for _, _, values in rows if (v := values[place]) is not None]
    return max((text_width(words(v)) for v in shown), default=0.0) * BOLD


def _panels(panels: Sequence[Sayable], rows: Sequence[Row]) -> str:
    drawing = Drawing()
    left = min(WIDEST, max(text_width(words(name)) * BOLD for name, _, _ in rows) + 12)
    each = (WIDTH - left) / len(panels)
    for place, panel in enumerate(panels):
        drawing.text(left + place * each, 11, words(panel), fill="muted", size=12)
    for line, (name, chosen, values) in enumerate(rows):
        y = TOP + line * ROW
        weight = "bold" if chosen else "normal"
        said = shorten(words(name), left)
        drawing.text(left - 12, y + BAR - 2, said, anchor="end", fill="ink" if chosen else "muted", weight=weight)
        for place, value in enumerate(values):
            room = each - _widest(rows, place) - 16
            _bar(drawing, left + place * each, y, value, max(room, 8.0) / _longest(rows, place), chosen)
    foot = TOP + len(rows) * ROW - ROW + BAR + 4
    for place in range(len(panels)):
        drawing.line(left + place * each, TOP - 5, left + place * each, foot, "mist")
    return drawing.svg()


def _bar(drawing: Drawing, x: float, y: float, value: Value | None, scale: float, chosen: bool) -> None:
    if value is None:
        drawing.text(x + 6, y + BAR - 2, "—", fill="muted")
        return
    width = max(float(value), 0.0) * scale
    drawing.rect(x, y, width, BAR, "blue" if chosen else "slate", round_=1, opacity=1 if chosen else 0.45)
    drawing.text(x + width + 6, y + BAR - 2, words(value), weight="bold" if chosen else "normal")
