"""How long `navarch validate network` took beside SimGrid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from navarch.cli.session import console
from navarch.cli.validate_tables import amount, table

if TYPE_CHECKING:
    from rich.table import Table

    from navarch.validation.report import Report


def show_wall(report: Report) -> None:
    """Print how many times as fast each family was, where SimGrid's own time is known."""
    clocks = [clock for clock in report.more.get("wall", ()) if "times" in clock]
    if clocks:
        out = console()
        out.print()
        out.print(_wall(report, clocks))


def _wall(report: Report, clocks: Sequence[Mapping[str, Any]]) -> Table:
    from rich.text import Text

    from navarch.core.arithmetic import sum_of
    from navarch.core.quantity import show

    family = {prediction.id: prediction.family for prediction in report.predictions}
    made = table("Wall clock", "SimGrid", "navarch", "Least times as fast", left=(0,))
    for name in sorted({family[clock["id"]] for clock in clocks}):
        mine = [clock for clock in clocks if family[clock["id"]] == name]
        theirs, ours = (float(sum_of(*(clock[key] for clock in mine))) for key in ("simgrid_s", "navarch_s"))
        made.add_row(Text(name), show(theirs, "s"), show(ours, "s"), amount(min(clock["times"] for clock in mine)))
    return made
