"""Figures of a scale plan, as altair charts in the common look. Every curve is computed by the plan's own equations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from navarch.core.ledger import Entry
from navarch.core.plot import colour
from navarch.core.quantity import parse, show
from navarch.fleet.scale import estimate, laws, strong_scaling

if TYPE_CHECKING:
    import altair

    from navarch.fleet.scale.plan import ScalePlan
    from navarch.fleet.scale.runs import PublishedRuns

Array = NDArray[np.float64]

WIDTH, HEIGHT = 620, 340
POINTS = 121
BUDGETS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # of the asked compute, one isoFLOP curve each
SIZES = 12.0  # factor below and above its optimum over which a curve is drawn
BEYOND = 40.0  # times the fleet up to which the wall is drawn
TIMES = ("1 h", "1 day", "1 week", "1 month", "1 year", "10 years", "100 years", "1,000 years", "10,000 years")
ORDERS = "replace(format(datum.value, '~s'), 'G', 'B')"


def isoflop(plan: ScalePlan) -> altair.TopLevelMixin:
    """Loss by model size at fixed compute, one curve a budget, with the optimum of each and this plan's interval."""
    import altair as alt

    _, *constants = law = _constants(plan)
    budgets = float(plan.quantities["compute"]) * np.array(BUDGETS)
    coefficient = laws.allocation_coefficient.function(*constants)
    best = laws.optimal_parameters.function(budgets, coefficient, *constants[2:])
    sizes = best[:, None] * np.geomspace(1 / SIZES, SIZES, POINTS)  # (budget, size)
    losses = _loss(sizes, budgets[:, None], law)
    named = [show(budget, "FLOP") for budget in budgets]
    curves = _rows(size=sizes, loss=losses, compute=np.repeat(named, POINTS))
    optima = _rows(size=best, loss=_loss(best, budgets, law), compute=named)
    low, high = plan.interval(f"laws.{plan.optimum.law}.parameters")
    here = BUDGETS.index(1.0)
    span = _rows(low=[low], high=[high], loss=[optima[here]["loss"]])
    x = _orders("size:Q", "Parameters", sizes)
    y = alt.Y("loss:Q", scale=alt.Scale(zero=False), title="Loss, nats a token")
    shade = alt.Color("compute:N", sort=named, scale=alt.Scale(range=_shades(here)), legend=None)
    line = alt.Chart(alt.Data(values=curves)).mark_line().encode(x, y, shade)
    path = alt.Chart(alt.Data(values=optima)).mark_line(strokeDash=[4, 4], color=colour("muted"), strokeWidth=1)
    dots = alt.Chart(alt.Data(values=optima)).mark_circle(size=55, opacity=1).encode(x, y, shade)
    bar = alt.Chart(alt.Data(values=span)).mark_rule(strokeWidth=6, opacity=0.35, color=colour("orange"))
    ends = alt.Chart(alt.Data(values=curves[POINTS - 1 :: POINTS]))
    text = ends.mark_text(align="left", baseline="middle", dx=6).encode(x, y, alt.Text("compute:N"))
    chart = alt.layer(bar.encode(alt.X("low:Q"), alt.X2("high:Q"), y), line, path.encode(x, y), dots, text)
    return _framed(chart, "Loss by model size at fixed compute; the bar holds 80 % of the optima")


def wall(plan: ScalePlan) -> altair.TopLevelMixin:
    """Time of the run by accelerators: if all counted, at a fixed batch, and with a batch that grows with the fleet."""
    import altair as alt

    fleet = plan.quantities.get("fleet.accelerators")
    most = float(fleet if fleet is not None else plan.quantities["batch.half_wasted_fleet"])
    counts = np.geomspace(1.0, most * BEYOND, POINTS)
    step = _Step(plan)
    fixed = step.times(counts)  # (count, sample): seconds
    low, middle, high = (np.nanquantile(fixed, q, axis=1) for q in (0.1, 0.5, 0.9))
    fits = counts <= float(plan.quantities["batch.most_accelerators"])
    band = _rows(n=counts[fits], low=low[fits], high=high[fits])
    series = {
        "all of them count": step.ideal(counts),
        "at the same batch": np.where(fits, middle, np.nan),
        "batch grows with the fleet": step.growing(counts),
    }
    rows = [row for name, times in series.items() for row in _rows(n=counts, t=times, which=[name] * POINTS)]
    rows = [row for row in rows if np.isfinite(row["t"])]
    ticks = [parse(text, "s") for text in TIMES]
    x = _orders("n:Q", "Accelerators", counts)
    times_axis = alt.Axis(values=ticks, labelExpr=_named(ticks, TIMES))
    y = alt.Y("t:Q", scale=alt.Scale(type="log", domain=_decades(rows)), title="Time of the run", axis=times_axis)
    palette = alt.Scale(domain=list(series), range=[colour("mist"), colour("blue"), colour("teal")])
    shade = alt.Color(
        "which:N", scale=palette, legend=alt.Legend(title=None, orient="top-right", labelLimit=300, symbolType="stroke")
    )
    lines = alt.Chart(alt.Data(values=rows)).mark_line(clip=True).encode(x, y, shade)
    area = alt.Chart(alt.Data(values=band)).mark_area(opacity=0.18, color=colour("blue"), clip=True)
    parts = [area.encode(x, alt.Y("low:Q"), alt.Y2("high:Q")), lines, *_marks(plan, x, y, step)]
    return _framed(alt.layer(*parts), "Time of the run by the size of the fleet; the band holds 80 %")


def published(runs: PublishedRuns) -> altair.TopLevelMixin:
    """Published training runs by year and compute, with what one accelerator, one node and larger fleets can do."""
    import altair as alt

    rows = [{"year": run.year, "flop": run.compute, "model": run.model} for run in runs.runs]
    named = [row for row in rows if row["model"] in runs.named]
    reach = [{"flop": flop, "told": told} for told, flop in runs.reach.items()]
    x = alt.X("year:Q", title="Year", axis=alt.Axis(format="d", tickCount=6), scale=alt.Scale(domain=runs.years))
    exponents = np.log10([run.compute for run in runs.runs])
    powers = 10.0 ** np.arange(np.ceil(exponents.min()), np.floor(exponents.max()) + 1)
    decades = alt.Axis(format=".0e", values=powers.tolist())
    y = alt.Y("flop:Q", scale=alt.Scale(type="log"), title="Training compute, FLOP", axis=decades)
    dots = alt.Chart(alt.Data(values=rows)).mark_circle(size=45, color=colour("blue"), opacity=0.8).encode(x, y)
    names = alt.Chart(alt.Data(values=named)).mark_text(align="left", dx=7, fontSize=11)
    rules = alt.Chart(alt.Data(values=reach)).mark_rule(color=colour("orange"), strokeDash=[5, 4]).encode(y)
    told = alt.Chart(alt.Data(values=reach)).mark_text(align="left", baseline="bottom", dy=-3, color=colour("amber"))
    chart = alt.layer(
        rules, dots, names.encode(x, y, alt.Text("model:N")), told.encode(alt.X(value=4), y, alt.Text("told:N"))
    )
    return _framed(chart, f"Training runs, and what so many {runs.accelerator} do in {show(runs.duration, 's')}")


FIGURES: Mapping[str, Callable[[Any], Any]] = {"isoflop": isoflop, "wall": wall}


class _Step:
    """The time of the run by accelerators, on the samples of what is uncertain."""

    def __init__(self, plan: ScalePlan) -> None:
        quantities = plan.quantities
        self.samples = plan.uncertainty.samples
        half = quantities["batch.half_wasted_fleet"].entry
        self.work, self.peak, self.dividing, self.floor = (self._drawn(i.entry) for i in half.inputs)
        self.compute = self._drawn(quantities["compute"].entry)
        self.available = self._drawn(quantities["fleet.accelerator_time"].entry.inputs[3].entry)
        self.critical = self._drawn(quantities["batch.critical"].entry)
        self.batch = self._drawn(quantities["batch.tokens"].entry)
        self.fleet = float(quantities.get("fleet.accelerators", quantities["memory.accelerators"]))

    def _drawn(self, entry: Entry) -> Any:
        return self.samples.get(entry.number, entry.value)

    def times(self, counts: Array) -> Array:
        """At the same batch, a row a count and a column a sample [s]."""
        step = strong_scaling.step_time_with_floor.function(
            np.atleast_1d(self.work), counts[:, None], self.peak, np.atleast_1d(self.dividing), self.floor
        )
        return np.asarray(self.compute / np.atleast_1d(self.work) * step / self.available)

    def ideal(self, counts: Array) -> Array:
        """If every accelerator counted, at the medians [s]."""
        middle = [float(np.median(x)) for x in (self.compute, self.peak, self.dividing, self.available)]
        return np.asarray(estimate.accelerator_time.function(*middle) / counts)

    def growing(self, counts: Array) -> Array:
        """With a batch in proportion to the fleet, beyond the batch of this fleet, at the medians [s]."""
        compute, batch, critical, peak, dividing, available = (
            float(np.median(x))
            for x in (self.compute, self.batch, self.critical, self.peak, self.dividing, self.available)
        )
        least = compute / strong_scaling.compute_over_least.function(batch, critical)
        share = batch / self.fleet
        times = strong_scaling.time_at_growing_batch.function(least, counts, peak, dividing, share, critical)
        return np.where(counts >= self.fleet, times / available, np.nan)


def _marks(plan: ScalePlan, x: Any, y: Any, step: _Step) -> list[Any]:
    """The deadline, the fleet, one accelerator, and the fewest accelerators that hold the model."""
    import altair as alt

    marks: list[Any] = []
    holders = float(plan.quantities["memory.accelerators"])
    base = alt.Chart(alt.Data(values=[{"n": holders, "told": "fewer cannot hold the model"}]))
    marks.append(base.mark_rule(color=colour("slate"), strokeDash=[2, 3]).encode(x))
    marks.append(
        base.mark_text(align="right", dx=-6, color=colour("muted")).encode(
            x, alt.Y(value=HEIGHT - 8), alt.Text("told:N")
        )
    )
    if plan.question.deadline is not None:
        told = f"deadline, {show(plan.question.deadline, 's')}"
        limit = alt.Chart(alt.Data(values=[{"t": plan.question.deadline, "told": told}]))
        marks.append(limit.mark_rule(color=colour("red"), strokeDash=[5, 4]).encode(y))
        marks.append(
            limit.mark_text(align="left", baseline="bottom", dy=-3, color=colour("red")).encode(
                alt.X(value=4), y, alt.Text("told:N")
            )
        )
    if "fleet.accelerators" in plan.quantities:
        fleet, time = (float(plan.quantities[f"fleet.{name}"]) for name in ("accelerators", "time"))
        dot = alt.Chart(alt.Data(values=[{"n": fleet, "t": time, "told": f"{fleet:,.0f}: {show(time, 's')}"}]))
        marks.append(dot.mark_circle(size=80, color=colour("orange"), opacity=1).encode(x, y))
        marks.append(dot.mark_text(align="left", dx=8, dy=-8).encode(x, y, alt.Text("told:N")))
    return marks


def _constants(plan: ScalePlan) -> tuple[float, ...]:
    """The reference law's constants as the plan used them: inputs of the optimum's loss."""
    entry = plan.optimum.loss.entry  # type: ignore[union-attr]
    return tuple(i.entry.value for i in entry.inputs if i.parameter.name not in ("parameters", "tokens"))


def _loss(sizes: Array, budgets: Array, law: Sequence[float]) -> Array:
    tokens = estimate.affordable_tokens.function(budgets, sizes)
    return np.asarray(laws.chinchilla_loss.function(sizes, tokens, *law))


def _rows(**columns: Any) -> list[dict[str, Any]]:
    """Columns as the rows that altair takes."""
    flat = {name: np.ravel(np.asarray(values)).tolist() for name, values in columns.items()}
    return [dict(zip(flat, row, strict=True)) for row in zip(*flat.values(), strict=True)]


def _orders(shorthand: str, title: str, values: Array) -> Any:
    """A logarithmic horizontal axis with a tick at each power of ten."""
    import altair as alt

    lowest, highest = (np.log10(end(values)) for end in (np.min, np.max))
    ticks = (10.0 ** np.arange(np.floor(lowest), np.ceil(highest) + 1)).tolist()
    return alt.X(
        shorthand, scale=alt.Scale(type="log", nice=False), title=title, axis=alt.Axis(values=ticks, labelExpr=ORDERS)
    )


def _shades(here: int) -> list[str]:
    """The asked budget in orange, the others in blues."""
    return [colour("orange") if i == here else colour("blue" if i > here else "sky") for i in range(len(BUDGETS))]


def _named(ticks: Sequence[float], names: Sequence[str]) -> str:
    """A Vega expression that names given values of an axis."""
    cases = (f"datum.value == {tick!r} ? '{name}' : " for tick, name in zip(ticks, names, strict=True))
    return f"{''.join(cases)}''"


def _decades(rows: Sequence[Mapping[str, Any]]) -> list[float]:
    times = [row["t"] for row in rows]
    return [10 ** np.floor(np.log10(min(times))), 10 ** np.ceil(np.log10(max(times)))]


def _framed(chart: Any, title: str) -> Any:
    return chart.properties(width=WIDTH, height=HEIGHT, title=title, background=colour("paper"))
