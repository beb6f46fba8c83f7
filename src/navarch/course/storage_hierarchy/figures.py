"""The figures of Lab 04, each from what an instrument showed, and each in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from navarch.core.plot import colour
from navarch.core.quantity import factor, parts, show
from navarch.course.instrument import Shown

if TYPE_CHECKING:
    import altair

WIDTH, HEIGHT = 640, 250
ROW = 27
COMPUTES, WAITS = "computes", "waits for data"
LAYOUTS = {"files": "orange", "records": "blue"}
PLACES = {"drives in the nodes": "blue", "parallel file system": "teal", "object store": "orange"}
HOW = {"closed form": "mist", "simulated": "sky", "measured": "orange"}
NEEDS = {"the least that is sold": "mist", "capacity": "slate", "checkpoints": "orange", "samples, on average": "blue"}
SIZES = {"the least that is sold": 520, "capacity": 330, "checkpoints": 190, "samples, on average": 75}
"""Of their dots: those that lie on each other are rings."""


def tiers(shown: Shown) -> altair.HConcatChart:
    """For each kind of storage: how many units the bytes take, how long a request, what keeping the data costs."""
    import altair as alt

    panels = []
    for place, (key, unit, title) in enumerate(
        (
            ("needed", "1", "Units that the bytes ask for"),
            ("latency", "s", "Until the first byte"),
            ("keep", "USD", "Keeping the data, 3 years"),
        )
    ):
        rows = [
            {"tier": row["tier"], "value": float(row[key]), "told": show(float(row[key]), unit)} for row in shown.rows
        ]
        axis = alt.Axis(labelLimit=230, title=None) if place == 0 else alt.Axis(labels=False, title=None)
        y = alt.Y("tier:N", sort=None, axis=axis)
        values = [row["value"] for row in rows]
        least = min(values) / 4
        scale = alt.Scale(type="log", nice=False, domain=[least, max(values) * 30])
        x = alt.X("value:Q", title=title, scale=scale, axis=alt.Axis(labels=False, grid=False))
        base = alt.Chart(_table(rows))
        bar = base.mark_bar(height=18, cornerRadiusEnd=3, color=colour(("blue", "teal", "sand")[place])).encode(
            x, alt.X2(datum=least), y
        )
        told = base.mark_text(align="left", dx=5).encode(x, y, text="told:N")
        panels.append(alt.layer(bar, told).properties(width=150, height=ROW * len(rows) + 14))
    return alt.hconcat(*panels, spacing=18)


def tiers_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(
        f"{row['tier']}: {row['needed']:,.0f} needed, first byte after {show(row['latency'], 's')}, "
        f"{show(row['keep'], 'USD')} to keep the data" for row in shown.rows
    )  # fmt: skip


def steps(shown: Shown) -> altair.LayerChart:
    """Step by step: how long it computes, and how long all had waited for the last batch; a checkpoint is shaded."""
    import altair as alt

    rows = [
        {"step": row["step"], "kind": kind, "ms": _in(row[key], "ms"), "order": place}
        for row in shown.rows
        for place, (kind, key) in enumerate(((COMPUTES, "computed"), (WAITS, "waited")))
    ]
    longest = max(_in(row["computed"] + row["waited"], "ms") for row in shown.rows)
    x = alt.X("step:O", title="Step", axis=alt.Axis(labelAngle=0, labelOverlap=True))
    scale = alt.Scale(domain=[0, longest * 1.14], nice=False)
    y = alt.Y("ms:Q", title="Time of a step (ms)", scale=scale)
    kinds = {COMPUTES: "blue", WAITS: "red"}
    bar = alt.Chart(_table(rows)).mark_bar(cornerRadiusEnd=1).encode(
        x, alt.Y("ms:Q", stack="zero", title="Time of a step (ms)", scale=scale), _kinds("kind", kinds),
        order=alt.Order("order:Q"),
    )  # fmt: skip
    late = [
        {"step": row["step"], "ms": _in(row["computed"] + row["waited"], "ms"), "late": f"{row['late']}"}
        for row in shown.rows
        if row["late"]
    ]
    told = alt.Chart(_table(late)).mark_text(dy=-7, fontSize=11, color=colour("red")).encode(x, y, text="late:N")
    layers = [bar, told]
    writing = [{"step": row["step"]} for row in shown.rows if row.get("writing")]
    if writing:
        band = alt.Chart(_table(writing)).mark_bar(color=colour("sand"), opacity=0.35, width={"band": 1.12}).encode(
            x, y=alt.value(0), y2=alt.value(HEIGHT)
        )  # fmt: skip
        layers.insert(0, band)
    return _framed(alt.layer(*layers))


def steps_told(shown: Shown) -> str:
    """The same in words."""
    waited = [row for row in shown.rows if row["late"]]
    told = f"{len(waited)} of {len(shown.rows)} steps waited for data; {shown['still'].shown} of the time is lost"
    most = max((row["late"] for row in shown.rows), default=0)
    return f"{told}. At most {most:,} accelerators were late at once."


def tail(shown: Shown) -> altair.LayerChart:
    """How likely a step waits, by how many must be there; what was simulated as a dot."""
    import altair as alt

    count = float(shown.inputs["accelerators"])
    here = [{"together": count, "waits": float(shown["simulated"].value),
             "told": f"●  simulated, {count:,.0f} together: {shown['simulated'].shown}"}]  # fmt: skip
    x = alt.X("together:Q", title="Accelerators that wait for each other",
              scale=alt.Scale(type="log", nice=False), axis=alt.Axis(values=[1, 10, 100, 1000]))  # fmt: skip
    y = alt.Y("waits:Q", title="Steps that wait for data", axis=alt.Axis(format=".0%"),
              scale=alt.Scale(domain=[0, 1.06], nice=False))  # fmt: skip
    line = alt.Chart(_table(shown.rows)).mark_line(strokeWidth=3, color=colour("blue")).encode(x, y)
    dot = alt.Chart(_table(here)).mark_circle(size=130, opacity=1, color=colour("red")).encode(x, y)
    told = alt.Chart(_table(here)).mark_text(align="left", fontWeight="bold", color=colour("red")).encode(
        x=alt.value(14), y=alt.value(26), text="told:N"
    )  # fmt: skip
    return _framed(alt.layer(line, dot, told), height=HEIGHT - 30)


def tail_told(shown: Shown) -> str:
    """The same in words."""
    return (
        f"One batch in itself is late in {shown['one'].shown} of the cases. Of {shown.inputs['accelerators']:,.0f} "
        f"that wait for each other one is late in {shown['all'].shown} of the steps; simulated, "
        f"{shown['simulated'].shown}."
    )


def prefetch(shown: Shown) -> altair.LayerChart:
    """Steps that wait, in theory and simulated, and the time lost, by batches ahead."""
    import altair as alt

    kinds = {"steps that wait, by theory": ("theory", "mist"), "simulated": ("steps", "blue"),
             "time that is lost": ("still", "red")}  # fmt: skip
    rows = [
        {"prefetch": row["prefetch"], "kind": kind, "share": float(row[key])}
        for row in shown.rows
        for kind, (key, _) in kinds.items()
    ]
    x = alt.X("prefetch:Q", title="Batches ahead", scale=alt.Scale(type="log", base=2, nice=False),
              axis=alt.Axis(values=[row["prefetch"] for row in shown.rows]))  # fmt: skip
    y = alt.Y("share:Q", title=None, axis=alt.Axis(format=".0%"), scale=alt.Scale(domain=[0, 1.05], nice=False))
    hue = _kinds("kind", {kind: tone for kind, (_, tone) in kinds.items()})
    drawn = alt.Chart(_table(rows)).mark_line(strokeWidth=2.6, point={"size": 60, "filled": True}).encode(x, y, hue)
    return _framed(alt.layer(drawn), height=HEIGHT - 40)


def prefetch_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(
        f"{row['prefetch']} ahead: {show(row['steps'], 'fraction')} of the steps wait, "
        f"{show(row['still'], 'fraction')} of the time is lost" for row in shown.rows
    )  # fmt: skip


def modes(shown: Shown) -> altair.LayerChart:
    """How long training stands still at each checkpoint, by the way of writing it."""
    import altair as alt

    rows = [
        {"mode": row["mode"], "value": float(row["stall"]),
         "told": f"{show(row['stall'], 's')}, {show(row['share'], 'fraction')} of the time"} for row in shown.rows
    ]  # fmt: skip
    y = alt.Y("mode:N", sort=None, title=None, axis=alt.Axis(labelLimit=200))
    values = [row["value"] for row in rows]
    least = min(values) / 10
    x = alt.X("value:Q", title="Training stands still at each checkpoint", axis=_powers(least, max(values) * 40, "s"),
              scale=alt.Scale(type="log", nice=False, domain=[least, max(values) * 40]))  # fmt: skip
    base = alt.Chart(_table(rows))
    hue = alt.Color("mode:N", legend=None, scale=alt.Scale(
        domain=[row["mode"] for row in rows], range=[colour(each) for each in ("red", "blue", "teal")]))  # fmt: skip
    bar = base.mark_bar(height=19, cornerRadiusEnd=3).encode(x, alt.X2(datum=least), y, hue)
    told = base.mark_text(align="left", dx=6).encode(x, y, text="told:N")
    return _framed(alt.layer(bar, told), width=WIDTH - 110, height=ROW * len(rows) + 20)


def modes_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(
        f"{row['mode']}: stands still for {show(row['stall'], 's')} at each, safe after {show(row['safe'], 's')}"
        for row in shown.rows
    )


def sized(shown: Shown) -> altair.LayerChart:
    """Units that samples and checkpoints ask for, by model."""
    rows = [{**row, "told": f"{row['units']:,.0f}, {show(row['rate'], 'byte/s')}"} for row in shown.rows]
    return _grouped(rows, "model", "what", {"samples": "blue", "checkpoints": "orange"}, "units", "Units of storage")


def sized_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(f"{row['model']}, {row['what']}: {row['units']:,.0f} units" for row in shown.rows)


def epochs(shown: Shown) -> altair.LayerChart:
    """Times as long as it should an epoch takes, of files and of records, at each place."""
    rows = [{**row, "told": f"{show(row['simulated'], '1')} ×"} for row in shown.rows]
    return _grouped(rows, "place", "layout", LAYOUTS, "simulated", "Times as long an epoch takes", mark="theory")


def epochs_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(f"{row['layout']}, {row['place']}: {show(row['simulated'], '1')} times" for row in shown.rows)


def by_size(shown: Shown) -> altair.LayerChart:
    """What reaches the accelerators by the size of a file, at each place, against what they would eat."""
    import altair as alt

    values = [*(row["rate"] for row in shown.rows), *(row["eaten"] for row in shown.rows)]
    sizes = [row["sample"] for row in shown.rows]
    x = alt.X("sample:Q", title="Size of a file", axis=_powers(min(sizes), max(sizes), "byte"),
              scale=alt.Scale(type="log", nice=False))  # fmt: skip
    low, high = min(values) / 1.5, max(values) * 1.5
    y = alt.Y("rate:Q", title="Reaches the accelerators", axis=_powers(low, high, "byte/s"),
              scale=alt.Scale(type="log", nice=False, domain=[low, high]))  # fmt: skip
    line = alt.Chart(_table(shown.rows)).mark_line(strokeWidth=2.6, point={"size": 44, "filled": True}).encode(
        x, y, _kinds("place", PLACES)
    )  # fmt: skip
    eaten = [{"sample": row["sample"], "rate": row["eaten"]} for row in shown.rows]
    rule = alt.Chart(_table(eaten)).mark_line(strokeDash=[5, 4], color=colour("ink"), strokeWidth=1.6).encode(x, y)
    end = [max(eaten, key=lambda row: row["sample"])]
    told = alt.Chart(_table(end)).mark_text(align="right", dx=-8, dy=-8, color=colour("ink")).encode(
        x, y, text=alt.value("what they would eat")
    )  # fmt: skip
    return _framed(alt.layer(rule, line, told))


def by_size_told(shown: Shown) -> str:
    """The same in words."""
    first, last = shown.rows[0], shown.rows[-1]
    told = []
    for place in PLACES:
        own = [row for row in shown.rows if row["place"] == place]
        told.append(f"{place} from {show(own[0]['rate'], 'byte/s')} to {show(own[-1]['rate'], 'byte/s')}")
    return f"Files from {show(first['sample'], 'byte')} to {show(last['sample'], 'byte')}: " + "; ".join(told) + "."


def here(shown: Shown) -> altair.LayerChart:
    """How fast this machine reads, in order, shuffled and by file."""
    import altair as alt

    rows = [{**row, "value": _in(row["rate"], "MB/s"), "told": show(row["rate"], "byte/s"),
             "label": f"{row['what']}" if row["how"] == "measured" else f"{row['what']}: {row['how']}"}
            for row in shown.rows]  # fmt: skip
    kinds = {"measured": "orange", "estimate": "mist"}
    most = max(row["value"] for row in rows)
    x = alt.X("value:Q", title="Rate (MB/s)", scale=alt.Scale(domain=[0, most * 1.2], nice=False))
    y = alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=280))
    base = alt.Chart(_table(rows))
    bar = base.mark_bar(height=18, cornerRadiusEnd=3).encode(x, y, _kinds("how", kinds))
    told = base.mark_text(align="left", dx=6).encode(x, y, text="told:N")
    return _framed(alt.layer(bar, told), width=WIDTH - 220, height=ROW * len(rows) + 8)


def here_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(f"{row['what']}, {row['how']}: {show(row['rate'], 'byte/s')}" for row in shown.rows)


def loaders(shown: Shown) -> altair.HConcatChart:
    """Loaders by batches ahead: images a second at full speed, and the batches that came late."""
    import altair as alt

    panels = []
    for key, title, form in (("images", "Images a second", ",.0f"), ("late", "Batches that come late", ".0%")):
        rows = [{**row, "value": float(row[key])} for row in shown.rows if row[key] is not None]
        most = max([0.1, *(row["value"] for row in rows)])
        x = alt.X("prefetch:O", title="Batches ahead", axis=alt.Axis(labelAngle=0))
        y = alt.Y("value:Q", title=title, axis=alt.Axis(format=form.replace(",.0f", "~s"), tickCount=5),
                  scale=alt.Scale(domain=[0, most * 1.14], nice=False))  # fmt: skip
        base = alt.Chart(_table(rows))
        offset = alt.XOffset("how:N", sort=list(HOW))
        bar = base.mark_bar(cornerRadiusEnd=3).encode(x, y, offset, _kinds("how", HOW))
        told = base.mark_text(dy=-8, fontSize=11).encode(x, y, offset, text=alt.Text("value:Q", format=form))
        panels.append(alt.layer(bar, told).properties(width=WIDTH / 2 - 60, height=HEIGHT - 50))
    return alt.hconcat(*panels, spacing=40)


def loaders_told(shown: Shown) -> str:
    """The same in words."""
    told = []
    for row in shown.rows:
        if row["images"] is not None:
            told.append(f"{row['prefetch']} ahead, {row['how']}: {row['images']:,.0f} images a second")
        if row["late"] is not None:
            told.append(f"{row['prefetch']} ahead, {row['how']}: {show(row['late'], 'fraction')} late")
    return "; ".join(told)


def needs(shown: Shown) -> altair.LayerChart:
    """What the fewest units of each shared storage would cost that meet one need alone."""
    import altair as alt

    rows = [{**row, "thousands": _in(row["cost"], "kUSD")} for row in shown.rows]
    values = [row["thousands"] for row in rows if row["thousands"] > 0]
    scale = alt.Scale(type="log", nice=False, domain=[min(values) / 1.5, max(values) * 1.8])
    x = alt.X("thousands:Q", title="Cost of the units (thousand USD)", scale=scale,
              axis=alt.Axis(values=[10, 30, 100, 300, 1000, 3000], format=",d"))  # fmt: skip
    y = alt.Y("system:N", sort=None, title=None, axis=alt.Axis(labelLimit=260))
    kept = [row for row in rows if row["thousands"] > 0]
    kinds = {need: tone for need, tone in NEEDS.items() if any(row["need"] == need for row in kept)}
    span = [
        {"system": name, "low": min(costs), "high": max(costs)}
        for name in dict.fromkeys(row["system"] for row in kept)
        for costs in [[row["thousands"] for row in kept if row["system"] == name]]
    ]
    rule = alt.Chart(_table(span)).mark_rule(strokeWidth=2, color=colour("hair")).encode(
        alt.X("low:Q", scale=scale), alt.X2("high:Q"), y
    )  # fmt: skip
    dots = [
        alt.Chart(_table([row for row in kept if row["need"] == need])).mark_circle(size=SIZES[need], opacity=1).encode(
            x, y, _kinds("need", kinds)
        )
        for need in kinds
    ]  # fmt: skip
    return _framed(alt.layer(rule, *dots), width=WIDTH - 180, height=(ROW + 9) * len(span))


def needs_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(f"{row['system']}, {row['need']}: {show(row['cost'], 'USD')}" for row in shown.rows)


def _grouped(
    rows: Sequence[Mapping[str, Any]], group: str, kind: str, hues: Mapping[str, str], key: str, title: str,
    mark: str = "",
) -> Any:  # fmt: skip
    """Bars in groups with their words beside them. mark: another column, drawn as a tick."""
    import altair as alt

    most = max(float(row[key]) for row in rows)
    base = alt.Chart(_table(rows))
    x = alt.X(f"{key}:Q", title=title, scale=alt.Scale(domain=[0, most * 1.3], nice=False))
    y = alt.Y(f"{group}:N", sort=None, title=None, scale=alt.Scale(paddingInner=0.3), axis=alt.Axis(labelLimit=220))
    offset = alt.YOffset(f"{kind}:N", sort=list(hues))
    bar = base.mark_bar(cornerRadiusEnd=3).encode(x, y, offset, _kinds(kind, hues))
    told = base.mark_text(align="left", dx=8).encode(x, y, offset, text="told:N")
    layers = [bar, told]
    if mark:
        tick = base.mark_tick(color=colour("ink"), thickness=2.4, size=22)
        layers.append(tick.encode(alt.X(f"{mark}:Q"), y, offset))
    groups = {row[group] for row in rows}
    return alt.layer(*layers).properties(width=WIDTH - 130, height=25 * len(hues) * len(groups))


def _kinds(field: str, hues: Mapping[str, str]) -> Any:
    import altair as alt

    return alt.Color(
        f"{field}:N", title=None, sort=list(hues), legend=alt.Legend(orient="top", labelLimit=260, symbolOpacity=1),
        scale=alt.Scale(domain=list(hues), range=[colour(hue) for hue in hues.values()]),
    )  # fmt: skip


def _powers(low: float, high: float, unit: str) -> Any:
    """A logarithmic axis with a tick at each power of ten, as people read it."""
    import altair as alt
    import numpy as np

    powers = np.arange(np.ceil(np.log10(low)), np.floor(np.log10(high)) + 1)
    ticks = [float(f"1e{int(power)}") for power in powers]
    named = {tick: " ".join(each for each in parts(tick, unit, 2) if each).replace(" bytes", " B") for tick in ticks}
    cases = "".join(f"datum.value == {value!r} ? '{text}' : " for value, text in named.items())
    return alt.Axis(values=ticks, labelExpr=f"{cases}''", labelOverlap=True)


def _in(value: float, unit: str) -> float:
    """A value in a unit that people read."""
    return float(value) / factor(unit)[0]


def _table(rows: Sequence[Mapping[str, Any]]) -> Any:
    import altair as alt

    return alt.Data(values=[dict(row) for row in rows])


def _framed(chart: Any, width: int = WIDTH, height: int = HEIGHT) -> Any:
    return chart.properties(width=width, height=height)
