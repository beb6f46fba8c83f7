"""Figures of a report of training runs, as altair charts: parity, errors by family, the sweep, intervals, memory.

Filled marks are rows that no constant was fitted on, hollow ones are calibration. Recalled rows are in no figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from navarch.core.plot import FONT, colour, series
from navarch.validation.report import Prediction, Report

if TYPE_CHECKING:
    import altair

BAND = 0.1
"""To either side of equality [fraction]."""
SIDE = 330
WIDE, ROW = 430, 24
"""Width of a strip of marks, and height of one of its lines [px]."""
MARK = 34
MARGIN = 1.15
GROUPS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "megatron-lm": (
        "Megatron-LM, 2019 to 2022", ("Narayanan", "Korthikanti", "Megatron-LM repo", "NVIDIA ADLR", "MegaScale"),
    ),
    "bloom": ("BLOOM topology sweep", ("BigScience",)),
    "fsdp": ("MosaicML llm-foundry, FSDP", ("MosaicML",)),
    "bridge": ("Megatron-Bridge and NeMo", ("NVIDIA Megatron-Bridge", "NVIDIA NeMo")),
    "simumax": ("SimuMax's B200 node", ("SimuMax",)),
}  # fmt: skip
"""Group of families: its title, and how the names of its families begin."""
TERA = 1e12
SPLITS = "filled: no constant was fitted on them; hollow: calibration; band: 10 % to either side"
MOST_TICKS = 8
LEADING = ((1, 1.5, 2, 3, 4, 6, 8), (1, 2, 3, 5), (1, 2, 5), (1,))
"""Numbers that the ticks of a logarithmic axis begin with; the first that are few enough."""
NARROW = 6.0
"""Range, last over first, up to which a logarithmic axis has evenly spaced ticks."""
HELD_TOLD = "untouched rows; grey: the interval, by software and kind of model; red: beyond it"
SIGNED = "datum.value ? format(datum.value, '+.0%') : '0%'"
RATIOS = (0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)


def checked(report: Report) -> list[Prediction]:
    """The rows that figures are made of."""
    return [row for row in report.predictions if row.split != "recalled"]


def figures(report: Report) -> dict[str, altair.LayerChart]:
    """Every figure that the report has rows for, by the name of its file."""
    rows = checked(report)
    found: dict[str, Any] = {"errors": errors(rows)} if rows else {}
    for name, (title, begins) in GROUPS.items():
        members = [row for row in rows if row.family.startswith(begins)]
        if members:
            found[name] = parity(members, title)
    if report.more.get("sweep"):
        found["bloom-ranking"] = sweep(report.more["sweep"])
    if report.more.get("intervals", {}).get("constants"):
        found["intervals"] = intervals(rows, report.more["intervals"])
    memory = [row for row in report.more.get("memory", {}).get("predictions", ()) if row["split"] != "recalled"]
    if memory:
        found["memory"] = memory_parity(memory)
    return found


def parity(rows: Sequence[Prediction], title: str) -> altair.LayerChart:
    """Predicted over measured step times on logarithmic axes, with the line of equality and 10 % to either side."""
    values = [
        {"measured": p.measured, "predicted": p.predicted, "split": p.split, "name": _short(p.family), "id": p.id}
        for p in rows
    ]
    return _framed(_scatter(values, "step time [s]"), title)


def memory_parity(rows: Sequence[Mapping[str, Any]]) -> altair.LayerChart:
    """Predicted over measured peak memory."""
    keys = ("measured", "predicted", "split", "id")
    values = [{**{key: row[key] for key in keys}, "name": _short(row["family"])} for row in rows]
    return _framed(_scatter(values, "peak memory [GB]"), "Peak memory of an accelerator")


def _short(family: str) -> str:
    """A family without the group that it is drawn in."""
    for start in ("NVIDIA ", "MosaicML llm-foundry ", "BigScience "):
        family = family.removeprefix(start)
    return family.replace(" et al. ", " ").replace("MegatronLM v1.0 post Table 1", "2020").replace(" Table 1", "")


def _scatter(values: Sequence[Mapping[str, Any]], quantity: str, unit: float = 1.0) -> Any:
    """Marks by family, filled where untouched, around the line of equality; unit: what the axes count in."""
    import altair as alt

    ends = [float(row[key]) / unit for row in values for key in ("measured", "predicted")]
    low, high = min(ends) / MARGIN, max(ends) * MARGIN
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    axis = alt.Axis(format="~g", values=_ticks(low, high))
    x = alt.X("measured:Q", title=f"measured {quantity}", scale=scale, axis=axis)
    y = alt.Y("predicted:Q", title=f"predicted {quantity}", scale=scale, axis=axis)
    drawn = [{**row, "measured": row["measured"] / unit, "predicted": row["predicted"] / unit} for row in values]
    names = list(dict.fromkeys(str(row["name"]) for row in drawn))
    return alt.layer(*_equality(low, high, x, y), *_marks(drawn, names, x, y)).properties(width=SIDE, height=SIDE)


def _marks(values: Sequence[Mapping[str, Any]], names: Sequence[str], x: Any, y: Any) -> list[Any]:
    """Hollow marks of calibration under filled ones of untouched rows."""
    import altair as alt

    shades = alt.Scale(domain=list(names), range=_shades(len(names)))
    legend = alt.Legend(title=None, orient="bottom", columns=2, labelLimit=260, symbolType="circle")
    hue = alt.Color("name:N", scale=shades, legend=legend if len(names) > 1 else None)
    layers = []
    for split, filled in (("calibration", False), ("untouched", True)):
        members = [row for row in values if row["split"] == split]
        if members:
            base = alt.Chart(alt.Data(values=members))
            mark = base.mark_point(filled=filled, size=MARK, opacity=0.85, strokeWidth=1.1, clip=True)
            layers.append(mark.encode(x, y, hue))
    return layers


def _shades(count: int) -> list[str]:
    """Colours that differ in hue before they do in lightness."""
    order = (0, 2, 4, 6, 8, 1, 3, 5, 7)
    return [series(order[index % len(order)]) for index in range(count)]


def _equality(low: float, high: float, x: Any, y: Any) -> list[Any]:
    """The line of equality in the band to either side of it."""
    import altair as alt

    rows = [{"measured": e, "predicted": e, "under": e * (1 - BAND), "over": e * (1 + BAND)} for e in (low, high)]
    base = alt.Chart(alt.Data(values=rows))
    band = base.mark_area(color=colour("grid"), opacity=1, clip=True).encode(x, alt.Y("under:Q"), alt.Y2("over:Q"))
    return [band, base.mark_line(color=colour("muted"), strokeWidth=0.9, clip=True).encode(x, y)]


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers of a logarithmic axis: few enough to be read."""
    if high / low < NARROW:
        step = next(n * 10.0**d for d in range(-9, 10) for n in (1, 2, 5) if (high - low) / (n * 10.0**d) <= MOST_TICKS)
        return [float(step * n) for n in range(int(np.ceil(low / step)), int(high / step) + 1)]
    decades = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for leading in LEADING:
        ticks = [float(n * 10.0**d) for d in decades for n in leading if low <= n * 10.0**d <= high]
        if len(ticks) <= MOST_TICKS:
            return ticks
    return ticks


def errors(rows: Sequence[Prediction]) -> altair.LayerChart:
    """Signed errors of every row, a line a family; the band is 10 % to either side."""
    values = [{"error": row.error, "family": row.family, "split": row.split} for row in rows]
    families = sorted({row.family for row in rows})
    furthest = max(abs(row.error) for row in rows) * MARGIN
    return _framed(_strip(values, families, "error", "error of the step time", furthest), "Errors by family")


def _strip(values: Sequence[Mapping[str, Any]], lines: Sequence[str], field: str, title: str, furthest: float) -> Any:
    """Marks along lines of names."""
    import altair as alt

    scale = alt.Scale(domain=[-furthest, furthest], nice=False)
    x = alt.X(f"{field}:Q", title=title, scale=scale, axis=alt.Axis(labelExpr=SIGNED, tickCount=7, grid=True))
    y = alt.Y("family:N", title=None, sort=list(lines), axis=alt.Axis(labelLimit=420, grid=False))
    band = alt.Chart(alt.Data(values=[{"low": -BAND, "high": BAND}])).mark_rect(color=colour("grid"))
    zero = alt.Chart(alt.Data(values=[{"at": 0}])).mark_rule(color=colour("muted"), strokeWidth=0.9)
    layers = [band.encode(alt.X("low:Q", scale=scale), alt.X2("high:Q")), zero.encode(alt.X("at:Q", scale=scale))]
    for split, filled in (("calibration", False), ("untouched", True)):
        members = [row for row in values if row["split"] == split]
        if members:
            mark = alt.Chart(alt.Data(values=members)).mark_point(
                filled=filled, size=MARK, opacity=0.5 if filled else 0.8, color=colour("blue" if filled else "orange"),
                strokeWidth=1,
            )  # fmt: skip
            layers.append(mark.encode(x, y))
    return alt.layer(*layers).properties(width=WIDE, height=ROW * len(lines))


def sweep(found: Mapping[str, Any]) -> altair.LayerChart:
    """Rates of the strategies of the BLOOM sweep, predicted over measured; ringed: the one predicted to be fastest."""
    import altair as alt

    values = [{**row, "name": row["state"]} for row in found["rates"]]
    chart = _scatter(values, "rate [TFLOP/s of an accelerator]", TERA)
    best = max(values, key=lambda row: row["predicted"])
    told = [{"measured": best["measured"] / TERA, "predicted": best["predicted"] / TERA, "told": "predicted fastest"}]
    base = alt.Chart(alt.Data(values=told)).encode(alt.X("measured:Q"), alt.Y("predicted:Q"))
    ring = base.mark_point(size=3 * MARK, color=colour("red"), strokeWidth=1.3)
    words = base.mark_text(align="right", dx=-9, dy=-4, color=colour("red")).encode(alt.Text("told:N"))
    return _framed(alt.layer(chart, ring, words), "Order of the strategies of the BLOOM sweep")


def intervals(rows: Sequence[Prediction], found: Mapping[str, Any]) -> altair.LayerChart:
    """Measured over predicted step times of untouched rows, on the interval that was printed beside them."""
    import altair as alt

    by_id = {row.id: row for row in rows if row.split == "untouched"}
    bars, marks = [], []
    for group in found["constants"].values():
        line = f"{group['scope']}: {group['held']:.0%} of {group['rows']}"
        bars.append({"family": line, "low": group["low"], "high": group["high"]})
        marks += [{"family": line, **_on_interval(by_id[name])} for name in group["ids"]]
    ends = [float(row["ratio"]) for row in marks]
    scale = alt.Scale(type="log", domain=[min(ends) / MARGIN, max(ends) * MARGIN], nice=False)
    axis = alt.Axis(format="~g", values=RATIOS)
    x = alt.X("ratio:Q", title="measured over predicted step time", scale=scale, axis=axis)
    lines = [bar["family"] for bar in bars]
    y = alt.Y("family:N", title=None, sort=lines, axis=alt.Axis(labelLimit=320))
    bar = alt.Chart(alt.Data(values=bars)).mark_bar(color=colour("grid"), height=ROW * 0.7)
    one = alt.Chart(alt.Data(values=[{"ratio": 1.0}])).mark_rule(color=colour("muted"), strokeWidth=0.9).encode(x)
    shades = alt.Scale(domain=["within", "beyond"], range=[colour("blue"), colour("red")])
    hue = alt.Color("held:N", scale=shades, legend=None)
    dots = alt.Chart(alt.Data(values=marks)).mark_point(filled=True, size=MARK, opacity=0.55).encode(x, y, hue)
    chart = alt.layer(bar.encode(alt.X("low:Q", scale=scale), alt.X2("high:Q"), y), one, dots)
    return _framed(chart.properties(width=WIDE, height=ROW * len(lines)), "Where the 80 % interval held", HELD_TOLD)


def _on_interval(row: Prediction) -> dict[str, Any]:
    """Measured over predicted, and whether the interval held it."""
    inside = row.low is not None and row.high is not None and row.low <= row.measured <= row.high
    return {"ratio": row.measured / row.predicted, "held": "within" if inside else "beyond"}


def _framed(chart: Any, title: str, told: str = SPLITS) -> altair.LayerChart:
    import altair as alt

    heading = alt.Title(title, subtitle=told, subtitleColor=colour("muted"), subtitleFont=FONT, subtitleFontSize=11.5)
    framed: altair.LayerChart = chart.properties(title=heading)
    return framed
