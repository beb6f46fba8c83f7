"""The figures of Lab 06, each from what an instrument showed, and each in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from navarch.core.plot import SANS_FALLBACK, colour
from navarch.core.quantity import show
from navarch.course.allreduce_physics.compression import NAMES
from navarch.course.allreduce_physics.desk import ALGORITHMS, HALVING, RING, TREE
from navarch.course.allreduce_physics.variant import menu
from navarch.course.instrument import Shown

if TYPE_CHECKING:
    import altair

WIDTH, HEIGHT = 640, 300
HUES = {ALGORITHMS[RING]: "orange", ALGORITHMS[TREE]: "blue", ALGORITHMS[HALVING]: "teal"}
METHOD_HUES = dict(zip(NAMES.values(), ("ink", "orange", "sand", "teal", "sky", "red", "blue"), strict=True))
THOUSAND, COLUMNS, PITCH, CELL = 1000, 50, 9, 6
SHORT = 3
"""Powers of ten below which an axis also names their doubles and fives."""
LOWER, UPPER = 1.3, 30
"""How far below and above the least the figure of the buckets goes."""
LEFT, TOP, GAP = 6, 40, 120


def provocation() -> str:
    """Eight squares, and a thousand, as SVG."""
    few = int(menu()["few"])
    across, down = COLUMNS * PITCH, THOUSAND // COLUMNS * PITCH
    start = LEFT + 4 * PITCH + GAP
    width, height = start + across + LEFT, TOP + down + 8

    def square(x: float, y: float, hue: str) -> str:
        return f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="{colour(hue)}"/>'

    def told(x: float, words: str, size: int, hue: str) -> str:
        return (f'<text x="{x}" y="26" font-family="{SANS_FALLBACK}" font-size="{size}" '
                f'fill="{colour(hue)}">{words}</text>')  # fmt: skip

    small = "".join(square(LEFT + n % 4 * PITCH, TOP + n // 4 * PITCH, "blue") for n in range(few))
    large = "".join(square(start + n % COLUMNS * PITCH, TOP + n // COLUMNS * PITCH, "sky") for n in range(THOUSAND))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f"{told(LEFT, '10 ms', 22, 'ink')}{told(start, '?', 24, 'red')}{small}{large}</svg>"
    )


def ranks(shown: Shown) -> altair.LayerChart:
    """Time by the number of accelerators, large and small message, quickest and ring."""
    import altair as alt

    large, small = (show(float(shown.inputs[name]), "byte") for name in ("message", "small"))
    kinds = {
        "large": (f"{large}, quickest", "blue", [1, 0]), "large_ring": (f"{large}, ring", "sky", [5, 4]),
        "small": (f"{small}, quickest", "orange", [1, 0]), "small_ring": (f"{small}, ring", "sand", [5, 4]),
    }  # fmt: skip
    rows = [
        {"n": row["accelerators"], "t": row[key], "kind": name}
        for key, (name, _, _) in kinds.items()
        for row in shown.rows
    ]
    names = [name for name, _, _ in kinds.values()]
    hue = alt.Color(
        "kind:N", title=None, sort=names, legend=_legend(2, lines=True),
        scale=alt.Scale(domain=names, range=[colour(hue) for _, hue, _ in kinds.values()]),
    )  # fmt: skip
    dash = alt.StrokeDash(
        "kind:N", sort=names, legend=None, scale=alt.Scale(domain=names, range=[dash for _, _, dash in kinds.values()])
    )
    ticks = [row["accelerators"] for row in shown.rows]
    x = alt.X("n:Q", title="Accelerators", scale=_log(), axis=alt.Axis(values=ticks, format=",.0f"))
    y = alt.Y("t:Q", title="Time of one all-reduce", scale=_log(), axis=_axis([row["t"] for row in rows], "s"))
    line = alt.Chart(_table(rows)).mark_line(strokeWidth=2.5).encode(x, y, hue, dash)
    dots = alt.Chart(_table(rows)).mark_circle(size=44, opacity=1).encode(x, y, hue.copy())
    return _framed(alt.layer(line, dots))


def ranks_told(shown: Shown) -> str:
    """The same in words."""
    return (
        f"{show(float(shown.inputs['message']), 'byte')}: {shown['few'].shown} among {menu()['few']}, "
        f"{shown['time'].shown} among {float(shown.inputs['many']):,.0f}, {shown['longer'].shown} times as long. "
        f"{show(float(shown.inputs['small']), 'byte')} by a ring: {shown['small_few'].shown} and "
        f"{shown['small_ring'].shown}, {shown['small_longer'].shown} times as long."
    )


def sizes(shown: Shown) -> altair.LayerChart:
    """Time by size of three algorithms, and where ring and tree cross."""
    import altair as alt

    rows = list(shown.rows)
    line = alt.Chart(_table(rows)).mark_line(strokeWidth=2.5).encode(
        _bytes(rows, "message:Q", "Message"),
        alt.Y("time:Q", title="Time of one all-reduce", scale=_log(), axis=_axis([r["time"] for r in rows], "s")),
        _algorithm(),
    )  # fmt: skip
    at = [{"m": float(shown["crossing"].value), "t": float(shown["ring"].value), "told": shown["crossing"].shown}]
    rule = alt.Chart(_table(at)).mark_rule(strokeDash=[5, 4], color=colour("slate")).encode(alt.X("m:Q"))
    dot = alt.Chart(_table(at)).mark_circle(size=110, color=colour("ink"), opacity=1).encode(
        alt.X("m:Q"), alt.Y("t:Q")
    )  # fmt: skip
    text = alt.Chart(_table(at)).mark_text(align="right", dx=-12, dy=-12, fontWeight="bold", fontSize=14).encode(
        alt.X("m:Q"), alt.Y("t:Q"), text="told:N"
    )  # fmt: skip
    return _framed(alt.layer(rule, line, dot, text))


def sizes_told(shown: Shown) -> str:
    """The same in words."""
    return (
        f"Below {shown['crossing'].shown} the double binary tree is quicker than the ring, above it the ring. With "
        f"{menu()['more']} times the ranks they cross at {shown['crossing_more'].shown}."
    )


def bus(shown: Shown) -> altair.LayerChart:
    """Bus bandwidth by size, and what the link achieves."""
    import altair as alt

    rows = list(shown.rows)
    limit = float(shown["limit"].value)
    y = alt.Y("bus:Q", title="Bus bandwidth", axis=_axis([limit], "byte/s", linear=True), scale=alt.Scale(
        domain=[0, max(limit, *(float(row["bus"]) for row in rows))], nice=False))  # fmt: skip
    line = alt.Chart(_table(rows)).mark_line(strokeWidth=2.5).encode(
        _bytes(rows, "message:Q", "Message"), y, _algorithm()
    )  # fmt: skip
    base = _table([{"b": limit, "told": f"the link achieves {shown['limit'].shown}"}])
    rule = alt.Chart(base).mark_rule(strokeDash=[5, 4], color=colour("slate")).encode(y=alt.Y("b:Q"))
    named = alt.Chart(base).mark_text(align="left", baseline="top", dy=5, color=colour("slate")).encode(
        x=alt.value(6), y=alt.Y("b:Q"), text="told:N"
    )  # fmt: skip
    here = _table([{
        "m": float(shown.inputs["message"]), "b": float(shown["bus"].value),
        "told": f"{show(float(shown.inputs['message']), 'byte')}: {shown['bus'].shown}",
    }])  # fmt: skip
    dot = alt.Chart(here).mark_circle(size=110, color=colour("orange"), opacity=1).encode(alt.X("m:Q"), alt.Y("b:Q"))
    text = alt.Chart(here).mark_text(align="left", dx=12, dy=8, fontWeight="bold").encode(
        alt.X("m:Q"), alt.Y("b:Q"), text="told:N"
    )  # fmt: skip
    return _framed(alt.layer(rule, named, line, dot, text))


def bus_told(shown: Shown) -> str:
    """The same in words."""
    return (
        f"Bus bandwidth rises with the message towards {shown['limit'].shown}; a ring of {shown.inputs['ranks']} "
        f"reaches {shown['bus'].shown} with {show(float(shown.inputs['message']), 'byte')}, since "
        f"{shown['waiting'].shown} of its time is latency."
    )


def fabric(shown: Shown) -> altair.LayerChart:
    """Simulated times on leaves and spines beside the estimate."""
    import altair as alt

    rows: list[dict[str, Any]] = []
    for row in shown.rows:
        if row["order"] == "in order":
            rows.append({"algorithm": row["algorithm"], "kind": "estimate", "time": row["estimate"]})
        rows.append({"algorithm": row["algorithm"], "kind": f"simulated, {row['order']}", "time": row["simulated"]})
    kinds = ["estimate", "simulated, in order", "simulated, in random order"]
    hue = alt.Color(
        "kind:N", title=None, sort=kinds, legend=_legend(3),
        scale=alt.Scale(domain=kinds, range=[colour(each) for each in ("mist", "blue", "red")]),
    )  # fmt: skip
    for row in rows:
        row["told"] = show(float(row["time"]), "s", 2)
    y = alt.Y("algorithm:N", title=None, sort=list(HUES), axis=alt.Axis(labelLimit=200))
    places = alt.YOffset("kind:N", sort=kinds)
    most = max(float(row["time"]) for row in rows)
    x = alt.X("time:Q", title="Time of one all-reduce", axis=_axis([most], "s", linear=True))
    bar = alt.Chart(_table(rows)).mark_bar(cornerRadiusEnd=3).encode(x, y, hue, places)
    told = alt.Chart(_table(rows)).mark_text(align="left", dx=6).encode(x, y, places, text="told:N")
    return _framed(alt.layer(bar, told), height=260, width=WIDTH - 120)


def fabric_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(
        f"{row['algorithm']} {row['order']}: estimate {show(float(row['estimate']), 's')}, simulated "
        f"{show(float(row['simulated']), 's')}"
        for row in shown.rows
    )


def ring(shown: Shown) -> altair.LayerChart:
    """The measured ring by size, the line of the fit, and the simulation."""
    import altair as alt

    kinds = {"estimate": ("alpha-beta, fitted", "blue"), "measured": ("measured", "orange"),
             "simulated": ("simulated", "teal")}  # fmt: skip
    rows = [
        {"m": row["message"], "t": row[key], "kind": name} for key, (name, _) in kinds.items() for row in shown.rows
    ]
    names = [name for name, _ in kinds.values()]
    hue = alt.Color(
        "kind:N", title=None, sort=names, legend=_legend(3),
        scale=alt.Scale(domain=names, range=[colour(hue) for _, hue in kinds.values()]),
    )  # fmt: skip
    times = [float(row["t"]) for row in rows] + [float(row[end]) for row in shown.rows for end in ("low", "high")]
    x = _bytes(shown.rows, "m:Q", "Message", "message")
    y = alt.Y("t:Q", title="Time of one all-reduce", scale=_log(), axis=_axis(times, "s"))
    fit = alt.Chart(_table([row for row in rows if row["kind"] == names[0]])).mark_line().encode(x, y, hue)
    bars = alt.Chart(_table(shown.rows)).mark_rule(color=colour("orange"), size=2).encode(
        alt.X("message:Q"), alt.Y("low:Q"), alt.Y2("high:Q")
    )  # fmt: skip
    dots = alt.Chart(_table([row for row in rows if row["kind"] != names[0]])).mark_circle(size=80, opacity=1).encode(
        x, y, hue
    )  # fmt: skip
    return _framed(alt.layer(fit, bars, dots))


def ring_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(
        f"{show(float(row['message']), 'byte')}: measured {show(float(row['measured']), 's')}, estimate "
        f"{show(float(row['estimate']), 's')}"
        for row in shown.rows
    )


def methods(shown: Shown) -> altair.LayerChart:
    """What the exchange takes with each method: encoding and decoding, and the network."""
    import altair as alt

    kinds = {"transfer": ("on the network", "blue"), "coding": ("encode and decode", "orange")}
    rows = [
        {"method": row["method"], "kind": name, "time": row[key], "place": place}
        for row in shown.rows
        for place, (key, (name, _)) in enumerate(kinds.items())
    ]
    hue = alt.Color(
        "kind:N", title=None, sort=[name for name, _ in kinds.values()], legend=_legend(2),
        scale=alt.Scale(domain=[n for n, _ in kinds.values()], range=[colour(c) for _, c in kinds.values()]),
    )  # fmt: skip
    y = alt.Y("method:N", sort=list(NAMES.values()), title=None)
    axis = _axis([max(float(row["time"]) for row in shown.rows)], "s", linear=True)
    bar = alt.Chart(_table(rows)).mark_bar(height=16).encode(
        alt.X("time:Q", title="Time of the exchange", axis=axis), y, hue, order="place:Q"
    )  # fmt: skip
    ends = [{"method": row["method"], "time": row["time"], "told": _times(float(row["faster"]))} for row in shown.rows]
    told = alt.Chart(_table(ends)).mark_text(align="left", dx=6).encode(alt.X("time:Q"), y, text="told:N")
    return _framed(alt.layer(bar, told), height=28 * len(shown.rows), width=WIDTH - 110)


def methods_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(
        f"{row['method']}: {show(float(row['time']), 's')}, {_times(float(row['faster']))}" for row in shown.rows
    )


def by_ranks(shown: Shown) -> altair.LayerChart:
    """Times as fast with each method by the number of ranks, and where nothing is gained."""
    import altair as alt

    names = [name for name in NAMES.values() if any(row["method"] == name for row in shown.rows)]
    hue = alt.Color(
        "method:N", title=None, sort=names, legend=_legend(6, lines=True),
        scale=alt.Scale(domain=names, range=[colour(METHOD_HUES[name]) for name in names]),
    )  # fmt: skip
    counts = sorted({row["ranks"] for row in shown.rows})
    gains = [float(row["faster"]) for row in shown.rows]
    x = alt.X("ranks:Q", title="Ranks", scale=_log(), axis=alt.Axis(values=counts, labelOverlap=True))
    y = alt.Y("faster:Q", title="Times as fast as without", scale=_log(), axis=alt.Axis(
        values=[each for each in (0.01, 0.1, 0.3, 1, 3, 10, 30, 100) if min(gains) <= each * 3 and each <= max(gains)],
        labelExpr="format(datum.value, '~r') + ' ×'"))  # fmt: skip
    line = alt.Chart(_table(shown.rows)).mark_line(strokeWidth=2.5).encode(x, y, hue)
    base = _table([{"f": 1.0, "told": "slower below"}])
    rule = alt.Chart(base).mark_rule(strokeDash=[5, 4], color=colour("slate")).encode(y=alt.Y("f:Q"))
    named = alt.Chart(base).mark_text(align="left", baseline="top", dy=4, color=colour("slate")).encode(
        x=alt.value(6), y=alt.Y("f:Q"), text="told:N"
    )  # fmt: skip
    return _framed(alt.layer(rule, named, line), height=260)


def by_ranks_told(shown: Shown) -> str:
    """The same in words."""
    last = {str(row["method"]): row for row in shown.rows}
    return "Times as fast as without compression: " + "; ".join(
        f"{name} {_times(float(row['faster']))} among {row['ranks']}" for name, row in last.items()
    )


def trained(shown: Shown) -> altair.LayerChart:
    """Of each method that was trained with: how many times fewer bytes, and how many times as fast."""
    import altair as alt

    kinds = {"fewer": ("times fewer bytes", "sky"), "faster": ("times as fast", "orange")}
    rows = [
        {"method": NAMES[row["method"]], "kind": name, "times": row[key], "told": _times(float(row[key]))}
        for row in shown.rows
        for key, (name, _) in kinds.items()
    ]
    names = [name for name, _ in kinds.values()]
    hue = alt.Color(
        "kind:N", title=None, sort=names, legend=_legend(2),
        scale=alt.Scale(domain=names, range=[colour(hue) for _, hue in kinds.values()]),
    )  # fmt: skip
    y, places = alt.Y("method:N", sort=list(NAMES.values()), title=None), alt.YOffset("kind:N", sort=names)
    x = alt.X("times:Q", title="Against none", axis=alt.Axis(labelExpr="datum.label + ' ×'", tickCount=6))
    bar = alt.Chart(_table(rows)).mark_bar(cornerRadiusEnd=3).encode(x, y, hue, places)
    told = alt.Chart(_table(rows)).mark_text(align="left", dx=6).encode(x, y, places, text="told:N")
    return _framed(alt.layer(bar, told), height=46 * len(shown.rows), width=WIDTH - 110)


def trained_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(
        f"{NAMES[row['method']]}: {_times(float(row['fewer']))} fewer bytes, {_times(float(row['faster']))} as fast"
        for row in shown.rows
    )


def buckets(shown: Shown, score: Shown) -> altair.LayerChart:
    """What is added to the backward pass by the size of the buckets, and the design."""
    import altair as alt

    most = float(shown["most"].value)
    rows = [dict(row) for row in shown.rows]
    least = min(float(row["added"]) for row in rows)
    ends = [least / LOWER, max(least * UPPER, float(score["score"].value) * LOWER)]
    scale = alt.Scale(type="log", nice=False, domain=ends)
    line = alt.Chart(_table(rows)).mark_line(strokeWidth=2.5, clip=True).encode(
        _bytes(rows, "bucket:Q", "Bucket", "bucket"),
        alt.Y("added:Q", title="Added to the backward pass", scale=scale, axis=_axis(ends, "s")),
        _algorithm(),
    )  # fmt: skip
    limit = _table([{"m": most, "told": "memory"}])
    rule = alt.Chart(limit).mark_rule(strokeDash=[5, 4], color=colour("red")).encode(alt.X("m:Q"))
    named = alt.Chart(limit).mark_text(align="left", baseline="top", dx=5, color=colour("red")).encode(
        alt.X("m:Q"), y=alt.value(2), text="told:N"
    )  # fmt: skip
    here = _table([{
        "m": float(score.inputs["bucket"]), "t": float(score["score"].value), "told": score["score"].shown
    }])  # fmt: skip
    dot = alt.Chart(here).mark_circle(size=110, color=colour("ink"), opacity=1).encode(
        alt.X("m:Q"), alt.Y("t:Q", scale=scale)
    )  # fmt: skip
    text = alt.Chart(here).mark_text(align="left", dx=12, dy=-12, fontWeight="bold").encode(
        alt.X("m:Q"), alt.Y("t:Q", scale=scale), text="told:N"
    )  # fmt: skip
    return _framed(alt.layer(rule, named, line, dot, text), height=260)


def buckets_told(shown: Shown) -> str:
    """The same in words."""
    least: dict[str, Mapping[str, Any]] = {}
    for row in shown.rows:
        name = str(row["algorithm"])
        if name not in least or row["added"] < least[name]["added"]:
            least[name] = row
    return "Least added to the backward pass: " + "; ".join(
        f"{name} {show(float(row['added']), 's')} with buckets of {show(float(row['bucket']), 'byte')}"
        for name, row in least.items()
    )


def _times(factor: float) -> str:
    return f"{show(factor, '1', 2)} ×"


def _algorithm() -> Any:
    import altair as alt

    return alt.Color(
        "algorithm:N", title=None, sort=list(HUES), legend=_legend(3, lines=True),
        scale=alt.Scale(domain=list(HUES), range=[colour(hue) for hue in HUES.values()]),
    )  # fmt: skip


def _legend(columns: int, lines: bool = False) -> Any:
    import altair as alt

    symbol = {"symbolType": "stroke", "symbolStrokeWidth": 3} if lines else {"symbolType": "circle"}
    return alt.Legend(orient="top", columns=columns, labelLimit=260, **symbol)


def _bytes(rows: Sequence[Mapping[str, Any]], shorthand: str, title: str, key: str = "message") -> Any:
    """A logarithmic axis of bytes."""
    import altair as alt

    return alt.X(shorthand, title=title, scale=_log(), axis=_axis([float(row[key]) for row in rows], "byte"))


def _axis(values: Sequence[float], unit: str, linear: bool = False) -> Any:
    """An axis whose ticks are written as people read them; logarithmic ones have one each power of ten."""
    import altair as alt
    import numpy as np

    if linear:
        step = 10.0 ** np.floor(np.log10(max(values)))
        step *= next(part for part in (0.2, 0.5, 1.0, 2.0) if max(values) / (part * step) <= 6)
        ticks = [float(step * place) for place in range(int(max(values) / step) + 2)]
    else:
        ends = np.floor(np.log10(min(values))), np.ceil(np.log10(max(values)))
        parts = (1.0, 2.0, 5.0) if ends[1] - ends[0] <= SHORT else (1.0,)
        ticks = [float(part * 10.0**power) for power in np.arange(ends[0], ends[1] + 1) for part in parts]
    cases = "".join(f"abs(datum.value - {tick!r}) < {tick * 1e-6 + 1e-15!r} ? '{show(tick, unit, 2)}' : "
                    for tick in ticks)  # fmt: skip
    return alt.Axis(values=ticks, labelExpr=f"{cases}''", labelOverlap=True)


def _table(rows: Sequence[Mapping[str, Any]]) -> Any:
    import altair as alt

    return alt.Data(values=[dict(row) for row in rows])


def _log() -> Any:
    import altair as alt

    return alt.Scale(type="log", nice=False)


def _framed(chart: Any, width: int = WIDTH, height: int = HEIGHT) -> Any:
    return chart.properties(width=width, height=height)
