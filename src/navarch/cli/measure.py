"""`navarch measure`: what this machine really does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from navarch.cli import measure_collectives, measure_compression, measure_storage
from navarch.cli.session import AsJson, CatalogPaths, console, load_catalog, print_json, progress_bar

if TYPE_CHECKING:
    from rich.table import Table

    from navarch.fleet.compute.comparison import Compared
    from navarch.fleet.compute.measurement import ComputeMeasured

app = typer.Typer(no_args_is_help=True, help="Measure what this machine really does.")


@app.callback()
def _measure() -> None:
    """Measure what this machine really does."""


@app.command("compute")
def compute(
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, or auto: CUDA where there is one.")] = "auto",
    precision: Annotated[
        list[str] | None, typer.Option("--precision", help="fp64, fp32, tf32, bf16, fp16, fp8, int8. May be repeated.")
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option("--shape", help="Matrix product: 4096, or ROWSxCOLUMNSxDEPTH. May be repeated.", metavar="SHAPE"),
    ] = None,
    limit: Annotated[float, typer.Option("--limit", help="Time for all of it, in seconds.", metavar="SECONDS")] = 20.0,
    compare: Annotated[
        str | None,
        typer.Option("--compare", help="Accelerator of the catalog to compare with, such as h200-sxm.", metavar="ID"),
    ] = None,
    read: Annotated[
        Path | None,
        typer.Option("--read", help="Show a measurement of a file; make none.", metavar="FILE"),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Keep the measurement as JSON.", metavar="FILE")] = None,
    catalog: CatalogPaths = None,
    json: AsJson = False,
) -> None:
    """Measure training steps, matrix products by size and precision, and memory, and compare them with an estimate."""
    from navarch.fleet.compute.comparison import compared
    from navarch.fleet.compute.measure import measure_compute, read_shape
    from navarch.fleet.compute.measurement import read_measured, write_measured

    if read is not None:
        measured = read_measured(read)
    else:
        shapes = [read_shape(text) for text in shape or ()]
        with progress_bar("loading") as progress:
            measured = measure_compute(device, precision, shapes or None, limit, progress)
    if out is not None:
        write_measured(measured, out)
    beside = compared(measured, load_catalog(catalog), compare) if compare else ()
    if json:
        print_json(measured.as_plain() | ({"compared": [_compared_data(each) for each in beside]} if compare else {}))
    else:
        _show(measured, beside, compare)


def _show(measured: ComputeMeasured, beside: tuple[Compared, ...], compare: str | None) -> None:
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    parts: list[Any] = [Text.assemble((measured.machine.title, "bold"), "   ", (_about(measured), "dim")), Text()]
    parts.append(_steps_table(measured))
    parts += [Text(), _compared_table(beside, compare) if compare else _products_table(measured)]
    parts += [Padding(Text(f"Left out: {each}", style="yellow"), (1, 0, 0, 0)) for each in measured.left_out]
    console().print(Padding(Group(*parts), (1, 1)))


def _about(measured: ComputeMeasured) -> str:
    machine = measured.machine
    return f"{machine.processor}, {machine.threads} threads; {machine.software}; {machine.system}; {measured.date}"


def _table(*headings: str, left: int) -> Table:
    from rich.table import Table

    made = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for place, heading in enumerate(headings):
        made.add_column(heading, justify="left" if place < left else "right")
    return made


def _steps_table(measured: ComputeMeasured) -> Table:
    from navarch.core.quantity import show

    made = _table("What", "", "Rate", "Time", "10 to 90 %", "Runs", left=2)
    for each in measured.training:
        block = f"width {each.width:,}, {each.batch} x {each.sequence:,} tokens"
        name = f"training step of a block, {each.precision}"
        made.add_row(name, block, show(each.rate, "FLOP/s"), *_time(each.time), f"{each.time.runs}")
    if measured.memory is not None:
        memory = measured.memory
        moved = show(memory.traffic, "byte")
        made.add_row("memory, copy", moved, show(memory.rate, "byte/s"), *_time(memory.time), f"{memory.time.runs}")
    return made


def _products_table(measured: ComputeMeasured) -> Table:
    from navarch.core.quantity import show

    made = _table("Matrix product", "Precision", "Rate", "Time", "10 to 90 %", "Runs", left=2)
    for each in measured.products:
        shape = f"{each.rows:,} x {each.columns:,} x {each.depth:,}"
        made.add_row(shape, each.precision, show(each.rate, "FLOP/s"), *_time(each.time), f"{each.time.runs}")
    return made


def _compared_table(beside: tuple[Compared, ...], compare: str | None) -> Table:
    from navarch.core.quantity import show

    made = _table(
        "Matrix product", "Precision", "Measured", "10 to 90 %", f"Estimate, {compare}", "Ratio", "Of the peak", left=2
    )
    for each in beside:
        product = each.product
        shape = f"{product.rows:,} x {product.columns:,} x {product.depth:,}"
        figures = (show(each.estimated, "s"), f"{each.ratio:.3f}", show(each.share, "fraction", 2))
        made.add_row(shape, product.precision, *_time(product.time), *figures)
    return made


def _time(spread: Any) -> tuple[str, str]:
    from navarch.core.quantity import show

    return show(spread.median, "s"), f"{show(spread.low, 's')} to {show(spread.high, 's')}"


def _compared_data(each: Compared) -> dict[str, Any]:
    product = each.product
    return {
        "precision": product.precision, "rows": product.rows, "columns": product.columns, "depth": product.depth,
        "measured": product.time.median, "estimated": each.estimated, "ratio": each.ratio, "share": each.share,
        "stand_in": each.stand_in,
    }  # fmt: skip


app.command("collectives")(measure_collectives.collectives)
app.command("compression")(measure_compression.compression)
app.command("storage")(measure_storage.storage)
