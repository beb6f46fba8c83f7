"""Write the errors of the training model and their figures into the documentation.

Usage: python scripts/build_validation_page.py

docs/validation-training.md holds prose around blocks between markers (`<!-- NAME: begin -->`, `<!-- NAME: end -->`),
which are written anew from the report of `navarch validate training`; the figures go to docs/images/parity-NAME.svg.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from navarch.catalog import load
from navarch.core.gantt import write
from navarch.core.quantity import show
from navarch.validation import Report, Summary, validate
from navarch.validation.parity import GROUPS, checked, figures
from navarch.validation.report import summarise
from navarch.validation.training import COLUMNS, RATES

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/validation-training.md"
IMAGES = ROOT / "docs/images"
BLOCK = re.compile(r"(<!-- (?P<name>[a-z-]+): begin -->\n).*?(<!-- (?P=name): end -->)", re.DOTALL)
WORST = 10
DASH = "–"
NARAYANAN = "Narayanan et al. 2021 Table 1 A100-80GB"


def blocks(report: Report) -> dict[str, str]:
    """The text of every block of the page, by name."""
    return {
        "verdict": _verdict(report),
        "sources": _sources(report),
        "splits": _splits(report),
        "families": _families(report),
        "parity": _pictures(report),
        "order": _order(report.more["trends"]),
        "narayanan": _narayanan(report.more["trends"][NARAYANAN]),
        "sweep": _sweep(report.more["sweep"]["rankings"]),
        "intervals": _intervals(report.more["intervals"]),
        "memory": _memory(report.more["memory"]),
        "verdicts": _verdicts(report.more["memory"]["verdicts"]),
        "worst": _worst(report),
        "skipped": _skipped(report),
        "korthikanti": _korthikanti(report),
        "columns": _columns(),
    }


def _share(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:.1f} %"


def _signed(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:+.1f} %".replace("-", "−")


def _rank(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}".replace("-", "−")


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]], words: Sequence[int] = (0,)) -> str:
    """A table in Markdown; words: the columns that are no numbers."""
    rule = "|" + "".join("---|" if index in words else "---:|" for index in range(len(heads)))
    return "\n".join([f"| {' | '.join(heads)} |", rule, *(f"| {' | '.join(map(_cell, row))} |" for row in rows)])


def _cell(value: Any) -> str:
    return str(value).replace("|", "/").replace("\n", " ")


def _verdict(report: Report) -> str:
    splits, usable = report.by(lambda p: p.split), report.more["usable"]
    of = splits["untouched"]
    return (
        f"**Of {of.predicted} published rows that no constant was fitted on, half are predicted within "
        f"{_share(of.median_ape)}, nine of ten within {_share(of.p90_ape)}; the mean error is {_share(of.mape)}, the "
        f"worst {_share(of.worst_ape)} ({of.worst}).** The 80 % interval beside a prediction held "
        f"{_share(of.within_interval)} of them. Of the {usable['rows']} rows that were checked and have a step time, "
        f"{_share(usable['share'])} are predicted."
    )


def _sources(report: Report) -> str:
    """Rows by family: calibration, untouched, recalled."""
    groups = report.by(lambda p: f"{p.family}\n{p.split}")
    rows = []
    for family in sorted({p.family for p in report.predictions}):
        counts = [groups.get(f"{family}\n{split}") for split in ("calibration", "untouched", "recalled")]
        rows.append((family, *(DASH if found is None else found.rows for found in counts)))
    return _table(("rows predicted of", "calibration", "untouched", "recalled"), rows)


def _splits(report: Report) -> str:
    heads = ("", "rows", "median", "mean", "p90", "worst", "within 10 %", "within 20 %", "bias", "in the 80 % interval")
    found = report.by(lambda p: p.split)
    return _table(heads, ((name, *_figures(found[name])) for name in ("untouched", "calibration")))


def _figures(of: Summary) -> list[str]:
    errors = (of.median_ape, of.mape, of.p90_ape, of.worst_ape, of.within_10, of.within_20)
    return [str(of.predicted), *map(_share, errors), _signed(of.bias), _share(of.within_interval)]


def _families(report: Report) -> str:
    heads = ("family", "untouched", "median", "mean", "worst", "bias", "calibration", "median", "mean")
    groups = report.by(lambda p: f"{p.family}\n{p.split}")
    rows = []
    for family in sorted({p.family for p in checked(report)}):
        untouched, fitted = (groups.get(f"{family}\n{split}") for split in ("untouched", "calibration"))
        rows.append((family, *_untouched(untouched), *_calibration(fitted)))
    return _table(heads, rows)


def _untouched(of: Summary | None) -> list[str]:
    if of is None:
        return [DASH] * 5
    worst = f"{_share(of.worst_ape)} ({of.worst})"
    return [str(of.predicted), _share(of.median_ape), _share(of.mape), worst, _signed(of.bias)]


def _calibration(of: Summary | None) -> list[str]:
    return [DASH] * 3 if of is None else [str(of.predicted), _share(of.median_ape), _share(of.mape)]


def _pictures(report: Report) -> str:
    """The parity plots, two in a row."""
    names = [name for name in figures(report) if name in GROUPS]
    cells = [f"![Predicted over measured: {GROUPS[name][0]}](images/parity-{name}.svg)" for name in names]
    cells += [""] * (len(cells) % 2)
    pairs = [f"| {left} | {right} |" for left, right in zip(cells[::2], cells[1::2], strict=True)]
    return "\n".join(["| | |", "|---|---|", *pairs])


def _order(trends: Mapping[str, Any]) -> str:
    heads = (
        "family", "configurations", "rank correlation", "pairs right", "largest / smallest model, measured",
        "predicted", "predicted fastest against fastest",
    )  # fmt: skip
    rows = []
    for name, trend in trends.items():
        if trend["spearman"] is not None:
            sizes = (_rank(trend["sizes_measured"]), _rank(trend["sizes_predicted"]))
            ranks = (_rank(trend["spearman"]), _share(trend["pairs_right"]))
            rows.append((name, trend["configurations"], *ranks, *sizes, _lost(trend["lost"])))
    return _table(heads, rows)


def _lost(lost: float | None) -> str:
    return DASH if lost is None else _signed(-lost) if lost > 0.0005 else "the fastest"


def _narayanan(trend: Mapping[str, Any]) -> str:
    rises = "rises" if trend["sizes_predicted"] > 1 else "does not rise"
    return (
        f"Over the {trend['rows']} rows of Narayanan et al. 2021, Table 1, the rate of an accelerator {rises} with the "
        f"size of the model as published: the largest model reaches {_rank(trend['sizes_measured'])} times the rate of "
        f"the smallest as measured and {_rank(trend['sizes_predicted'])} times as predicted; rank correlation "
        f"{_rank(trend['spearman'])}, "
        f"{_share(trend['pairs_right'])} of the pairs that differ in the right order."
    )


def _sweep(rankings: Mapping[str, Any]) -> str:
    heads = ("rows", "count", "step time", "rate", "pairs right", "predicted fastest against fastest")
    rows = (
        (
            name,
            found["rows"],
            _rank(found["step_time_spearman"]),
            _rank(found["spearman"]),
            _share(found["pairs_right"]),
            _lost(found["lost"]),
        )
        for name, found in rankings.items()
    )
    return _table(heads, rows)


def _intervals(found: Mapping[str, Any]) -> str:
    heads = ("constants of", "untouched rows", "from", "to", "held")
    rows = [
        (of["scope"], of["rows"], _signed(of["low"] - 1), _signed(of["high"] - 1), _share(of["held"]))
        for of in found["constants"].values()
    ]
    rows.append(("all untouched rows", found["untouched"]["rows"], "", "", _share(found["untouched"]["held"])))
    return _table(heads, rows)


def _memory(memory: Mapping[str, Any]) -> str:
    heads = ("peak memory of", "rows", "median", "mean", "p90", "worst", "bias")
    rows = []
    for name, of in {**memory["families"], "all": memory["summary"]}.items():
        errors = (_share(of[key]) for key in ("median_ape", "mape", "p90_ape"))
        rows.append((name, of["predicted"], *errors, f"{_share(of['worst_ape'])} ({of['worst']})", _signed(of["bias"])))
    return _table(heads, rows)


def _verdicts(verdicts: Mapping[str, Any]) -> str:
    told = f"{verdicts['predicted_to_fit']} of the {verdicts['runs']} runs, all of which did fit, are predicted to fit"
    over = verdicts["over"]
    if over is None:
        return f"{told}."
    most = f"{_share(over['median'] - 1)} in the median and by {_share(over['most'] - 1)} at most"
    return f"{told}; the others are predicted to exceed the memory by {most}."


def _worst(report: Report) -> str:
    heads = ("row", "family", "measured", "predicted", "error", "split", "known of it")
    rows = [
        (
            f"`{row.id}`",
            row.family,
            show(row.measured, "s"),
            show(row.predicted, "s"),
            _signed(row.error),
            row.split,
            row.note,
        )
        for row in sorted(checked(report), key=lambda row: -row.ape)[:WORST]
    ]
    return _table(heads, rows, words=(0, 1, 5, 6))


def _skipped(report: Report) -> str:
    counted: dict[str, list[str]] = {}
    for row in report.skipped:
        counted.setdefault(row.reason, []).append(row.id)
    ordered = sorted(counted.items(), key=lambda item: -len(item[1]))
    return _table(("why", "rows", "which"), ((why, len(ids), _which(ids)) for why, ids in ordered), words=(0, 2))


def _which(ids: Sequence[str]) -> str:
    return ", ".join(ids) if len(ids) <= 4 else f"{ids[0]} to {ids[-1]}"


def _korthikanti(report: Report) -> str:
    of = summarise([row for row in report.predictions if row.family.startswith("Korthikanti")])
    return (
        f"navarch on the eight rows of Korthikanti et al. 2022, which are among its calibration rows: mean "
        f"{_share(of.mape)}, worst {_share(of.worst_ape)} ({of.worst})."
    )


def _columns() -> str:
    instead = " or ".join(f"`{next(c for c in other if c not in COLUMNS)}`" for other in RATES)
    return f"Needed are the columns {', '.join(f'`{name}`' for name in COLUMNS)} ({instead} in place of `step_time_s`)."


def written(page: str, texts: Mapping[str, str]) -> str:
    """The page with every block replaced."""
    return BLOCK.sub(lambda found: f"{found.group(1)}{texts[found.group('name')]}\n{found.group(3)}", page)


def main() -> None:
    """Write the figures and the blocks."""
    report = validate("training", load())
    for name, chart in figures(report).items():
        write(chart, IMAGES / f"parity-{name}.svg", name)
    PAGE.write_text(written(PAGE.read_text("utf-8"), blocks(report)), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}: {report.summary.predicted} rows\n")


if __name__ == "__main__":
    main()
