"""The figures of Lab 03, each from what an instrument showed, and each in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from navarch.core.plot import colour
from navarch.core.quantity import factor, show
from navarch.course.communication_topologies import fabrics
from navarch.course.communication_topologies.variant import menu
from navarch.course.instrument import Shown

if TYPE_CHECKING:
    import altair

WIDTH, HEIGHT = 640, 260
HUES = {"fat-tree": "blue", "torus": "orange", "dragonfly": "teal"}
WAYS = {"estimate": ("closed form", "mist"), "simulated": ("simulated", "sky"), "measured": ("measured", "orange")}
WINDOWS = {"fat-tree": "110 75 820 410", "torus": "180 70 560 450", "dragonfly": "30 100 900 390"}
"""The part of each picture that is its drawing."""
APART = 1.2
"""Times as long, from which two lines of the hash have room for a label each."""
_WORDS = re.compile(r"<text.*?</text>")
ORDERED = {"in order": "blue", "at random": "orange"}


def provocation() -> str:
    """The three fabrics in one picture (`navarch.fleet.fabric.picture`), without its words, sizes and bisections."""
    wide, high = 320, 262
    found = []
    for place, (family, window) in enumerate(WINDOWS.items()):
        drawn = _WORDS.sub("", _drawing(family))
        inner = drawn[drawn.index(">") + 1 : drawn.rindex("</svg>")].replace('width="100%" height="100%"', 'width="0"')
        left = place * wide + 12
        found.append(
            f'<svg x="{left}" y="0" width="{wide - 24}" height="{high - 40}" viewBox="{window}">{inner}</svg>'
            f'<text x="{place * wide + wide / 2}" y="{high - 10}" text-anchor="middle" font-size="19" '
            f'fill="{colour("ink")}">{named(family)}</text>'
        )
    size = f'width="{wide * len(found)}" height="{high}" viewBox="0 0 {wide * len(found)} {high}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(found)}</svg>'


def _drawing(family: str) -> str:
    from navarch.fleet.fabric.picture import picture

    told = menu()["picture"]
    parts = next(iter(menu()["parts"]))
    return picture(fabrics.fabric(family, int(told["hosts"]), int(told["dimensions"]), parts, 1.0))


def named(family: str) -> str:
    """What a fabric of the picture is called."""
    title = fabrics.title_of(family, int(menu()["picture"]["dimensions"]))
    return title[:1].upper() + title[1:]


PROVOCATION_TOLD = (
    "Three networks of 128 hosts, each halved by a red line. A fat-tree: hosts under leaf switches, every leaf joined "
    "to every spine above. A torus: hosts on a lattice, each joined to its neighbours, the ends of a line joined too. "
    "A dragonfly: groups of switches; within a group all are joined, between groups a few links run."
)
"""The picture in words."""


def wired(shown: Shown) -> altair.HConcatChart:
    """Rate, bisection and diameter of the three, side by side."""
    import altair as alt

    rows = [
        {**row, "gigabits": _in(row["rate"], "Gb/s"), "each": _in(row["per_host"], "Gb/s"),
         "hops": row["diameter"]} for row in shown.rows
    ]  # fmt: skip
    titles = {"gigabits": "Rate of a link (Gb/s)", "each": "Bisection for each host (Gb/s)", "hops": "Diameter (hops)"}
    panels = []
    for place, (key, title) in enumerate(titles.items()):
        axis = alt.Axis(labels=place == 0, title=None)
        y = alt.Y("fabric:N", sort=None, axis=axis)
        x = alt.X(f"{key}:Q", title=title, axis=alt.Axis(tickCount=4))
        base = alt.Chart(_table(rows))
        bar = base.mark_bar(height=26, cornerRadiusEnd=3).encode(x, y, _hue(alt))
        told = base.mark_text(align="left", dx=5).encode(x, y, text=alt.Text(f"{key}:Q", format=",.0f"))
        panels.append(alt.layer(bar, told).properties(width=180, height=150))
    return alt.hconcat(*panels, spacing=26)


def wired_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(
        f"{row['fabric']}: links of {show(row['rate'], 'byte/s')}, bisection {show(row['bisection'], 'byte/s')}, "
        f"diameter {row['diameter']}"
        for row in shown.rows
    )


def exchange(shown: Shown) -> altair.VConcatChart:
    """Ring and all-to-all on the three: simulated, with the closed form as a mark."""
    import altair as alt

    rows = [{**row, "ms": _in(row["simulated"], "ms"), "closed": _in(row["estimate"], "ms"),
             "once": None if row["at_once"] is None else _in(row["at_once"], "ms"),
             "told": f"{show(row['simulated'], 's')}, {show(row['times'], '1')} ×"} for row in shown.rows]  # fmt: skip
    most = max(row["ms"] for row in rows)
    panels = []
    for collective in dict.fromkeys(row["collective"] for row in rows):
        base = alt.Chart(_table([row for row in rows if row["collective"] == collective]))
        y = alt.Y("fabric:N", sort=None, title=None)
        scale = alt.Scale(domain=[0, most * 1.25], nice=False)
        x = alt.X("ms:Q", title=f"{collective.capitalize()} (ms)", scale=scale)
        bar = base.mark_bar(height=22, cornerRadiusEnd=3).encode(x, y, _hue(alt))
        mark = base.mark_tick(color=colour("ink"), thickness=2.5, size=28).encode(alt.X("closed:Q", scale=scale), y)
        layers = [bar, mark]
        if collective == "all-to-all":
            once = base.mark_point(color=colour("ink"), fill=colour("paper"), size=70, opacity=1)
            layers.append(once.encode(alt.X("once:Q", scale=scale), y))
        text = base.mark_text(align="left", dx=8, fontWeight="bold").encode(x, y, text="told:N")
        panels.append(alt.layer(*layers, text).properties(width=WIDTH - 80, height=112))
    return alt.vconcat(*panels, spacing=22)


def exchange_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(
        f"{row['collective']} on the {row['fabric']}: {show(row['simulated'], 's')}, {show(row['times'], '1')} times "
        "the fat-tree's"
        for row in shown.rows
    )


def shuffled(shown: Shown) -> altair.LayerChart:
    """A ring in order and in random order on the three."""
    import altair as alt

    kinds = {"in_order": "in order", "random": "at random"}
    rows = [
        {"fabric": row["fabric"], "order": told, "ms": _in(row[key], "ms"),
         "told": show(row[key], "s") if key == "in_order" else f"{show(row[key], 's')}, {show(row['times'], '1')} ×"}
        for row in shown.rows for key, told in kinds.items()
    ]  # fmt: skip
    return _grouped(rows, "fabric", "order", ORDERED, "Ring all-reduce (ms)", alt)


def shuffled_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(f"{row['fabric']}: random order {show(row['times'], '1')} times as long" for row in shown.rows)


def placement(shown: Shown) -> altair.LayerChart:
    """Time by oversubscription, ranks in order and at random; the closed form as rings."""
    import altair as alt

    here = float(shown.inputs["ratio"])
    most = max([1.5, *(float(row["times"]) for row in shown.rows)])
    x = alt.X("ratio:Q", title="Ports down for each port up", scale=alt.Scale(type="log", base=2),
              axis=alt.Axis(values=[1, 2, 4, 8], labelExpr="datum.label + ' : 1'"))  # fmt: skip
    y = alt.Y("times:Q", title="Times as long as at best", scale=alt.Scale(domain=[0, most * 1.15], nice=False))
    hue = _kinds("order", ORDERED, alt)
    base = alt.Chart(_table(shown.rows))
    line = base.mark_line(strokeWidth=3).encode(x, y, hue)
    dot = base.mark_circle(size=80, opacity=1).encode(x, y, hue)
    told = [
        {**row, "told": show(row["times"], "1") + " ×"} for row in shown.rows if float(row["ratio"]) == here
    ]  # fmt: skip
    text = alt.Chart(_table(told)).mark_text(align="right", dx=-10, dy=-12, fontWeight="bold", fontSize=14).encode(
        x, y, text="told:N", color=hue
    )  # fmt: skip
    mark = alt.Chart(_table([{"ratio": here}])).mark_rule(strokeDash=[5, 4], color=colour("slate")).encode(x)
    return _framed(alt.layer(mark, line, dot, text), WIDTH, HEIGHT)


def placement_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(
        f"{row['order']}, {row['ratio']} : 1: {show(row['simulated'], 's')}" for row in shown.rows
    )  # fmt: skip


def rings(shown: Shown) -> altair.LayerChart:
    """The three rings: closed form, simulated, and measured with its spread."""
    import altair as alt

    rows = [{**row, "how": WAYS[row["how"]][0], "ms": _in(row["time"], "ms"), "told": show(row["time"], "s")}
            for row in shown.rows]  # fmt: skip
    hues = dict(WAYS.values())
    return _grouped(rows, "order", "how", hues, "Ring all-reduce among eight processes (ms)", alt)


def rings_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(f"{row['order']}, {WAYS[row['how']][0]}: {show(row['time'], 's')}" for row in shown.rows)


def hashed(shown: Shown) -> altair.LayerChart:
    """Every draw of the hash: how many times as long, with one collision and the mean as lines."""
    import altair as alt

    most = max([3.0, *(float(row["times"]) for row in shown.rows)])
    x = alt.X("draw:O", title="Draw of the hash", axis=alt.Axis(labelAngle=0))
    y = alt.Y("times:Q", title="Times as long", scale=alt.Scale(domain=[0, most * 1.15], nice=False))
    bar = alt.Chart(_table(shown.rows)).mark_bar(color=colour("sky"), size=18, cornerRadiusEnd=3).encode(x, y)
    mean = float(shown["longer"].value)
    lines = [
        {"times": 1.0, "told": "each its own", "kind": "ideal"},
        {"times": mean, "told": f"mean, {show(mean, '1')} ×", "kind": "mean"},
    ]
    lines = lines if mean > APART else lines[1:]
    hue = alt.Color(
        "kind:N", legend=None, scale=alt.Scale(domain=["ideal", "mean"], range=[colour("ink"), colour("orange")])
    )
    rule = alt.Chart(_table(lines)).mark_rule(strokeDash=[5, 4], strokeWidth=2).encode(y, color=hue)
    told = alt.Chart(_table(lines)).mark_text(align="left", baseline="bottom", dy=-4, dx=6, fontWeight="bold").encode(
        x=alt.value(WIDTH), y=y, text="told:N", color=hue
    )  # fmt: skip
    return _framed(alt.layer(bar, rule, told), WIDTH, HEIGHT - 20)


def hashed_told(shown: Shown) -> str:
    """The same in words."""
    times = [float(row["times"]) for row in shown.rows]
    return (
        f"Over {len(times)} draws it takes {show(min(times), '1')} to {show(max(times), '1')} times as long, "
        f"{shown['longer'].shown} in the mean."
    )


def landscape(shown: Shown) -> altair.LayerChart:
    """Price of every fabric, and whether this placement keeps every limit on it."""
    import altair as alt

    kinds = {"every limit kept": "blue", "a limit missed": "mist"}
    rows = [
        {**row, "kind": list(kinds)[not row["kept"]], "thousands": _in(row["price"], "kUSD"),
         "told": show(row["price"], "USD") + ("" if row["kept"] else f", missed by: {row['missed']}")}
        for row in shown.rows
    ]  # fmt: skip
    most = max(row["thousands"] for row in rows)
    base = alt.Chart(_table(rows))
    x = alt.X(
        "thousands:Q", title="Price of the fabric (thousand USD)", scale=alt.Scale(domain=[0, most * 1.5], nice=False)
    )
    y = alt.Y("fabric:N", sort=None, title=None)
    bar = base.mark_bar(height=18, cornerRadiusEnd=3).encode(x, y, _kinds("kind", kinds, alt))
    text = base.mark_text(align="left", dx=6).encode(x, y, text="told:N")
    return _framed(alt.layer(bar, text), WIDTH - 90, 26 * len(rows))


def landscape_told(shown: Shown) -> str:
    """The same in words."""
    return "; ".join(
        f"{row['fabric']}: {show(row['price'], 'USD')}, limits missed: {row['missed']}" for row in shown.rows
    )


def _grouped(
    rows: Sequence[Mapping[str, Any]], group: str, kind: str, hues: Mapping[str, str], title: str, alt: Any
) -> Any:
    """Bars in groups with their values beside them, and spreads where there are any."""
    most = max(float(row["ms"]) for row in rows)
    base = alt.Chart(_table(rows))
    scale = alt.Scale(domain=[0, most * 1.25], nice=False)
    x = alt.X("ms:Q", title=title, scale=scale)
    y = alt.Y(f"{group}:N", sort=None, title=None, scale=alt.Scale(paddingInner=0.3))
    offset = alt.YOffset(f"{kind}:N", sort=list(hues))
    bar = base.mark_bar(cornerRadiusEnd=3).encode(x, y, offset, _kinds(kind, hues, alt))
    text = base.mark_text(align="left", dx=6).encode(x, y, offset, text="told:N")
    groups = {row[group] for row in rows}
    return alt.layer(bar, text).properties(width=WIDTH - 90, height=26 * len(hues) * len(groups))


def _kinds(field: str, hues: Mapping[str, str], alt: Any) -> Any:
    return alt.Color(
        f"{field}:N", title=None, sort=list(hues), legend=alt.Legend(orient="top", labelLimit=260),
        scale=alt.Scale(domain=list(hues), range=[colour(hue) for hue in hues.values()]),
    )  # fmt: skip


def _hue(alt: Any) -> Any:
    scale = alt.Scale(domain=list(HUES), range=[colour(hue) for hue in HUES.values()])
    return alt.Color("family:N", legend=None, scale=scale)


def _in(value: float, unit: str) -> float:
    """A value in a unit that people read."""
    return float(value) / factor(unit)[0]


def _table(rows: Sequence[Mapping[str, Any]]) -> Any:
    import altair as alt

    return alt.Data(values=[dict(row) for row in rows])


def _framed(chart: Any, width: int, height: int) -> Any:
    return chart.properties(width=width, height=height)
