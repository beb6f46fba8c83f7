"""The plans that none beats in both memory and time, as a staircase against the accelerator's memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from navarch.core.ledger import Value
from navarch.core.plot import colour, to_svg
from navarch.design.document.model import Figure, Sketch
from navarch.design.document.prose import Label, Sayable, prose, say
from navarch.design.document.wording import clean, words
from navarch.design.figures.curves import HEIGHT, TICKS, WIDTH, axis_title, axis_unit, sparkline
from navarch.design.figures.drawing import numbers_of, text_width
from navarch.design.figures.places import BESIDE, Box, reach_of, sides_of

if TYPE_CHECKING:
    from navarch.design.evaluation.result import Front

RECOMPUTED = {"none": "nothing recomputed", "selective": "selective recomputation", "full": "full recomputation"}
TINTS = {"none": "blue", "selective": "teal", "full": "plum"}
SLOWEST = 2.0  # times the fastest step, beyond which plans are not drawn: a matter of display
FURTHEST = 1.35  # times the capacity, likewise


def pareto(
    front: Front, chosen: tuple[Value, Value], capacity: Value, caption: Sayable, *, key: str = "pareto"
) -> Figure:
    """Plans by memory [byte] and step time [s]. chosen: memory and step time of the plan taken; capacity [byte]."""
    said = say(
        "Step time against memory of the plans that no other beats in both; chosen: {memory}, {step}; the accelerator "
        "has {capacity}.",
        memory=chosen[0],
        step=chosen[1],
        capacity=capacity,
    )
    order = np.argsort(front.memory[: len(front.memory) - front.over])
    return Figure(
        key,
        lambda: to_svg(_pareto(front, chosen, capacity)),
        prose(caption),
        said,
        (
            Sketch(prose(Label("Step time", "catalog")), drawn=sparkline(front.step[order])),
            Sketch(prose("chosen"), say("{memory}, {step}", memory=chosen[0], step=chosen[1])),
            Sketch(prose("capacity"), prose(capacity)),
        ),
        numbers_of(*chosen, capacity),
    )


def drawn_plans(front: Front, capacity: float) -> list[int]:
    """The plans that are drawn: not much slower than the fastest, nor far larger than the accelerator."""
    fits = len(front.memory) - front.over
    slowest = SLOWEST * float(front.step[:fits].min())
    near = (front.step <= slowest) & (front.memory <= FURTHEST * capacity)
    return [int(i) for i in np.flatnonzero(near)]


def _pareto(front: Front, chosen: tuple[Value, Value], capacity: Value) -> Any:
    import altair as alt

    shown = drawn_plans(front, float(capacity))
    memory, step = front.memory[shown], front.step[shown]
    fits = np.array(shown) < len(front.memory) - front.over
    (x_scale, x_unit), (y_scale, y_unit) = axis_unit(memory, "byte"), axis_unit(step, "s")
    across = reach_of(np.append(memory, float(capacity)) / x_scale, 0.05)
    up = reach_of(step / y_scale, 0.12)
    limit = (float(capacity) / x_scale - across[0]) / (across[1] - across[0]) * WIDTH
    text = f"capacity {words(capacity)}"
    sides, names = _named(front, shown, chosen, (memory / x_scale, step / y_scale), (across, up), (limit, text))
    is_chosen = (memory == float(chosen[0])) & (step == float(chosen[1]))
    kinds = [RECOMPUTED[front.recomputation[i]] for i in shown]
    columns = (memory / x_scale, step / y_scale, kinds, fits, is_chosen, names, sides)
    rows = [
        {
            "x": float(x),
            "y": float(y),
            "kind": kind,
            "fits": bool(fit),
            "chosen": bool(best),
            "name": plan,
            "side": side,
        }
        for x, y, kind, fit, best, plan, side in zip(*columns, strict=True)
    ]
    there = [kind for kind in RECOMPUTED if any(front.recomputation[i] == kind for i in shown)]
    tint = alt.Scale(domain=[RECOMPUTED[k] for k in there], range=[colour(TINTS[k]) for k in there])
    legend = alt.Legend(
        title=None, orient="top", direction="horizontal", symbolType="circle", symbolStrokeWidth=0, labelLimit=240
    )
    at = alt.Chart(alt.Data(values=rows)).encode(
        alt.X("x:Q", title=axis_title("Memory of one accelerator", x_unit),
              scale=alt.Scale(domain=across, nice=False), axis=alt.Axis(tickCount=7, format=TICKS)),
        alt.Y("y:Q", title=axis_title("Step time", y_unit),
              scale=alt.Scale(domain=up, nice=False), axis=alt.Axis(tickCount=5, format=TICKS)),
    )  # fmt: skip
    return alt.layer(
        at.transform_filter("datum.fits").mark_line(interpolate="step-after", color=colour("mist"), strokeWidth=1.6),
        *_limit(float(capacity) / x_scale, up[1], text, limit > WIDTH / 2),
        at.transform_filter("datum.chosen").mark_point(size=260, color=colour("orange"), strokeWidth=2.2, opacity=1),
        at.transform_filter("datum.fits").mark_point(filled=True, size=70, opacity=1).encode(
            color=alt.Color("kind:N", scale=tint, legend=legend)
        ),
        at.transform_filter("!datum.fits").mark_point(filled=False, size=60, strokeWidth=1.8, opacity=1).encode(
            color=alt.Color("kind:N", scale=tint)
        ),
        *(
            at.transform_filter(f"datum.side == '{side}'")
            .mark_text(align=end, dx=dx, dy=dy, fontSize=11)
            .encode(
                text="name:N",
                color=alt.Color("kind:N", scale=tint),
            )
            for side, (end, dx, dy) in BESIDE.items()
            if side in sides
        ),
        width=WIDTH,
        height=HEIGHT,
    )  # fmt: skip


def _named(
    front: Front,
    shown: list[int],
    chosen: tuple[Value, Value],
    at: tuple[Any, Any],
    domains: tuple[tuple[float, float], tuple[float, float]],
    limit: tuple[float, str],
) -> tuple[list[str], list[str]]:
    """On which side of each dot its plan stands, and the plan."""
    (left, right), (low, high) = domains
    spots = [
        (WIDTH * (x - left) / (right - left), HEIGHT * (high - y) / (high - low)) for x, y in zip(*at, strict=True)
    ]
    names = [clean(front.labels[i]) for i in shown]
    first = [front.memory[i] == float(chosen[0]) and front.step[i] == float(chosen[1]) for i in shown]
    long = text_width(limit[1], 12.0) + 10
    text = (limit[0] - long, 0.0, limit[0], 16.0) if limit[0] > WIDTH / 2 else (limit[0], 0.0, limit[0] + long, 16.0)
    stairs = sorted(spot for spot, i in zip(spots, shown, strict=True) if i < len(front.memory) - front.over)
    return sides_of(spots, names, first, (WIDTH, HEIGHT), [text, *_stairs(stairs)]), names


def _stairs(spots: list[tuple[float, float]]) -> Iterator[Box]:
    """The boxes of a staircase from dot to dot, from the left."""
    for (x, y), (after, under) in pairwise(spots):
        yield (x, y - 2, after, y + 2)
        yield (after - 2, y, after + 2, under)


def _limit(x: float, top: float, text: str, before: bool) -> list[Any]:
    """The accelerator's memory as a line from top to bottom."""
    import altair as alt

    data = alt.Data(values=[{"x": x, "y": top, "text": text}])
    rule = alt.Chart(data).mark_rule(color=colour("red"), strokeDash=[4, 3]).encode(x="x:Q")
    name = alt.Chart(data).mark_text(
        align="right" if before else "left", dx=-6 if before else 6, dy=8, color=colour("red")
    )
    return [rule, name.encode(x="x:Q", y="y:Q", text="text:N")]
