"""Predicted step times beside published ones; constants are the catalog's, none is fitted to a row.

`pytest -s` prints the table. The rows are read from beside the repository and are not part of it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from navarch.distributed.training import estimate

RUNS = Path(__file__).parents[4] / "shared" / "data" / "training" / "training_runs.csv"

pytestmark = pytest.mark.skipif(not RUNS.exists(), reason=f"published training runs are not at {RUNS}")


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return pl.read_csv(RUNS, infer_schema_length=None)


def predicted(row: dict[str, Any], gpt, a100, runtime, plan) -> float:
    """Step time of a Megatron-LM run, whose kernels were unfused."""
    shape = gpt(row["layers"], row["hidden"], row["heads"], row["vocab"])
    chosen = plan(
        tensor=row["tp"], pipeline=row["pp"], data=row["dp"], virtual_stages=row["vpp"] or 1.0,
        microbatch=row["mbs"] or 1.0, global_batch=row["gbs"], sequence_length=float(row["seq"]),
        zero_stage=int(row["zero_stage"]), sequence_parallel=row["seq_parallel"] == "yes",
        recomputation=row["recompute"].split("(")[0], attention_kernel="unfused",
    )  # fmt: skip
    return float(estimate(shape, a100, chosen, runtime).step_time)


def compare(rows: pl.DataFrame, source: str, *arguments: Any) -> pl.DataFrame:
    """Measured and predicted step time of the rows of one source."""
    chosen = rows.filter(pl.col("source").str.contains(source) & pl.col("step_time_s").is_not_null())
    values = [predicted(row, *arguments) for row in chosen.iter_rows(named=True)]
    table = chosen.select(
        "row_id", "model", "n_gpus", "tp", "pp", "dp", "zero_stage", "recompute", "step_time_s"
    ).with_columns(pl.Series("predicted", values))
    table = table.with_columns((pl.col("predicted") / pl.col("step_time_s") - 1).alias("error"))
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=160):
        sys.stdout.write(f"\n{source}\n{table}\n")
    return table


def test_korthikanti(rows, gpt, a100, runtime, plan) -> None:
    error = compare(rows, "Korthikanti", gpt, a100, runtime, plan)["error"].abs()
    assert len(error) == 8
    assert error.mean() < 0.06
    assert error.max() < 0.10


def test_narayanan_with_tensor_and_pipeline_parallelism(rows, gpt, a100, runtime, plan) -> None:
    table = compare(rows, "Narayanan", gpt, a100, runtime, plan).filter(pl.col("zero_stage").cast(int) == 0)
    assert len(table) == 16
    assert table["error"].abs().mean() < 0.05
    assert table["error"].abs().max() < 0.12


def test_larger_models_use_more_of_the_machine(rows, gpt, a100, runtime, plan) -> None:
    # table 1 of Narayanan et al. 2021: 44 to 52 % of peak from 1.7B to 1T
    table = compare(rows, "Narayanan.*Table 1", gpt, a100, runtime, plan)
    measured = 1 / table["step_time_s"].to_numpy()
    rate = rows.filter(pl.col("row_id").is_in(table["row_id"].to_list()))["tflops_per_gpu"].to_numpy()
    own = rate / measured / table["predicted"].to_numpy()
    ranks = [np.argsort(np.argsort(x)) for x in (rate, own)]
    assert np.corrcoef(*ranks)[0, 1] > 0.6
    assert own[-1] > own[0]
