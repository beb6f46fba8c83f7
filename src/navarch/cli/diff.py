"""`navarch diff`: what changes between two designs, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from navarch.cli.session import AsJson, CatalogPaths, console, evaluated, print_json, shown

if TYPE_CHECKING:
    from rich.table import Table

    from navarch.core.ledger import Value
    from navarch.design.evaluation import Evaluation
    from navarch.design.spec import Design

SAME = 1e-9
"""Relative difference below which two values are the same number, computed in another order."""


@dataclass(frozen=True)
class Change:
    """One quantity of two designs; None where a design has no such quantity."""

    name: str
    title: str
    before: Value | None
    after: Value | None

    @property
    def relative(self) -> float | None:
        """The change as a share of the first value, where both exist and the first is not 0."""
        if self.before is None or self.after is None or float(self.before) == 0:
            return None
        return (float(self.after) - float(self.before)) / abs(float(self.before))


def diff(
    first: Annotated[Path, typer.Argument(help="Design file (YAML).", metavar="A", show_default=False)],
    second: Annotated[Path, typer.Argument(help="The design file to hold beside it.", metavar="B", show_default=False)],
    json: AsJson = False,
    catalog: CatalogPaths = None,
) -> None:
    """Compare two design files: the fields that differ, and every quantity that changes."""
    before, after = evaluated(first, catalog), evaluated(second, catalog)
    fields = changed_fields(before.spec, after.spec)
    quantities = changed_quantities(before, after)
    if json:
        print_json(_data(first, second, fields, quantities))
        return
    _show(first, second, fields, quantities)


def changed_fields(before: Design, after: Design) -> list[tuple[str, str, str]]:
    """Return the fields that differ: dotted path, what the first file says, what the second says."""
    said = dict(before.leaves())
    says = dict(after.leaves())
    paths = dict.fromkeys([*said, *says])
    return [
        (path, _word(said.get(path)), _word(says.get(path)))
        for path in paths
        if not _same_field(said.get(path), says.get(path))
    ]


def changed_quantities(before: Evaluation, after: Evaluation) -> list[Change]:
    """Return the quantities that differ, in the order of the first evaluation."""
    names = dict.fromkeys([*before.quantities, *after.quantities])
    changes = []
    for name in names:
        old, new = before.quantities.get(name), after.quantities.get(name)
        if old is not None and new is not None and _same(float(old), float(new)):
            continue
        known = new if new is not None else old
        changes.append(Change(name, known.entry.title if known is not None else "", old, new))
    return changes


def _same(old: float, new: float) -> bool:
    return old == new or abs(old - new) <= SAME * max(abs(old), abs(new))


def _same_field(old: Any, new: Any) -> bool:
    from navarch.design.amount import Amount

    if isinstance(old, Amount) and isinstance(new, Amount):
        return (old.value, old.low, old.high) == (new.value, new.low, new.high)
    return bool(old == new)


def _word(value: Any) -> str:
    if value is None:
        return "left out"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _show(first: Path, second: Path, fields: list[tuple[str, str, str]], quantities: list[Change]) -> None:
    from rich.text import Text

    out = console()
    if not fields and not quantities:
        out.print("The two designs say the same and come out the same.")
        return
    table = _table("Field", first.name, second.name)
    for path, old, new in fields:
        table.add_row(Text(path), Text(old), Text(new))
    out.print(table if fields else Text("The two files say the same."))
    out.print()
    table = _table("Quantity", first.name, second.name, "Change", "What it is")
    for change in quantities:
        cells = [shown(value) if value is not None else "—" for value in (change.before, change.after)]
        table.add_row(Text(change.name), *cells, _percent(change.relative), Text(change.title, style="dim"))
    out.print(table if quantities else Text("No quantity changes."))


def _table(*headings: str) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for index, heading in enumerate(headings):
        table.add_column(Text(heading), justify="right" if 0 < index < len(headings) - 1 else "left", overflow="fold")
    return table


def _percent(relative: float | None) -> str:
    from navarch.core.quantity import show

    if relative is None:
        return ""
    return f"{'+' if relative >= 0 else '−'}{show(abs(relative), 'fraction')}"


def _data(first: Path, second: Path, fields: list[tuple[str, str, str]], quantities: list[Change]) -> dict[str, Any]:
    return {
        "a": str(first),
        "b": str(second),
        "fields": [{"field": path, "a": old, "b": new} for path, old, new in fields],
        "quantities": [
            {
                "name": change.name,
                "title": change.title,
                "unit": next(v.entry.unit for v in (change.after, change.before) if v is not None),
                "a": None if change.before is None else float(change.before),
                "b": None if change.after is None else float(change.after),
                "relative": change.relative,
            }
            for change in quantities
        ],
    }
