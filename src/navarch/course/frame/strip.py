"""A strip on a logarithmic axis: where the prediction lies, where the result."""

from __future__ import annotations

import math

from marimo import Html

from navarch.core.quantity import QuantityError, factor, parts, show
from navarch.course.frame.figure import picture
from navarch.design.figures.drawing import WIDTH, Drawing

MARGIN, AXIS = 40.0, 44.0
TALL, LOW, HIGH = 18.0, 24.0, 12.0
SMALL, PLAIN = 11.5, 12.5
MOST_TICKS = 7


def beside(predicted: float, result: float, unit: str, close: float) -> Html:
    """A prediction, the band that counts as close, and the result; all are positive."""
    low, high = predicted / close, predicted * close
    one = _one(max(predicted, result), unit)
    first = math.floor(math.log10(min(low, result) / one))
    last = max(math.ceil(math.log10(max(high, result) / one)), first + 1)

    def x(value: float) -> float:
        return MARGIN + (math.log10(value / one) - first) / (last - first) * (WIDTH - 2 * MARGIN)

    pen = Drawing()
    pen.line(MARGIN, AXIS, WIDTH - MARGIN, AXIS, width=1.5)
    for power in range(first, last + 1, max(1, math.ceil((last - first) / MOST_TICKS))):
        at = x(one * 10.0**power)
        pen.line(at, AXIS - 4, at, AXIS + 4)
        pen.text(at, AXIS + 22, show(one * 10.0**power, unit), anchor="middle", fill="muted", size=SMALL)
    pen.rect(x(low), AXIS - TALL / 2, x(high) - x(low), TALL, "sky", round_=TALL / 2, opacity=0.45)
    _mark(pen, x(predicted), "predicted", "blue", LOW, hollow=True)
    _mark(pen, x(result), "result", "orange", HIGH, hollow=False)
    alt = f"On a logarithmic axis: predicted {show(predicted, unit)}, result {show(result, unit)}."
    return picture(pen.svg(), alt, "nv-strip")


def _one(value: float, unit: str) -> float:
    """One of the unit in which a value is shown, in SI: ticks are decades of it."""
    _, label = parts(value, unit)
    try:
        return factor(label)[0] if label else 1.0
    except QuantityError:
        return 1.0


def _mark(pen: Drawing, x: float, label: str, ink: str, height: float, hollow: bool) -> None:
    pen.circle(x, AXIS, 7.5, ink)
    if hollow:
        pen.circle(x, AXIS, 5.0, "paper")
    pen.text(min(max(x, MARGIN), WIDTH - MARGIN), height, label, anchor="middle", size=PLAIN)
