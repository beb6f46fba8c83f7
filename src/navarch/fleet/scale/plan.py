"""The scale of a run: its compute, the model and tokens that it buys, how long on what fleet, where more stop helping.

`plan_scale` answers a `Question` under a ledger: every number is derived from catalog facts and what was asked, and has
the interval that its facts give it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import product_of, ratio
from navarch.core.ledger import Entry, Ledger, Value
from navarch.core.uncertainty import Uncertainty, propagate
from navarch.fleet.scale import estimate, laws, sections
from navarch.fleet.scale.budget import scaling_law
from navarch.fleet.scale.desk import Desk
from navarch.fleet.scale.optimum import Optimum, optima
from navarch.fleet.scale.question import Question, ScaleError

if TYPE_CHECKING:
    import altair

    from navarch.catalog import Catalog

SAMPLES, SEED = 10_000, 1


@dataclass(frozen=True)
class ScalePlan:
    """The answer: quantities by name, each with its derivation and interval, and every law's optimum."""

    question: Question
    ledger: Ledger = field(repr=False)
    quantities: Mapping[str, Value] = field(repr=False)
    optima: tuple[Optimum, ...] = field(repr=False)
    uncertainty: Uncertainty = field(repr=False)
    labels: Mapping[str, str] = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def optimum(self) -> Optimum:
        """The optimum by the law that answers."""
        return self.optima[0]

    def entry(self, name: str) -> Entry:
        """The ledger entry of a quantity; ScaleError names near ones where there is none of that name."""
        from difflib import get_close_matches

        value = self.quantities.get(name)
        if value is None:
            near = get_close_matches(name, self.quantities, n=3, cutoff=0.4)
            hint = f"did you mean {', '.join(near)}?" if near else "its JSON names them all"
            raise ScaleError(f"{name!r} is not a quantity of this plan; {hint}")
        return value.entry

    def interval(self, name: str, share: float = 0.8) -> tuple[float, float]:
        """The central interval of a quantity that holds `share` of the samples."""
        return self.uncertainty.interval(self.entry(name), share)

    @property
    def chance_of_deadline(self) -> float | None:
        """The share of the samples in which the fleet keeps the deadline; None where there is no deadline."""
        if self.question.deadline is None:
            return None
        return self.uncertainty.probability(self.entry("fleet.time"), self.question.deadline)

    @property
    def chance_of_loss(self) -> float | None:
        """The share of the samples in which any run reaches the loss asked for; None where none was asked for."""
        if self.question.loss is None:
            return None
        import numpy as np

        drawn = self.uncertainty.samples.get(self.entry("compute").number)
        return 1.0 if drawn is None else float(np.mean(np.isfinite(drawn)))

    def explain(self, name: str) -> str:
        """The derivation of a quantity down to facts and what was asked, as text."""
        from navarch.core.explain import explain

        return explain(self.entry(name))

    def to_frame(self) -> Any:
        """The quantities as a polars frame: name, value, unit, low, high (80 %), title, source."""
        import polars as pl

        rows = [
            (name, e.value, e.unit, *self.uncertainty.interval(e), e.title, e.source)
            for name, e in ((name, value.entry) for name, value in self.quantities.items())
        ]
        return pl.DataFrame(rows, schema=["name", "value", "unit", "low", "high", "title", "source"], orient="row")

    def plot(self, kind: str = "isoflop") -> altair.TopLevelMixin:
        """A figure: `isoflop` (loss by model size at fixed compute) or `wall` (time of the run by accelerators)."""
        from navarch.fleet.scale.figures import FIGURES

        if kind not in FIGURES:
            raise ScaleError(f"plot: {kind!r} is not a figure; there are: {', '.join(FIGURES)}")
        return FIGURES[kind](self)

    def as_data(self) -> dict[str, Any]:
        """Plain data for JSON: quantities in SI with their 80 and 95 % intervals, and the laws beside each other."""
        return {
            "question": {k: v for k, v in vars(self.question).items() if v is not None},
            "quantities": {name: self._quantity(value) for name, value in self.quantities.items()},
            "laws": [
                {"law": o.law, "title": o.title, "caveat": o.caveat}
                | {name: self._quantity(v) for name, v in _parts(o).items()}
                for o in self.optima
            ],
            "chance_of_deadline": self.chance_of_deadline,
            "chance_of_loss": self.chance_of_loss,
            "notes": list(self.notes),
        }

    def _quantity(self, value: Value) -> dict[str, Any]:
        e = value.entry
        (low, high), (low95, high95) = (self.uncertainty.interval(e, share) for share in (0.8, 0.95))
        return {
            "value": e.value, "unit": e.unit, "low": low, "high": high, "low95": low95, "high95": high95,
            "title": e.title,
        }  # fmt: skip

    def _repr_html_(self) -> str:
        return str(self.to_frame()._repr_html_())


def plan_scale(question: Question, catalog: Catalog, samples: int = SAMPLES, seed: int = SEED) -> ScalePlan:
    """Answer a question about scale.

    samples, seed: of the propagation of uncertainty. Raises ScaleError or CatalogError where it cannot be answered.
    """
    with Ledger() as ledger:
        desk = Desk(question, catalog, ledger)
        compute = desk.put("compute", _compute(desk))
        found = optima(compute, catalog, ledger.fact, question.law)
        for each in found:
            desk.put_all(f"laws.{each.law}", _parts(each))
        if question.way == "run":
            sections.run(desk, compute)
        size = desk.asked("parameters") if question.way == "run" else found[0].parameters
        sections.fleet(desk, compute)
        sections.memory(desk, size)
        sections.more_accelerators(desk, compute, size)
        if question.given("unique_tokens"):
            sections.repeated_data(desk, compute)
        if question.given("inference_tokens"):
            sections.lifetime(desk, found[0])
    wanted = [value.entry for value in desk.quantities.values()]
    uncertainty = propagate(ledger, samples, seed, wanted)
    return ScalePlan(question, ledger, desk.quantities, found, uncertainty, desk.labels, tuple(desk.notes))


def _parts(optimum: Optimum) -> dict[str, Value]:
    names = ("parameters", "tokens", "tokens_per_parameter", "loss")
    return {name: value for name in names if (value := getattr(optimum, name)) is not None}


def _compute(desk: Desk) -> Value:
    """The compute of the run, by whatever fixes it."""
    way = desk.question.way
    if way == "compute":
        return desk.asked("compute")
    if way == "run":
        return estimate.dense_training_compute(desk.asked("parameters"), desk.asked("tokens"))
    if way == "loss":
        return _compute_for_loss(desk)
    if way == "fleet":
        calendar = desk.asked("duration")
    else:
        calendar = ratio(
            desk.asked("budget"), desk.price, unit="s", title="Accelerator time that the money rents", symbol="T_acc"
        )
        desk.put("budget.accelerator_time", calendar)
    productive = product_of(calendar, desk.availability, unit="s", title="Productive part of it", symbol="T_prod")
    count = desk.asked("accelerators") if way == "fleet" else desk.one
    return estimate.compute_budget(count, desk.peak, desk.utilisation, productive)


def _compute_for_loss(desk: Desk) -> Value:
    """The least compute for a loss by the law that answers; ScaleError where it says that nothing reaches the loss."""
    law = scaling_law(desk.catalog, desk.ledger.fact, desk.question.law)
    wanted = desk.asked("loss")
    if wanted <= law.irreducible:
        raise ScaleError(
            f"loss: {float(wanted):g} nats a token is not allowed; by {desk.question.law} no run comes below "
            f"{float(law.irreducible):.4g}, and none reaches it"
        )
    exponents = (law.parameter_exponent, law.token_exponent)
    coefficient = laws.allocation_coefficient(law.parameter_scale, law.token_scale, *exponents)
    left = laws.reducible_loss(wanted, law.irreducible)
    return laws.compute_for_loss(left, coefficient, law.parameter_scale, *exponents)
