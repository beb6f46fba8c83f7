"""Figures of Lab 05 and of its debate, as altair charts in the common look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from navarch.core.plot import colour
from navarch.core.quantity import show

if TYPE_CHECKING:
    import altair

    from navarch.course.instrument import Shown
    from navarch.course.parallelism_puzzle.debate import Contender, Debate

CELL, ROW, LINE = 58, 26, 13
LETTERS_OF_A_NAME = 34
ROOM = 1.4
GAP = 0.3  # between known and hidden pairs, of a column
LETTERS = 9  # of a title over a column
LETTERS_OF_A_HEAD = 9
LEVELS: tuple[tuple[str, float, str, str], ...] = (
    ("the best", 1.0, "blue", "paper"),
    ("up to 1.1 times", 1.1, "sky", "ink"),
    ("up to 1.5 times", 1.5, "sand", "ink"),
    ("more", math.inf, "red", "paper"),
)
"""What a cell is called, up to which time over the optimum, its colour and that of its text."""
NETWORK = "Network of an accelerator"
NOT_RUN = ("does not run", "grid", "muted")


def level_of(over: float | None) -> tuple[str, str, str]:
    """What a time over the optimum is called, its colour and that of its text."""
    if over is None or math.isinf(over):
        return NOT_RUN
    return next((name, fill, ink) for name, most, fill, ink in LEVELS if over <= most)


def over_told(over: float | None) -> str:
    """Times the optimum, as a cell has room for it."""
    if over is None or math.isinf(over):
        return "–"
    return f"{over:.2f}" if over < 10 else f"{over:.0f}"


def clipped(name: str, most: int = LETTERS_OF_A_NAME) -> str:
    """A name that fits its place."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def wrapped(name: str, most: int = LETTERS_OF_A_HEAD) -> list[str]:
    """A name in lines."""
    lines = [""]
    for word in name.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def cells_figure(
    rows: Sequence[Mapping[str, Any]],
    heads: Sequence[str],
    groups: Sequence[tuple[str, int, int]],
    names: Sequence[str],
    remarks: Sequence[str] = (),
    remarked: str = "",
    muted: Sequence[str] = (),
    gap_before: int | None = None,
) -> altair.LayerChart:
    """A map of times over the optimum.

    rows: place (of the row), column, over (None where it does not run); heads: of the columns; groups: titles over
    columns, from and up to which; names: of the rows; remarks: text at their ends, and what it is;
    muted: names in grey; gap_before: a column.
    """
    import altair as alt

    parted = len(heads) if gap_before is None else gap_before
    starts = [column + (GAP if column >= parted else 0.0) for column in range(len(heads))]
    cells = []
    for row in rows:
        name, fill, ink = level_of(row["over"])
        start, told = starts[row["column"]], over_told(row["over"])
        at = {"x": start, "x2": start + 1, "y": row["place"], "y2": row["place"] + 1}
        middle = {"middle": start + 0.5, "centre": row["place"] + 0.5}
        cells.append({**at, **middle, "level": name, "fill": colour(fill), "ink": colour(ink), "told": told})
    ends = [(title, starts[first], starts[last - 1] + 1) for title, first, last in groups]
    wide, high = starts[-1] + 1, len(names)
    across = alt.X("x:Q", scale=alt.Scale(domain=[0, wide], nice=False), axis=None)
    down = alt.Y("y:Q", scale=alt.Scale(domain=[high, 0], nice=False), axis=None)
    order = [name for name, *_ in LEVELS] + [NOT_RUN[0]]
    shades = [colour(fill) for _, _, fill, _ in LEVELS] + [colour(NOT_RUN[1])]
    legend = alt.Legend(title="Step time against the best of all strategies", orient="bottom", direction="horizontal",
                        titleLimit=0, symbolStrokeWidth=0, symbolType="square", labelLimit=0, offset=14)  # fmt: skip
    boxes = (
        alt.Chart(alt.Data(values=cells))
        .mark_rect(stroke=colour("paper"), strokeWidth=2)
        .encode(
            across,
            down,
            alt.X2("x2:Q"),
            alt.Y2("y2:Q"),
            fill=alt.Fill("level:N", scale=alt.Scale(domain=order, range=shades), legend=legend),
        )
    )
    numbers = [
        alt.Chart(alt.Data(values=[cell for cell in cells if cell["ink"] == colour(ink)]))
        .mark_text(baseline="middle", fontSize=12, color=colour(ink))
        .encode(alt.X("middle:Q"), alt.Y("centre:Q"), text="told:N")
        for ink in ("paper", "ink", "muted")
    ]
    layers = [
        boxes,
        *numbers,
        *_heads(heads, starts),
        *_groups(ends),
        *_names(names, muted),
        *_remarks(remarks, remarked, wide),
    ]
    return alt.layer(*layers, width=CELL * wide, height=ROW * high)  # type: ignore[return-value]


def _heads(heads: Sequence[str], starts: Sequence[float]) -> list[altair.Chart]:
    """The names of the columns, line by line, above them."""
    import altair as alt

    every = [wrapped(head) for head in heads]
    made = []
    for above in range(max(map(len, every))):
        values = [
            {"middle": start + 0.5, "text": lines[-1 - above], "y": 0}
            for start, lines in zip(starts, every, strict=True)
            if above < len(lines)
        ]
        mark = alt.Chart(alt.Data(values=values)).mark_text(
            baseline="bottom", dy=-6 - LINE * above, fontSize=11, color=colour("muted")
        )
        made.append(mark.encode(alt.X("middle:Q"), alt.Y("y:Q"), text="text:N"))
    return made


def _groups(groups: Sequence[tuple[str, float, float]]) -> list[altair.Chart]:
    """Titles over groups of columns, and the line between them."""
    import altair as alt

    if not groups:
        return []
    values = [
        {
            "x": start + 0.06,
            "x2": end - 0.06,
            "y": 0,
            "middle": (start + end) / 2,
            "text": clipped(title, int(LETTERS * (end - start))),
        }
        for title, start, end in groups
    ]
    data = alt.Data(values=values)
    rule = (
        alt.Chart(data)
        .mark_rule(color=colour("hair"), yOffset=-56, y2Offset=-56)
        .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.X2("x2:Q"))
    )
    text = (
        alt.Chart(data)
        .mark_text(baseline="bottom", dy=-61, fontSize=12, color=colour("ink"))
        .encode(alt.X("middle:Q"), alt.Y("y:Q"), text="text:N")
    )
    return [rule, text]


def _names(names: Sequence[str], muted: Sequence[str]) -> list[altair.Chart]:
    import altair as alt

    made = []
    for tint in ("ink", "muted"):
        values = [
            {"x": 0, "centre": place + 0.5, "text": clipped(name)}
            for place, name in enumerate(names)
            if (name in muted) == (tint == "muted")
        ]
        mark = alt.Chart(alt.Data(values=values)).mark_text(
            align="right", baseline="middle", dx=-10, fontSize=12, color=colour(tint)
        )
        made.append(mark.encode(alt.X("x:Q"), alt.Y("centre:Q"), text="text:N"))
    return made


def _remarks(remarks: Sequence[str], remarked: str, wide: float) -> list[altair.Chart]:
    """Text at the ends of the rows, and over it what it is."""
    import altair as alt

    if not remarks:
        return []
    values = [{"x": wide, "centre": place + 0.5, "text": text} for place, text in enumerate(remarks)]
    values += [{"x": wide, "centre": 0.0, "text": ""}]
    mark = alt.Chart(alt.Data(values=values)).mark_text(align="right", baseline="middle", dx=52, fontSize=12)
    head: list[dict[str, Any]] = [
        {"x": wide, "centre": 0, "text": line, "line": number} for number, line in enumerate(remarked.split("|")[::-1])
    ]
    heads = [
        alt.Chart(alt.Data(values=[row]))
        .mark_text(
            align="right", baseline="bottom", dx=52, dy=-6 - LINE * row["line"], fontSize=11, color=colour("muted")
        )
        .encode(alt.X("x:Q"), alt.Y("centre:Q"), text="text:N")
        for row in head
    ]
    return [mark.encode(alt.X("x:Q"), alt.Y("centre:Q"), text="text:N"), *heads]


def debate_figure(debate: Debate, contenders: Sequence[Contender]) -> altair.LayerChart:
    """Who wins where: contenders by pairs, best first."""
    from navarch.course.parallelism_puzzle.names import cluster_name, model_name

    pairs = debate.pairs
    rows = [
        {"place": place, "column": column, "over": each.over if each.runs else None}
        for place, contender in enumerate(contenders)
        for column, each in enumerate(contender.on)
    ]
    groups: list[tuple[str, int, int]] = []
    for column, pair in enumerate(pairs):
        name = model_name(pair.model)
        if column and pairs[column - 1].model == pair.model and column != len(debate.shown):
            groups[-1] = (groups[-1][0], groups[-1][1], column + 1)
        else:
            groups.append((name, column, column + 1))
    names = [contender.name for contender in contenders]
    lost = [show(contender.mean_lost, "fraction", digits=2) for contender in contenders]
    heads = [cluster_name(pair.node) for pair in pairs]
    ours = [contender.name for contender in contenders if contender.ours]
    return cells_figure(rows, heads, groups, names, lost, "speed lost,|in the mean", ours, len(debate.shown))


def pairs_figure(rows: Sequence[Mapping[str, Any]]) -> altair.LayerChart:
    """A strategy on pairs: a row for each model, a column for each cluster."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    clusters = list(dict.fromkeys(row["cluster"] for row in rows))
    cells = [
        {"place": models.index(row["model"]), "column": clusters.index(row["cluster"]), "over": row["over"]}
        for row in rows
    ]
    made = cells_figure(cells, clusters, (), models)
    return made.properties(width=3 * CELL * len(clusters) // 2)


def parts_figure(rows: Sequence[Mapping[str, Any]]) -> altair.LayerChart:
    """Where a step goes, part by part, with what of the communication is hidden."""
    import altair as alt

    bars: list[dict[str, Any]] = []
    order: list[str] = []
    for row in rows:
        hidden = max(0.0, row["communication"] - row["time"])
        if not (row["time"] or hidden):
            continue
        order.append(row["part"])
        told = show(row["time"], "s") + (f" and {show(hidden, 's')} hidden" if hidden else "")
        bars += [
            {"part": row["part"], "from": 0.0, "to": row["time"], "kind": "part of the step", "told": told},
            {
                "part": row["part"],
                "from": row["time"],
                "to": row["time"] + hidden,
                "kind": "hidden beside it",
                "told": "",
            },
        ]
    kinds = ["part of the step", "hidden beside it"]
    fill = alt.Fill("kind:N", scale=alt.Scale(domain=kinds, range=[colour("blue"), colour("mist")]),
                    legend=alt.Legend(title=None, orient="top", symbolStrokeWidth=0))  # fmt: skip
    y = alt.Y("part:N", sort=order, title=None, axis=alt.Axis(labelLimit=260))
    chart = alt.Chart(alt.Data(values=bars))
    blocks = chart.mark_bar(height=14).encode(alt.X("from:Q", title="Seconds"), alt.X2("to:Q"), y, fill)
    last = {row["part"]: row for row in bars}
    ends = alt.Chart(alt.Data(values=[{**row, "told": next(b["told"] for b in bars if b["part"] == part)}
                                      for part, row in last.items()]))  # fmt: skip
    text = ends.mark_text(align="left", dx=6, color=colour("muted")).encode(alt.X("to:Q"), y, text="told:N")
    return alt.layer(blocks, text, width=420, height=22 * len(order))  # type: ignore[return-value]


def kinds_figure(rows: Sequence[Mapping[str, Any]]) -> altair.LayerChart:
    """The best strategy of each kind on a pair: step times."""
    import altair as alt

    values = [{**row, "told": f"{show(row['step_time'], 's')}   {row['strategy']}"} for row in rows]
    order = [row["kind"] for row in values]
    y = alt.Y("kind:N", sort=order, title=None, axis=alt.Axis(labelLimit=320, labelFontSize=12))
    chart = alt.Chart(alt.Data(values=values))
    first = alt.condition("datum.over === 1", alt.value(colour("blue")), alt.value(colour("mist")))
    bars = chart.mark_bar(height=10, yOffset=6).encode(alt.X("step_time:Q", title="Step time, s"), y, color=first)
    text = chart.mark_text(align="left", dy=-8, color=colour("muted"), fontSize=11).encode(
        alt.X(value=2), y, text="told:N"
    )
    return alt.layer(bars, text, width=430, height=44 * len(order))  # type: ignore[return-value]


def _logarithmic(values: Sequence[float]) -> altair.Scale:
    """A logarithmic scale that holds some values, with a little room."""
    import altair as alt

    return alt.Scale(type="log", domain=[min(values) / ROOM, max(values) * ROOM], nice=False)


def _powers() -> altair.Axis:
    """An axis with a line at few round values."""
    import altair as alt

    decades = [digit * 10.0**power for power in range(-6, 7) for digit in (1, 2, 5)]
    return alt.Axis(values=decades, format="~g", labelOverlap="greedy", gridOpacity=0.7)


def flip_figure(rows: Sequence[Mapping[str, Any]]) -> altair.LayerChart:
    """Step time by bandwidth: of the best strategy there, and of the one that is best at the pair's own."""
    import altair as alt

    values = [{**row, "gigabytes": row["bandwidth"] / 1e9, "place": number} for number, row in enumerate(rows)]
    drawn = {"best_time": "best there", "kept_time": "best of today, kept"}
    lines = [{**row, "time": row[key], "line": name} for row in values for key, name in drawn.items() if row[key]]
    ticks = alt.Axis(values=[row["gigabytes"] for row in values], format="~g")
    x = alt.X("gigabytes:Q", title=f"{NETWORK}, GB/s", scale=alt.Scale(type="log", base=2), axis=ticks)
    y = alt.Y("time:Q", title="Step time, s", scale=_logarithmic([row["time"] for row in lines]), axis=_powers())
    tints = alt.Scale(domain=list(drawn.values()), range=[colour("blue"), colour("orange")])
    shade = alt.Color("line:N", scale=tints, legend=alt.Legend(title=None, orient="top"))
    chart = alt.Chart(alt.Data(values=lines))
    parts = [chart.mark_line().encode(x, y, shade), chart.mark_circle(size=45, opacity=1).encode(x, y, shade)]
    told = alt.Chart(alt.Data(values=[row for row in lines if row["line"] == "best there"]))
    label = told.mark_text(dy=16, fontSize=11, color=colour("ink"), lineBreak="|").encode(x, y, text="best:N")
    own = alt.Chart(alt.Data(values=[row for row in values if row["own"]]))
    rule = own.mark_rule(strokeDash=[5, 4]).encode(alt.X("gigabytes:Q"))
    return alt.layer(rule, *parts, label, width=600, height=260)  # type: ignore[return-value]


def ratios_figure(rows: Sequence[Mapping[str, Any]]) -> altair.LayerChart:
    """Communication over computation of each form alone, by its degree."""
    import altair as alt

    from navarch.distributed.training.figures import OF_FORMS

    values = [row for row in rows if row["ratio"] > 0]
    order = list(dict.fromkeys(row["form"] for row in values))
    degrees = sorted({row["degree"] for row in values})
    x = alt.X("degree:Q", title="Accelerators of the form alone", scale=alt.Scale(type="log", base=2),
              axis=alt.Axis(values=degrees, labelOverlap="greedy"))  # fmt: skip
    y = alt.Y("ratio:Q", title="Communication / computation", scale=_logarithmic([row["ratio"] for row in values]),
              axis=_powers())  # fmt: skip
    tints = alt.Scale(domain=order, range=[colour(name) for name in OF_FORMS[: len(order)]])
    shade = alt.Color("form:N", sort=order, scale=tints, legend=alt.Legend(title=None, labelLimit=0))
    chart = alt.Chart(alt.Data(values=values))
    one = alt.Chart(alt.Data(values=[{"ratio": 1.0}])).mark_rule(strokeDash=[5, 4]).encode(alt.Y("ratio:Q"))
    parts = [one, chart.mark_line().encode(x, y, shade), chart.mark_circle(size=32).encode(x, y, shade)]
    return alt.layer(*parts, width=440, height=280)  # type: ignore[return-value]


def measured_figure(rows: Sequence[Mapping[str, Any]]) -> altair.LayerChart:
    """Each form on this machine: measured beside predicted from its ingredients."""
    import altair as alt

    pieces = [
        ("computation", "computation", "blue"),
        ("communication", "communication", "orange"),
        ("bubble", "waiting", "sand"),
    ]
    bars: list[dict[str, Any]] = []
    for row in rows:
        at = 0.0
        for key, name, _ in pieces:
            bars.append({"row": f"{row['form']}, predicted", "from": at, "to": at + row[key], "kind": name})
            at = at + float(row[key])
        bars.append({"row": f"{row['form']}, measured", "from": 0.0, "to": row["step"], "kind": "measured"})
    kinds = [name for _, name, _ in pieces] + ["measured"]
    shades = [colour(tint) for *_, tint in pieces] + [colour("slate")]
    order = list(dict.fromkeys(bar["row"] for bar in bars))
    fill = alt.Fill("kind:N", scale=alt.Scale(domain=kinds, range=shades), legend=alt.Legend(title=None, orient="top"))
    chart = alt.Chart(alt.Data(values=[{**b, "from": b["from"] * 1e3, "to": b["to"] * 1e3} for b in bars]))
    y = alt.Y("row:N", sort=order, title=None, axis=alt.Axis(labelLimit=260))
    blocks = chart.mark_bar(height=14).encode(alt.X("from:Q", title="A step, ms"), alt.X2("to:Q"), y, fill)
    return alt.layer(blocks, width=430, height=24 * len(order))  # type: ignore[return-value]


def gantt_figure(shown: Shown) -> altair.LayerChart:
    """The pipeline that an instrument ran, stage by stage."""
    from navarch.core.gantt import chart
    from navarch.course.parallelism_puzzle.instruments import pair_at, pipeline_run, strategy_from
    from navarch.distributed.training.simulate import bars_of

    inputs = dict(shown.inputs)
    pair = pair_at(inputs.pop("seed"), inputs.pop("place"))
    run, _ = pipeline_run(strategy_from(**inputs), pair)
    waits = [show(float(share), "fraction", digits=2) for share in run.bubble_share]
    return chart(bars_of(run), width=520, remarks=waits, remarks_title="waits")
