"""What an evaluation gives: quantities by name, decisions with what they beat, constraints, uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from navarch.core.ledger import Entry, Ledger, Value
from navarch.core.uncertainty import Uncertainty

if TYPE_CHECKING:
    from navarch.design.spec import Design

HEADLINES = (
    "training.duration",
    "training.step_time",
    "training.mfu",
    "faults.goodput",
    "faults.job_mttf",
    "faults.expected_interruptions",
    "serving.accelerators",
    "serving.ttft",
    "serving.time_per_output_token",
    "power.facility",
    "energy.total",
    "carbon.total",
    "water.total",
    "cost.tco",
    "cost.training",
    "cost.per_million_tokens",
)


By = Literal["navarch", "partly", "user"]
"""Who decided: navarch, the design file in part and navarch the rest, or the design file alone."""


def decided_by(given: Sequence[bool]) -> By:
    """Who decided, from whether each part of the decision is given in the design file."""
    return "user" if all(given) else "partly" if any(given) else "navarch"


@dataclass(frozen=True)
class Alternative:
    """One candidate of a decision: its label, its figures by title, and why it lost ("" where it was chosen).

    why_lost holds no digit; the number that ends it, where there is one, is `lost_by`.
    """

    label: str
    metrics: Mapping[str, Value]
    why_lost: str = ""
    chosen: bool = False
    lost_by: Value | None = None


@dataclass(frozen=True)
class Decision:
    """One architectural decision.

    key: dotted ("parallelism", "cluster.topology"); chosen: its label; by: who decided; considered: how many candidates
    were evaluated; feasible: how many met every hard limit; alternatives: the chosen one and the best of the others;
    binding: what limits it; margin: by how much the runner-up is worse, where there is one.
    """

    key: str
    title: str
    chosen: str
    by: By
    considered: Value | None = None
    feasible: Value | None = None
    alternatives: tuple[Alternative, ...] = ()
    binding: str = ""
    margin: Value | None = None
    sensitivity: Mapping[str, Value] = field(default_factory=dict)

    @property
    def runner_up(self) -> Alternative | None:
        """The best of the alternatives that lost."""
        return next((a for a in self.alternatives if not a.chosen), None)


@dataclass(frozen=True)
class Constraint:
    """A budget or a deadline: what was asked, what the design gives, and the margin (negative where missed).

    probability: share of the samples of all uncertain inputs in which it is met, an observation in the ledger.
    """

    key: str
    title: str
    asked: Value
    designed: Value
    margin: Value
    field: str
    probability: Value | None = None

    @property
    def met(self) -> bool:
        return float(self.margin) >= 0


@dataclass(frozen=True)
class Curve:
    """A quantity against a parameter, for a figure; computed by the equations that computed the design."""

    title: str
    x_title: str
    x_unit: str
    x: NDArray[np.float64]
    y_title: str
    y_unit: str
    y: NDArray[np.float64]
    chosen: Value | None = None
    optimum: Value | None = None


@dataclass(frozen=True)
class Front:
    """Plans that none beats in both memory and step time, for a figure; the last `over` of them do not fit.

    memory [byte]; step [s]; labels: the degrees of each; recomputation: of each.
    """

    memory: NDArray[np.float64]
    step: NDArray[np.float64]
    labels: tuple[str, ...]
    recomputation: tuple[str, ...]
    over: int = 0


@dataclass(frozen=True)
class Evaluation:
    """A design, evaluated: every number with its derivation."""

    spec: Design
    ledger: Ledger = field(repr=False)
    quantities: Mapping[str, Value] = field(repr=False)
    decisions: Mapping[str, Decision] = field(repr=False)
    constraints: tuple[Constraint, ...]
    curves: Mapping[str, Any] = field(repr=False)
    labels: Mapping[str, str] = field(repr=False)
    uncertainty: Uncertainty = field(repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def met(self) -> bool:
        """Whether every constraint is met."""
        return all(c.met for c in self.constraints)

    @property
    def binding(self) -> Constraint | None:
        """The constraint with the least margin."""
        return min(self.constraints, key=lambda c: float(c.margin), default=None)

    @property
    def headlines(self) -> dict[str, Value]:
        """The quantities that a reader asks for first, as far as this design has them."""
        return {name: self.quantities[name] for name in HEADLINES if name in self.quantities}

    def entry(self, name: str) -> Entry:
        """The ledger entry of a quantity.

        Raises DesignError naming the nearest quantities where there is none of that name.
        """
        from difflib import get_close_matches

        from navarch.design.errors import DesignError

        value = self.quantities.get(name)
        if value is None:
            near = get_close_matches(name, self.quantities, n=3, cutoff=0.4)
            hint = f"did you mean {', '.join(near)}?" if near else "`navarch explain FILE --list` prints them all"
            raise DesignError("quantity", f"{name!r} is not a quantity of this design; {hint}")
        return value.entry

    def explain(self, name: str) -> str:
        """The derivation of a quantity down to facts and the user's own inputs, as text."""
        from navarch.core.explain import explain

        return explain(self.entry(name))

    def to_frame(self) -> Any:
        """The quantities as a polars frame: name, value, unit, low, high (80 %), title, source."""
        import polars as pl

        rows = []
        for name, value in self.quantities.items():
            low, high = self.uncertainty.interval(value.entry)
            e = value.entry
            rows.append((name, e.value, e.unit, low, high, e.title, e.source))
        return pl.DataFrame(rows, schema=["name", "value", "unit", "low", "high", "title", "source"], orient="row")

    def _repr_html_(self) -> str:
        return str(self.to_frame()._repr_html_())
