"""Published training runs against the training model: step time, peak memory, and the order of the runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import product_of
from navarch.distributed.training.runtime import nearest_constant
from navarch.validation.cases import TABLE, Case, best_candidate, case_of, name_of
from navarch.validation.measured import measured_step
from navarch.validation.memory import memory_of
from navarch.validation.ranking import sweep_of, trends_of
from navarch.validation.reasons import reasons_of
from navarch.validation.report import Basis, Prediction, Skipped, summarise
from navarch.validation.rows import Row, UnpredictableError, text
from navarch.validation.runs import Run, cells
from navarch.validation.topics import Told, Topic

if TYPE_CHECKING:
    from navarch.catalog import Catalog

__all__ = ["COLUMNS", "TOPIC", "best_candidate", "case_of", "predict", "predict_all", "published"]

COLUMNS = ("model", "gpu", "n_gpus", "tp", "pp", "seq", "gbs", "step_time_s")
RATES = tuple((*COLUMNS[:-1], rate) for rate in ("tokens_per_s_per_gpu", "tokens_per_s"))
"""Columns of a table that has tokens a second in place of step times."""
STEP = "step time [s]"
HELD = 0.8
"""Share of the measured step times that the interval beside a prediction is to hold."""
DENSE_ERROR, EXPERT_ERROR = "training.model-error", "training.model-error-experts"


def published(catalog: Catalog) -> Sequence[Row]:
    """The shipped table of training runs."""
    rows: list[dict[str, Any]] = catalog.table(TABLE).rows(named=True)
    return rows


def _basis(case: Case, catalog: Catalog) -> Basis:
    """Fitted to this row; interpolated where the rate of products was fitted on this stack and accelerator; assumed."""
    if case.fitted:
        return "fitted"
    run = case.run
    found = nearest_constant(catalog, "training.sustained-rate", run.accelerator, run.precision, run.stack)
    scope = found.partition("@")[2].split("/")
    known = scope[0] == run.stack.partition("-20")[0] and (len(scope) == 1 or scope[1] == run.accelerator)
    return "interpolated" if known and not run.assumed else "assumed"


def prediction_of(case: Case, catalog: Catalog, reasons: Sequence[str]) -> Prediction:
    """The step time of a run beside the measured one, with its 80 % interval and what is known of it."""
    error = catalog.fact("constant", error_of(case.run, catalog))
    low, high = (float(product_of(case.step_time, end)) for end in (error.low or 1.0, error.high or 1.0))
    found = (case.id, STEP, case.measured, case.step_time, _basis(case, catalog))
    return Prediction(*found, case.family, case.split, "; ".join(reasons), low, high)


def error_of(run: Run, catalog: Catalog) -> str:
    """The constant that tells how far measured step times lie from predicted ones."""
    name = DENSE_ERROR if run.shape.experts is None else EXPERT_ERROR
    return nearest_constant(catalog, name, run.accelerator, run.precision, run.stack)


def predict(row: Row, catalog: Catalog) -> Prediction:
    """The step time of one run beside the measured one."""
    case = case_of(row, 1, catalog)
    return prediction_of(case, catalog, reasons_of([case])[case.id])


def predict_all(rows: Sequence[Row], catalog: Catalog) -> Told:
    """Predictions of all rows, the rows left out with their reasons, and what else the runs tell."""
    cases: list[Case] = []
    skipped: list[Skipped] = []
    for number, row in enumerate(rows, start=1):
        try:
            cases.append(case_of(row, number, catalog))
        except UnpredictableError as reason:
            skipped.append(Skipped(name_of(row, number), str(reason)))
    reasons = reasons_of(cases)
    predictions = [prediction_of(case, catalog, reasons[case.id]) for case in cases]
    more = {
        "usable": usable_of(rows, cases),
        "intervals": intervals_of(cases, predictions, catalog),
        "memory": memory_of(cases),
        "trends": trends_of(cases),
        "sweep": sweep_of(cases),
    }
    return Told(predictions, skipped, more)


def usable_of(rows: Sequence[Row], cases: Sequence[Case]) -> dict[str, Any]:
    """Of the rows that someone has checked and that have a measured time: how many there are and how many predicted."""
    usable = sum(text(row, "source_check") != "recalled" and _is_measured(row) for row in rows)
    predicted = sum(case.split != "recalled" for case in cases)
    return {"rows": usable, "predicted": predicted, "share": predicted / usable if usable else None}


def _is_measured(row: Row) -> bool:
    try:
        measured_step(cells(row))
    except UnpredictableError:
        return False
    return True


def intervals_of(cases: Sequence[Case], predictions: Sequence[Prediction], catalog: Catalog) -> dict[str, Any]:
    """How often the interval beside a prediction holds what was measured: by split, and by what it was taken from."""
    pairs = list(zip(cases, predictions, strict=True))

    def held(belongs: Callable[[Case], bool]) -> dict[str, Any]:
        rows = [prediction for case, prediction in pairs if belongs(case)]
        return {"rows": len(rows), "held": summarise(rows).within_interval, "ids": [row.id for row in rows]}

    constants = sorted({error_of(case.run, catalog) for case in cases if case.split == "untouched"})
    return {
        "nominal": HELD,
        "calibration": held(lambda case: case.split == "calibration"),
        "untouched": held(lambda case: case.split == "untouched"),
        "constants": {
            name: {
                **held(lambda case, name=name: case.split == "untouched" and error_of(case.run, catalog) == name),  # type: ignore[misc]
                **_ends(name, catalog),
            }
            for name in constants
        },
    }


def _ends(constant: str, catalog: Catalog) -> dict[str, Any]:
    """The ends of an interval, and what it holds for."""
    fact = catalog.fact("constant", constant)
    name, _, stack = constant.partition("@")
    kind = "experts" if name == EXPERT_ERROR else "dense"
    return {"scope": f"{stack or 'any software'}, {kind}", "low": fact.low or 1.0, "high": fact.high or 1.0}


TOPIC = Topic("training", "Published training runs", COLUMNS, published, predict, RATES, predict_all)
