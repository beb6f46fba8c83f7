"""Figures with axes, as altair charts: a quantity against a parameter, and places by cost and carbon.

Axes show scales; the numerals beside marks are values of the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from navarch.core.ladders import ladder
from navarch.core.ledger import Value
from navarch.core.plot import colour, to_svg
from navarch.design.document.model import Figure, Sketch
from navarch.design.document.prose import Label, Sayable, join, prose, say
from navarch.design.document.wording import clean, set_unit, words
from navarch.design.figures.drawing import numbers_of

if TYPE_CHECKING:
    from navarch.design.evaluation.result import Curve

WIDTH, HEIGHT = 560, 210
TICKS = ",.6~g"
BLOCKS = "▁▂▃▄▅▆▇█"
Mark = tuple[Sayable, Value, str]  # label, value on the horizontal axis, palette colour


def goodput_curve(curve: Curve, caption: Sayable, *, key: str = "goodput") -> Figure:
    """Goodput [fraction] against the checkpoint interval [s], with the optimum and the chosen interval marked."""
    marks: list[Mark] = []
    same = curve.optimum is not None and curve.chosen is not None and float(curve.optimum) == float(curve.chosen)
    if curve.optimum is not None and not same:
        marks.append(("optimum", curve.optimum, "teal"))
    if curve.chosen is not None:
        marks.append(("chosen, the optimum" if same else "chosen", curve.chosen, "orange"))
    return curve_figure(curve, caption, marks, key=key, logarithmic=True)


def latency_throughput(curve: Curve, caption: Sayable, *, key: str = "latency", limit: Value | None = None) -> Figure:
    """Latency [s] against throughput, with the design point and the limit on latency."""
    marks: list[Mark] = [("design", curve.chosen, "orange")] if curve.chosen is not None else []
    return curve_figure(curve, caption, marks, key=key, limit=limit)


def curve_figure(
    curve: Curve,
    caption: Sayable,
    marks: Sequence[Mark] = (),
    *,
    key: str,
    limit: Value | None = None,
    logarithmic: bool = False,
) -> Figure:
    """Any curve of the evaluation. marks: points on it; limit: a horizontal line; logarithmic: the horizontal axis."""
    named = join(say("{label} {value}", label=prose(label), value=value) for label, value, _ in marks)
    values = [value for _, value, _ in marks] + ([limit] if limit is not None else [])
    said = say("{y} against {x}", y=Label(curve.y_title, "catalog"), x=Label(curve.x_title, "catalog"))
    return Figure(
        key,
        lambda: to_svg(_curve(curve, marks, limit, logarithmic)),
        prose(caption),
        said + (say("; marked: {named}.", named=named) if marks else "."),
        (
            Sketch(prose(Label(curve.y_title, "catalog")), drawn=sparkline(curve.y)),
            *(Sketch(prose(label), prose(value)) for label, value, _ in marks),
            *([Sketch(prose("limit"), prose(limit))] if limit is not None else []),
        ),
        numbers_of(*values),
    )


def sparkline(values: NDArray[np.float64], width: int = 40) -> str:
    """A curve in one line of text."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return ""
    picked = finite[np.linspace(0, len(finite) - 1, min(width, len(finite))).astype(int)]
    low, high = float(picked.min()), float(picked.max())
    levels = (picked - low) / ((high - low) or 1.0) * (len(BLOCKS) - 1)
    return "".join(BLOCKS[round(float(level))] for level in levels)


def axis_unit(values: NDArray[np.float64], unit: str) -> tuple[float, str]:
    """The scale [SI] and the name of the unit in which an axis over these values is best read."""
    finite = np.abs(values[np.isfinite(values)])
    typical = float(np.median(finite)) if len(finite) else 0.0
    chosen = ladder(unit)[0]
    for step in ladder(unit)[1:]:
        if typical >= step.threshold:
            chosen = step
    return chosen.scale, set_unit(chosen.label)


def _title(title: str, unit: str) -> str:
    return f"{clean(title)} [{unit}]" if unit else clean(title)


def _curve(curve: Curve, marks: Sequence[Mark], limit: Value | None, logarithmic: bool) -> Any:
    import altair as alt

    finite = np.isfinite(curve.x) & np.isfinite(curve.y)
    x, y = curve.x[finite], curve.y[finite]
    (x_scale, x_unit), (y_scale, y_unit) = axis_unit(x, curve.x_unit), axis_unit(y, curve.y_unit)
    line = alt.Data(values=[{"x": float(a / x_scale), "y": float(b / y_scale)} for a, b in zip(x, y, strict=True)])
    bent = logarithmic and float(x.min()) > 0
    reach = alt.Scale(type="log" if bent else "linear", nice=False)
    across = alt.X("x:Q", title=_title(curve.x_title, x_unit), scale=reach, axis=alt.Axis(tickCount=7, format=TICKS))
    height = alt.Scale(zero=False)
    up = alt.Y("y:Q", title=_title(curve.y_title, y_unit), scale=height, axis=alt.Axis(tickCount=5, format=TICKS))
    layers = [alt.Chart(line).mark_line().encode(across, up)]
    if limit is not None:
        layers += _limit(limit, y_scale, float(x.max() / x_scale))
    order = np.argsort(x)
    for index, (label, value, tint) in enumerate(marks):
        point = {"x": float(value) / x_scale, "y": float(np.interp(float(value), x[order], y[order])) / y_scale}
        text = f"{words(label)} {words(value)}"
        layers += _point(point, text, tint, above=index % 2 == 0)
    return alt.layer(*layers, width=WIDTH, height=HEIGHT)


def _point(point: dict[str, float], text: str, tint: str, above: bool) -> list[Any]:
    import altair as alt

    at = alt.Chart(alt.Data(values=[{**point, "text": text}]))
    place = {"x": "x:Q", "y": "y:Q"}
    shift = -13 if above else 19
    return [
        at.mark_rule(strokeDash=[3, 3], color=colour(tint), strokeOpacity=0.7).encode(x="x:Q"),
        at.mark_point(filled=True, size=70, color=colour(tint), opacity=1).encode(**place),
        at.mark_text(align="left", dx=7, dy=shift, color=colour("ink")).encode(**place, text="text:N"),
    ]


def _limit(limit: Value, scale: float, right: float) -> list[Any]:
    import altair as alt

    at = alt.Chart(alt.Data(values=[{"y": float(limit) / scale, "x": right, "text": f"limit {words(limit)}"}]))
    return [
        at.mark_rule(color=colour("red"), strokeDash=[4, 3]).encode(y="y:Q"),
        at.mark_text(align="right", dy=-7, color=colour("red")).encode(x="x:Q", y="y:Q", text="text:N"),
    ]


def region_scatter(
    points: Sequence[tuple[Label, Value, Value, bool]], caption: Sayable, *, key: str = "regions"
) -> Figure:
    """Regions by cost [USD] and carbon [kgCO2e]: (name, cost, carbon, whether chosen)."""
    numbers = [v for _, cost, carbon, _ in points for v in (cost, carbon)]
    told = join(say("{n} {c}, {e}", n=n, c=c, e=e) for n, c, e, _ in points)
    return Figure(
        key,
        lambda: to_svg(_scatter(points)),
        prose(caption),
        say("Regions by cost and carbon: {told}.", told=told),
        tuple(
            Sketch(prose(n), say("{c}, {e}", c=c, e=e), drawn="chosen" if chosen else "") for n, c, e, chosen in points
        ),
        numbers_of(*numbers),
    )


def _scatter(points: Sequence[tuple[Label, Value, Value, bool]]) -> Any:
    import altair as alt

    cost = np.array([float(p[1]) for p in points])
    carbon = np.array([float(p[2]) for p in points])
    (x_scale, x_unit), (y_scale, y_unit) = (
        axis_unit(cost, points[0][1].entry.unit),
        axis_unit(carbon, points[0][2].entry.unit),
    )
    rows = [
        {
            "x": float(c) / x_scale,
            "y": float(e) / y_scale,
            "name": clean(n.text),
            "tint": colour("orange" if chosen else "blue"),
        }
        for n, c, e, chosen in points
    ]
    room = (float(cost.max() - cost.min()) or float(cost.max())) / x_scale
    span = alt.Scale(zero=False, nice=True, domainMax=float(cost.max()) / x_scale + 0.18 * room)
    at = alt.Chart(alt.Data(values=rows)).encode(
        alt.X("x:Q", title=_title("Cost", x_unit), scale=span, axis=alt.Axis(tickCount=6, format=TICKS)),
        alt.Y(
            "y:Q", title=_title("Carbon", y_unit), scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5, format=TICKS)
        ),
    )
    return alt.layer(
        at.mark_point(filled=True, size=80, opacity=1).encode(color=alt.Color("tint:N", scale=None)),
        at.mark_text(align="left", dx=9, dy=1).encode(text="name:N"),
        width=WIDTH,
        height=HEIGHT,
    )
