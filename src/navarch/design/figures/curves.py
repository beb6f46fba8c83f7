"""Figures with axes, as altair charts: a quantity against a parameter, and places by cost and carbon.

Axes show scales; the numerals beside marks are values of the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from navarch.core.ladders import ladder
from navarch.core.ledger import Value
from navarch.core.plot import colour, to_svg
from navarch.design.document.model import Figure, Sketch
from navarch.design.document.prose import Label, Sayable, join, prose, say
from navarch.design.document.wording import clean, set_unit, words
from navarch.design.figures.drawing import numbers_of
from navarch.design.figures.places import BESIDE, reach_of, sides_of

if TYPE_CHECKING:
    from navarch.design.evaluation.result import Curve

WIDTH, HEIGHT = 560, 210
TICKS = ",.6~g"
HEADROOM = 3.0  # how far the axis goes beyond a limit: a matter of display, nothing is calculated from it
FAR = 0.78  # share of an axis beyond which a mark's text stands to its left
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


def axis_title(title: str, unit: str) -> str:
    return f"{clean(title)} [{unit}]" if unit else clean(title)


def _curve(curve: Curve, marks: Sequence[Mark], limit: Value | None, logarithmic: bool) -> Any:
    import altair as alt

    finite = np.isfinite(curve.x) & np.isfinite(curve.y)
    x, y = curve.x[finite], curve.y[finite]
    order = np.argsort(x)
    heights = [float(np.interp(float(value), x[order], y[order])) for _, value, _ in marks]
    top = _top(y, heights, limit)
    (x_scale, x_unit), (y_scale, y_unit) = axis_unit(x, curve.x_unit), axis_unit(y[y <= top], curve.y_unit)
    line = alt.Data(values=[{"x": float(a / x_scale), "y": float(b / y_scale)} for a, b in zip(x, y, strict=True)])
    bent = logarithmic and float(x.min()) > 0
    reach = alt.Scale(type="log" if bent else "linear", nice=False)
    across = alt.X(
        "x:Q", title=axis_title(curve.x_title, x_unit), scale=reach, axis=alt.Axis(tickCount=7, format=TICKS)
    )
    cut = top < float(y.max())
    span = alt.Scale(zero=False, nice=False, domain=[float(y.min()) / y_scale, top / y_scale]) if cut else alt.Scale(
        zero=False
    )  # fmt: skip
    up = alt.Y("y:Q", title=axis_title(curve.y_title, y_unit), scale=span, axis=alt.Axis(tickCount=5, format=TICKS))
    layers = [alt.Chart(line).mark_line(clip=True).encode(across, up)]
    middle = float(x.min() + x.max()) / 2
    late = bool(marks) and float(marks[0][1]) > middle
    far = float(x.min()) + FAR * float(x.max() - x.min())
    if limit is not None:
        layers += _limit(limit, y_scale, float((x.min() if late else x.max()) / x_scale), late)
    for index, ((label, value, tint), height) in enumerate(zip(marks, heights, strict=True)):
        point = {"x": float(value) / x_scale, "y": height / y_scale}
        under = limit is not None and height <= float(limit)
        flip = limit is not None and float(value) > far
        layers += _point(point, f"{words(label)} {words(value)}", tint, above=index % 2 == 0 and not under, flip=flip)
    return alt.layer(*layers, width=WIDTH, height=HEIGHT)


def _top(y: NDArray[np.float64], marked: Sequence[float], limit: Value | None) -> float:
    """Where the vertical axis ends: with the curve, or soon above a limit beyond which it only runs away."""
    if limit is None:
        return float(y.max())
    return min(float(y.max()), HEADROOM * max(float(limit), *marked, float(y.min())))


def _point(point: dict[str, float], text: str, tint: str, *, above: bool, flip: bool) -> list[Any]:
    import altair as alt

    at = alt.Chart(alt.Data(values=[{**point, "text": text}]))
    place = {"x": "x:Q", "y": "y:Q"}
    side: Literal["left", "right"] = "right" if flip else "left"
    shift = -9 if flip else 7
    return [
        at.mark_rule(strokeDash=[3, 3], color=colour(tint), strokeOpacity=0.7).encode(x="x:Q"),
        at.mark_point(filled=True, size=70, color=colour(tint), opacity=1).encode(**place),
        at.mark_text(align=side, dx=shift, dy=-13 if above else 19, color=colour("ink")).encode(**place, text="text:N"),
    ]


def _limit(limit: Value, scale: float, end: float, at_left: bool) -> list[Any]:
    import altair as alt

    at = alt.Chart(alt.Data(values=[{"y": float(limit) / scale, "x": end, "text": f"limit {words(limit)}"}]))
    side: Literal["left", "right"] = "left" if at_left else "right"
    shift = 4 if at_left else 0
    return [
        at.mark_rule(color=colour("red"), strokeDash=[4, 3]).encode(y="y:Q"),
        at.mark_text(align=side, dx=shift, dy=-8, color=colour("red")).encode(x="x:Q", y="y:Q", text="text:N"),
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
    across, up = reach_of(cost / x_scale, 0.06), (0.0, float(carbon.max()) / y_scale * 1.08 or 1.0)
    names = [clean(n.text) for n, *_ in points]
    spots = [
        (WIDTH * (a - across[0]) / (across[1] - across[0]), HEIGHT * (1 - b / up[1]))
        for a, b in zip(cost / x_scale, carbon / y_scale, strict=True)
    ]
    sides = sides_of(spots, names, [chosen for *_, chosen in points], (WIDTH, HEIGHT))
    rows = [
        {"x": float(c) / x_scale, "y": float(e) / y_scale, "name": name, "side": side,
         "tint": colour("orange" if chosen else "blue")}
        for (_, c, e, chosen), name, side in zip(points, names, sides, strict=True)
    ]  # fmt: skip
    x_axis, y_axis = alt.Axis(tickCount=6, format=TICKS), alt.Axis(tickCount=5, format=TICKS)
    at = alt.Chart(alt.Data(values=rows)).encode(
        alt.X("x:Q", title=axis_title("Cost", x_unit), scale=alt.Scale(domain=across, nice=False), axis=x_axis),
        alt.Y("y:Q", title=axis_title("Carbon", y_unit), scale=alt.Scale(domain=up, nice=False), axis=y_axis),
    )
    texts = [
        at.transform_filter(f"datum.side == '{side}'").mark_text(align=end, dx=dx, dy=dy).encode(text="name:N")
        for side, (end, dx, dy) in BESIDE.items()
        if side in sides
    ]
    dots = at.mark_point(filled=True, size=80, opacity=1).encode(color=alt.Color("tint:N", scale=None))
    return alt.layer(dots, *texts, width=WIDTH, height=HEIGHT)
