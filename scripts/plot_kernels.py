"""Write the errors of the kernel time models and their parity plots into the documentation.

Usage: python scripts/plot_kernels.py [--data FOLDER]    (default ../shared/data/silicon)

Only rows that the fit has not seen are shown. docs/compute.md holds a table between two markers; the plots go to
docs/images/compute-KIND.svg.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import altair as alt
import polars as pl

from navarch.catalog import load
from navarch.core.plot import colour, series, to_svg
from navarch.validation import validate
from navarch.validation.kernel_tables import TABLES

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from fit_kernels import FILES, SHARED  # noqa: E402

PAGE = ROOT / "docs/compute.md"
BEGIN, END = "<!-- errors: begin -->", "<!-- errors: end -->"
POINTS = 700
"""Points of a plot; of more rows, as many are drawn evenly."""
SIDE = 330


def unseen(folder: Path) -> pl.DataFrame:
    """The rows that no fit has seen, with their predictions."""
    catalog = load()
    parts = []
    for table in TABLES:
        report = validate("compute", catalog, folder / f"{FILES[table.kind]}.parquet")
        rows = report.to_frame().filter(pl.col("split") == "untouched")
        named = pl.col("family").str.split(", ").list.to_struct(fields=["kind", "accelerator", "precision"])
        parts.append(rows.with_columns(named.alias("named"), pl.lit(table.title).alias("title")).unnest("named"))
    return pl.concat(parts)


def summary(rows: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Count, median, 90th percentile and bias of the errors."""
    error = (pl.col("predicted") - pl.col("measured")) / pl.col("measured")
    return rows.group_by(*by, maintain_order=True).agg(
        pl.len().alias("rows"),
        pl.col("ape").median().alias("median"),
        pl.col("ape").quantile(0.9, "linear").alias("p90"),
        error.median().alias("bias"),
    )


def tables(rows: pl.DataFrame) -> str:
    """The errors in Markdown: by kind, then by accelerator and precision."""
    heads = ("kernel", "rows kept out", "median error", "90th percentile", "median bias")
    lines = [*_rule(heads)]
    for row in summary(rows, "title").iter_rows(named=True):
        lines.append(_line(row["title"], row))
    for (kind,), part in rows.group_by("kind", maintain_order=True):
        lines += ["", f"**{part['title'][0]}** (`{kind}`)", "", *_rule(("accelerator", *heads[1:]))]
        for row in summary(part.sort("accelerator", "precision"), "accelerator", "precision").iter_rows(named=True):
            lines.append(_line(f"{row['accelerator']}, {row['precision']}", row))
    return "\n".join(lines)


def _rule(heads: tuple[str, ...]) -> tuple[str, str]:
    return f"| {' | '.join(heads)} |", "|---|" + "---:|" * (len(heads) - 1)


def _line(name: str, row: dict[str, float]) -> str:
    shares = (row["median"], row["p90"], row["bias"])
    return f"| {name} | {row['rows']:,} | {shares[0]:.1%} | {shares[1]:.1%} | {shares[2]:+.1%} |"


def parity(rows: pl.DataFrame) -> alt.LayerChart:
    """Predicted over measured times, with the lines of equality and of 20 % to either side."""
    drawn = rows.sort("measured")[:: max(1, rows.height // POINTS)]
    low, high = drawn["measured"].min() * 0.8, drawn["measured"].max() * 1.25
    names = sorted(rows["accelerator"].unique())
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    decades = [10.0**e for e in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    x, y = (
        {"scale": scale, "title": f"{name} [ms]", "axis": alt.Axis(format="~g", values=decades, grid=True)}
        for name in ("measured", "predicted")
    )
    points = alt.Chart(alt.Data(values=drawn.select("measured", "predicted", "accelerator").to_dicts())).mark_circle(
        size=14, opacity=0.65, clip=True
    )
    points = points.encode(
        x=alt.X("measured:Q", **x),
        y=alt.Y("predicted:Q", **y),
        color=alt.Color(
            "accelerator:N", title=None,
            scale=alt.Scale(domain=names, range=[series(i) for i in range(len(names))]),
        ),
    )  # fmt: skip
    layers = [points]
    for factor, dash in ((1.0, [1, 0]), (1.2, [3, 3]), (1 / 1.2, [3, 3])):
        ends = [{"measured": end, "predicted": end * factor} for end in (low, high)]
        line = alt.Chart(alt.Data(values=ends)).mark_line(
            color=colour("muted"), strokeWidth=0.8, strokeDash=dash, clip=True
        )
        layers.append(line.encode(x=alt.X("measured:Q", **x), y=alt.Y("predicted:Q", **y)))
    return alt.layer(*layers).properties(width=SIDE, height=SIDE)


def main() -> None:
    """Write the plots and the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED)
    rows = unseen(parser.parse_args().data)
    for (kind,), part in rows.group_by("kind", maintain_order=True):
        (ROOT / f"docs/images/compute-{kind}.svg").write_text(to_svg(parity(part)), encoding="utf-8")
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{tables(rows)}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
