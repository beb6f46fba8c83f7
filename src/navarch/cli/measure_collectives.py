"""`navarch measure collectives`: a collective really run among processes, beside its estimate and a peer."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from navarch.cli.session import AsJson, console, print_json, progress_bar

if TYPE_CHECKING:
    from rich.table import Table

    from navarch.distributed.collectives.launch import Site
    from navarch.distributed.collectives.measurement import CollectivesMeasured, SizeMeasured

PORT = 29400
WRONG = 1


def collectives(
    processes: Annotated[int, typer.Option("--processes", help="Ranks on each host.", metavar="N")] = 4,
    size: Annotated[str, typer.Option("--size", help="Largest message; smaller ones are measured too.")] = "64 MB",
    algorithm: Annotated[str, typer.Option("--algorithm", help="Algorithm; --list has them.", metavar="NAME")] = "ring",
    collective: Annotated[
        str, typer.Option("--collective", help="Collective; --list has them.", metavar="NAME")
    ] = "all_reduce",
    dtype: Annotated[
        str, typer.Option("--dtype", help="float32, float64, float16, bfloat16, int32, int64 or uint8.", metavar="TYPE")
    ] = "float32",
    shape: Annotated[
        str | None, typer.Option("--shape", help="Groups x ranks of each (hierarchical), or sides (torus): 2x4.")
    ] = None,
    segments: Annotated[int, typer.Option("--segments", help="Pieces of a pipelined tree.", metavar="N")] = 16,
    peer: Annotated[str, typer.Option("--peer", help="Beside it, of torch.distributed: gloo, nccl or none.")] = "gloo",
    repeats: Annotated[int, typer.Option("--repeats", help="Runs at the largest size.", metavar="N")] = 5,
    hosts: Annotated[
        str | None,
        typer.Option("--hosts", help="Names or addresses of all hosts; run the same command on each.", metavar="A,B"),
    ] = None,
    host: Annotated[
        int | None, typer.Option("--host", help="Place of this host in --hosts, from 0; found by its name.")
    ] = None,
    rendezvous: Annotated[
        str | None, typer.Option("--rendezvous", help="Where the ranks meet; the first host.", metavar="HOST:PORT")
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Without progress for so many seconds, stop.", metavar="SECONDS")
    ] = 60.0,
    names: Annotated[bool, typer.Option("--list", help="List the collectives and their algorithms.")] = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw time by size: .svg, .png or .html.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Keep the measurement as JSON.", metavar="FILE")] = None,
    json: AsJson = False,
) -> None:
    """Run a collective among processes over TCP: checked bit for bit, and timed beside the estimate and a peer."""
    from navarch.core.quantity import parse
    from navarch.distributed.collectives.figure import write_figure
    from navarch.distributed.collectives.launch import follow
    from navarch.distributed.collectives.measure import measure_collectives

    if names:
        _list(json)
        return
    site = _site(processes, hosts, host, rendezvous, timeout)
    if site.host > 0:
        follow(site)
        return
    sides = _sides(shape)
    with progress_bar("starting the ranks") as progress:
        found = measure_collectives(
            site, parse(size, "byte"), collective.replace("-", "_"), algorithm.replace("-", "_"), dtype=dtype,
            shape=sides, segments=segments, peer=peer, repeats=repeats, progress=progress,
        )  # fmt: skip
    if plot is not None:
        draw(lambda: write_figure(found, plot))
    if out is not None:
        write_json(found.as_plain(), out)
    if json:
        print_json(found.as_plain())
    else:
        _show(found)
    if not found.correct:
        raise typer.Exit(WRONG)


def _site(processes: int, hosts: str | None, host: int | None, rendezvous: str | None, timeout: float) -> Site:
    from navarch.distributed.collectives.launch import LOCAL, Site
    from navarch.distributed.collectives.rendezvous import parse_address
    from navarch.distributed.collectives.schedule import CollectiveError

    if processes < 1:
        raise CollectiveError(f"--processes: {processes} is not allowed; at least 1")
    if timeout <= 0:
        raise CollectiveError(f"--timeout: {timeout:g} is not allowed; more than 0")
    if hosts is None:
        return Site(processes, rendezvous=parse_address(rendezvous, 0) if rendezvous else (LOCAL, 0), timeout=timeout)
    there = [each.strip() for each in hosts.split(",") if each.strip()]
    place = host if host is not None else _place(there)
    if not 0 <= place < len(there):
        raise CollectiveError(f"--host: {place} is not allowed; 0 to {len(there) - 1}, a place in --hosts")
    return Site(processes, len(there), place, parse_address(rendezvous or there[0], PORT), timeout)


def _place(hosts: list[str]) -> int:
    from navarch.distributed.collectives.schedule import CollectiveError

    own = socket.gethostname()
    for place, name in enumerate(hosts):
        if name in (own, own.split(".")[0]):
            return place
    raise CollectiveError(f"--host: this host is {own}, which is not in --hosts; give its place, from 0")


def _sides(shape: str | None) -> tuple[int, ...]:
    from navarch.distributed.collectives.schedule import CollectiveError

    if shape is None:
        return ()
    sides = shape.replace(",", "x").lower().split("x")
    if not all(side.strip().isdigit() for side in sides):
        raise CollectiveError(f'--shape: "{shape}" is not allowed; sides such as 2x4')
    return tuple(int(side) for side in sides)


def _list(json: bool) -> None:
    from navarch.distributed.collectives.algorithms import COLLECTIVES

    if json:
        print_json({name: list(algorithms) for name, algorithms in COLLECTIVES.items()})
        return
    made = table("Collective", "Algorithms", left=2)
    for name, algorithms in COLLECTIVES.items():
        made.add_row(name, ", ".join(algorithms))
    console().print(made)


def draw(write: Callable[[], None]) -> None:
    """Draw a figure; a kind of file that there is not is the user's mistake."""
    from navarch.distributed.collectives.schedule import CollectiveError

    try:
        write()
    except CollectiveError:
        raise
    except ValueError as error:
        raise CollectiveError(f"--plot: {error}") from error


def write_json(content: dict[str, Any], path: Path) -> None:
    """Write JSON: to a temporary name, then renamed."""
    import json

    beside = path.with_name(f".{path.name}.part")
    beside.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    beside.replace(path)


def _show(found: CollectivesMeasured) -> None:
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    from navarch.core.quantity import show

    where = f"{found.ranks} ranks" + (f" on {found.hosts} hosts" if found.hosts > 1 else "")
    title = Text.assemble(
        (f"{found.collective.replace('_', '-')}, {found.algorithm.replace('_', ' ')}", "bold"),
        (f"   {where} over TCP, {found.dtype}; {found.date}", "dim"),
    )
    fit = found.fitted
    constants = (
        f"alpha {show(fit.latency, 's')} a round, {show(fit.bandwidth, 'byte/s')} a rank (1/beta), "
        f"adding at {show(fit.reduction, 'byte/s')} (1/gamma); {found.cost.rounds} rounds, "
        f"{found.cost.sent:.3g} messages sent and {found.cost.reduced:.3g} added by the busiest rank"
    )
    wrong = [each for each in found.checks if not each.equal]
    sums = (
        Text(f"Sums: {len(found.checks)} messages, each bit for bit as its order of adding gives", style="green")
        if not wrong
        else Text(f"Sums: wrong at {', '.join(f'{each.elements:,}' for each in wrong)} elements", style="bold red")
    )
    parts: list[Any] = [title, Text(), _sizes_table(found), Text(), Text(constants), sums]
    console().print(Padding(Group(*parts), (1, 1)))


def _sizes_table(found: CollectivesMeasured) -> Table:
    beside = [f"{found.peer}", f"Of {found.peer}"] if found.peer else []
    headings = ("Message", "Estimate", "Simulated", "Measured", "10 to 90 %", "Runs", "Error", "Bus bw", *beside)
    made = table(*headings, left=0)
    for each in found.sizes:
        made.add_row(*_row(each))
    return made


def _row(each: SizeMeasured) -> tuple[str, ...]:
    from navarch.core.quantity import show

    time = each.time
    row = (
        show(each.message, "byte"), show(each.estimated, "s"), show(each.simulated, "s"), show(time.median, "s"),
        f"{show(time.low, 's')} to {show(time.high, 's')}", f"{time.runs}", f"{100 * each.error:+.0f} %",
        show(each.bus_bandwidth, "byte/s"),
    )  # fmt: skip
    if each.peer is None or each.beside is None:
        return row
    return (*row, show(each.peer.median, "s"), f"{each.beside:.2f}x")


def table(*headings: str, left: int) -> Table:
    """A table without lines; the first `left` columns are words."""
    from rich.table import Table

    made = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for place, heading in enumerate(headings):
        made.add_column(heading, justify="left" if place < left else "right")
    return made
