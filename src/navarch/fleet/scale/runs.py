"""Published training runs against what machines can do: the point at which one machine stopped being enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from navarch.fleet.scale import estimate

if TYPE_CHECKING:
    import altair

    from navarch.catalog import Catalog

FLEETS = (1, 8, 1024, 16384, 131072)
"""Accelerators whose reach is drawn."""

NAMED = ("BERT large", "GPT-3 175B", "PaLM 540B", "GPT-4", "Llama 3.1 405B", "Llama 3 8B", "Grok-3")
"""Runs that the figure names."""


@dataclass(frozen=True, slots=True)
class Run:
    """A published run: its year and compute [FLOP], and the time on one accelerator [s]."""

    model: str
    year: int
    compute: float
    time_on_one: float


@dataclass(frozen=True)
class PublishedRuns:
    """Published runs on one kind of accelerator, and how much compute fleets of it do in the duration [s]."""

    accelerator: str
    duration: float
    runs: tuple[Run, ...]
    reach: Mapping[str, float] = field(repr=False)
    named: tuple[str, ...] = NAMED

    @property
    def years(self) -> list[int]:
        """The first and the last year, with room for the names."""
        years = [run.year for run in self.runs]
        return [min(years) - 1, max(years) + 1]

    def beyond(self, accelerators: int) -> tuple[Run, ...]:
        """The runs that so many accelerators cannot do in the duration."""
        return tuple(run for run in self.runs if run.time_on_one > accelerators * self.duration)

    def to_frame(self) -> Any:
        """The runs as a polars frame: model, year, compute [FLOP], time on one accelerator [s]."""
        import polars as pl

        rows = [(r.model, r.year, r.compute, r.time_on_one) for r in self.runs]
        return pl.DataFrame(rows, schema=["model", "year", "compute", "time_on_one"], orient="row")

    def plot(self) -> altair.TopLevelMixin:
        """The runs by year and compute, with what fleets can do."""
        from navarch.fleet.scale.figures import published

        return published(self)

    def _repr_html_(self) -> str:
        return str(self.to_frame()._repr_html_())


def published_runs(catalog: Catalog, duration: float, accelerator: str = "h100-sxm") -> PublishedRuns:
    """The runs of the catalog's table of training facts whose compute is known, at the planning utilisation.

    duration: a run may take [s]; accelerator: id in the catalog, at its BF16 rate.
    """
    entry = catalog.get("accelerator", accelerator)
    peak = float(catalog.fact("accelerator", accelerator, "bf16"))
    utilisation = float(catalog.fact("constant", "scale.utilisation"))
    table = catalog.table("training_facts")
    rows = table.filter(table["flop_total"].is_not_null()).sort("flop_total").iter_rows(named=True)
    runs = tuple(
        Run(row["model"], int(row["year"]), c, estimate.time_on_one(c, peak, utilisation))
        for row in rows
        for c in [float(row["flop_total"])]
    )
    reach = {f"{n:,}": estimate.compute_budget(n, peak, utilisation, duration) for n in FLEETS}
    return PublishedRuns(entry.name, duration, runs, reach)
