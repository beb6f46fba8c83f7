"""The Gantt chart of a pipeline: a row for each stage, a block for each task, and what is left grey is the bubble.

Colours are those of `navarch.core.plot`, so that the document can turn them for dark paper. A long run is cut in the
middle, where its pattern only repeats.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from navarch.core import plot
from navarch.core.ladders import ladder
from navarch.core.plot import FONT, PALETTE, SANS_FALLBACK, adaptive, colour, config, variables

if TYPE_CHECKING:
    import altair

WIDTH = 680
ROWS = ((8, 24.0), (16, 19.0), (32, 13.0), (64, 9.0), (10**9, 6.0))  # up to so many rows, so high
MOST_NAMED = 32
GAP = 0.12  # share of a row that parts it from the next
TYPE = ((10.5, 5.6), (8.0, 4.3))  # sizes of the numbers in blocks, and the width of a digit in each
SMALLEST_LABELLED = 13.0  # height of a row under which blocks carry no numbers
SMALLEST_PARTED = 4.0  # width of a block under which it is drawn as one with those of its look that it touches
TOUCHING = 0.75  # gap that nobody sees
NAMELESS = -1  # label of blocks drawn as one
EDGE, EDGE_SHARE = 0.6, 0.12  # line between blocks, and its share of a block's width at most
BLOCKS_SHOWN = 96  # in a row, beyond which the middle is cut out
CUT = 0.022  # width of the cut, of the width of the chart
TINTED = "shaded: later chunk"
DARKEST = 0.42  # ink over the last chunk
TICKS = 7
PIXELS_PER_INCH = 192.0

KIND_NAMES = ("forward", "backward", "backward: input", "backward: weights")
KIND_COLOURS = ("blue", "orange", "sand", "teal")
KIND_TEXTS = ("paper", "ink", "ink", "paper")


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """What a chart shows, an array each.

    row: of each block; start, end [s]; kind: index in KIND_NAMES; tint: the later, the darker; label: number written in
    it; beside: whether it shares its time with the next block, which is drawn under it; rows, tints: how many; title:
    what a row is.
    """

    row: NDArray[np.integer[Any]]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    kind: NDArray[np.integer[Any]]
    tint: NDArray[np.integer[Any]]
    label: NDArray[np.integer[Any]]
    beside: NDArray[np.bool_]
    rows: int
    tints: int
    title: str = "stage"


@dataclass(frozen=True, slots=True)
class Cut:
    """The stretch of time that is left out, and by how much what follows it moves up [s]."""

    begin: float
    end: float
    shift: float


def chart(
    bars: Bars,
    *,
    width: int = WIDTH,
    whole: bool = False,
    remarks: Sequence[str] = (),
    remarks_title: str = "",
    legend: bool = True,
) -> altair.LayerChart:
    """The chart as Vega-Lite.

    width: of the plot in pixels; whole: never cut; remarks: text at the end of each row, such as its share of waiting,
    and what it is; legend: the meaning of the colours above it.
    """
    import altair as alt

    height = next(size for most, size in ROWS if bars.rows <= most)
    cut = None if whole else cut_of(bars)
    shown = bars if cut is None else _without(bars, cut)
    last = float(shown.end.max())
    shown = _without_seams(shown, width / last)
    layers = [
        _tracks(bars, last, cut),
        _blocks(shown, legend, _edge(shown, width / last)),
        *([] if bars.tints < 2 else [_tints(shown, _edge(shown, width / last))]),
        *_numbers(shown, width / last, height),
        *_cut_marks(bars, cut),
        *_remarks(remarks, last),
        *_notes(TINTED if legend and bars.tints > 1 else "", remarks_title, last),
    ]
    encoded = [layer.encode(x=_time_axis(last, cut), y=_row_axis(bars)) for layer in layers]
    layered: altair.LayerChart = alt.layer(*encoded, width=width, height=round(height * bars.rows))  # type: ignore[assignment]
    return layered


def themed(drawn: altair.LayerChart) -> altair.LayerChart:
    """The chart with its theme in it, for where it is shown as it is (a notebook)."""
    return drawn.configure(**{**config(), "background": "transparent"})


def cut_of(bars: Bars) -> Cut | None:
    """Where to cut: none while the blocks of a row are few; else after the pipeline is full and before it drains."""
    most = float(np.bincount(bars.row, minlength=bars.rows).max())
    makespan = float(bars.end.max())
    if most <= BLOCKS_SHOWN:
        return None
    full = max(float(bars.start[bars.row == row].min()) for row in range(bars.rows))
    first_row = bars.row == bars.row[0]
    backward = first_row & (bars.kind > 0)
    full = max(full, float(bars.start[backward].min()) if backward.any() else 0.0)
    keep = max(makespan * BLOCKS_SHOWN / most / 2, 1.3 * full)
    if 2 * keep * 1.1 >= makespan:
        return None
    begin = float(bars.end[bars.end >= keep].min())
    end = float(bars.start[bars.start <= makespan - keep].max())
    return Cut(begin, end, end - begin - CUT * (begin + makespan - end))


def _without(bars: Bars, cut: Cut) -> Bars:
    """The bars without those in the cut; what crosses an edge of it ends there."""
    keep = (bars.start < cut.begin) | (bars.end > cut.end)
    early = bars.start < cut.begin
    start = np.where(early, bars.start, np.maximum(bars.start, cut.end) - cut.shift)
    end = np.where(early, np.minimum(bars.end, cut.begin), bars.end - cut.shift)
    part = {name: getattr(bars, name)[keep] for name in ("row", "kind", "tint", "label", "beside")}
    return replace(bars, start=start[keep], end=end[keep], **part)


def _without_seams(bars: Bars, scale: float) -> Bars:
    """The bars with neighbours of one look in one, where they touch and are too thin to be told apart."""
    thin = (bars.end - bars.start) * scale < SMALLEST_PARTED
    same = [np.diff(part) == 0 for part in (bars.row, bars.kind, bars.tint)]
    touching = (bars.start[1:] - bars.end[:-1]) * scale < TOUCHING
    alone = bars.beside | np.roll(bars.beside, 1)
    joined = thin[1:] & thin[:-1] & touching & np.logical_and.reduce(same) & ~alone[1:] & ~alone[:-1]
    if not joined.any():
        return bars
    first = np.flatnonzero(np.concatenate([[True], ~joined]))
    last = np.append(first[1:], len(bars.row)) - 1
    part = {name: getattr(bars, name)[first] for name in ("row", "start", "kind", "tint", "beside")}
    return replace(bars, end=bars.end[last], label=np.where(last > first, NAMELESS, bars.label[first]), **part)


def _edge(bars: Bars, scale: float) -> float:
    """The line between blocks: fine where they are thin, so that it does not outshine them."""
    return min(EDGE, EDGE_SHARE * float(np.median(bars.end - bars.start)) * scale)


def _heights(bars: Bars) -> tuple[NDArray[Any], NDArray[Any]]:
    """Upper and lower edge of each block, in rows."""
    under = np.roll(bars.beside, 1)
    top = bars.row + GAP / 2 + np.where(under, (1 - GAP) / 2, 0.0)
    bottom = bars.row + 1 - GAP / 2 - np.where(bars.beside, (1 - GAP) / 2, 0.0)
    return top, bottom


def _table(**columns: Any) -> altair.Data:
    """Columns as data; altair checks what it is given row by row, which thousands of blocks need not wait for."""
    import altair as alt
    from altair.utils.schemapi import debug_mode

    lists = {name: np.asarray(values).tolist() for name, values in columns.items()}
    names = list(lists)
    with debug_mode(False):
        return alt.Data(values=[dict(zip(names, row, strict=True)) for row in zip(*lists.values(), strict=True)])


def _tracks(bars: Bars, last: float, cut: Cut | None) -> altair.Chart:
    """The whole time of each row, in grey: what no block covers is waiting."""
    import altair as alt

    row = np.arange(bars.rows)
    data = _table(x=np.zeros(bars.rows), x2=np.full(bars.rows, last), y=row + GAP / 2, y2=row + 1 - GAP / 2)
    return alt.Chart(data).mark_rect(color=colour("grid"), aria=False).encode(x2="x2:Q", y2="y2:Q")


def _blocks(bars: Bars, legend: bool, edge: float) -> altair.Chart:
    import altair as alt

    top, bottom = _heights(bars)
    data = _table(x=bars.start, x2=bars.end, y=top, y2=bottom, kind=np.array(KIND_NAMES)[bars.kind])
    there = sorted({int(kind) for kind in np.unique(bars.kind)})
    scale = alt.Scale(domain=[KIND_NAMES[k] for k in there], range=[colour(KIND_COLOURS[k]) for k in there])
    shown = alt.Legend(
        title=None, orient="top", direction="horizontal", symbolType="square", symbolStrokeWidth=0,
        gridAlign="each",
    )  # fmt: skip
    fill = alt.Fill("kind:N", scale=scale, legend=shown if legend else None)
    mark = alt.Chart(data).mark_rect(stroke=colour("paper"), strokeWidth=edge, aria=False)
    return mark.encode(x2="x2:Q", y2="y2:Q", fill=fill)


def _tints(bars: Bars, edge: float) -> altair.Chart:
    """Ink over the blocks of later chunks."""
    import altair as alt

    top, bottom = _heights(bars)
    later = bars.tint > 0
    darkness = DARKEST * bars.tint[later] / (bars.tints - 1)
    data = _table(x=bars.start[later], x2=bars.end[later], y=top[later], y2=bottom[later], dark=darkness)
    mark = alt.Chart(data).mark_rect(fill=colour("ink"), stroke=colour("paper"), strokeWidth=edge, aria=False)
    return mark.encode(x2="x2:Q", y2="y2:Q", fillOpacity=alt.FillOpacity("dark:Q", scale=None))


def _numbers(bars: Bars, scale: float, height: float) -> list[altair.Chart]:
    """The labels that fit into their blocks, smaller where that makes them fit."""
    import altair as alt

    if height < SMALLEST_LABELLED:
        return []
    digits = np.char.str_len(bars.label.astype(str))
    halved = bars.beside | np.roll(bars.beside, 1)
    room = (bars.end - bars.start) * scale - 1.5
    left = ((height >= 2 * SMALLEST_LABELLED - 4) | ~halved) & (bars.label != NAMELESS)
    top, bottom = _heights(bars)
    layers = []
    for size, letter in TYPE:
        fits = left & (room >= digits * letter) & (height > 2 * size)
        left &= ~fits
        if fits.any():
            at = _table(
                x=((bars.start + bars.end) / 2)[fits], y=((top + bottom) / 2)[fits], number=bars.label[fits],
                tint=np.array([colour(name) for name in KIND_TEXTS])[bars.kind[fits]],
            )  # fmt: skip
            mark = alt.Chart(at).mark_text(baseline="middle", fontSize=size, dy=0.5, aria=False)
            layers.append(mark.encode(text="number:Q", color=alt.Color("tint:N", scale=None)))
    return layers


def _cut_marks(bars: Bars, cut: Cut | None) -> list[altair.Chart]:
    """A white gap with dots where the middle was cut out."""
    import altair as alt

    if cut is None:
        return []
    left, right = cut.begin, cut.end - cut.shift
    gap = alt.Chart(_table(x=[left], x2=[right], y=[0], y2=[bars.rows])).mark_rect(color=colour("paper"), aria=False)
    dots = alt.Chart(_table(x=[(left + right) / 2], y=[bars.rows / 2])).mark_text(
        text="⋯", fontSize=15, color=colour("muted"), aria=False
    )
    return [gap.encode(x2="x2:Q", y2="y2:Q"), dots]


def _remarks(remarks: Sequence[str], last: float) -> list[altair.Chart]:
    import altair as alt

    if not remarks:
        return []
    rows = range(0, len(remarks), _named_apart(len(remarks)))
    data = _table(x=[last] * len(rows), y=[row + 0.5 for row in rows], text=[remarks[row] for row in rows])
    mark = alt.Chart(data).mark_text(align="left", baseline="middle", dx=8, fontSize=11, color=colour("muted"))
    return [mark.encode(text="text:N")]


def _notes(inside: str, beside: str, last: float) -> list[altair.Chart]:
    """Text over the right end of the rows, and over their remarks."""
    import altair as alt

    places: tuple[tuple[str, Literal["left", "right"], int], ...] = ((inside, "right", 0), (beside, "left", 8))
    layers = []
    for text, align, shift in places:
        if text:
            data = _table(x=[last], y=[0], text=[text])
            mark = alt.Chart(data).mark_text(align=align, dx=shift, dy=-9, fontSize=11, color=colour("muted"))
            layers.append(mark.encode(text="text:N"))
    return layers


def _time_axis(last: float, cut: Cut | None) -> altair.X:
    import altair as alt

    whole = last if cut is None else last + cut.shift
    step = next(s for s in reversed(ladder("s")) if whole >= s.threshold or s is ladder("s")[0])
    ticks = _ticks(last / step.scale, whole / step.scale) * step.scale
    moved = "datum.value"
    if cut is not None:
        ticks = np.concatenate([ticks[ticks < cut.begin], ticks[ticks > cut.end] - cut.shift])
        moved = f"(datum.value > {cut.begin!r} ? datum.value + {cut.shift!r} : datum.value)"
    label = f"format({moved} / {step.scale!r}, ',.6~g')"
    axis = alt.Axis(values=ticks.tolist(), labelExpr=label, title=f"Time [{step.label}]")
    return alt.X("x:Q", scale=alt.Scale(domain=[0, last], nice=False), axis=axis)


def _ticks(shown: float, last: float) -> NDArray[np.float64]:
    """Round numbers from 0 to the last, about TICKS of them in what is shown."""
    rough = shown / TICKS
    power = 10 ** np.floor(np.log10(rough))
    apart = next(f * power for f in (1, 2, 5, 10) if f * power >= rough)
    return np.arange(0, last + apart / 1e6, apart)


def _named_apart(rows: int) -> int:
    """Every how many rows one is named: all, while there is room."""
    return 1 if rows <= MOST_NAMED else round(rows / MOST_NAMED * 2)


def _row_axis(bars: Bars) -> altair.Y:
    import altair as alt

    values = (np.arange(0, bars.rows, _named_apart(bars.rows)) + 0.5).tolist()
    label = f"'{bars.title} ' + format(floor(datum.value), 'd')"
    axis = alt.Axis(values=values, labelExpr=label, title=None, grid=False)
    return alt.Y("y:Q", scale=alt.Scale(domain=[bars.rows, 0], nice=False), axis=axis)


_PATHS = re.compile(r'(?:<path d="[^"]*"[^>]*/>)+')
_PATH = re.compile(r'<path d="([^"]*)"([^>]*)/>')
_LONG = re.compile(r"\d+\.\d{3,}")


def to_svg(drawn: altair.LayerChart) -> str:
    """The chart as SVG, with the blocks of one look in one path and no digits that nobody sees."""
    return _PATHS.sub(_joined, plot.to_svg(drawn))


def _joined(found: re.Match[str]) -> str:
    """Neighbouring paths as one path a look; blocks do not overlap, so their order is free."""
    looks: dict[str, list[str]] = {}
    for path in _PATH.finditer(found.group()):
        looks.setdefault(path.group(2), []).append(_LONG.sub(lambda n: f"{float(n.group()):.2f}", path.group(1)))
    return "".join(f'<path d="{"".join(shapes)}"{look}/>' for look, shapes in looks.items())


def inline_html(drawn: altair.LayerChart) -> str:
    """The chart as SVG in a box of its own, on light or dark paper as the reader has it."""
    svg = adaptive(to_svg(drawn))
    return f'<div style="color-scheme:light dark;background:var(--paper);{variables()}">{svg}</div>'


def page(drawn: altair.LayerChart, title: str) -> str:
    """The chart as a page of HTML, on light or dark paper as the reader has it."""
    name = html.escape(title)
    style = (
        f"body{{margin:2em;background:var(--paper);color:var(--ink);font-family:{SANS_FALLBACK}}}svg{{max-width:100%}}"
    )
    style = f":root{{color-scheme:light dark;{variables()}}}{style}"
    head = f'<meta charset="utf-8"><title>{name}</title><style>{style}</style>'
    return (
        f"<!doctype html><html lang=en><head>{head}</head><body><h1>{name}</h1>{adaptive(to_svg(drawn))}</body></html>"
    )


def to_png(drawn: altair.LayerChart, dark: bool = False) -> bytes:
    """The chart as a PNG in the document's own type, on light or dark paper."""
    import typst

    tints = {pair[0]: pair[dark] for pair in PALETTE.values()}
    svg = re.sub("|".join(tints), lambda found: tints[found.group()], to_svg(drawn))
    source = (
        f'#set page(width: auto, height: auto, margin: 10pt, fill: rgb("{PALETTE["paper"][dark]}"))\n'
        f"#set text(font: {json.dumps(FONT)})\n"
        f'#image(bytes({json.dumps(svg, ensure_ascii=False)}), format: "svg")'
    )
    made = typst.compile(source.encode(), format="png", ppi=PIXELS_PER_INCH, ignore_system_fonts=True)
    return bytes(made if isinstance(made, bytes) else made[0])


def _on_paper(svg: str) -> str:
    """A drawing with a ground of its own and type that is always there, which reads on any page."""
    ground = svg.replace(">", f'><rect width="100%" height="100%" fill="{colour("paper")}"/>', 1)
    return ground.replace(f'font-family="{FONT}"', f'font-family="{SANS_FALLBACK}"')


def write(drawn: altair.LayerChart, file: Path, title: str) -> None:
    """Write the chart as the file's name says: .png, .svg, .html or .json (Vega-Lite)."""
    kinds = {
        ".png": lambda: to_png(drawn),
        ".svg": lambda: _on_paper(to_svg(drawn)).encode(),
        ".html": lambda: page(drawn, title).encode(),
        ".json": lambda: json.dumps({**drawn.to_dict(validate=False), "config": config()}, indent=1).encode(),
    }
    if file.suffix.lower() not in kinds:
        raise ValueError(f'"{file.suffix or file.name}" is not one of {", ".join(kinds)}')
    content = kinds[file.suffix.lower()]()
    begun = file.with_name(f".{file.name}.part")
    begun.write_bytes(content)
    begun.replace(file)
