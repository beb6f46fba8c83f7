"""A published run with what the training model makes of it: which of the plans that agree with it, time and memory."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from navarch.distributed.training import estimate
from navarch.distributed.training.estimate import TrainingEstimate
from navarch.distributed.training.shape import Plan
from navarch.validation.measured import measured_step
from navarch.validation.report import Split, row_id
from navarch.validation.rows import Row, UnpredictableError, text
from navarch.validation.runs import Run, cells, run_of
from navarch.validation.split import calibration_ids, key_of

if TYPE_CHECKING:
    from navarch.catalog import Catalog

TABLE = "training_runs"
RECOMPUTATION_ORDER = ("none", "selective", "full")
OWN = "own measurements"
FILE = re.compile(r"\s+(?:\S+\.(?:md|tex|csv)|README|training benchmarks|release summary|chronicles-prequel|docs)\b")
"""Parts of a source that only name a file or a heading."""


@dataclass(frozen=True)
class Case:
    """A run with what the model makes of it.

    run; plan: taken to have been used; made: what it does; id, family, split: of the row; measured: step time [s];
    fitted: whether a constant was fitted to this very row.
    """

    run: Run
    plan: Plan
    made: TrainingEstimate
    id: str
    family: str
    split: Split
    measured: float
    row: Row
    fitted: bool = False

    @property
    def step_time(self) -> float:
        """Predicted time of a step [s]."""
        return float(self.made.step_time)

    @property
    def fits(self) -> bool:
        """Whether the predicted peak is within the memory of the accelerator."""
        return float(self.made.memory.peak) <= float(self.run.hardware.memory)


@dataclass(frozen=True)
class Calibration:
    """The rows that constants were fitted on: what they run (`split.key_of`) and measured step time [s], by id."""

    rows: dict[str, tuple[tuple[str, ...], float]]
    keys: frozenset[tuple[str, ...]]

    def has(self, name: str, key: tuple[str, ...], measured: float) -> bool:
        """Whether a row of this id, configuration and measured step time [s] is among them."""
        known, step = self.rows.get(name, ((), 0.0))
        return known == key and math.isclose(step, measured)


def case_of(row: Row, number: int, catalog: Catalog) -> Case:
    """What the model makes of a row, or an UnpredictableError."""
    row = cells(row)
    measured = measured_step(row)
    run = run_of(row, catalog)
    plan, made = best_candidate(run)
    if not all(math.isfinite(value) and value > 0 for value in (float(made.step_time), float(made.memory.peak))):
        raise UnpredictableError("the sizes of the row are beyond what the equations hold for")
    name = name_of(row, number)
    split = split_of(row, catalog)
    fitted = split == "calibration" and _calibration(catalog).has(name, key_of(row), measured)
    return Case(run, plan, made, name, family_of(row), split, measured, row, fitted)


def name_of(row: Row, number: int) -> str:
    """The id of a row, or its number where it has none."""
    return text(row, "row_id") or row_id(row, number)


def best_candidate(run: Run) -> tuple[Plan, TrainingEstimate]:
    """The plan that a run is taken to have used, and what it does.

    Of the plans that agree with the row: those that fit in memory; of those the ones that recompute least; of those the
    fastest. Where none fits, the one that needs least memory.
    """
    made = [(plan, estimate(run.shape, run.hardware, plan, run.runtime)) for plan in run.candidates]
    if len(made) == 1:
        return made[0]
    capacity = float(run.hardware.memory)
    fitting = [pair for pair in made if float(pair[1].memory.peak) <= capacity]
    if not fitting:
        return min(made, key=lambda pair: float(pair[1].memory.peak))
    least = min(RECOMPUTATION_ORDER.index(plan.recomputation) for plan, _ in fitting)
    kept = [pair for pair in fitting if RECOMPUTATION_ORDER.index(pair[0].recomputation) == least]
    return min(kept, key=lambda pair: float(pair[1].step_time))


def family_of(row: Row) -> str:
    """Rows that are compared with each other: of one source, and table of it, on one accelerator."""
    source = FILE.sub("", text(row, "source").partition(" (")[0]) or OWN
    table = next((part for part in ("Table 1", "Table 2") if part in text(row, "source") and part not in source), "")
    gpu = text(row, "gpu") if not source.endswith(text(row, "gpu")) else ""
    return " ".join(part for part in (source, table, gpu) if part)


def split_of(row: Row, catalog: Catalog) -> Split:
    """Whether what a row runs was used to fit a constant; rows that nobody has checked are for no error figure.

    A row that is not in the table counts as calibration where the table has the same configuration of the same source
    among its calibration rows.
    """
    if text(row, "source_check") == "recalled":
        return "recalled"
    return "calibration" if key_of(row) in _calibration(catalog).keys else "untouched"


@lru_cache(maxsize=4)
def _calibration(catalog: Catalog) -> Calibration:
    rows: Sequence[Row] = catalog.table(TABLE).rows(named=True)
    chosen = calibration_ids(rows)
    used = [cells(row) for row in rows if text(row, "row_id") in chosen]
    steps: dict[str, tuple[tuple[str, ...], float]] = {}
    for row in used:
        try:
            steps[text(row, "row_id")] = key_of(row), measured_step(row)
        except UnpredictableError:
            continue
    return Calibration(steps, frozenset(key_of(row) for row in used))
