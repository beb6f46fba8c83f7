"""Figures of a training plan, as altair charts in the common look: where the step goes, and the front of plans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from navarch.core.plot import colour
from navarch.core.quantity import show
from navarch.distributed.training.estimate import TrainingEstimate
from navarch.distributed.training.ratios import CommunicationRatio
from navarch.distributed.training.strategy import Candidate, Choice

if TYPE_CHECKING:
    import altair

WIDTH = 620
ROW = 24
FRONT_HEIGHT = 260
LEGEND = 190
OF_FORMS = ("blue", "sky", "orange", "teal", "plum", "red")
GIGABYTE = 1e9
VISIBLE = 5e-4  # of the step
WIDE = 4.0  # a front whose times differ more is drawn on a logarithmic scale
EXPOSED, HIDDEN = "exposed: part of the step", "hidden beside it"


def step_figure(made: TrainingEstimate) -> altair.LayerChart:
    """Where the step goes by part, and the communication that is hidden beside it."""
    import altair as alt

    every = {key: float(time) for key, _, time in made.communication.parts()}
    rows: list[dict[str, Any]] = []
    for key, title, time in made.step.parts():
        exposed = float(time)
        hidden = max(0.0, every.get(key, 0.0) - exposed)
        if max(exposed, hidden) > VISIBLE * float(made.step_time):
            told = show(exposed, "s") + (f", {show(hidden, 's')} hidden" if hidden else "")
            rows += [
                {"part": title, "time": exposed, "kind": EXPOSED, "end": exposed, "told": told},
                {"part": title, "time": hidden, "kind": HIDDEN, "end": exposed + hidden, "told": told},
            ]
    order = list(dict.fromkeys(row["part"] for row in rows))
    chart = alt.Chart(alt.Data(values=rows))
    y = alt.Y("part:N", sort=order, title=None, axis=alt.Axis(labelLimit=240))
    shade = alt.Color(
        "kind:N",
        sort=[EXPOSED, HIDDEN],
        scale=alt.Scale(domain=[EXPOSED, HIDDEN], range=[colour("blue"), colour("mist")]),
        legend=alt.Legend(title=None, orient="top", direction="horizontal", labelLimit=0),
    )
    bars = chart.mark_bar(height=ROW * 0.6).encode(
        alt.X("time:Q", title="Seconds", axis=alt.Axis(grid=True)), y, shade, alt.Order("kind:N")
    )
    ends = chart.transform_filter(f"datum.kind == '{HIDDEN}'")
    text = ends.mark_text(align="left", dx=5, color=colour("ink")).encode(alt.X("end:Q"), y, alt.Text("told:N"))
    title = f"Where a step of {show(float(made.step_time), 's')} goes"
    return alt.LayerChart(layer=[bars, text]).properties(width=WIDTH, height=ROW * len(order), title=title)


def front_figure(choice: Choice, capacity: float) -> altair.LayerChart:
    """The front of step time and memory of one fleet, and the best plans of strategies that lost.

    capacity: memory of an accelerator [byte].
    """
    import altair as alt

    front = [_point(candidate) for candidate in choice.front]
    lost = [_point(candidate) for candidate in choice.losers if candidate.fits]
    times = [row["time"] for row in front + lost]
    kind: Literal["log", "linear"] = "log" if max(times) > WIDE * min(times) else "linear"
    x = alt.X("memory:Q", title="Memory of an accelerator, GB", scale=alt.Scale(zero=True))
    y = alt.Y("time:Q", title="Step time, s", scale=alt.Scale(zero=False, type=kind))
    points = alt.Chart(alt.Data(values=front))
    line = points.mark_line(interpolate="step-after", color=colour("blue")).encode(x, y)
    dots = points.mark_circle(size=45, color=colour("blue"), opacity=1).encode(x, y)
    beaten = alt.Chart(alt.Data(values=lost)).mark_point(size=50, color=colour("slate")).encode(x, y)
    chosen = alt.Chart(alt.Data(values=[_point(choice.best)]))
    ring = chosen.mark_point(size=190, strokeWidth=2, color=colour("orange")).encode(x, y)
    wall = {"memory": capacity / GIGABYTE, "time": max(times), "told": f"memory there is: {show(capacity, 'byte')}"}
    limit = alt.Chart(alt.Data(values=[wall]))
    rule = limit.mark_rule(color=colour("red"), strokeDash=[5, 4]).encode(alt.X("memory:Q"))
    text = limit.mark_text(align="right", dx=-6, baseline="top", color=colour("red")).encode(x, y, alt.Text("told:N"))
    title = "Time and memory: the Pareto front (line), the fastest plan (ring) and the best of other strategies (open)"
    layers = [rule, text, line, dots, beaten, ring]
    return alt.LayerChart(layer=layers).properties(width=WIDTH, height=FRONT_HEIGHT, title=title)


def ratio_figure(ratios: Sequence[CommunicationRatio]) -> altair.LayerChart:
    """Communication against computation of each form alone, by its degree."""
    import altair as alt

    rows: list[dict[str, Any]] = [
        {"form": r.form.title, "degree": r.degree, "ratio": r.ratio} for r in ratios if r.ratio > 0
    ]
    order = list(dict.fromkeys(row["form"] for row in rows))
    degrees = sorted({row["degree"] for row in rows})
    least, most = (math.floor(math.log10(end(row["ratio"] for row in rows))) for end in (min, max))
    decades = [10.0**power for power in range(least, most + 2)]
    x = alt.X(
        "degree:Q",
        title="Accelerators of the form alone",
        scale=alt.Scale(type="log", base=2),
        axis=alt.Axis(values=degrees, labelOverlap="greedy"),
    )
    y = alt.Y(
        "ratio:Q",
        title="Communication / computation",
        scale=alt.Scale(type="log", domain=[decades[0], decades[-1]]),
        axis=alt.Axis(values=decades, format="~g"),
    )
    shade = alt.Color(
        "form:N",
        sort=order,
        scale=alt.Scale(domain=order, range=[colour(name) for name in OF_FORMS[: len(order)]]),
        legend=alt.Legend(title=None, orient="right", labelLimit=0),
    )
    points = alt.Chart(alt.Data(values=rows))
    as_much = alt.Chart(alt.Data(values=[{"ratio": 1.0}])).mark_rule(strokeDash=[5, 4]).encode(alt.Y("ratio:Q"))
    layers = [as_much, points.mark_line().encode(x, y, shade), points.mark_circle(size=30).encode(x, y, shade)]
    title = "Time of all communication, hidden or not, against computation"
    return alt.LayerChart(layer=layers).properties(width=WIDTH - LEGEND, height=FRONT_HEIGHT, title=title)


def plan_figure(
    made: TrainingEstimate, choice: Choice | None, capacity: float, ratios: Sequence[CommunicationRatio] = ()
) -> altair.TopLevelMixin:
    """The figures, one above the other.

    capacity: memory of an accelerator [byte]; ratios: of each form at every degree, or none.
    """
    import altair as alt

    figures = [step_figure(made)]
    if choice is not None:
        figures.append(front_figure(choice, capacity))
    if ratios:
        figures.append(ratio_figure(ratios))
    return alt.vconcat(*figures, spacing=36).resolve_scale(color="independent")


def _point(candidate: Candidate) -> dict[str, Any]:
    return {"memory": candidate.memory / GIGABYTE, "time": candidate.step_time, "label": candidate.label}
