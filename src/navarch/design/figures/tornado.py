"""What moves a result most: how far it goes when one uncertain input is at either end of its 80 % interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from navarch.core.ledger import Entry
from navarch.design.document.model import Figure, Sketch
from navarch.design.document.prose import Label, Sayable, join, prose, say
from navarch.design.document.wording import words
from navarch.design.figures.drawing import WIDTH, Drawing, shorten

if TYPE_CHECKING:
    from navarch.core.uncertainty import Uncertainty

LABEL, ROW, BAR = 300.0, 25.0, 14.0


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
    names = join(Label(r.leaf.title, "catalog") for r in rows)
    return Figure(
        key,
        lambda: _tornado(rows),
        prose(caption),
        say("Tornado: what moves {target} most, the first the most: {names}.", target=prose(target), names=names),
        tuple(
            Sketch(
                prose(Label(r.leaf.title, "catalog")), prose(r.leaf), r.reach / rows[0].reach if rows[0].reach else 0
            )
            for r in rows
        ),
        tuple(prose(r.leaf).parts[0] for r in rows),  # type: ignore[misc]
    )


def _tornado(rows: Sequence[Swing]) -> str:
    drawing = Drawing()
    longest = max((r.reach for r in rows), default=0.0) or 1.0
    middle = LABEL + (WIDTH - LABEL) / 2
    scale = (WIDTH - middle - 4) / longest
    drawing.rect(LABEL + 8, 3, 10, 10, "sky", round_=1)
    drawing.text(LABEL + 23, 12, "input low", fill="muted", size=12)
    drawing.rect(LABEL + 92, 3, 10, 10, "sand", round_=1)
    drawing.text(LABEL + 107, 12, "input high", fill="muted", size=12)
    y = 20.0
    for row in rows:
        value = words(row.leaf)
        title = shorten(words(Label(row.leaf.title, "catalog")), LABEL - 100)
        drawing.text(LABEL - 88, y + BAR, title, anchor="end")
        drawing.text(LABEL - 80, y + BAR, value, fill="muted", size=12)
        for end, fill in ((row.low, "sky"), (row.high, "sand")):
            drawing.rect(middle + min(end, 0) * scale, y + 3, max(abs(end) * scale, 0.8), BAR, fill)
        y += ROW
    drawing.line(middle, 20, middle, y, "muted")
    drawing.text(middle, y + 14, "as designed", anchor="middle", fill="muted", size=12)
    return drawing.svg()
