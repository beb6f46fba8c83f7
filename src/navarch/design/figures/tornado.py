"""What moves a result most: how far it goes when one uncertain input is at either end of its 80 % interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from navarch.core.ledger import Entry
from navarch.design.document.model import Figure, Sketch
from navarch.design.document.prose import Label, Sayable, join, number, prose, say
from navarch.design.document.wording import words
from navarch.design.figures.drawing import WIDTH, Drawing, wrap

if TYPE_CHECKING:
    from navarch.core.uncertainty import Uncertainty

ROW, BAR, LINE = 25.0, 14.0, 15.0
SHORT = 5  # letters of a field's name that is taken for an abbreviation


@dataclass(frozen=True, slots=True)
class Room:
    """The room of a tornado: its width, that of the names with the values, and that of the values."""

    width: float
    labels: float
    values: float


WIDE, NARROW = Room(WIDTH, 340.0, 96.0), Room(350.0, 148.0, 0.0)


@dataclass(frozen=True, slots=True)
class Swing:
    """An uncertain input, and what becomes of the result (relative to it) when the input is low and when it is high."""

    leaf: Entry
    low: float
    high: float

    @property
    def reach(self) -> float:
        return max(abs(self.low), abs(self.high))


def swings(uncertainty: Uncertainty, target: Entry, most: int = 6) -> tuple[Swing, ...]:
    """The inputs that move an entry most, from its samples.

    The ends are mean results among the samples in which the input is in its lowest and its highest tenth, relative to
    the mean of all; longest first.
    """
    drawn = uncertainty.samples.get(target.number)
    if drawn is None:
        return ()
    mean = float(drawn.mean())
    if mean == 0:
        return ()
    found = []
    for leaf, _ in uncertainty.contributions(target, most):
        given = uncertainty.samples[leaf.number]
        low, high = np.quantile(given, [0.1, 0.9])
        found.append(
            Swing(leaf, float(drawn[given <= low].mean()) / mean - 1, float(drawn[given >= high].mean()) / mean - 1)
        )
    return tuple(sorted(found, key=lambda s: -s.reach))


def tornado(rows: Sequence[Swing], caption: Sayable, *, key: str = "tornado", target: Sayable = "the result") -> Figure:
    """The swings as bars about the result; the drawing prints no swing, for it is no entry of the ledger."""
    names = join(input_name(r.leaf) for r in rows)
    return Figure(
        key,
        lambda: _tornado(rows, WIDE),
        prose(caption),
        say("Tornado: what moves {target} most, the first the most: {names}.", target=prose(target), names=names),
        tuple(
            Sketch(prose(input_name(r.leaf)), prose(r.leaf), r.reach / rows[0].reach if rows[0].reach else 0)
            for r in rows
        ),
        tuple(number(r.leaf) for r in rows),
        lambda: _tornado(rows, NARROW),
    )


def input_name(leaf: Entry) -> Label:
    """What an input is called where it stands alone: a field of the design file by its path ("serving: prompt tokens").

    The last word of a path is given by its title where it is short: "site: PUE".
    """
    parts = leaf.path.split(".")
    if leaf.kind != "field" or len(parts) < 2:
        return Label(leaf.title, "catalog")
    first, rest = parts[0], [p.replace("_", " ") for p in parts[1:]]
    if len(rest) == 1 and len(rest[0]) <= SHORT:
        title = leaf.title
        rest = [title if title[1:2].isupper() else title[:1].lower() + title[1:]]
    return Label(f"{first.replace('_', ' ')}: {', '.join(rest)}", "design file")


def _tornado(rows: Sequence[Swing], room: Room) -> str:
    drawing = Drawing(room.width)
    longest = max((r.reach for r in rows), default=0.0) or 1.0
    middle = room.labels + 8 + (room.width - room.labels - 8) / 2
    scale = (room.width - middle - 4) / longest
    for at, fill, meaning in ((middle - 98, "sky", "input low"), (middle + 14, "sand", "input high")):
        drawing.rect(at, 3, 10, 10, fill, round_=1)
        drawing.text(at + 15, 12, meaning, fill="muted", size=12)
    y = 22.0
    for row in rows:
        y = _swing(drawing, row, room, y, middle, scale)
    drawing.line(middle, 20, middle, y, "muted")
    drawing.text(middle, y + 14, "as designed", anchor="middle", fill="muted", size=12)
    return drawing.svg()


def _swing(drawing: Drawing, row: Swing, room: Room, y: float, middle: float, scale: float) -> float:
    """One row: the input's name in one or two lines, its value where there is room, the bars; gives the next y."""
    lines = wrap(words(input_name(row.leaf)), room.labels - room.values)
    height = ROW + LINE * (len(lines) - 1)
    for index, line in enumerate(lines):
        drawing.text(room.labels - room.values, y + BAR + 1 + LINE * index, line, anchor="end")
    centre = y + (height - ROW) / 2
    if room.values:
        drawing.text(room.labels - room.values + 10, centre + BAR + 1, words(row.leaf), fill="muted", size=12)
    for end, fill in ((row.low, "sky"), (row.high, "sand")):
        drawing.rect(middle + min(end, 0) * scale, centre + 4, max(abs(end) * scale, 0.8), BAR, fill)
    return y + height
