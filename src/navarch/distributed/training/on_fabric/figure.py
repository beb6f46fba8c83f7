"""Figures: where the parallel groups lie, and what a fabric or its faults cost a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import difference, product_of
from navarch.core.plot import colour
from navarch.core.quantity import show

if TYPE_CHECKING:
    import altair

    from navarch.distributed.training.on_fabric.comparison import Comparison, Outcome
    from navarch.distributed.training.on_fabric.groups import FormGroups, Groups

WIDTH, ROW, BAR = 560, 42, 15
HUES = {"data": "blue", "pipeline": "orange", "expert": "plum", "context": "teal", "tensor": "slate"}
REST = "all but communication"
ROOM = 1.34
"""Length of the axis over the longest bar, for what is written behind it."""
TOLD = "bar: simulated; line: least to most of several seeds; ring: closed form"
EXTENT = "accelerators; a bar reaches from the distance of two members to the extent of their group"
NO_FAULT = {"none": "no fault"}


def placement(placed: Groups, title: str) -> altair.LayerChart:
    """A bar for each form across the tiers of the network: from how far members are apart to how far groups extend."""
    import altair as alt

    rows = [_extent(form) for form in placed.forms]
    names = [row["form"] for row in rows]
    edges = {"domain": placed.domain, **placed.borders, "all": placed.accelerators}
    lines = [{"at": number, "told": f"{name} {number:,}"} for name, number in edges.items()]
    scale = alt.Scale(type="log", base=2, domain=[1, product_of(placed.accelerators, 2)], nice=False)
    ticks = [2**power for power in range(0, placed.accelerators.bit_length(), 2)]
    axis = alt.Axis(values=ticks, grid=True, format=",d", labelOverlap="greedy")
    x = alt.X(
        "near:Q",
        scale=scale,
        axis=axis,
        title=EXTENT,
    )
    y = alt.Y("form:N", sort=names, title=None, axis=alt.Axis(labelColor=colour("ink"), labelLimit=260))
    hue = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=list(HUES), range=[colour(h) for h in HUES.values()]))
    base = alt.Chart(alt.Data(values=rows)).encode(y=y)
    bars = base.mark_bar(height=BAR, cornerRadius=2).encode(x, alt.X2("far:Q"), hue)
    at: dict[str, Any] = {"align": "left", "dx": 1, "dy": -16, "fontSize": 11}
    placed_at = (alt.X("near:Q", scale=scale), alt.Text("told:N"))
    halo = base.mark_text(**at, color=colour("paper"), stroke=colour("paper"), strokeWidth=4).encode(*placed_at)
    words = base.mark_text(**at, color=colour("muted")).encode(*placed_at)
    marked = alt.Chart(alt.Data(values=lines))
    rules = marked.mark_rule(color=colour("slate"), strokeDash=[4, 3]).encode(alt.X("at:Q", scale=scale))
    labels = marked.mark_text(align="center", baseline="bottom", color=colour("muted"), fontSize=11).encode(
        alt.X("at:Q", scale=scale), alt.Y(value=-3), alt.Text("told:N")
    )
    chart: Any = alt.layer(rules, halo, bars, words, labels).properties(
        width=WIDTH, height=ROW * len(rows), title=alt.Title(title, offset=22, anchor="start", frame="bounds")
    )
    drawn: altair.LayerChart = chart
    return drawn


def _extent(form: FormGroups) -> dict[str, Any]:
    """A bar: how far apart the members of a group are, and how far the group extends."""
    several = f"{form.count:,} groups of {form.ranks:,}, {form.lies}"
    extent = int(product_of(form.stride, form.ranks))
    return {"form": form.title, "kind": form.form, "told": several, "near": form.stride, "far": extent}


def steps(found: Comparison, title: str) -> altair.LayerChart:
    """A bar for each outcome: the step, its exposed communication by form; what never ends is left out."""
    import altair as alt

    alone = () if found.rows[0].name in NO_FAULT else (found.base,)
    every = [row for row in (*alone, *found.rows) if row.simulated.step_time < float("inf")]
    forms = [form for form in HUES if any(row.simulated.communication.get(form, 0) > 0 for row in every)]
    parts = [part for row in every for part in _parts(row, forms)]
    ends = [_end(row) for row in every]
    names = [named(row) for row in every]
    far = max(end["far"] for end in ends) * ROOM
    scale, kinds = alt.Scale(domain=[0, far], nice=False), [REST, *(f"{f} communication" for f in forms)]
    hues = alt.Scale(domain=kinds, range=[colour("mist"), *(colour(HUES[form]) for form in forms)])
    y = alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=320, labelColor=colour("ink")))
    x = alt.X("begin:Q", scale=scale, axis=alt.Axis(grid=True, titlePadding=8, tickCount=8), title="time of a step [s]")
    legend = alt.Legend(title=None, orient="bottom", direction="horizontal", labelLimit=0)
    bars = (
        alt.Chart(alt.Data(values=parts))
        .mark_bar(height=BAR)
        .encode(x, alt.X2("end:Q"), y, alt.Color("kind:N", sort=kinds, scale=hues, legend=legend))
    )
    base = alt.Chart(alt.Data(values=ends)).encode(y=y)
    layers: list[Any] = [bars]
    if any(end["high"] > end["low"] for end in ends):
        spread = base.transform_filter("datum.high > datum.low")
        layers.append(spread.mark_rule(color=colour("ink"), strokeWidth=1.2).encode(alt.X("low:Q"), alt.X2("high:Q")))
    if any(end["estimated"] is not None for end in ends):
        ring = base.transform_filter("isValid(datum.estimated)").mark_point(
            size=80, strokeWidth=2, color=colour("ink"), fill=colour("paper"), opacity=1
        )
        layers.append(ring.encode(alt.X("estimated:Q")))
    layers.append(base.mark_text(align="left", dx=12, color=colour("ink")).encode(alt.X("far:Q"), alt.Text("told:N")))
    heading = alt.Title(
        title, subtitle=TOLD, subtitleColor=colour("muted"), subtitleFontSize=11.5, anchor="start", frame="bounds"
    )
    chart: Any = alt.layer(*layers).properties(width=WIDTH, height=30 * len(every), title=heading)
    drawn: altair.LayerChart = chart
    return drawn


def named(row: Outcome) -> str:
    """What an outcome is called in a figure."""
    return NO_FAULT.get(row.name, row.name)


def _parts(row: Outcome, forms: list[str]) -> list[dict[str, Any]]:
    """The pieces of a bar, the communication last."""
    answer = row.simulated
    begin = float(difference(answer.step_time, answer.exposed))
    pieces = [{"name": named(row), "kind": REST, "begin": 0.0, "end": begin}]
    for form in forms:
        end = begin + answer.communication.get(form, 0.0)
        pieces.append({"name": named(row), "kind": f"{form} communication", "begin": begin, "end": end})
        begin = end
    return pieces


def _end(row: Outcome) -> dict[str, Any]:
    """What is written behind a bar, and what is marked on it."""
    answer, closed = row.simulated, row.estimated
    estimated = None if closed is None or closed.step_time == float("inf") else closed.step_time
    told = f"{show(answer.step_time, 's')}, {show(answer.share, 'fraction', 2)} communication"
    return {
        "name": named(row), "low": row.low, "high": row.high, "estimated": estimated, "told": told,
        "far": max(answer.step_time, row.high, estimated or 0.0),
    }  # fmt: skip
