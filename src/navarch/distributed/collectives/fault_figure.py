"""What faults cost a collective, as a figure: a bar for each fault, the closed form marked on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import ratio
from navarch.core.plot import colour
from navarch.core.quantity import show

if TYPE_CHECKING:
    import altair

    from navarch.distributed.collectives.fault_cost import Cost, Costs

WIDTH, ROW = 460, 30
BAR = 15
ROOM = 1.28
"""Length of the axis over the longest bar, for what is written behind it."""
TOLD = "bar: simulated; line: least to most of several seeds; ring: closed form"


def figure(costs: Costs, title: str) -> altair.LayerChart:
    """Time with each fault over the time without one; faults that never end are left out."""
    import altair as alt

    sound = costs.rows[0].simulated
    rows = [_row(cost, sound) for cost in costs.rows if cost.simulated < float("inf")]
    names = [row["fault"] for row in rows]
    far = max(row["high"] for row in rows) * ROOM
    scale = alt.Scale(domain=[0, far], nice=False)
    axis = alt.Axis(grid=True, tickMinStep=1, labelExpr="datum.value + ' ×'", titlePadding=8)
    lines = alt.Y("fault:N", sort=names, title=None, axis=alt.Axis(labelLimit=320, labelColor=colour("ink")))
    base = alt.Chart(alt.Data(values=rows)).encode(y=lines)
    bars = base.mark_bar(height=BAR, color=colour("blue")).encode(
        alt.X("slower:Q", scale=scale, axis=axis, title="time over the time without a fault")
    )
    layers: list[Any] = [bars]
    if any(row["high"] > row["low"] for row in rows):
        spread = base.transform_filter("datum.high > datum.low")
        layers.append(spread.mark_rule(color=colour("ink"), strokeWidth=1.2).encode(alt.X("low:Q"), alt.X2("high:Q")))
    if any(row["estimated"] is not None for row in rows):
        ring = base.transform_filter("isValid(datum.estimated)").mark_point(
            size=90, strokeWidth=2, color=colour("orange"), fill=colour("paper"), opacity=1
        )
        layers.append(ring.encode(alt.X("estimated:Q")))
    words = base.mark_text(align="left", dx=12, color=colour("ink")).encode(alt.X("high:Q"), alt.Text("told:N"))
    heading = alt.Title(title, subtitle=TOLD, subtitleColor=colour("muted"), subtitleFontSize=11.5)
    chart: Any = alt.layer(*layers, words).properties(width=WIDTH, height=ROW * len(rows), title=heading)
    drawn: altair.LayerChart = chart
    return drawn


def _row(cost: Cost, sound: float) -> dict[str, Any]:
    """A bar, in times of the run without a fault."""
    estimated = None if cost.estimated is None else float(ratio(cost.estimated, sound))
    edge = max(float(ratio(cost.high, sound)), cost.slower, estimated or 0.0)
    return {
        "fault": "no fault" if cost.fault == "none" else cost.fault, "slower": cost.slower,
        "low": float(ratio(cost.low, sound)), "high": edge, "estimated": estimated, "told": show(cost.simulated, "s"),
    }  # fmt: skip
