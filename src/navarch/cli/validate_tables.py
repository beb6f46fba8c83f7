"""Tables and numbers as `navarch validate` prints them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias, Union

from navarch.cli.session import console

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from navarch.validation.report import Prediction, Report, Skipped

FEW_DIGITS = 2
MOST_ROWS = 300
"""Most rows that are printed one by one; of more, the worst are."""
WORST_ROWS = 20
NOTHING = 1e-9
"""Relative error below which two numbers are the same, computed in another order."""
DASH = "—"
GAP = 2
"""Blanks between two columns."""
Cell: TypeAlias = Union[str, "Text"]


def table(*headings: str, left: Sequence[int]) -> Table:
    """A table without lines; left: the columns that are not numbers."""
    from rich.table import Table

    made = Table(box=None, padding=(0, GAP, 0, 0), header_style="dim")
    for index, heading in enumerate(headings):
        made.add_column(heading, justify="left" if index in left else "right", overflow="fold")
    return made


def fitted(headings: Sequence[str], rows: Iterable[Sequence[Cell]], left: Sequence[int], spare: Sequence[int]) -> Table:
    """A table as wide as the terminal allows; spare: columns that are left out where it is narrow, in this order."""
    lines = [list(row) for row in rows]
    widths = [max(len(heading), *(len(line[i]) for line in lines), 0) + GAP for i, heading in enumerate(headings)]
    kept = list(range(len(headings)))
    for index in spare:
        if sum(widths[i] for i in kept) <= console().width:
            break
        kept.remove(index)
    made = table(*(headings[i] for i in kept), left=[place for place, i in enumerate(kept) if i in left])
    for line in lines:
        made.add_row(*(line[i] for i in kept))
    return made


def share(value: float | None) -> str:
    """A share as a percentage."""
    from navarch.core.quantity import show

    if value is None:
        return DASH
    return show(0.0 if abs(value) < NOTHING else value, "fraction", FEW_DIGITS)


def signed(value: float | None) -> str:
    """A share as a percentage with its sign."""
    if value is None:
        return DASH
    return "0 %" if abs(value) < NOTHING else f"{'+' if value > 0 else '−'}{share(abs(value))}"


def correlated(value: float | None) -> str:
    """A rank correlation."""
    return DASH if value is None else f"{value:.2f}".replace("-", "−")


def amount(value: float) -> str:
    """A measured or predicted number."""
    from navarch.core.quantity import show

    return show(value, "1")


def rows_table(report: Report, rows: Sequence[Prediction]) -> Table:
    """Rows one by one, in the order given; the interval is shown where the rows have one."""
    from rich.text import Text

    bounded = any(row.low is not None for row in rows)
    headings = ["Row", "Measured", "Predicted", "Error", "Quantity", "Basis", "Family"]
    if bounded:
        headings.insert(3, "80 % interval")
    lines: list[tuple[Cell, ...]] = []
    for row in rows:
        interval = (_interval(row),) if bounded else ()
        numbers = (amount(row.measured), amount(row.predicted), *interval, signed(row.error))
        basis = row.basis if row.split != "recalled" else "recalled"
        lines.append((Text(row.id), *numbers, Text(row.quantity), basis, Text(row.family, style="dim")))
    last = len(headings) - 1
    return fitted(headings, lines, left=(0, last - 2, last - 1, last), spare=(last - 2, last - 1))


def _interval(row: Prediction) -> str:
    return "" if row.low is None or row.high is None else f"{amount(row.low)} to {amount(row.high)}"


def skipped_table(rows: Sequence[Skipped]) -> Table:
    """Why rows were left out, the most frequent reason first."""
    from rich.text import Text

    counted: dict[str, list[str]] = {}
    for row in rows:
        counted.setdefault(row.reason, []).append(row.id)
    made = table(f"Skipped ({len(rows):,})", "Rows", "Why", left=(0, 2))
    for reason, ids in sorted(counted.items(), key=lambda item: -len(item[1])):
        made.add_row(Text(few(ids, 2)), f"{len(ids):,}", Text(reason, style="dim"))
    return made


def few(ids: Sequence[str], most: int) -> str:
    """Some ids, or the first and the last of many."""
    return ", ".join(ids) if len(ids) <= most else f"{ids[0]} ... {ids[-1]}"
