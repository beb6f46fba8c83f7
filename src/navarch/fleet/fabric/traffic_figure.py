"""When the flows of a pattern were done, as a figure: a line for each run, with and without faults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from navarch.core.arithmetic import ratio
from navarch.core.ladders import ladder
from navarch.core.plot import colour

if TYPE_CHECKING:
    import altair

    from navarch.fleet.fabric.traffic import TrafficRun

WIDTH, HEIGHT = 460, 230
MOST_POINTS = 400
HUES = ("blue", "orange", "teal", "plum", "red", "slate")


def figure(runs: Sequence[tuple[str, TrafficRun]], title: str) -> altair.LayerChart:
    """Share of the flows that are done by each time; a flow that never is leaves its line short of the whole."""
    import altair as alt

    longest = max(float(np.nanmax(run.took, initial=0.0)) for _, run in runs)
    factor, unit = _unit(longest)
    rows = [point for name, run in runs for point in _points(name, run, factor, longest)]
    names = [name for name, _ in runs]
    hues = alt.Scale(domain=names, range=[colour(HUES[index % len(HUES)]) for index in range(len(names))])
    legend = alt.Legend(title=None, orient="bottom", columns=2, labelLimit=320, symbolType="stroke")
    hue = alt.Color("run:N", sort=names, scale=hues, legend=legend)
    x = alt.X("time:Q", title=f"time [{unit}]", scale=alt.Scale(domain=[0, float(ratio(longest, factor))], nice=False))
    y = alt.Y("share:Q", title="flows done", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", tickCount=5))
    lines = alt.Chart(alt.Data(values=rows)).mark_line(interpolate="step-after", strokeWidth=2).encode(x, y, hue)
    chart: Any = alt.layer(lines).properties(width=WIDTH, height=HEIGHT, title=title)
    drawn: altair.LayerChart = chart
    return drawn


def _unit(longest: float) -> tuple[float, str]:
    """The unit in which a person would write the longest time, in seconds."""
    known = ladder("s")
    step = next((step for step in reversed(known) if step.threshold <= longest), known[0])
    return step.scale, step.label


def _points(name: str, run: TrafficRun, factor: float, longest: float) -> list[dict[str, Any]]:
    """Times in order with the share that is done by each, thinned where there are many."""
    done = np.sort(run.took[~np.isnan(run.took)])
    kept = np.unique(np.linspace(0, max(len(done) - 1, 0), min(len(done), MOST_POINTS)).astype(int))
    if not len(done):
        return []
    times, shares = [done[0], *done[kept]], [0.0, *ratio(kept + 1.0, len(run.took))]
    if len(done) < len(run.took):
        times, shares = [*times, longest], [*shares, shares[-1]]
    return [
        {"run": name, "time": float(ratio(time, factor)), "share": float(share)}
        for time, share in zip(times, shares, strict=True)
    ]
