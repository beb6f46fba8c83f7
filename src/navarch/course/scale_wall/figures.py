"""The figures of Lab 01, each from what an instrument showed, and each in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from navarch.core.plot import colour
from navarch.core.quantity import parse, show
from navarch.course.instrument import Shown
from navarch.course.scale_wall.variant import menu

if TYPE_CHECKING:
    import altair

WIDTH, HEIGHT = 640, 300
TIMES = ("1 s", "1 min", "1 h", "1 day", "30 days", "1 year", "10 years", "100 years", "1000 years", "1e4 years",
         "1e5 years", "1e6 years", "1e7 years", "1e8 years", "1e9 years")  # fmt: skip
TOLD = {
    "30 days": "1 month", "1000 years": "1,000 years", "1e4 years": "10,000 years", "1e5 years": "100,000 years",
    "1e6 years": "1 M years", "1e7 years": "10 M years", "1e8 years": "100 M years", "1e9 years": "1 G years",
}  # fmt: skip
FLEET_COLUMNS, PITCH, FAILED = 250, 3, (171, 38)
LIFE = "80 years"
"""A long human life, to compare with."""


def fleet() -> str:
    """The fleet of the provocation as SVG: a square for each accelerator, and the one that has failed."""
    total = int(menu()["provocation"]["accelerators"])
    width, height = FLEET_COLUMNS * PITCH, -(-total // FLEET_COLUMNS) * PITCH
    x, y = ((place + 0.5) * PITCH - 0.5 for place in FAILED)
    cell = f'<rect width="{PITCH - 1}" height="{PITCH - 1}" fill="{colour("sky")}"/>'
    pattern = f'<pattern id="nv-fleet" width="{PITCH}" height="{PITCH}" patternUnits="userSpaceOnUse">{cell}</pattern>'
    failed = (
        f'<circle cx="{x}" cy="{y}" r="11" fill="{colour("paper")}"/>'
        f'<circle cx="{x}" cy="{y}" r="11" fill="none" stroke="{colour("red")}" stroke-width="1.6"/>'
        f'<rect x="{x - 2}" y="{y - 2}" width="4" height="4" fill="{colour("red")}"/>'
    )
    field = f'<rect width="{width}" height="{height}" fill="url(#nv-fleet)"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f"<defs>{pattern}</defs>{field}{failed}</svg>"
    )


def wall(shown: Shown) -> altair.LayerChart:
    """Time of the run by how many accelerators share it, with the deadline and a human life."""
    import altair as alt

    deadline, fleet = float(shown.inputs["deadline"]), float(shown["fleet"].value)
    rows = _table(shown.rows)
    longest = max(float(row["high"]) for row in shown.rows)
    shortest = min(float(row["low"]) for row in shown.rows)
    x = alt.X("accelerators:Q", title="Accelerators that share the work", scale=_log(), axis=_counts(shown.rows))
    y = _time("time:Q", shortest, longest)
    band = alt.Chart(rows).mark_area(color=colour("sky"), opacity=0.45).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"))
    line = alt.Chart(rows).mark_line().encode(x, y)
    marks = alt.Data(values=[
        {"t": parse(LIFE, "s"), "told": "a long human life", "kind": "life"},
        {"t": deadline, "told": f"deadline, {show(deadline, 's')}", "kind": "deadline"},
    ])  # fmt: skip
    hue = alt.Color(
        "kind:N", legend=None, scale=alt.Scale(domain=["life", "deadline"], range=[colour("slate"), colour("red")])
    )
    rule = alt.Chart(marks).mark_rule(strokeDash=[5, 4]).encode(y=alt.Y("t:Q"), color=hue)
    named = alt.Chart(marks).mark_text(align="right", baseline="bottom", dy=-4, dx=-4).encode(
        x=alt.value(WIDTH), y=alt.Y("t:Q"), text="told:N", color=hue
    )  # fmt: skip
    dots = alt.Data(values=[
        {"n": 1.0, "t": float(shown["alone"].value), "told": f"one: {shown['alone'].shown}"},
        {"n": fleet, "t": deadline, "told": f"{fleet:,.0f}"},
    ])  # fmt: skip
    dot = alt.Chart(dots).mark_circle(size=90, color=colour("orange"), opacity=1).encode(alt.X("n:Q"), alt.Y("t:Q"))
    told = alt.Chart(dots).mark_text(align="left", dx=10, dy=-10, fontWeight="bold").encode(
        alt.X("n:Q"), alt.Y("t:Q"), text="told:N"
    )  # fmt: skip
    return _framed(alt.layer(band, line, rule, named, dot, told))


def wall_told(shown: Shown) -> str:
    """The same in words."""
    return (
        f"Time of {shown.inputs['run']} falls in proportion to the accelerators: {shown['alone'].shown} on one, "
        f"{show(float(shown.inputs['deadline']), 's')} on {float(shown['fleet'].value):,.0f}."
    )


def machines(shown: Shown) -> altair.LayerChart:
    """Time of the run on this machine, on recorded ones and on accelerators."""
    import altair as alt

    kinds = ["measured now", "recorded", "planned from the data sheet"]
    rows = [{**row, "told": show(float(row["time"]), "s", 2)} for row in shown.rows]
    times = [float(row["time"]) for row in rows]
    hue = alt.Color(
        "kind:N", title=None, sort=kinds, legend=alt.Legend(orient="top", labelLimit=320),
        scale=alt.Scale(domain=kinds, range=[colour("orange"), colour("sand"), colour("blue")]),
    )  # fmt: skip
    y = alt.Y("machine:N", sort=None, title=None, axis=alt.Axis(labelLimit=320))
    least = min(times) / 10
    x = _time("time:Q", least, max(times) * 30, axis="x")
    bar = alt.Chart(_table(rows)).mark_bar(height=16, cornerRadiusEnd=3).encode(
        x=x, x2=alt.X2(datum=least), y=y, color=hue
    )  # fmt: skip
    told = alt.Chart(_table(rows)).mark_text(align="left", dx=6).encode(x=alt.X("time:Q"), y=y, text="told:N")
    return _framed(alt.layer(bar, told), height=26 * len(rows) + 20, width=WIDTH - 140)


def machines_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(f"{row['machine']}: {show(float(row['time']), 's')}" for row in shown.rows)


def failures(shown: Shown) -> altair.LayerChart:
    """Interruptions by the size of the fleet."""
    import altair as alt

    here = float(shown.inputs["accelerators"])
    rows = _table(shown.rows)
    x = alt.X("accelerators:Q", title="Accelerators of the fleet", scale=_log(), axis=_counts(shown.rows))
    y = alt.Y(
        "interruptions:Q", title=f"Interruptions in {show(float(shown.inputs['period']), 's')}", scale=_log(),
        axis=_decades([float(row["interruptions"]) for row in shown.rows], ",~f"),
    )  # fmt: skip
    line = alt.Chart(rows).mark_line(point={"size": 34, "filled": True, "color": colour("blue")}).encode(x, y)
    daily = [{"t": float(shown.inputs["period"]) / parse("1 day", "s"), "told": "one a day"}]
    rule = alt.Chart(_table(daily)).mark_rule(strokeDash=[5, 4], color=colour("slate")).encode(y=alt.Y("t:Q"))
    named = alt.Chart(_table(daily)).mark_text(align="left", baseline="bottom", dy=-4, color=colour("slate")).encode(
        x=alt.value(6), y=alt.Y("t:Q"), text="told:N"
    )  # fmt: skip
    told = [{"n": here, "t": float(shown["interruptions"].value), "told": shown["interruptions"].shown}]
    dot = alt.Chart(_table(told)).mark_circle(size=110, color=colour("orange"), opacity=1).encode(
        alt.X("n:Q"), alt.Y("t:Q")
    )  # fmt: skip
    text = alt.Chart(_table(told)).mark_text(align="right", dx=-12, dy=-6, fontWeight="bold", fontSize=14).encode(
        alt.X("n:Q"), alt.Y("t:Q"), text="told:N"
    )  # fmt: skip
    return _framed(alt.layer(rule, named, line, dot, text))


def failures_told(shown: Shown) -> str:
    """The same in words."""
    return (
        f"Interruptions grow in proportion to the fleet: {shown['interruptions'].shown} on "
        f"{float(shown.inputs['accelerators']):,.0f} accelerators, one every {shown['between'].shown}."
    )


def days(shown: Shown) -> altair.LayerChart:
    """Failures of each day of one simulated run."""
    import altair as alt

    thick = max(2.0, 0.7 * WIDTH / len(shown.rows))
    bar = alt.Chart(_table(shown.rows)).mark_bar(color=colour("red"), size=thick).encode(
        x=alt.X("day:Q", title="Day of the run", scale=alt.Scale(domain=[0, len(shown.rows) + 1], nice=False),
                axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("failures:Q", title="Failures that day", axis=alt.Axis(tickMinStep=1)),
    )  # fmt: skip
    return _framed(alt.layer(bar), height=180)


def days_told(shown: Shown) -> str:
    """The same in words."""
    quiet = [row for row in shown.rows if not row["failures"]]
    most = max(int(row["failures"]) for row in shown.rows)
    every = len(shown.rows)
    return f"Failures of each of {every} days of one run: {len(quiet)} days without one, at most {most} in a day."


def records(shown: Shown) -> altair.LayerChart:
    """Interruptions of the fleet by the rates of every published record."""
    import altair as alt

    rows = [{**row, "kind": "the record of this lab" if row["lab"] else "other records",
             "text": show(float(row["interruptions"]), "1")} for row in shown.rows]  # fmt: skip
    y = alt.Y("record:N", sort=None, title=None, axis=alt.Axis(labelLimit=260))
    hue = alt.Color(
        "kind:N", title=None, legend=alt.Legend(orient="top", labelLimit=320),
        scale=alt.Scale(domain=["the record of this lab", "other records"], range=[colour("orange"), colour("sky")]),
    )  # fmt: skip
    bar = alt.Chart(_table(rows)).mark_bar(height=16, cornerRadiusEnd=3).encode(
        x=alt.X("interruptions:Q", title="Interruptions of this fleet in this time, by each record"), y=y, color=hue
    )  # fmt: skip
    told = alt.Chart(_table(rows)).mark_text(align="left", dx=6).encode(x="interruptions:Q", y=y, text="text:N")
    return _framed(alt.layer(bar, told), height=26 * len(rows) + 10, width=WIDTH - 120)


def records_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(f"{row['record']}: {show(float(row['interruptions']), '1')}" for row in shown.rows)


def sixteen(shown: Shown) -> altair.LayerChart:
    """Speed-up by how many times the fleet: what would be ideal, the rule of thumb, the best plan."""
    import altair as alt

    if not shown.rows:
        return _nothing("No plan trains this model on this fleet at this batch.", alt)
    kinds = {"ideal": "every accelerator counts", "rule": "rule of thumb: a floor", "speedup": "best plan"}
    hues = dict(zip(kinds.values(), ("mist", "sky", "orange"), strict=True))
    rows = [
        {"multiple": row["multiple"], "gain": row["multiple"] if kind == "ideal" else row[kind], "kind": told}
        for kind, told in kinds.items()
        for row in shown.rows
    ]
    return _scaling(rows, list(hues), [colour(hue) for hue in hues.values()], alt)


def sixteen_told(shown: Shown) -> str:
    """The same in words."""
    if not shown.rows:
        return f"No plan: {shown['plan'].shown}"
    told = ", ".join(f"{row['multiple']} times: {show(float(row['speedup']), '1')}" for row in shown.rows)
    return f"Speed-up of the best plan by how many times the accelerators, at the same batch: {told}."


def where(shown: Shown) -> altair.LayerChart:
    """Where a step goes on each fleet, and the wait of the pipeline as it was simulated."""
    import altair as alt

    if not shown.rows:
        return _nothing("No plan, and so no step.", alt)
    kinds = {
        "computing": ("computing", "blue"), "communication": ("communication, not hidden", "teal"),
        "waiting": ("waiting for the pipeline", "orange"), "rest": ("the rest", "mist"),
    }  # fmt: skip
    rows = [
        {"fleet": f"{row['accelerators']:,}", "time": row[key], "kind": told, "place": place}
        for row in shown.rows
        for place, (key, (told, _)) in enumerate(kinds.items())
    ]
    x = alt.X("fleet:N", sort=None, title="Accelerators", axis=alt.Axis(labelAngle=0))
    hue = alt.Color(
        "kind:N", title=None, sort=[told for told, _ in kinds.values()],
        scale=alt.Scale(domain=[told for told, _ in kinds.values()], range=[colour(c) for _, c in kinds.values()]),
        legend=alt.Legend(orient="top", labelLimit=260),
    )  # fmt: skip
    bar = alt.Chart(_table(rows)).mark_bar(size=46).encode(
        x, alt.Y("time:Q", title="Share of one step", stack="normalize", axis=alt.Axis(format="%")), hue,
        order=alt.Order("place:Q"),
    )  # fmt: skip
    return _framed(alt.layer(bar), height=240)


def where_told(shown: Shown) -> str:
    """The same in words."""
    if not shown.rows:
        return "No plan, and so no step."
    waits = {row["accelerators"]: shown[f"x{row['multiple']}_estimate"].shown for row in shown.rows}
    said = ", ".join(f"{share} on {accelerators:,}" for accelerators, share in waits.items())
    return f"Share of a step spent waiting for the pipeline: {said}."


def costs(shown: Shown) -> altair.LayerChart:
    """What a step takes and costs on each fleet."""
    import altair as alt

    if not shown.rows:
        return _nothing("No plan, and so no cost.", alt)
    rows = [
        {**row, "fleet": f"{row['accelerators']:,}", "told": show(float(row["cost"]), "USD", 3)} for row in shown.rows
    ]
    x = alt.X("fleet:N", sort=None, title="Accelerators", axis=alt.Axis(labelAngle=0))
    bar = alt.Chart(_table(rows)).mark_bar(size=46, color=colour("blue"), cornerRadiusEnd=3).encode(
        x, alt.Y("cost:Q", title="Cost of one step (USD)")
    )  # fmt: skip
    told = alt.Chart(_table(rows)).mark_text(dy=-8).encode(x, alt.Y("cost:Q"), text="told:N")
    return _framed(alt.layer(bar, told), height=220)


def costs_told(shown: Shown) -> str:
    """The same in words."""
    return "Cost of one step: " + ", ".join(
        f"{show(float(row['cost']), 'USD')} on {row['accelerators']:,}" for row in shown.rows
    )


def measured_scaling(shown: Shown) -> altair.LayerChart:
    """Speed-up that others measured at a fixed batch."""
    import altair as alt

    names = sorted({str(row["series"]) for row in shown.rows})
    ideal = "every accelerator counts"
    most = max(float(row["multiple"]) for row in shown.rows)
    rows = [{"multiple": row["multiple"], "gain": row["speedup"], "kind": row["series"]} for row in shown.rows]
    rows += [{"multiple": end, "gain": end, "kind": ideal} for end in (1.0, most)]
    hues = [colour(hue) for hue in ("orange", "sand", "blue", "sky", "teal", "plum")[: len(names)]]
    return _scaling(rows, [*names, ideal], [*hues, colour("mist")], alt, ticks=(1, 2, 3, 4))


def measured_scaling_told(shown: Shown) -> str:
    """The same in words."""
    last: dict[str, Mapping[str, Any]] = {str(row["series"]): row for row in shown.rows}
    return "Measured speed-up at a fixed batch: " + "; ".join(
        f"{name}: {show(float(row['speedup']), '1')} with {show(float(row['multiple']), '1')} times the accelerators"
        for name, row in last.items()
    )


def loss(shown: Shown) -> altair.LayerChart:
    """The loss by money, with its 80 % interval, and the loss that nothing takes away."""
    import altair as alt

    money, floor = float(shown.inputs["money"]), float(shown["irreducible"].value)
    rows = _table(shown.rows)
    x = alt.X("money:Q", title="Money (USD)", scale=_log(), axis=_money(shown.rows))
    lows = [float(row["low"]) for row in shown.rows]
    highs = [float(row["high"]) for row in shown.rows]
    least, most = min(floor, *lows), max(highs)
    scale = alt.Scale(domain=[least - (most - least) / 12, most], nice=False)
    y = alt.Y("loss:Q", title="Loss (nats a token)", scale=scale)
    band = (
        alt.Chart(rows)
        .mark_area(color=colour("sky"), opacity=0.45)
        .encode(x, alt.Y("low:Q", scale=scale), alt.Y2("high:Q"))
    )
    line = alt.Chart(rows).mark_line().encode(x, y)
    base = _table([{"t": floor, "told": f"irreducible, {shown['irreducible'].shown}"}])
    rule = alt.Chart(base).mark_rule(strokeDash=[5, 4], color=colour("slate")).encode(y=alt.Y("t:Q", scale=scale))
    named = alt.Chart(base).mark_text(align="left", baseline="top", dy=5, color=colour("slate")).encode(
        x=alt.value(6), y=alt.Y("t:Q", scale=scale), text="told:N"
    )  # fmt: skip
    told = [
        {"n": money, "t": float(shown["loss"].value), "told": f"{show(money, 'USD')}: {shown['loss'].shown}"},
        {"n": 10 * money, "t": float(shown["loss_ten"].value), "told": f"ten times: {shown['loss_ten'].shown}"},
    ]
    dot = alt.Chart(_table(told)).mark_circle(size=90, color=colour("orange"), opacity=1).encode(
        alt.X("n:Q"), alt.Y("t:Q", scale=scale)
    )  # fmt: skip
    text = alt.Chart(_table(told)).mark_text(align="left", dx=8, dy=-10, fontWeight="bold").encode(
        alt.X("n:Q"), alt.Y("t:Q", scale=scale), text="told:N"
    )  # fmt: skip
    return _framed(alt.layer(band, rule, named, line, dot, text))


def loss_told(shown: Shown) -> str:
    """The same in words."""
    reading = shown["loss"]
    between = (
        ""
        if reading.low is None or reading.high is None
        else f" ({show(reading.low, '1')} to {show(reading.high, '1')})"
    )
    return (
        f"Loss falls ever more slowly with money: {reading.shown}{between} here, {shown['loss_ten'].shown} for ten "
        f"times the money; {shown['irreducible'].shown} is never undercut."
    )


def landscape(shown: Shown) -> altair.LayerChart:
    """Rent by fleet of the cheapest designs that reach the loss, those in time in blue."""
    import altair as alt

    deadline, here = float(shown["deadline"].value), float(shown.inputs["accelerators"])
    kinds = ["in time", "too late"]
    rows = [
        {**row, "kind": kinds[float(row["time"]) > deadline], "millions": float(row["cost"]) / 1e6}
        for row in shown.rows
    ]
    x = alt.X("accelerators:Q", title="Accelerators", scale=_log(), axis=_counts(shown.rows))
    y = alt.Y("millions:Q", title="Rent (M USD)", scale=alt.Scale(zero=False))
    hue = alt.Color(
        "kind:N", title=None, legend=alt.Legend(orient="top"),
        scale=alt.Scale(domain=kinds, range=[colour("blue"), colour("mist")]),
    )  # fmt: skip
    dots = alt.Chart(_table(rows)).mark_circle(size=46, opacity=1).encode(x, y, hue)
    mark = alt.Chart(_table([{"n": here}])).mark_rule(color=colour("orange"), size=2).encode(alt.X("n:Q"))
    return _framed(alt.layer(mark, dots), height=240)


def landscape_told(shown: Shown) -> str:
    """The same in words."""
    deadline = float(shown["deadline"].value)
    kept = [row for row in shown.rows if float(row["time"]) <= deadline]
    if not kept:
        return "No fleet of the slider meets the deadline."
    least = min(kept, key=lambda row: float(row["cost"]))
    fewest = f"{float(least['accelerators']):,.0f}"
    return f"Of the fleets of the slider that keep the deadline, {fewest} accelerators cost least."


def _scaling(
    rows: Sequence[Mapping[str, Any]], kinds: Sequence[str], hues: Sequence[str], alt: Any, ticks: Any = ()
) -> Any:
    axis = alt.Axis(values=list(ticks) or [1, 2, 4, 8, 16], labelExpr="datum.label + ' ×'")
    hue = alt.Color(
        "kind:N", title=None, sort=list(kinds), scale=alt.Scale(domain=list(kinds), range=list(hues)),
        legend=alt.Legend(orient="top", columns=3, labelLimit=260, symbolType="stroke", symbolStrokeWidth=3),
    )  # fmt: skip
    base = {"type": "log", "base": 2}
    line = alt.Chart(_table(rows)).mark_line(point={"size": 40, "filled": True}, strokeWidth=2.5).encode(
        alt.X("multiple:Q", title="Times the accelerators", scale=alt.Scale(**base), axis=axis),
        alt.Y("gain:Q", title="Times the speed", scale=alt.Scale(**base), axis=axis),
        hue,
    )  # fmt: skip
    return _framed(alt.layer(line))


def _nothing(said: str, alt: Any) -> Any:
    """A figure that says why there is nothing in it."""
    text = alt.Chart(_table([{"told": said}])).mark_text(fontSize=14, color=colour("muted")).encode(
        x=alt.value(WIDTH / 2), y=alt.value(60), text="told:N"
    )  # fmt: skip
    return _framed(alt.layer(text), height=120)


def _table(rows: Sequence[Mapping[str, Any]]) -> Any:
    import altair as alt

    return alt.Data(values=[dict(row) for row in rows])


def _log() -> Any:
    import altair as alt

    return alt.Scale(type="log", nice=False)


def _counts(rows: Sequence[Mapping[str, Any]]) -> Any:
    """A logarithmic axis of counts."""
    return _decades([float(row["accelerators"]) for row in rows], ",.0f")


def _decades(values: Sequence[float], written: str) -> Any:
    """A logarithmic axis with a tick each power of ten."""
    import altair as alt
    import numpy as np

    ends = np.floor(np.log10(min(values))), np.ceil(np.log10(max(values)))
    return alt.Axis(values=[float(10.0**power) for power in np.arange(ends[0], ends[1] + 1)], format=written)


def _money(rows: Sequence[Mapping[str, Any]]) -> Any:
    import altair as alt
    import numpy as np

    spent = [float(row["money"]) for row in rows]
    powers = np.arange(np.ceil(np.log10(min(spent))), np.floor(np.log10(max(spent))) + 1)
    named = {float(10.0**power): show(float(10.0**power), "USD").removesuffix(" USD") for power in powers}
    cases = "".join(f"datum.value == {value!r} ? '{name}' : " for value, name in named.items())
    return alt.Axis(values=list(named), labelExpr=f"{cases}''")


def _time(shorthand: str, least: float, most: float, axis: str = "y") -> Any:
    """A logarithmic axis of time whose ticks have names that people use."""
    import altair as alt

    known = {parse(text, "s"): TOLD.get(text, text) for text in TIMES}
    ticks = {value: name for value, name in known.items() if least <= value <= most}
    cases = "".join(f"datum.value == {value!r} ? '{name}' : " for value, name in ticks.items())
    shown = alt.Axis(values=list(ticks), labelExpr=f"{cases}''", labelOverlap=True)
    scale = alt.Scale(type="log", nice=False, domain=[least, most])
    kind = alt.Y if axis == "y" else alt.X
    return kind(shorthand, title="Time of the run", scale=scale, axis=shown)


def _framed(chart: Any, width: int = WIDTH, height: int = HEIGHT) -> Any:
    return chart.properties(width=width, height=height)
