"""The figures of Lab 02, each from what an instrument showed, and each in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from navarch.core.plot import SANS_FALLBACK, colour
from navarch.core.quantity import show
from navarch.course.instrument import Shown
from navarch.course.interconnect_wall import generations as of_generations
from navarch.course.interconnect_wall.levels import told as level_told
from navarch.course.interconnect_wall.names import short
from navarch.course.interconnect_wall.pod import network_of, split_of
from navarch.course.interconnect_wall.words import pod_title

if TYPE_CHECKING:
    import altair

WIDTH, HEIGHT = 640, 300
ROW = 27
HUES = ("blue", "teal", "sand", "orange", "red")
FEW = 3  # powers of ten under which an axis has ticks between them


def message(shown: Shown) -> altair.LayerChart:
    """Time of the message over each tier."""
    rows = [
        {**row, "told": show(float(row["time"]), "s"), "way": f"{row['place']}  ·  {row['link']}"} for row in shown.rows
    ]
    return _times(rows, "way", "Time of the message", hues=HUES)


def message_told(shown: Shown) -> str:
    """The same in words."""
    told = [f"{row['place']} ({row['link']}): {show(float(row['time']), 's')}" for row in shown.rows]
    return f"{show(float(shown.inputs['message']), 'byte')} takes " + "; ".join(told) + "."


def by_size(shown: Shown) -> altair.LayerChart:
    """Rate by size of the message, on each tier."""
    import altair as alt

    places = list(dict.fromkeys(row["place"] for row in shown.rows))
    hue = _hue("place", places, HUES)
    line = alt.Chart(_table(shown.rows)).mark_line(point={"size": 30, "filled": True}, strokeWidth=2.2).encode(
        _axis(alt.X, "size:Q", "byte", shown.rows, "size", "Size of the message"),
        _axis(alt.Y, "rate:Q", "byte/s", shown.rows, "rate", "Rate"),
        hue,
    )  # fmt: skip
    return _framed(alt.layer(line))


def by_size_told(shown: Shown) -> str:
    """The same in words."""
    places = dict.fromkeys(row["place"] for row in shown.rows)
    last = {row["place"]: float(row["rate"]) for row in shown.rows}
    told = [f"{place} up to {show(last[place], 'byte/s')}" for place in places]
    return "Small messages get a small part of the bandwidth: latency is all they see. " + "; ".join(told) + "."


def product(shown: Shown) -> altair.LayerChart:
    """The product, and its result on its way to each place."""
    import altair as alt

    rows = [{**row, "told": show(float(row["time"]), "s")} for row in shown.rows]
    kinds = ["computing", "moving the result"]
    hue = alt.Color(
        "kind:N", title=None, sort=kinds, legend=alt.Legend(orient="top", labelLimit=320),
        scale=alt.Scale(domain=kinds, range=[colour("orange"), colour("blue")]),
    )  # fmt: skip
    return _times(rows, "what", "Time", hue=hue)


def product_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(f"{row['what']}: {show(float(row['time']), 's')}" for row in shown.rows) + "."


def levels(shown: Shown) -> altair.LayerChart:
    """What one accelerator has at each level of a machine."""
    import altair as alt

    known = [row for row in shown.rows if row["bandwidth"] is not None]
    rows = [{**row, "what": level_told(dict(row)), "told": show(float(row["bandwidth"]), "byte/s")} for row in known]
    names = [row["what"] for row in rows]
    tones = [colour(hue) for hue in ("blue", "teal", "sand", "orange", "red")[: len(names)]]
    hue = alt.Color("what:N", legend=None, scale=alt.Scale(domain=names, range=tones))
    return _rates(rows, "what", "Bandwidth of one accelerator, one direction", hue)


def levels_told(shown: Shown) -> str:
    """The same in words."""
    known = [row for row in shown.rows if row["bandwidth"] is not None]
    return "; ".join(f"{level_told(dict(row))}, {show(float(row['bandwidth']), 'byte/s')} each" for row in known) + "."


def generations(shown: Shown) -> altair.LayerChart:
    """Growth of arithmetic and of each link over three generations."""
    import altair as alt

    rows = growth_rows(shown)
    kinds = list(dict.fromkeys(str(row["what"]) for row in rows))
    asked = of_generations.TITLES[str(shown.inputs["link"])]
    names = [short(str(row["accelerator"])) for row in shown.rows]
    range_ = [colour("red" if kind == "arithmetic" else "blue" if kind == asked else "mist") for kind in kinds]
    hue = alt.Color("what:N", legend=None, scale=alt.Scale(domain=kinds, range=range_))
    x = alt.X("accelerator:N", sort=names, title=None, axis=alt.Axis(labelAngle=0, labelLimit=220),
              scale=alt.Scale(padding=0.35))  # fmt: skip
    most = max(float(row["growth"]) for row in rows)
    y = alt.Y("growth:Q", title="Times the first", axis=alt.Axis(labelExpr="datum.label + ' ×'", tickMinStep=1),
              scale=alt.Scale(domain=[0.0, most * 1.06]))  # fmt: skip
    line = alt.Chart(_table(rows)).mark_line(point={"size": 60, "filled": True}, strokeWidth=2.4).encode(x, y, hue)
    ends = _apart([row for row in rows if row["accelerator"] == names[-1]], most)
    told = alt.Chart(_table(ends)).mark_text(align="left", dx=12).encode(
        x, alt.Y("at:Q"), text="told:N",
        color=alt.Color("what:N", legend=None, scale=alt.Scale(domain=kinds, range=[
            colour("muted") if each == colour("mist") else each for each in range_])),
    )  # fmt: skip
    return _framed(alt.layer(line, told).resolve_scale(color="independent"), width=WIDTH - 120)


def growth_rows(shown: Shown) -> list[dict[str, Any]]:
    """One row for each accelerator and what grew."""
    titles = {"peak": "arithmetic", **of_generations.TITLES}
    return [
        {"accelerator": short(str(row["accelerator"])), "what": title, "growth": float(row[f"{key}_growth"])}
        for row in shown.rows
        for key, title in titles.items()
        if f"{key}_growth" in row
    ]


def _apart(ends: Sequence[Mapping[str, Any]], most: float) -> list[dict[str, Any]]:
    """Labels at the end of lines, moved apart where they would lie on each other."""
    space, placed, last = most / 15, [], float("-inf")
    for row in sorted(ends, key=lambda each: float(each["growth"])):
        last = max(float(row["growth"]), last + space)
        placed.append({**row, "at": last, "told": f"{row['what']}, {float(row['growth']):.3g} ×"})
    return placed


def generations_told(shown: Shown) -> str:
    """The same in words."""
    link = of_generations.TITLES[str(shown.inputs["link"])]
    return (
        f"From {short(str(shown.rows[0]['accelerator']))} to {short(str(shown.rows[-1]['accelerator']))} arithmetic "
        f"grew {shown['arithmetic'].shown} times, {link} {shown['link'].shown} times."
    )


def degrees(shown: Shown) -> altair.LayerChart:
    """Communication and computation of the group by its degree."""
    import altair as alt

    kinds = {"computation": "computing", "communication": "moving"}
    rows = [
        {"degree": int(row["degree"]), "kind": title, "time": float(row[key])}
        for row in shown.rows
        for key, title in kinds.items()
    ]
    names = list(kinds.values())
    hue = _hue("kind", names, ("orange", "blue"))
    ticks = [int(row["degree"]) for row in shown.rows]
    x = alt.X("degree:Q", title="Accelerators of the tensor-parallel group", axis=alt.Axis(values=ticks),
              scale=alt.Scale(type="log", base=2, domain=[ticks[0] / 1.15, ticks[-1] * 1.15], nice=False))  # fmt: skip
    y = _axis(alt.Y, "time:Q", "s", rows, "time", "In each step")
    line = alt.Chart(_table(rows)).mark_line(point={"size": 46, "filled": True}, strokeWidth=2.4).encode(x, y, hue)
    domain = float(shown.inputs["domain"])
    edge = [{"degree": domain * 2**0.5, "told": f"one server: {domain:.0f}"}]
    layers = [line]
    if ticks[0] < domain < ticks[-1]:
        rule = alt.Chart(_table(edge)).mark_rule(strokeDash=[5, 4], color=colour("slate")).encode(x=alt.X("degree:Q"))
        named = alt.Chart(_table(edge)).mark_text(align="right", dx=-6, color=colour("slate")).encode(
            x=alt.X("degree:Q"), y=alt.value(8), text="told:N"
        )  # fmt: skip
        layers = [rule, named, line]
    return _framed(alt.layer(*layers))


def degrees_told(shown: Shown) -> str:
    """The same in words."""
    told = [f"{row['degree']}: {float(row['ratio']):.3g}" for row in shown.rows]
    return "Communication over computation by degree: " + "; ".join(told) + "."


def tier(shown: Shown) -> altair.LayerChart:
    """Utilisation of the same group, placed nearer and further."""
    import altair as alt

    rows = [{**row, "told": show(float(row["mfu"]), "fraction", 2)} for row in shown.rows]
    y = alt.Y("place:N", sort=None, title=None, axis=alt.Axis(labelLimit=300))
    x = alt.X("mfu:Q", title="Model FLOPs utilisation", axis=alt.Axis(format=".0%"), scale=alt.Scale(domain=[0, 0.7]))
    order = [row["place"] for row in rows]
    hue = alt.Color(
        "place:N", legend=None, scale=alt.Scale(domain=order, range=[colour(h) for h in ("blue", "sky", "red")])
    )
    bar = alt.Chart(_table(rows)).mark_bar(height=16, cornerRadiusEnd=3).encode(x=x, y=y, color=hue)
    told = alt.Chart(_table(rows)).mark_text(align="left", dx=6).encode(x="mfu:Q", y=y, text="told:N")
    return _framed(alt.layer(bar, told), height=ROW * len(rows) + 10, width=WIDTH - 150)


def tier_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(f"{row['place']}: {show(float(row['mfu']), 'fraction', 2)}" for row in shown.rows) + "."


def reduces(shown: Shown) -> altair.LayerChart:
    """One all-reduce of the group: estimated, simulated, and with one ring alone."""
    import altair as alt

    kinds = {
        "estimate": "estimate",
        "simulated": "simulated, rings over all cards",
        "one_ring": "simulated, one ring alone",
    }
    rows = [
        {"degree": str(row["degree"]), "kind": title, "time": float(row[key])}
        for row in shown.rows
        for key, title in kinds.items()
    ]
    names = list(kinds.values())
    order = [str(row["degree"]) for row in shown.rows]
    hue = _hue("kind", names, ("sky", "blue", "red"))
    point = alt.Chart(_table(rows)).mark_point(size=110, strokeWidth=2.2, filled=False).encode(
        x=alt.X("degree:N", sort=order, title="Accelerators of the group", axis=alt.Axis(labelAngle=0)),
        y=_axis(alt.Y, "time:Q", "s", rows, "time", "Time of one all-reduce"),
        color=hue,
        shape=alt.Shape("kind:N", sort=names, legend=None,
                        scale=alt.Scale(domain=names, range=["circle", "diamond", "cross"])),
    )  # fmt: skip
    return _framed(alt.layer(point), height=240)


def reduces_told(shown: Shown) -> str:
    """The same in words."""
    last = shown.rows[-1]
    times = {key: show(float(last[key]), "s") for key in ("estimate", "simulated", "one_ring")}
    return (
        f"An all-reduce of {shown['message'].shown} among {last['degree']}: estimated {times['estimate']}, simulated "
        f"with rings over all cards {times['simulated']}, with one ring alone {times['one_ring']}."
    )


def pod(shown: Shown) -> str:
    """The pod, and the line along which it is halved, as SVG."""
    from navarch.fleet.fabric.picture import picture

    leaves, split = int(shown.inputs["leaves"]), str(shown.inputs["split"])
    network = network_of(leaves, *split_of(split))
    return picture(network, float(shown["flow"].value), pod_title(leaves, split))


def pod_told(shown: Shown) -> str:
    """The same in words."""
    title = pod_title(int(shown.inputs["leaves"]), str(shown.inputs["split"]))
    return f"{title}. A line halves the accelerators; {shown['bisection'].shown} cross it in one direction."


def against(shown: Shown) -> altair.LayerChart:
    """The bisection against what the accelerators of the pod hold and send."""
    import altair as alt

    rows = [{**row, "told": show(float(row["bandwidth"]), "byte/s"),
             "kind": "bisection" if "bisection" in row["what"] else "rest"} for row in shown.rows]  # fmt: skip
    hue = alt.Color(
        "kind:N", legend=None, scale=alt.Scale(domain=["bisection", "rest"], range=[colour("red"), colour("sky")])
    )
    return _rates(rows, "what", "Bandwidth, one direction", hue)


def against_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(f"{row['what']}: {show(float(row['bandwidth']), 'byte/s')}" for row in shown.rows) + "."


def families(shown: Shown) -> altair.LayerChart:
    """Bisection of networks of the same size."""
    import altair as alt

    rows = [{**row, "told": show(float(row["flow"]), "byte/s")} for row in shown.rows]
    y = alt.Y("family:N", sort=None, title=None, axis=alt.Axis(labelLimit=200))
    bar = alt.Chart(_table(rows)).mark_bar(height=15, cornerRadiusEnd=3, color=colour("blue")).encode(
        x=alt.X("flow:Q", title="Bisection, one direction", axis=alt.Axis(labels=False, tickCount=5),
                scale=alt.Scale(domain=[0.0, max(float(row["flow"]) for row in rows) * 1.2])), y=y
    )  # fmt: skip
    theory = [row for row in rows if row["theory"] is not None]
    mark = alt.Chart(_table(theory)).mark_tick(color=colour("orange"), thickness=3, height=22).encode(x="theory:Q", y=y)
    told = alt.Chart(_table(rows)).mark_text(align="left", dx=8).encode(x="flow:Q", y=y, text="told:N")
    return _framed(alt.layer(bar, mark, told), height=ROW * len(rows) + 10, width=WIDTH - 100)


def families_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(f"{row['family']}: {show(float(row['flow']), 'byte/s')}" for row in shown.rows) + "."


def hierarchy(shown: Shown) -> altair.LayerChart:
    """This machine's own tiers: rate by size, with the line of latency and bandwidth."""
    import altair as alt

    levels = list(dict.fromkeys(row["level"] for row in shown.rows))
    hue = _hue("level", levels, ("blue", "teal", "orange", "red"))
    x = _axis(alt.X, "size:Q", "byte", shown.rows, "size", "Size of the message")
    y = _axis(alt.Y, "time:Q", "s", shown.rows, "time", "Time, one way")
    bars = alt.Chart(_table(shown.rows)).mark_rule(opacity=0.45, strokeWidth=3).encode(
        x, alt.Y("low:Q"), alt.Y2("high:Q"), hue
    )  # fmt: skip
    line = alt.Chart(_table(shown.rows)).mark_line(strokeDash=[4, 3], strokeWidth=1.2).encode(x, alt.Y("line:Q"), hue)
    dots = alt.Chart(_table(shown.rows)).mark_circle(size=64, opacity=1).encode(x, y, hue)
    return _framed(alt.layer(bars, line, dots))


def hierarchy_told(shown: Shown) -> str:
    """The same in words."""
    first = {row["level"]: row for row in reversed(shown.rows)}
    told = [f"{level}: {show(float(row['time']), 's')} for {int(row['size'])} bytes" for level, row in first.items()]
    return "; ".join(reversed(told)) + "."


def landscape(shown: Shown, servers: int, cards: int) -> altair.LayerChart:
    """Exposed communication by servers, one line a number of cards; what is allowed, and the design."""
    import altair as alt

    rows = [
        {"servers": row["servers"], "cards": _cards(row["cards"]), "exposed": row["exposed"], "met": row["met"]}
        for row in shown.rows
    ]
    names = list(dict.fromkeys(row["cards"] for row in rows))
    hue = _hue("cards", names, ("red", "orange", "teal", "blue"))
    x = alt.X("servers:Q", title="Servers", scale=alt.Scale(nice=False, domain=[0, rows[-1]["servers"]]))
    y = alt.Y("exposed:Q", title="Exposed communication", axis=alt.Axis(format=".0%"))
    line = alt.Chart(_table(rows)).mark_line(strokeWidth=1.4, opacity=0.7).encode(x, y, hue)
    kept = alt.Chart(_table([row for row in rows if row["met"]])).mark_circle(size=34, opacity=1).encode(x, y, hue)
    own = [row for row in rows if row["servers"] == servers and row["cards"] == _cards(cards)]
    here = alt.Chart(_table(own)).mark_point(size=210, strokeWidth=2.4, color=colour("ink"), filled=False).encode(x, y)
    allowed = [{"limit": float(shown["exposed"].value), "told": "allowed"}]
    rule = alt.Chart(_table(allowed)).mark_rule(strokeDash=[5, 4], color=colour("slate")).encode(y=alt.Y("limit:Q"))
    named_rule = alt.Chart(_table(allowed)).mark_text(align="right", dx=-4, dy=-7, color=colour("muted")).encode(
        x=alt.value(WIDTH), y=alt.Y("limit:Q"), text="told:N"
    )  # fmt: skip
    return _framed(alt.layer(line, kept, rule, named_rule, here))


def _cards(count: int) -> str:
    return f"{count} cards" if count > 1 else "1 card"


def landscape_told(shown: Shown) -> str:
    """The same in words."""
    kept = [row for row in shown.rows if row["met"]]
    if not kept:
        return "No number of servers and cards keeps to every constraint with this group."
    best = min(kept, key=lambda row: float(row["step"]))
    return (
        f"{len(kept)} designs keep to every constraint; the fastest of them has {best['servers']} servers of "
        f"{best['cards']} cards."
    )


def hall() -> str:
    """Racks of a hall as SVG: an accelerator, next door, the next rack, across the hall."""
    racks, rack, gap, top, height = 12, 34, 18, 96, 128
    width = racks * (rack + gap) - gap + 80
    marks = []
    for row in (0, 1):
        for place in range(racks):
            x, y = 40 + place * (rack + gap), top + row * (height + 56)
            marks.append(f'<rect x="{x}" y="{y}" width="{rack}" height="{height}" rx="4" fill="{colour("panel")}" '
                         f'stroke="{colour("hair")}"/>')  # fmt: skip
            marks += [
                f'<rect x="{x + 5 + 12 * (n % 2)}" y="{y + 8 + 15 * (n // 2)}" width="10" height="10" rx="2" '
                f'fill="{colour("sky")}"/>'
                for n in range(16)
            ]
    spots = {"here": (40 + 2 * (rack + gap) + 5, top + 23), "door": (40 + 2 * (rack + gap) + 17, top + 23),
             "rack": (40 + 3 * (rack + gap) + 5, top + 53),
             "hall": (40 + (racks - 1) * (rack + gap) + 17, top + height + 56 + 98)}  # fmt: skip
    hues = {"here": "orange", "door": "blue", "rack": "teal", "hall": "red"}
    x0, y0 = (each + 5 for each in spots["here"])
    for name in ("hall", "rack"):
        x1, y1 = (each + 5 for each in spots[name])
        bend = 70 if name == "hall" else 34
        marks.append(f'<path d="M{x0} {y0}C{x0} {y0 - bend} {x1} {y1 - 2 * bend} {x1} {y1}" fill="none" '
                     f'stroke="{colour(hues[name])}" stroke-width="2" stroke-dasharray="5 4"/>')  # fmt: skip
    for name, (x, y) in spots.items():
        marks.append(f'<rect x="{x}" y="{y}" width="10" height="10" rx="2" fill="{colour(hues[name])}"/>')
    words = [("here", "the product", 40, 56), ("door", "next door", 160, 56), ("rack", "the next rack", 264, 56),
             ("hall", "across the hall", 398, 56)]  # fmt: skip
    for name, text, x, y in words:
        marks.append(f'<rect x="{x}" y="{y - 10}" width="11" height="11" rx="2" fill="{colour(hues[name])}"/>')
        marks.append(f'<text x="{x + 18}" y="{y}" font-size="14" fill="{colour("ink")}">{text}</text>')
    tall = top + 2 * height + 56 + 24
    size = f'width="{width}" height="{tall}" viewBox="0 0 {width} {tall}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{SANS_FALLBACK}">{"".join(marks)}</svg>'


def _times(rows: Sequence[Mapping[str, Any]], by: str, title: str, hue: Any = None, hues: Sequence[str] = ()) -> Any:
    """Bars of time on a logarithmic axis, each with its time written at its end."""
    import altair as alt

    names = [row[by] for row in rows]
    colours = hue if hue is not None else _hue(by, names, hues, legend=False)
    y = alt.Y(f"{by}:N", sort=None, title=None, axis=alt.Axis(labelLimit=330))
    least = min(float(row["time"]) for row in rows) / 10
    x = _axis(alt.X, "time:Q", "s", rows, "time", title, least=least, more=6.0)
    bar = alt.Chart(_table(rows)).mark_bar(height=17, cornerRadiusEnd=3).encode(
        x=x, x2=alt.X2(datum=least), y=y, color=colours
    )  # fmt: skip
    told = alt.Chart(_table(rows)).mark_text(align="left", dx=6).encode(x=alt.X("time:Q"), y=y, text="told:N")
    return _framed(alt.layer(bar, told), height=ROW * len(rows) + 16, width=WIDTH - 190)


def _rates(rows: Sequence[Mapping[str, Any]], by: str, title: str, hue: Any) -> Any:
    import altair as alt

    y = alt.Y(f"{by}:N", sort=None, title=None, axis=alt.Axis(labelLimit=250))
    least = min(float(row["bandwidth"]) for row in rows) / 10
    x = _axis(alt.X, "bandwidth:Q", "byte/s", rows, "bandwidth", title, least=least, more=6.0)
    bar = alt.Chart(_table(rows)).mark_bar(height=17, cornerRadiusEnd=3).encode(
        x=x, x2=alt.X2(datum=least), y=y, color=hue
    )  # fmt: skip
    told = alt.Chart(_table(rows)).mark_text(align="left", dx=6).encode(x=alt.X("bandwidth:Q"), y=y, text="told:N")
    return _framed(alt.layer(bar, told), height=ROW * len(rows) + 10, width=WIDTH - 140)


def _axis(
    kind: Any, field: str, unit: str, rows: Sequence[Mapping[str, Any]], column: str, title: str,
    least: float | None = None, more: float = 1.6,
) -> Any:  # fmt: skip
    """A logarithmic axis with a tick at each power of ten. more: room above the largest value, times it."""
    import altair as alt
    import numpy as np

    values = [float(row[column]) for row in rows]
    low, high = min(values) / 1.6 if least is None else least, max(values) * more
    powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    steps = (1, 2, 5) if np.log10(high / low) < FEW else (1,)
    ticks = [float(f"{step}e{int(power)}") for power in powers for step in steps]
    named = {
        tick: show(tick, unit, 2).replace(" bytes", " B").replace(" byte", " B")
        for tick in ticks
        if low <= tick <= high
    }
    cases = "".join(f"datum.value == {value!r} ? '{text}' : " for value, text in named.items())
    axis = alt.Axis(values=list(named), labelExpr=f"{cases}''", labelOverlap=True)
    return kind(field, title=title, scale=alt.Scale(type="log", nice=False, domain=[low, high]), axis=axis)


def _hue(field: str, names: Sequence[str], hues: Sequence[str], legend: bool = True) -> Any:
    import altair as alt

    shown = alt.Legend(orient="top", columns=4, labelLimit=320, symbolOpacity=1) if legend else None
    scale = alt.Scale(domain=list(names), range=[colour(hue) for hue in hues])
    return alt.Color(f"{field}:N", title=None, sort=list(names), legend=shown, scale=scale)


def _table(rows: Sequence[Mapping[str, Any]]) -> Any:
    import altair as alt

    return alt.Data(values=[dict(row) for row in rows])


def _framed(chart: Any, width: int = WIDTH, height: int = HEIGHT) -> Any:
    return chart.properties(width=width, height=height)
