"""Time of a measured collective by size: the estimate from the fitted constants, the runs, and the peer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from navarch.core.plot import colour
from navarch.core.quantity import show

if TYPE_CHECKING:
    import altair

    from navarch.distributed.collectives.measurement import CollectivesMeasured

WIDTH, HEIGHT = 520, 300
MARGIN = 1.4
"""Of the axes beyond what is drawn."""
BESIDE = 9
"""Pixels by which the peer stands beside."""
OURS, THEIRS, MODEL = "blue", "orange", "ink"
BYTES = "replace(format(datum.value, '.3~s'), /([kMG])/, ' $1') + 'B'"
SECONDS = (
    "datum.value >= 1 ? format(datum.value, '~') + ' s' : datum.value >= 1e-3 ? format(datum.value * 1e3, '~') + ' ms'"
    " : format(datum.value * 1e6, '~') + ' µs'"
)


def figure(found: CollectivesMeasured) -> altair.LayerChart:
    """Both axes logarithmic; points are medians, lines through them the 10th to 90th percentile."""
    import altair as alt

    rows = found.to_frame().to_dicts()
    names = ["estimate", "measured", *([found.peer] if found.peer else [])]
    scale = alt.Scale(domain=names, range=[colour(each) for each in (MODEL, OURS, THEIRS)[: len(names)]])
    hue = alt.Color("what:N", scale=scale, sort=names, title=None, legend=alt.Legend(symbolType="circle"))
    sizes = [row["message"] for row in rows]
    times = [row[each] for row in rows for each in ("low", "high", "estimated", "peer") if row[each] is not None]
    reach = [min(times) / MARGIN, max(times) * MARGIN]
    marks = [step * 10.0**power for power in range(-7, 4) for step in (1, 2, 5)]
    ticks = alt.Axis(labelExpr=SECONDS, values=[mark for mark in marks if reach[0] <= mark <= reach[1]])
    across = alt.X(
        "message:Q", title="message", scale=alt.Scale(type="log", domain=[min(sizes) / MARGIN, max(sizes) * MARGIN]),
        axis=alt.Axis(labelExpr=BYTES, values=sizes),
    )  # fmt: skip
    up = alt.Y("time:Q", title="time", scale=alt.Scale(type="log", domain=reach, nice=False), axis=ticks)

    def layer(rows: list[dict[str, Any]]) -> Any:
        return alt.Chart(alt.Data(values=rows)).encode(x=across, color=hue)

    line = layer([{"what": "estimate", "message": row["message"], "time": row["estimated"]} for row in rows])
    ours = layer(
        [
            {
                "what": "measured",
                "message": row["message"],
                "time": row["measured"],
                "low": row["low"],
                "high": row["high"],
            }
            for row in rows
        ]
    )
    layers = [
        line.mark_line(strokeWidth=1.6).encode(y=up),
        ours.mark_rule(strokeWidth=1.6).encode(y=alt.Y("low:Q"), y2="high:Q"),
        ours.mark_point(size=70, filled=True, opacity=1).encode(y=up),
    ]
    if found.peer:
        peer = layer([{"what": found.peer, "message": row["message"], "time": row["peer"]} for row in rows])
        layers.append(
            peer.mark_point(size=60, strokeWidth=2, opacity=1, xOffset=BESIDE, fill=colour("paper")).encode(y=up)
        )
    fit = found.fitted
    title = alt.Title(
        f"{found.collective.replace('_', '-')}, {found.algorithm.replace('_', ' ')}, {found.ranks} ranks over TCP",
        subtitle=f"alpha {show(fit.latency, 's')} a round, {show(fit.bandwidth, 'byte/s')} a rank, adding at "
        f"{show(fit.reduction, 'byte/s')}; points are medians, lines 10 to 90 %",
        subtitleColor=colour("muted"),
    )
    chart: Any = alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, title=title)
    drawn: altair.LayerChart = chart
    return drawn


def write_figure(found: CollectivesMeasured, path: Path) -> None:
    """Draw it into a file: .svg, .png, .html or .json."""
    from navarch.core.gantt import write

    write(figure(found), path, f"{found.collective}, {found.algorithm}")
