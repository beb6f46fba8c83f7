"""Fit the parametric scaling law to training runs and print its constants and their covariance as catalog entries.

Usage: python scripts/fit_scaling_law.py RUNS.csv [--worst 5] [--law NAME] [--source TEXT] [--covariance-only]

RUNS.csv has the columns `Model Size`, `loss`, and `Training FLOP` or `Training Tokens`, one row a run. With the table
that Besiroglu et al. 2024 read from figure 4 of Hoffmann et al. 2022 (svg_extracted_data.csv of their repository, not
shipped here: it has no licence), `--worst 5 --law besiroglu2024 --covariance-only` gives the covariance in law.yaml.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np
import polars as pl

from navarch.fleet.scale.fitting import COORDINATES, Fit, fit, without_worst

TO_80_PERCENT = 1.2815515655446004  # the standard normal's 90th percentile


def runs(path: Path, worst: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parameters, tokens and losses of the runs of a table, the worst left out."""
    table = pl.read_csv(path)
    size, loss = (table[name].to_numpy() for name in ("Model Size", "loss"))
    known = "Training Tokens" in table.columns
    tokens = table["Training Tokens"].to_numpy() if known else table["Training FLOP"].to_numpy() / (6 * size)
    kept = without_worst(loss, worst)
    return size[kept], tokens[kept], loss[kept]


def constants(found: Fit, law: str, source: str) -> str:
    """The constants as entries; low and high bound 80 %."""
    spread = TO_80_PERCENT * np.sqrt(np.diag(found.covariance))
    lines = []
    for place, (name, value) in enumerate(found.values.items()):
        logarithmic = COORDINATES[place].startswith("ln")
        low, high = (value * np.exp(s * spread[place]) if logarithmic else value + s * spread[place] for s in (-1, 1))
        lines.append(
            f"  - id: {law}.{name}\n    name: {name} of {law}\n    source: {source!r}\n    evidence: measured\n"
            f"    law: {law}\n    parameter: {name}\n    value: {value:.6g}\n    unit: '1'\n"
            f"    low: {low:.6g}\n    high: {high:.6g}\n"
        )
    return "".join(lines)


def covariance(found: Fit, law: str, source: str) -> str:
    """The covariance as entries, each pair once."""
    pairs = itertools.combinations_with_replacement(range(len(COORDINATES)), 2)
    return "".join(
        f"  - id: {law}.cov.{COORDINATES[i]}.{COORDINATES[j]}\n"
        f"    name: Covariance of {COORDINATES[i]} and {COORDINATES[j]} of {law}\n    source: {source!r}\n"
        f"    evidence: measured\n    law: {law}\n    parameter: cov.{COORDINATES[i]}.{COORDINATES[j]}\n"
        f"    value: {found.covariance[i, j]:.8e}\n    unit: '1'\n"
        for i, j in pairs
    )


def main() -> None:
    """Read the runs, fit, print."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("runs", type=Path)
    asked.add_argument("--worst", type=int, default=0, help="runs of the highest loss to leave out")
    asked.add_argument("--law", default="own")
    asked.add_argument("--source", default="scripts/fit_scaling_law.py")
    asked.add_argument("--resamples", type=int, default=4000)
    asked.add_argument("--covariance-only", action="store_true")
    given = asked.parse_args()
    found = fit(*runs(given.runs, given.worst), resamples=given.resamples)
    errors = np.std(
        np.where([c.startswith("ln") for c in COORDINATES], np.exp(found.resamples), found.resamples), axis=0
    )
    told = ", ".join(f"{n} {v:.5g} ({e:.2g})" for (n, v), e in zip(found.values.items(), errors, strict=True))
    print(f"# {found.runs} runs: {told}; standard errors in brackets", file=sys.stderr)
    if not given.covariance_only:
        print(constants(found, given.law, given.source), end="")
    print(covariance(found, given.law, given.source), end="")


if __name__ == "__main__":
    main()
