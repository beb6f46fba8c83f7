"""`navarch measure compression`: data-parallel training with compressed gradients, really run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from navarch.cli.measure_collectives import draw, table, write_json
from navarch.cli.session import AsJson, console, print_json, progress_bar

if TYPE_CHECKING:
    from rich.table import Table

    from navarch.distributed.collectives.compression.measure import CompressionMeasured


def compression(
    processes: Annotated[int, typer.Option("--processes", help="Ranks on this machine.", metavar="N")] = 4,
    method: Annotated[
        list[str] | None,
        typer.Option("--method", help="top-k, random-k, int8, fp8, sign, powersgd. May be repeated; all if left out."),
    ] = None,
    steps: Annotated[int, typer.Option("--steps", help="Steps of each training run.", metavar="N")] = 300,
    batch: Annotated[int, typer.Option("--batch", help="Samples of a rank in a step.", metavar="N")] = 64,
    density: Annotated[
        float | None, typer.Option("--density", help="Share kept by top-k and random-k.", metavar="SHARE")
    ] = None,
    rank: Annotated[int | None, typer.Option("--rank", help="Rank of PowerSGD.", metavar="N")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the data and the network.", metavar="N")] = 0,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Without progress for so many seconds, stop.", metavar="SECONDS")
    ] = 60.0,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw loss against bytes sent and time: .svg, .png or .html.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Keep the measurement as JSON.", metavar="FILE")] = None,
    json: AsJson = False,
) -> None:
    """Train a small network among processes with each method: loss against bytes sent against time."""
    from navarch.distributed.collectives.compression.compressors import METHODS
    from navarch.distributed.collectives.compression.measure import measure_compression
    from navarch.distributed.collectives.launch import Site

    settings = {} if density is None else {"top-k": density, "random-k": density}
    settings |= {} if rank is None else {"powersgd": float(rank)}
    with progress_bar("starting the ranks") as progress:
        found = measure_compression(
            Site(processes, timeout=timeout), method or tuple(METHODS), steps=steps, batch=batch, settings=settings,
            seed=seed, progress=progress,
        )  # fmt: skip
    if out is not None:
        write_json(found.as_plain(), out)
    if plot is not None:
        from navarch.distributed.collectives.compression.figure import write_curves

        draw(lambda: write_curves(found, plot))
    if json:
        print_json(found.as_plain())
    else:
        _show(found)


def _show(found: CompressionMeasured) -> None:
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    title = Text.assemble(
        ("Training with compressed gradients", "bold"),
        (f"   {found.ranks} ranks over TCP, {found.steps} steps, {found.elements:,} parameters", "dim"),
    )
    console().print(Padding(Group(title, Text(), _runs_table(found)), (1, 1)))


def _runs_table(found: CompressionMeasured) -> Table:
    from navarch.core.quantity import show

    headings = ("Method", "Keeps", "Sent by a rank", "Fewer", "Loss", "Against none")
    made = table(*headings, "Time", "Encoding", "Network", "Decoding", left=2)
    for run in found.runs:
        keeps = {"powersgd": f"rank {run.setting:g}", "top-k": f"{run.setting:.1%}", "random-k": f"{run.setting:.1%}"}
        made.add_row(
            run.method, keeps.get(run.method, ""), show(run.sent, "byte"), f"{run.fewer:.1f}x", f"{run.loss:.4f}",
            f"{run.worse:+.1%}", *(show(part, "s") for part in (run.time, run.encode, run.transfer, run.decode)),
        )  # fmt: skip
    return made
