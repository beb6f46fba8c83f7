"""What a validation gives: every row with its prediction or the reason why there is none, and the errors in sum.

Errors are shares of the measured value (0.1 is 10 %). `ape` is the absolute error, `bias` the mean of the signed ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Basis = Literal["fitted", "interpolated", "assumed"]
Split = Literal["calibration", "untouched", "recalled"]

LEAST_RANKED = 3
"""Fewest rows of a family between which a rank correlation says anything."""


@dataclass(frozen=True)
class Prediction:
    """One measurement with what navarch predicts for it.

    id: of the row; quantity: what was measured, with its unit; measured, predicted: in that unit; basis: how the inputs
    of the prediction are known (fitted to this very row, interpolated from the same system, or assumed); family: rows
    that may be ranked against each other; split: whether the row was looked at when a constant was chosen.
    """

    id: str
    quantity: str
    measured: float
    predicted: float
    basis: Basis
    family: str
    split: Split = "untouched"
    note: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def error(self) -> float:
        """Signed error as a share of the measured value."""
        return (self.predicted - self.measured) / self.measured

    @property
    def ape(self) -> float:
        """Absolute error as a share of the measured value."""
        return abs(self.error)


@dataclass(frozen=True)
class Skipped:
    """A row without a prediction, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class StoredError:
    """What a fit left of error on rows that it has not seen, where the rows themselves are not shipped."""

    family: str
    median_ape: float
    p90_ape: float
    note: str = ""


@dataclass(frozen=True)
class Summary:
    """The errors of some rows, in sum; None where there are too few rows to say."""

    rows: int
    predicted: int
    skipped: int
    median_ape: float | None = None
    mape: float | None = None
    p90_ape: float | None = None
    worst_ape: float | None = None
    worst: str = ""
    within_10: float | None = None
    within_20: float | None = None
    bias: float | None = None
    spearman: float | None = None
    within_interval: float | None = None


@dataclass(frozen=True)
class Report:
    """All rows of a topic."""

    topic: str
    title: str
    source: str
    predictions: tuple[Prediction, ...]
    skipped: tuple[Skipped, ...]
    stored: tuple[StoredError, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> Summary:
        """The errors of all rows."""
        return summarise(self.predictions, len(self.skipped))

    def by(self, key: Callable[[Prediction], str]) -> dict[str, Summary]:
        """The errors in groups, such as `report.by(lambda p: p.family)`."""
        groups: dict[str, list[Prediction]] = {}
        for prediction in self.predictions:
            groups.setdefault(key(prediction), []).append(prediction)
        return {name: summarise(rows) for name, rows in sorted(groups.items())}

    def as_data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "topic": self.topic,
            "source": self.source,
            "summary": asdict(self.summary),
            "families": {name: asdict(summary) for name, summary in self.by(lambda p: p.family).items()},
            "bases": {name: asdict(summary) for name, summary in self.by(lambda p: p.basis).items()},
            "splits": {name: asdict(summary) for name, summary in self.by(lambda p: p.split).items()},
            "predictions": [{**asdict(p), "ape": p.ape} for p in self.predictions],
            "skipped": [asdict(s) for s in self.skipped],
            **({"stored": [asdict(s) for s in self.stored]} if self.stored else {}),
            **self.more,
        }

    def worst(self, count: int) -> tuple[Prediction, ...]:
        """The rows with the largest errors, the worst first."""
        return tuple(sorted(self.predictions, key=lambda p: -p.ape)[:count])

    def to_frame(self) -> Any:
        """The predictions as a polars frame."""
        import polars as pl

        return pl.DataFrame([{**asdict(p), "ape": p.ape} for p in self.predictions])

    def _repr_html_(self) -> str:
        return str(self.to_frame()._repr_html_())


def summarise(predictions: Sequence[Prediction], skipped: int = 0) -> Summary:
    """Return the errors of some predictions in sum; rows that nobody has checked count as rows, not as errors."""
    rows = len(predictions) + skipped
    checked = [prediction for prediction in predictions if prediction.split != "recalled"]
    if not checked:
        return Summary(rows, len(predictions), skipped)
    errors = np.array([prediction.error for prediction in checked])
    sizes = np.abs(errors)
    worst = int(np.argmax(sizes))
    bounded = [p.low <= p.measured <= p.high for p in checked if p.low is not None and p.high is not None]
    return Summary(
        rows=rows,
        predicted=len(predictions),
        skipped=skipped,
        median_ape=float(np.median(sizes)),
        mape=float(sizes.mean()),
        p90_ape=float(np.quantile(sizes, 0.9)),
        worst_ape=float(sizes[worst]),
        worst=checked[worst].id,
        within_10=float(np.mean(sizes <= 0.1)),
        within_20=float(np.mean(sizes <= 0.2)),
        bias=float(errors.mean()),
        spearman=rank_correlation(checked),
        within_interval=float(np.mean(bounded)) if bounded else None,
    )


def rank_correlation(predictions: Iterable[Prediction]) -> float | None:
    """Return Spearman's rank correlation within families (mean weighted by rows), or None without a family of 3."""
    families: dict[tuple[str, str], list[Prediction]] = {}
    for prediction in predictions:
        families.setdefault((prediction.family, prediction.quantity), []).append(prediction)
    total, weight = 0.0, 0
    for rows in families.values():
        found = correlation([p.measured for p in rows], [p.predicted for p in rows])
        if found is not None:
            total, weight = total + found * len(rows), weight + len(rows)
    return total / weight if weight else None


def correlation(measured: Sequence[float], predicted: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation of two lists, or None where there are fewer than 3 values or all are equal."""
    if len(measured) < LEAST_RANKED:
        return None
    first, second = _ranks(measured), _ranks(predicted)
    first, second = first - first.mean(), second - second.mean()
    spread = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / spread if spread > 0 else None


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    """Return the ranks of some values; equal ones share the mean of theirs."""
    _, place, count = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: NDArray[np.float64] = (last - (count - 1) / 2)[place].astype(np.float64)
    return ranks


def row_id(row: Mapping[str, Any], number: int) -> str:
    """Return the id of a row, or its number where it has none."""
    return str(row.get("id") or f"row {number}")
