"""`navarch validate`: predictions beside published measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from navarch.cli.session import AsJson, CatalogPaths, console, load_catalog, print_json, working
from navarch.cli.validate_tables import MOST_ROWS, WORST_ROWS, correlated, rows_table, share, skipped_table, table

if TYPE_CHECKING:
    from rich.table import Table

    from navarch.validation.report import Report, Summary


def validate(
    topic: Annotated[
        str | None,
        typer.Argument(help="What to validate; left out, the topics are listed.", metavar="TOPIC", show_default=False),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Own measurements in the same columns (CSV or Parquet).", metavar="FILE"),
    ] = None,
    every_row: Annotated[bool, typer.Option("--all", help="Print every row, however many there are.")] = False,
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
    elif known.name == "training":
        from navarch.cli.validate_training import show_training

        show_training(report, every_row)
    else:
        _show(report, topics()[topic].columns, every_row)
        if known.name == "network":
            from navarch.cli.validate_network import show_wall

            show_wall(report)


def _list(json: bool) -> None:
    from navarch.validation.topics import topics

    if json:
        print_json([{"topic": t.name, "title": t.title, "columns": list(t.columns)} for t in topics().values()])
        return
    out = console()
    for each in topics().values():
        out.print(f"{each.name:14} {each.title}")
        for columns in (each.columns, *each.others):
            out.print(f"{'':14} columns of --data: {', '.join(columns)}", style="dim")


def _show(report: Report, columns: tuple[str, ...], every_row: bool) -> None:
    from rich.text import Text

    out = console()
    out.print(Text(report.title, style="bold").append(f"   {report.source}", style="dim"))
    out.print()
    if report.stored:
        out.print(_stored(report))
        return
    many = len(report.predictions) > MOST_ROWS
    out.print(rows_table(report, report.worst(WORST_ROWS) if many and not every_row else report.predictions))
    if many and not every_row:
        out.print(f"The {WORST_ROWS} worst of {len(report.predictions):,} rows; --all prints them all.", style="dim")
    out.print()
    out.print(_summaries(report))
    named = report.summary.worst
    worst = next((row for row in report.predictions if row.id == named), None)
    if worst is not None and worst.note:
        out.print(Text(f"\nWorst row, {worst.id}: {worst.note}", style="dim"))
    if report.skipped:
        out.print()
        out.print(skipped_table(report.skipped))
    if not report.predictions:
        out.print(Text(f"No row could be predicted; needed are the columns {', '.join(columns)}."))


def _summaries(report: Report) -> Table:
    from rich.text import Text

    headings = ("", "Rows", "Predicted", "Median", "Mean", "p90", "Worst", "Within 10 %", "Within 20 %", "Bias")
    made = table(*headings, "Rank corr.", left=(0,))
    groups = {"all": report.summary, **report.by(lambda p: f"{p.basis}, {p.split}")}
    if len(report.predictions) > MOST_ROWS:
        groups |= report.by(lambda p: f"{p.family}, {p.split}")
    else:
        groups |= report.by(lambda p: p.family)
    for name, summary in groups.items():
        made.add_row(Text(name, style="bold" if name == "all" else ""), *_cells(summary))
    return made


def _stored(report: Report) -> Table:
    from rich.text import Text

    made = table("Stored with the constants", "Median", "p90", "Fit", left=(0, 3))
    for each in report.stored:
        made.add_row(Text(each.family), share(each.median_ape), share(each.p90_ape), Text(each.note, style="dim"))
    return made


def _cells(summary: Summary) -> list[str]:
    shares = (
        summary.median_ape, summary.mape, summary.p90_ape, summary.worst_ape, summary.within_10, summary.within_20,
        summary.bias,
    )  # fmt: skip
    return [f"{summary.rows:,}", f"{summary.predicted:,}", *map(share, shares), correlated(summary.spearman)]
