"""`navarch measure storage`: what this machine's storage and its data loaders really do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from navarch.cli.session import AsJson, console, print_json, progress_bar
from navarch.cli.simulate_storage import share, size_of, table

if TYPE_CHECKING:
    from rich.table import Table

    from navarch.fleet.storage.measurement import StorageMeasured


def storage(
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="On which storage; the system's temporary folder.", show_default=False),
    ] = None,
    size: Annotated[str, typer.Option("--size", help="Of the large file.", metavar="SIZE")] = "256 MB",
    files: Annotated[int, typer.Option("--files", help="Small files.", metavar="N")] = 1024,
    sample: Annotated[str, typer.Option("--sample", help="Size of each.", metavar="SIZE")] = "115 kB",
    workers: Annotated[
        int | None,
        typer.Option("--workers", help="Of the loaders; twice the cores.", metavar="N", show_default=False),
    ] = None,
    prefetch: Annotated[
        list[int] | None,
        typer.Option("--prefetch", help="Batches ahead. May be repeated.", metavar="N", show_default="1, 2, 8"),
    ] = None,
    limit: Annotated[float, typer.Option("--limit", help="Time for all of it, in seconds.", metavar="SECONDS")] = 30.0,
    read: Annotated[
        Path | None, typer.Option("--read", help="Show a measurement of a file; make none.", metavar="FILE")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Keep the measurement as JSON.", metavar="FILE")] = None,
    json: AsJson = False,
) -> None:
    """Measure writing, reading in order and shuffled, many small files, and data loaders with each prefetch depth."""
    from navarch.fleet.storage.measure import PREFETCH, measure_storage
    from navarch.fleet.storage.measurement import read_measured, write_measured

    if read is not None:
        measured = read_measured(read)
    else:
        with progress_bar("starting") as progress:
            measured = measure_storage(
                folder, size_of("--size", size), files, size_of("--sample", sample), workers or 0,
                tuple(prefetch or PREFETCH), limit, progress,
            )  # fmt: skip
    if out is not None:
        write_measured(measured, out)
    if json:
        print_json(measured.as_plain())
    else:
        _show(measured)


def _show(measured: StorageMeasured) -> None:
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    machine = measured.machine
    about = f"{measured.file_system}; {machine.system}; {measured.date}. {measured.cache}."
    parts: list[Any] = [Text(machine.title, style="bold"), Text(about, style="dim"), Text(), _access(measured), Text()]
    parts.append(_loaders(measured))
    parts += [Padding(Text(f"Left out: {each}", style="yellow"), (1, 0, 0, 0)) for each in measured.left_out]
    told = "A training takes batches at four fifths of the fastest loader of its row's kind: enough on average."
    parts.append(Padding(Text(told, style="dim"), (1, 0, 0, 0)))
    console().print(Padding(Group(*parts), (1, 1)))


def _access(measured: StorageMeasured) -> Table:
    from navarch.core.quantity import show

    made = table("", "Each", "Rate", "A second", "Time", "10 to 90 %", "99 %", "Runs")
    for each in measured.access:
        time = each.each
        made.add_row(
            each.name, show(each.operation, "byte") if each.operation else "—",
            show(each.rate, "byte/s") if each.rate else "—", f"{each.frequency:,.0f}", show(time.median, "s"),
            f"{show(time.low, 's')} to {show(time.high, 's')}", show(each.worst, "s"), f"{each.operations:,}",
        )  # fmt: skip
    return made


def _loaders(measured: StorageMeasured) -> Table:
    from navarch.core.quantity import show

    made = table(
        "Loader", "Workers", "Prefetch", "Samples a second", "Rate", "Training takes", "Steps that wait", "Time"
    )
    for each in measured.loaders:
        made.add_row(
            f"{each.layout}, {each.kind}", f"{each.workers or '—'}", f"{each.prefetch}" if each.workers else "—",
            f"{each.samples:,.0f}", show(each.rate, "byte/s"),
            "—" if each.pace is None else f"{each.pace:,.0f}/s",
            "—" if each.starvation is None else share(each.starvation),
            "—" if each.stalled is None else share(each.stalled),
        )  # fmt: skip
    return made
