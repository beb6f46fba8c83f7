"""`navarch debate`: the class debate of Lab 05, strategies and rules on the same and on hidden pairs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from navarch.cli.session import AsJson, console, counting_bar, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from navarch.course.parallelism_puzzle.debate import Contender, Debate

WHOLE = "1"


def debate(
    folder: Annotated[Path, typer.Argument(help="Folder with a hand-in (YAML) of each student.", metavar="FOLDER")],
    course: Annotated[
        str, typer.Option("--course", help="Seed of the course: it draws the nine pairs.", metavar="WORD")
    ] = WHOLE,
    hidden: Annotated[
        str | None,
        typer.Option(
            "--hidden",
            help="A word that you keep for yourself: it draws the hidden pairs.",
            metavar="WORD",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the report: HTML, Markdown, SVG.", metavar="DIR")
    ] = None,
    json: AsJson = False,
) -> None:
    """Score every student's strategy and rule against the best of all plans, and show who wins where."""
    from navarch.course.parallelism_puzzle import report
    from navarch.course.parallelism_puzzle.debate import debate as debated

    with counting_bar("searching the pairs") as progress:
        found = debated(folder, course, hidden, progress)
    written = [] if out is None else report.write_report(found, out)
    if json:
        print_json(report.as_data(found))
        return
    _show(found, console())
    for path in written:
        typer.echo(f"{path} is written.")


def _show(found: Debate, to: Console) -> None:
    from rich.markup import escape
    from rich.table import Table

    from navarch.core.quantity import show
    from navarch.course.parallelism_puzzle.report import verdict

    to.print(f"\n{escape(verdict(found))}\n")
    contenders: tuple[tuple[str, tuple[Contender, ...]], ...] = (
        ("Strategies", (*found.strategies, found.single)), ("Rules", found.rules),
    )  # fmt: skip
    for title, each in contenders:
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        table.add_column("")
        for head in ("lost in the mean", "at worst", "pairs won", "pairs run"):
            table.add_column(head, justify="right")
        for contender in each:
            lost = [show(value, "fraction", digits=2) for value in (contender.mean_lost, contender.worst_lost)]
            counts = [f"{count} of {len(found.pairs)}" for count in (contender.wins, contender.runs)]
            name = f"{contender.name} (the library's)" if contender.ours else contender.name
            table.add_row(escape(name), *lost, *counts)
        to.print(table)
        to.print()
    for refused in found.refused:
        to.print(f"Left out: {escape(refused.file)}: {escape(refused.why)}")
