"""Figures of the storage room: accelerators that wait for data, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import altair

    from navarch.fleet.storage.simulate import StorageRun

WIDTH, HEIGHT = 620, 220


def waiting(run: StorageRun) -> altair.LayerChart:
    """How many accelerators wait for their data at the start of each step; checkpoints are marked."""
    import altair as alt
    import polars as pl

    from navarch.core.plot import LIGHT

    frame = run.to_frame().filter(pl.col("step") >= run.warm)
    axis_x = alt.X("began_s:Q", title="time in the run [s]", scale=alt.Scale(nice=False, zero=False))
    top = max(float(run.readers.accelerators) * 0.02, float(frame["accelerators_late"].max() or 0) * 1.1)  # type: ignore[arg-type]
    axis_y = alt.Y("accelerators_late:Q", title="accelerators waiting for data", scale=alt.Scale(domain=[0, top]))
    late = alt.Chart(frame).mark_area(
        interpolate="step-before", color=LIGHT["sky"], line={"color": LIGHT["blue"], "strokeWidth": 1.4}
    )
    from_second = float(frame["began_s"].min() or 0.0)  # type: ignore[arg-type]
    spans = [
        {"from": max(each.began, from_second), "to": each.safe[-1], "what": "checkpoint being written"}
        for each in run.checkpoints
        if each.safe[-1] >= from_second
    ]
    shaded = (
        alt.Chart(pl.DataFrame(spans, schema={"from": pl.Float64, "to": pl.Float64, "what": pl.String}))
        .mark_rect(opacity=0.35)
        .encode(
            x="from:Q",
            x2="to:Q",
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(range=[LIGHT["sand"]]),
                legend=alt.Legend(orient="top", labelLimit=0),
            ),
        )
    )
    layers = [shaded] if spans else []
    drawn: altair.LayerChart = alt.layer(*layers, late.encode(x=axis_x, y=axis_y))  # type: ignore[assignment]
    return drawn.properties(width=WIDTH, height=HEIGHT)
