"""Predicted step times beside published ones, row by row of the shipped table; no constant is fitted to a row.

`pytest -s` prints the tables. `navarch validate training` reports all rows; here are the families that papers
name.
"""

from __future__ import annotations

import sys

import numpy as np
import polars as pl
import pytest

from navarch.validation.cases import case_of
from navarch.validation.rows import UnpredictableError, text
from navarch.validation.training import published


@pytest.fixture(scope="module")
def cases(catalog) -> list:
    """The published runs of the families below that can be predicted."""
    made = []
    for number, row in enumerate(published(catalog), start=1):
        if any(part in text(row, "source") for part in ("Korthikanti", "Narayanan", "BigScience")):
            try:
                made.append(case_of(row, number, catalog))
            except UnpredictableError:
                continue
    return made


def compared(cases: list, source: str, zero: int | None = None) -> pl.DataFrame:
    """Measured and predicted step time of the rows of one source."""
    chosen = [c for c in cases if source in text(c.row, "source") and zero in (None, c.plan.zero_stage)]
    table = pl.DataFrame(
        {
            "row": [c.id for c in chosen],
            "model": [text(c.row, "model") for c in chosen],
            "accelerators": [float(c.made.accelerators) for c in chosen],
            "recomputation": [c.plan.recomputation for c in chosen],
            "measured": [c.measured for c in chosen],
            "predicted": [float(c.made.step_time) for c in chosen],
            "achieved": [float(text(c.row, "tflops_per_gpu") or "nan") for c in chosen],
        }
    ).with_columns((pl.col("predicted") / pl.col("measured") - 1).alias("error"))
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=140):
        sys.stdout.write(f"\n{source}\n{table}\n")
    return table


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's."""
    ranks = [pl.Series(x).rank().to_numpy() for x in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


def test_korthikanti(cases) -> None:
    # the bar: Calculon reaches 3.65 % on these rows, 8.87 % on the worst
    error = compared(cases, "Korthikanti")["error"].abs()
    assert len(error) == 8
    assert error.mean() <= 0.036
    assert error.max() <= 0.08


def test_narayanan_with_tensor_and_pipeline_parallelism(cases) -> None:
    table = compared(cases, "Narayanan", zero=0)
    assert len(table) == 16
    assert table["error"].abs().mean() < 0.05
    assert table["error"].abs().median() < 0.05


def test_larger_models_use_more_of_the_machine(cases) -> None:
    # table 1 of Narayanan et al. 2021: 44 to 52 % of peak from 1.7B to 1T
    table = compared(cases, "Narayanan et al. 2021 (arXiv 2104.04473) Table 1")
    assert len(table) == 10
    rate = table["achieved"].to_numpy()
    own = rate * table["measured"].to_numpy() / table["predicted"].to_numpy()
    assert rank_correlation(rate, own) > 0.8
    assert own[-3:].mean() > own[:3].mean()


def test_the_sweep_of_bloom_is_ranked_as_measured(cases) -> None:
    table = compared(cases, "BigScience")
    assert len(table) > 80
    measured, own = (table[name].to_numpy() for name in ("measured", "predicted"))
    assert rank_correlation(measured, own) >= 0.9
