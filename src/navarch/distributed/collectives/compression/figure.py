"""Loss against bytes sent and against time, for each method of compression."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from navarch.core.plot import colour
from navarch.core.quantity import show

if TYPE_CHECKING:
    import altair

    from navarch.distributed.collectives.compression.measure import CompressionMeasured

WIDTH, HEIGHT = 380, 260
HEADROOM = 1.8
"""Top of the axis over the least loss: what lies above it is the first steps."""
COLOURS = {
    "none": "ink", "top-k": "blue", "random-k": "slate", "int8": "teal", "fp8": "plum", "sign": "red",
    "powersgd": "orange",
}  # fmt: skip
TICKS = "replace(format(datum.value, '.3~s'), /([kMG])/, ' $1') + 'B'"


def curves(found: CompressionMeasured) -> altair.HConcatChart:
    """Two panels of the same runs: by bytes sent (logarithmic) and by time."""
    import altair as alt

    rows = [row for row in found.to_frame().to_dicts() if row["step"] > 0]
    names = [run.method for run in found.runs]
    scale = alt.Scale(domain=names, range=[colour(COLOURS[name]) for name in names])
    low = min(row["loss"] for row in rows)
    base = (
        alt.Chart(alt.Data(values=rows))
        .mark_line(strokeWidth=2, clip=True)
        .encode(
            y=alt.Y(
                "loss:Q", title="loss on data held out, nat", scale=alt.Scale(domain=[low, HEADROOM * low], nice=False)
            ),
            color=alt.Color("method:N", scale=scale, sort=names, title=None, legend=alt.Legend(symbolType="stroke")),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    by_bytes = base.encode(
        x=alt.X(
            "sent:Q", title="sent by a rank", scale=alt.Scale(type="log"), axis=alt.Axis(labelExpr=TICKS, tickCount=5)
        )
    )
    by_time = base.encode(x=alt.X("time:Q", title="time, s"))
    least = min(found.runs, key=lambda run: run.sent)
    subtitle = f"{found.ranks} ranks over TCP; without compression a rank sends {show(found.runs[0].sent, 'byte')}, "
    subtitle += f"with {least.method} {show(least.sent, 'byte')}"
    heading = alt.Title("Loss by bytes sent and by time", subtitle=subtitle, subtitleColor=colour("muted"))
    chart: Any = alt.hconcat(by_bytes, by_time, spacing=36).properties(title=heading)
    drawn: altair.HConcatChart = chart
    return drawn


def write_curves(found: CompressionMeasured, path: Path) -> None:
    """Draw the curves into a file: .svg, .png, .html or .json."""
    from navarch.core.gantt import write

    drawn: Any = curves(found)
    write(drawn, path, "Training with compressed gradients")
