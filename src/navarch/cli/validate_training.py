"""How `navarch validate training` tells what it found: verdict, families, order, intervals, memory, worst rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from navarch.cli.session import console
from navarch.cli.validate_tables import (
    DASH,
    Cell,
    amount,
    correlated,
    few,
    fitted,
    rows_table,
    share,
    signed,
    skipped_table,
    table,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from navarch.validation.report import Prediction, Report, Summary

FEW_ROWS = 40
"""Up to so many rows are all printed without being asked for."""
WORST = 10
ALARMS = 8
SIZES = ("Sizes, measured", "predicted")
ORDER_NOTE = (
    "By model operations a second and accelerator. Pairs: those more than 5 % apart as measured.\n"
    "Sizes: rate of the largest model over the smallest. Fastest: how much slower than the fastest run the one is that "
    "is predicted to be.\n"
    "Releases of one software are not told apart: rows that differ in nothing else are one configuration."
)


def show_training(report: Report, every_row: bool) -> None:
    """Print a report of training runs."""
    from rich.text import Text

    out = console()
    out.print(Text(report.title, style="bold").append(f"   {report.source}", style="dim"))
    for section in _sections(report, every_row):
        out.print()
        out.print(section)


def _sections(report: Report, every_row: bool) -> Iterator[RenderableType]:
    if not report.predictions:
        yield "No row could be predicted."
    else:
        yield from _told(report, every_row)
    if report.skipped:
        yield skipped_table(report.skipped)


def _told(report: Report, every_row: bool) -> Iterator[RenderableType]:
    splits = report.by(lambda p: p.split)
    yield _verdict(report, splits)
    yield _split_table(splits)
    checked = [row for row in report.predictions if row.split != "recalled"]
    if every_row or len(report.predictions) <= FEW_ROWS:
        yield rows_table(report, report.predictions)
    if len({row.family for row in checked}) > 1:
        yield _families(report)
    yield from _order(report.more)
    yield from _interval_table(report.more.get("intervals", {}))
    yield from _memory(report.more.get("memory", {}))
    yield from _worst(checked)
    if not every_row and len(report.predictions) > FEW_ROWS:
        yield _dim("--all prints every row, --json holds everything.")


def _dim(words: str) -> Text:
    from rich.text import Text

    return Text(words, style="dim")


def _verdict(report: Report, splits: Mapping[str, Summary]) -> Text:
    """The figures that count, in a sentence."""
    from rich.text import Text

    untouched = splits.get("untouched")
    if untouched is None or untouched.median_ape is None:
        return Text("No row is here that constants were not fitted on.", style="bold")
    held = untouched.within_interval
    words = (
        f"{untouched.predicted:,} rows that no constant was fitted on: half within {share(untouched.median_ape)}, mean "
        f"{share(untouched.mape)}, nine of ten within {share(untouched.p90_ape)}"
    )
    told = Text(words, style="bold")
    told.append(f"; the 80 % interval held {share(held)} of them." if held is not None else ".")
    summary, usable = report.summary, report.more.get("usable", {})
    words = f"\n{summary.predicted:,} of {summary.rows:,} rows predicted"
    if usable.get("share") is not None:
        words += f"; {share(usable['share'])} of the {usable['rows']:,} that were checked and have a step time"
    return told.append(f"{words}.", style="dim")


def _split_table(splits: Mapping[str, Summary]) -> Table:
    from rich.text import Text

    headings = ("", "Rows", "Median", "Mean", "p90", "Worst", "", "Within 10 %", "Within 20 %", "Bias", "In interval")
    names = {"untouched": "Untouched", "calibration": "Calibration", "recalled": "Recalled, in no figure"}
    rows: list[tuple[Cell, ...]] = [
        (Text(name, style="bold" if split == "untouched" else ""), *_figures(splits[split]))
        for split, name in names.items()
        if split in splits
    ]
    return fitted((*headings, "Rank corr."), rows, left=(0, 6), spare=(8, 11, 9, 7, 6))


def _figures(summary: Summary) -> list[str]:
    errors = (summary.median_ape, summary.mape, summary.p90_ape, summary.worst_ape)
    return [
        f"{summary.predicted:,}", *map(share, errors), summary.worst, share(summary.within_10),
        share(summary.within_20), signed(summary.bias), share(summary.within_interval), correlated(summary.spearman),
    ]  # fmt: skip


def _families(report: Report) -> Table:
    """Errors by family: untouched rows, and beside them those of calibration."""
    from rich.text import Text

    headings = ("Family", "Untouched", "Median", "Mean", "Worst", "", "Bias", "In interval", "Calibration", "Median")
    groups = report.by(lambda p: f"{p.family}\n{p.split}")
    rows: list[tuple[Cell, ...]] = []
    for family in sorted({p.family for p in report.predictions if p.split != "recalled"}):
        untouched, calibration = (groups.get(f"{family}\n{split}") for split in ("untouched", "calibration"))
        rows.append((Text(family), *_of_family(untouched), *_of_calibration(calibration)))
    return fitted((*headings, "Mean"), rows, left=(0, 5), spare=(10, 9, 8, 6, 5, 7))


def _of_family(summary: Summary | None) -> list[str]:
    if summary is None:
        return [DASH] + [""] * 6
    errors = (summary.median_ape, summary.mape, summary.worst_ape)
    return [
        f"{summary.predicted:,}", *map(share, errors), summary.worst, signed(summary.bias),
        share(summary.within_interval),
    ]  # fmt: skip


def _of_calibration(summary: Summary | None) -> list[str]:
    if summary is None:
        return [DASH, "", ""]
    return [f"{summary.predicted:,}", share(summary.median_ape), share(summary.mape)]


def _order(more: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Whether runs are put in the right order, by family and within the BLOOM sweep."""
    from rich.text import Text

    trends = {name: trend for name, trend in more.get("trends", {}).items() if trend["spearman"] is not None}
    if trends:
        headings = ("Order within a family", "Configurations", "Rank corr.", "Pairs right", *SIZES, "Fastest")
        rows: list[tuple[Cell, ...]] = [(Text(name), *_ranked(trend)) for name, trend in trends.items()]
        yield fitted(headings, rows, left=(0,), spare=(4, 5, 6))
    sweep = more.get("sweep", {}).get("rankings", {})
    if sweep:
        made = table("Order within the BLOOM sweep", "Rows", "Step time", "Rate", "Pairs right", "Fastest", left=(0,))
        for name, found in sweep.items():
            ranks = (correlated(found["step_time_spearman"]), correlated(found["spearman"]))
            made.add_row(name, f"{found['rows']:,}", *ranks, share(found["pairs_right"]), _lost(found))
        yield made
    if trends:
        yield _dim(ORDER_NOTE)


def _ranked(trend: Mapping[str, Any]) -> list[str]:
    found = (trend[f"sizes_{kind}"] for kind in ("measured", "predicted"))
    sizes = [DASH if size is None else f"{size:.2f}" for size in found]
    ranks = (correlated(trend["spearman"]), share(trend["pairs_right"]))
    return [f"{trend['configurations']:,}", *ranks, *sizes, _lost(trend)]


def _lost(trend: Mapping[str, Any]) -> str:
    lost = trend["lost"]
    return DASH if lost is None else signed(-lost)


def _interval_table(intervals: Mapping[str, Any]) -> Iterator[RenderableType]:
    """How often the intervals held, by the constant that they were taken from."""
    if not intervals.get("constants"):
        return
    made = table("Intervals, untouched rows", "Rows", "From", "To", "Held", left=(0,))
    for found in intervals["constants"].values():
        ends = (signed(found["low"] - 1), signed(found["high"] - 1))
        made.add_row(found["scope"], f"{found['rows']:,}", *ends, share(found["held"]))
    yield made


def _memory(memory: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Errors of the peak memory, and runs that were wrongly predicted to run out of it."""
    verdicts = memory.get("verdicts", {})
    if memory.get("predictions"):
        made = table("Peak memory", "Rows", "Median", "Mean", "p90", "Worst", "", "Bias", left=(0, 6))
        for name, found in {**memory["families"], "all": memory["summary"]}.items():
            errors = (share(found[key]) for key in ("median_ape", "mape", "p90_ape", "worst_ape"))
            made.add_row(name, f"{found['predicted']:,}", *errors, found["worst"], signed(found["bias"]))
        yield made
    if verdicts.get("runs"):
        yield _verdicts(verdicts)


def _verdicts(verdicts: Mapping[str, Any]) -> Text:
    wrong = verdicts["wrongly_out_of_memory"]
    fit, runs = (f"{verdicts[key]:,}" for key in ("predicted_to_fit", "runs"))
    words = f"{fit} of {runs} runs, all of which did fit, are predicted to fit."
    if wrong:
        more = "" if len(wrong) <= ALARMS else f" and {len(wrong) - ALARMS} more"
        over = verdicts["over"]
        words += (
            f" Out of memory in error: {few(wrong[:ALARMS], ALARMS)}{more}; "
            f"{share(over['median'] - 1)} over in the median, {share(over['most'] - 1)} at most."
        )
    return _dim(words)


def _worst(rows: Sequence[Prediction]) -> Iterator[RenderableType]:
    """The rows with the largest errors, with what was assumed of them."""
    from rich.text import Text

    if len(rows) <= WORST:
        return
    headings = (
        f"The {WORST} worst rows",
        "Measured",
        "Predicted",
        "Error",
        "Split",
        "Family, and what is known of the row",
    )
    made = table(*headings, left=(0, 4, 5))
    for row in sorted(rows, key=lambda row: -row.ape)[:WORST]:
        numbers = (amount(row.measured), amount(row.predicted), signed(row.error))
        known = Text(row.family).append(f"\n{row.note}" if row.note else "", style="dim")
        made.add_row(Text(row.id), *numbers, row.split, known)
    yield made
