"""Fit the matrix-product efficiency of accelerators and write it as catalog constants.

Usage: python scripts/fit_matmul.py [FOLDER]    (default ../shared/data/silicon, which holds gemm.parquet)

Efficiency is achieved rate over the catalogue's dense peak: 2 m n k / latency / peak. Only large products count, those
with m, n and k all at least 2,048: what training with a microbatch of a few thousand tokens multiplies. The value is
the median over such shapes; low and high are the 10th and 90th percentile, that is, the spread over shapes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from navarch.catalog import load

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "src/navarch/catalog/data/constants/matmul.yaml"
SHARED = ROOT.parent / "shared/data/silicon"
LEAST = 2048
ACCELERATORS = {
    "a100_sxm": "a100-sxm-80gb",
    "h100_sxm": "h100-sxm",
    "h200_sxm": "h200-sxm",
    "b200_sxm": "b200-sxm",
    "gb200": "gb200",
    "l40s": "l40s",
}
PRECISIONS = {"bfloat16": "bf16", "fp8": "fp8", "nvfp4": "fp4"}
HEADER = f"""\
# Written by scripts/fit_matmul.py from gemm.parquet: measured matrix products of the public package aiconfigurator-core
# 0.12.0 (NVIDIA, Apache-2.0). Only shapes with m, n and k all at least {LEAST}. Do not edit by hand.
"""
ENTRY = """\
- id: compute.matmul-efficiency.{accelerator}.{precision}
  title: Matrix-product efficiency of {accelerator} at {precision}
  value: {median:.4f}
  unit: fraction
  low: {low:.4f}
  high: {high:.4f}
  kind: measured
  source: "aiconfigurator-core 0.12.0, measured matrix products ({frameworks}); median over shapes"
  url: https://github.com/ai-dynamo/aiconfigurator
  date: "2026"
  note: "{rows} products of {dtype} with m, n, k >= {least}; low and high are the 10th and 90th percentile over shapes."
"""


def efficiencies(table: pl.DataFrame) -> pl.DataFrame:
    """Median, 10th and 90th percentile of the efficiency of large products, by accelerator and precision."""
    catalog = load()
    peaks = pl.DataFrame(
        [
            {"system": system, "gemm_dtype": dtype, "accelerator": name, "precision": at, "peak": float(peak)}
            for system, name in ACCELERATORS.items()
            for dtype, at in PRECISIONS.items()
            if (peak := getattr(catalog.get("accelerator", name), at)) is not None
        ]
    )
    large = table.filter(pl.min_horizontal("m", "n", "k") >= LEAST).join(peaks, on=["system", "gemm_dtype"])
    work = 2.0 * pl.col("m") * pl.col("n") * pl.col("k")
    efficiency = (work / (pl.col("latency_ms") * 1e-3) / pl.col("peak")).alias("efficiency")
    return (
        large.with_columns(efficiency)
        .group_by("accelerator", "precision", pl.col("gemm_dtype").alias("dtype"))
        .agg(
            pl.col("efficiency").median().alias("median"),
            pl.col("efficiency").quantile(0.1, "linear").alias("low"),
            pl.col("efficiency").quantile(0.9, "linear").alias("high"),
            pl.len().alias("rows"),
            pl.col("framework_version").unique().sort().str.join(", ").alias("frameworks"),
        )
        .sort("accelerator", "precision")
    )


def main() -> None:
    """Read the table, fit, and replace the constants file."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED
    rows = efficiencies(pl.read_parquet(folder / "gemm.parquet")).iter_rows(named=True)
    text = HEADER + "".join(ENTRY.format(**row, least=LEAST) for row in rows)
    unfinished = TARGET.with_suffix(".tmp")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(TARGET)


if __name__ == "__main__":
    main()
