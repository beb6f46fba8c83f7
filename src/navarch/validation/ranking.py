"""Whether runs are put in the right order: the trend within each family, and the strategies of one sweep.

Runs of different models and batches are compared by what an accelerator does: model operations a second. Rows that
repeat a configuration with another release of the software are one configuration, with the median of what was
measured: the model knows no releases, and how far they lie apart is told beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from navarch.validation.cases import Case
from navarch.validation.report import LEAST_RANKED, correlation
from navarch.validation.rows import text

LAYOUT = (
    "model", "gpu", "precision", "n_gpus", "tp", "pp", "dp", "vpp", "cp", "ep", "mbs", "gbs", "seq", "zero_stage",
    "seq_parallel", "recompute", "attn_impl",
)  # fmt: skip
"""Columns that make a configuration; rows that agree in all of them differ in the release of the software at most."""
ALIKE = 0.05
"""Rates nearer to each other than this are as good as equal, and their order says nothing."""
SWEEP = "BigScience"
"""What the source of the rows of the BLOOM sweep contains."""
BEFORE, AFTER = "before the cluster was mended", "after it was mended"
"""States of the cluster of that sweep."""
LARGER = 2.0
"""A family has a trend over sizes where its largest model is at least so many times its smallest."""


@dataclass(frozen=True)
class Point:
    """A configuration: its rate of model operations, measured and predicted [FLOP/s of an accelerator].

    parameters: of the model; spread: of its rows, the largest over the smallest measured rate; rows: their ids.
    """

    measured: float
    predicted: float
    parameters: float
    spread: float
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Trend:
    """How rightly a family is ranked.

    rows; configurations; spearman: rank correlation of the rates of configurations; pairs_right: share of the pairs of
    configurations whose measured rates differ that are predicted in that order; repeated: configurations with several
    rows, repeats_apart: the median spread of those, largest over smallest rate; sizes_measured, sizes_predicted: rate
    of the largest model over that of the smallest; best: the rows that are predicted to be fastest, lost: how much
    slower they were measured than the fastest.
    """

    rows: int
    configurations: int
    spearman: float | None
    pairs_right: float | None
    repeated: int
    repeats_apart: float | None
    sizes_measured: float | None
    sizes_predicted: float | None
    best: tuple[str, ...]
    lost: float | None


def checked(cases: Iterable[Case]) -> list[Case]:
    """The cases that count: recalled rows do not."""
    return [case for case in cases if case.split != "recalled"]


def rates(case: Case) -> tuple[float, float]:
    """Model operations a second and accelerator, measured and predicted."""
    predicted = float(case.made.flops_per_accelerator)
    return predicted * case.step_time / case.measured, predicted


def layout_of(case: Case) -> tuple[str, ...]:
    """Everything about a run but the release of its software."""
    return (*(text(case.row, column) for column in LAYOUT), case.run.stack.partition("-20")[0])


def points_of(cases: Iterable[Case]) -> list[Point]:
    """The configurations of some cases."""
    alike: dict[tuple[str, ...], list[Case]] = {}
    for case in cases:
        alike.setdefault(layout_of(case), []).append(case)
    points = []
    for group in alike.values():
        measured, predicted = zip(*map(rates, group), strict=True)
        parameters = float(group[0].made.anatomy.total)
        middle = (float(np.median(measured)), float(np.median(predicted)))
        points.append(Point(*middle, parameters, max(measured) / min(measured), tuple(case.id for case in group)))
    return points


def trend_of(cases: Sequence[Case]) -> Trend:
    """How rightly some cases are ranked."""
    points = points_of(cases)
    measured, predicted = [p.measured for p in points], [p.predicted for p in points]
    apart = [p.spread for p in points if len(p.rows) > 1]
    sizes = _sizes(points)
    best = max(points, key=lambda p: p.predicted)
    return Trend(
        rows=len(cases),
        configurations=len(points),
        spearman=correlation(measured, predicted),
        pairs_right=pairs_right(points),
        repeated=len(apart),
        repeats_apart=float(np.median(apart)) if apart else None,
        sizes_measured=sizes[0] if sizes else None,
        sizes_predicted=sizes[1] if sizes else None,
        best=best.rows,
        lost=1 - best.measured / max(measured) if len(points) >= LEAST_RANKED else None,
    )


def pairs_right(points: Sequence[Point]) -> float | None:
    """The share of pairs whose measured rates differ that are predicted in that order; None where there is no pair."""
    right = [
        (one.measured > other.measured) == (one.predicted > other.predicted) and one.predicted != other.predicted
        for one, other in combinations(points, 2)
        if abs(one.measured / other.measured - 1) > ALIKE
    ]
    return float(np.mean(right)) if right else None


def _sizes(points: Sequence[Point]) -> tuple[float, float] | None:
    """Rate of the largest model over that of the smallest, measured and predicted."""
    small, large = (end(points, key=lambda p: p.parameters).parameters for end in (min, max))
    if large < LARGER * small:
        return None
    of = [[p for p in points if p.parameters == size] for size in (small, large)]
    measured, predicted = (
        [float(np.median([pick(p) for p in group])) for group in of]
        for pick in (lambda p: p.measured, lambda p: p.predicted)
    )
    return measured[1] / measured[0], predicted[1] / predicted[0]


def trends_of(cases: Sequence[Case]) -> dict[str, Any]:
    """The trend of each family with rows that count."""
    families: dict[str, list[Case]] = {}
    for case in checked(cases):
        families.setdefault(case.family, []).append(case)
    return {name: asdict(trend_of(members)) for name, members in sorted(families.items())}


def sweep_of(cases: Sequence[Case]) -> dict[str, Any]:
    """How rightly the strategies of the BLOOM sweep are ranked: all, by calibration, by state of the cluster.

    rankings: by part of the sweep; rates: of each row, measured and predicted [FLOP/s of an accelerator].
    """
    of_sweep = [case for case in checked(cases) if SWEEP in text(case.row, "source")]
    if len(of_sweep) < LEAST_RANKED:
        return {}
    parts: Mapping[str, Callable[[Case], bool]] = {
        "all": lambda case: True,
        "untouched": lambda case: case.split == "untouched",
        "calibration": lambda case: case.split == "calibration",
        BEFORE: _is_before,
        AFTER: lambda case: not _is_before(case),
    }
    chosen = {name: [case for case in of_sweep if belongs(case)] for name, belongs in parts.items()}
    return {
        "rankings": {name: _ranked(members) for name, members in chosen.items() if len(members) >= LEAST_RANKED},
        "rates": [_rate(case) for case in of_sweep],
    }


def _is_before(case: Case) -> bool:
    return case.run.stack.endswith("misbound")


def _rate(case: Case) -> dict[str, Any]:
    measured, predicted = rates(case)
    state = BEFORE if _is_before(case) else AFTER
    return {"id": case.id, "measured": measured, "predicted": predicted, "state": state, "split": case.split}


def _ranked(cases: Sequence[Case]) -> dict[str, Any]:
    steps = correlation([case.measured for case in cases], [case.step_time for case in cases])
    return {"step_time_spearman": steps, **asdict(trend_of(cases))}
