"""Peak memory of published runs beside what was predicted, and whether runs that did fit were predicted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from navarch.core.arithmetic import ratio
from navarch.core.quantity import factor
from navarch.validation.cases import Case
from navarch.validation.measured import measured_memory
from navarch.validation.report import Prediction, Skipped, summarise
from navarch.validation.rows import UnpredictableError

QUANTITY = "peak memory [GB]"


def memory_of(cases: Sequence[Case]) -> dict[str, Any]:
    """Peak memory beside the measured one, in all and by family, and the verdicts."""
    rows, skipped = _predictions(cases)
    families = {name: [row for row in rows if row.family == name] for name in sorted({row.family for row in rows})}
    return {
        "summary": asdict(summarise(rows, len(skipped))),
        "families": {name: asdict(summarise(members)) for name, members in families.items()},
        "predictions": [{**asdict(row), "ape": row.ape} for row in rows],
        "skipped": [asdict(row) for row in skipped],
        "verdicts": verdicts_of([case for case in cases if case.split != "recalled"]),
    }


def _predictions(cases: Sequence[Case]) -> tuple[list[Prediction], list[Skipped]]:
    rows: list[Prediction] = []
    skipped: list[Skipped] = []
    gigabyte = factor("GB")[0]
    for case in cases:
        try:
            measured = measured_memory(case.row)
        except UnpredictableError as reason:
            skipped.append(Skipped(case.id, str(reason)))
            continue
        if measured is not None:
            predicted = float(ratio(case.made.memory.peak, gigabyte))
            rows.append(
                Prediction(case.id, QUANTITY, measured / gigabyte, predicted, "interpolated", case.family, case.split)
            )
    return rows, skipped


def verdicts_of(cases: Sequence[Case]) -> dict[str, Any]:
    """Every run of a table was run, so each that is predicted to run out of memory is a false alarm.

    over: peak over the memory of the accelerator, of the false alarms, the median and the most.
    """
    wrong = [case for case in cases if not case.fits]
    over = [float(ratio(case.made.memory.peak, case.run.hardware.memory)) for case in wrong]
    return {
        "runs": len(cases),
        "predicted_to_fit": len(cases) - len(wrong),
        "wrongly_out_of_memory": [case.id for case in wrong],
        "over": {"median": float(np.median(over)), "most": max(over)} if over else None,
    }
