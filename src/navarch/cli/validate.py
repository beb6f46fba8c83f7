"""`navarch validate`: predictions beside published measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from navarch.cli.session import AsJson, CatalogPaths, console, load_catalog, print_json, working

if TYPE_CHECKING:
    from rich.table import Table

    from navarch.validation.report import Report, Summary

FEW_DIGITS = 2
NOTHING = 1e-9
"""Relative error below which two numbers are the same, computed in another order."""


def validate(
    topic: Annotated[
        str | None,
        typer.Argument(help="What to validate; left out, the topics are listed.", metavar="TOPIC", show_default=False),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Own measurements in the same columns (CSV or Parquet).", metavar="FILE"),
    ] = None,
    json: AsJson = False,
    catalog: CatalogPaths = None,
) -> None:
    """Hold predictions beside published measurements, or beside your own."""
    from navarch.validation.topics import topic_named, topics
    from navarch.validation.topics import validate as validated

    if topic is None:
        _list(json)
        return
    known = topic_named(topic)
    with working(f"Validating {known.name}"):
        report = validated(topic, load_catalog(catalog), data)
    if json:
        print_json(report.as_data())
    else:
        _show(report, topics()[topic].columns)


def _list(json: bool) -> None:
    from navarch.validation.topics import topics

    if json:
        print_json([{"topic": t.name, "title": t.title, "columns": list(t.columns)} for t in topics().values()])
        return
    out = console()
    for each in topics().values():
        out.print(f"{each.name:14} {each.title}")
        out.print(f"{'':14} columns of --data: {', '.join(each.columns)}", style="dim")


def _show(report: Report, columns: tuple[str, ...]) -> None:
    from rich.text import Text

    out = console()
    out.print(Text(report.title, style="bold").append(f"   {report.source}", style="dim"))
    out.print()
    out.print(_predictions(report))
    out.print()
    out.print(_summaries(report))
    worst = next((row for row in report.predictions if row.id == report.summary.worst), None)
    if worst is not None and worst.note:
        out.print(Text(f"\nWorst row, {worst.id}: {worst.note}", style="dim"))
    if report.skipped:
        out.print()
        out.print(_reasons(report))
    if not report.predictions:
        out.print(Text(f"No row could be predicted; needed are the columns {', '.join(columns)}."))


def _predictions(report: Report) -> Table:
    from rich.text import Text

    from navarch.core.quantity import show

    table = _table("Row", "Measured", "Predicted", "Error", "Quantity", "Basis", "Family", left=(0, 4, 5, 6))
    for row in report.predictions:
        error = "0 %" if row.ape < NOTHING else f"{'+' if row.error >= 0 else '−'}{_share(row.ape)}"
        measured, predicted = (show(value, "1") for value in (row.measured, row.predicted))
        table.add_row(
            Text(row.id), measured, predicted, error, Text(row.quantity), row.basis, Text(row.family, style="dim")
        )
    return table


def _summaries(report: Report) -> Table:
    from rich.text import Text

    headings = (
        "",
        "Rows",
        "Predicted",
        "Median",
        "Mean",
        "p90",
        "Worst",
        "Within 10 %",
        "Within 20 %",
        "Bias",
        "Rank corr.",
    )
    table = _table(*headings, left=(0,))
    groups = {"all": report.summary, **report.by(lambda p: f"{p.basis}, {p.split}"), **report.by(lambda p: p.family)}
    for name, summary in groups.items():
        table.add_row(Text(name, style="bold" if name == "all" else ""), *_cells(summary))
    return table


def _cells(summary: Summary) -> list[str]:
    rank = "—" if summary.spearman is None else f"{summary.spearman:.2f}"
    shares = (
        summary.median_ape, summary.mape, summary.p90_ape, summary.worst_ape, summary.within_10, summary.within_20,
        summary.bias,
    )  # fmt: skip
    return [f"{summary.rows:,}", f"{summary.predicted:,}", *map(_share, shares), rank]


def _share(value: float | None) -> str:
    from navarch.core.quantity import show

    if value is None:
        return "—"
    return show(0.0 if abs(value) < NOTHING else value, "fraction", FEW_DIGITS)


def _reasons(report: Report) -> Table:
    from rich.text import Text

    counted: dict[str, list[str]] = {}
    for row in report.skipped:
        counted.setdefault(row.reason, []).append(row.id)
    table = _table(f"Skipped ({len(report.skipped)})", "Rows", "Why", left=(0, 2))
    for reason, rows in sorted(counted.items(), key=lambda item: -len(item[1])):
        named = rows[0] if len(rows) == 1 else f"{rows[0]} ... {rows[-1]}"
        table.add_row(Text(named), str(len(rows)), Text(reason, style="dim"))
    return table


def _table(*headings: str, left: tuple[int, ...]) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index in left else "right", overflow="fold")
    return table
