"""`navarch simulate storage`: readers, tiers and checkpoints, request by request, beside queueing theory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from navarch.cli.session import AsJson, CatalogPaths, console, load_catalog, print_json, working

if TYPE_CHECKING:
    from rich.table import Table

    from navarch.fleet.storage.expected import Expected
    from navarch.fleet.storage.model import Saving
    from navarch.fleet.storage.parts import Choice, ModeExpected, Parts, Workload
    from navarch.fleet.storage.simulate import StorageRun

TRAINING, LOADER, STORAGE, CHECKPOINTS = "Training", "Loader", "Storage", "Checkpoints"


def option(flag: str, meaning: str, panel: str, metavar: str = "N", **more: Any) -> Any:
    """An option of a panel."""
    return typer.Option(flag, help=meaning, metavar=metavar, rich_help_panel=panel, **more)


def storage(
    accelerators: Annotated[int, option("--accelerators", "Accelerators that read.", TRAINING)] = 1000,
    rate: Annotated[float, option("--rate", "Samples a second of one accelerator.", TRAINING)] = 2500.0,
    batch: Annotated[int, option("--batch", "Samples of one accelerator's step.", TRAINING)] = 250,
    sample: Annotated[str, option("--sample", "Size of a sample.", TRAINING, "SIZE")] = "115 kB",
    samples: Annotated[float, option("--samples", "Samples of the data set.", TRAINING)] = 1e8,
    epochs: Annotated[float, option("--epochs", "Of the run.", TRAINING)] = 10.0,
    independent: Annotated[
        bool, typer.Option("--independent", help="Accelerators do not wait for each other.", rich_help_panel=TRAINING)
    ] = False,
    layout: Annotated[str, option("--layout", "records, or files: one for each sample.", LOADER, "NAME")] = "records",
    request: Annotated[str, option("--request", "Read at once from records.", LOADER, "SIZE")] = "1 MB",
    workers: Annotated[int, option("--workers", "Of one accelerator's loader.", LOADER)] = 8,
    depth: Annotated[int, option("--depth", "Requests in flight of a worker.", LOADER)] = 4,
    prefetch: Annotated[int, option("--prefetch", "Batches that the loader may be ahead.", LOADER)] = 16,
    system: Annotated[str, option("--system", "Shared storage, of the catalog.", STORAGE, "ID")] = "ddn-ai400x2",
    units: Annotated[int, option("--units", "Of it; prefixes of an object store.", STORAGE)] = 4,
    drives: Annotated[int, option("--drives", "Of each node, as a cache of the data set.", STORAGE)] = 0,
    drive: Annotated[str, option("--drive", "Which, of the catalog.", STORAGE, "ID")] = "nvme-gen4",
    evicts: Annotated[
        bool, typer.Option("--evicts", help="The cache evicts what was longest unused.", rich_help_panel=STORAGE)
    ] = False,
    cold: Annotated[
        bool, typer.Option("--cold", help="The first epoch: nothing is cached.", rich_help_panel=STORAGE)
    ] = False,
    metadata: Annotated[int, option("--metadata", "Metadata servers of a file system.", STORAGE)] = 4,
    checkpoint: Annotated[
        str | None, option("--checkpoint", "Size of one, such as 5.67 TB; none where left out.", CHECKPOINTS, "SIZE")
    ] = None,
    every: Annotated[int, option("--every", "Steps between checkpoints.", CHECKPOINTS)] = 40,
    mode: Annotated[
        str, option("--mode", "synchronous, asynchronous or multi-tier.", CHECKPOINTS, "NAME")
    ] = "asynchronous",
    write_depth: Annotated[int, option("--write-depth", "Writes in flight of a node.", CHECKPOINTS)] = 4,
    rush: Annotated[bool, typer.Option("--rush", help="All loaders start with empty buffers.")] = False,
    steps: Annotated[int, typer.Option("--steps", help="Of each accelerator.", metavar="N")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="Of the draws.", metavar="N", min=0)] = 0,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw who waits when: .png, .svg, .html or .json.", metavar="FILE")
    ] = None,
    json: AsJson = False,
    catalog: CatalogPaths = None,
) -> None:
    """Run readers request by request: how often accelerators starve, and what checkpoints do, beside the estimate."""
    from navarch.fleet.storage.expected import expected
    from navarch.fleet.storage.parts import Choice, Parts
    from navarch.fleet.storage.simulate import simulate

    with working("Running the readers"):
        parts = Parts(load_catalog(catalog))
        workload = workload_of(
            accelerators, rate, batch, sample, samples, epochs, layout, request, workers, depth, prefetch, independent
        )
        choice = Choice(system, units, drive, drives, evicts, metadata)
        store = parts.store(workload, choice, cold)
        saving = _saving(parts, workload, checkpoint, every, mode, drives > 0, write_depth)
        told = expected(store, workload.readers)
        during = expected(store, workload.readers, saving) if saving is not None else None
        run = simulate(store, workload.readers, steps, saving=saving, seed=seed, filled=not rush)
        modes = _modes(parts, workload, choice, checkpoint, every)
    if plot is not None:
        _draw(run, plot, _head(workload, choice))
    if json:
        print_json(_data(run, told, during, modes))
    else:
        _show(workload, choice, run, told, during, modes, saving)


def workload_of(
    accelerators: int, rate: float, batch: int, sample: str, samples: float, epochs: float, layout: str, request: str,
    workers: int, depth: int, prefetch: int, independent: bool,
) -> Workload:  # fmt: skip
    """The workload of the options."""
    from navarch.fleet.storage.parts import Workload

    return Workload(
        accelerators, rate, batch, size_of("--sample", sample), samples, epochs, layout,  # type: ignore[arg-type]
        size_of("--request", request), workers, depth, prefetch, together=not independent,
    )  # fmt: skip


def size_of(flag: str, text: str, unit: str = "byte") -> float:
    """A quantity of an option, or a message that names the option."""
    from navarch.core.quantity import QuantityError, parse
    from navarch.fleet.storage.model import StorageError

    try:
        return parse(text, unit)
    except QuantityError as error:
        raise StorageError(f"{flag}: {error}") from error


def _saving(
    parts: Parts, workload: Workload, size: str | None, every: int, mode: str, local: bool, depth: int
) -> Saving | None:
    if size is None:
        return None
    return parts.saving(workload, size_of("--checkpoint", size), every, mode, local, depth)  # type: ignore[arg-type]


def _modes(parts: Parts, workload: Workload, choice: Choice, size: str | None, every: int) -> tuple[ModeExpected, ...]:
    from navarch.core.arithmetic import product_of
    from navarch.fleet.storage.estimate import aggregate_bandwidth
    from navarch.fleet.storage.parts import checkpoint_modes

    if size is None:
        return ()
    written = aggregate_bandwidth(choice.units, parts.unit(choice.system).write)
    local = aggregate_bandwidth(choice.drives, parts.unit(choice.drive).write) if choice.drives else None
    return checkpoint_modes(
        size_of("--checkpoint", size), workload.accelerators, workload.readers.nodes, written,
        parts.constant("host-bandwidth"), local, product_of(every, workload.step),
    )  # fmt: skip


def _draw(run: StorageRun, file: Path, title: str) -> None:
    from navarch.core.gantt import write
    from navarch.fleet.storage.model import StorageError

    try:
        write(run.plot(), file, title)
    except ValueError as error:
        raise StorageError(f"--plot: {error}") from error


def _data(run: StorageRun, told: Expected, during: Expected | None, modes: tuple[ModeExpected, ...]) -> dict[str, Any]:
    return {
        "starvation": {"estimate": float(told.starvation), "simulation": run.starvation},
        "steps_that_wait": {"estimate": float(told.late_steps), "simulation": run.late_steps},
        "utilisation": {"estimate": float(told.utilisation), "simulation": run.utilisation},
        "rate": {"demanded": float(told.demand), "delivered": run.rate},
        "utilisation_while_a_checkpoint_is_written": None if during is None else float(during.utilisation),
        "stalled": run.stalled,
        "held_by_checkpoints": run.held,
        "requests": run.requests,
        "tiers": [
            {
                "name": tier.name, "utilisation": tier.utilisation, "wait": tier.wait, "response": tier.response,
                "p50": tier.quantile(0.5), "p99": tier.quantile(0.99), "p999": tier.quantile(0.999),
            }
            for tier in run.tiers
        ],
        "tiers_estimated": [
            {name: _plain(value) for name, value in asdict(tier).items()} for tier in told.tiers
        ],
        "checkpoints": [{"began": each.began, "times": list(each.times)} for each in run.checkpoints],
        "checkpoint_modes": [
            {name: _plain(value) for name, value in asdict(each).items()} for each in modes
        ],
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) or value is None else float(value)


def _show(
    workload: Workload, choice: Choice, run: StorageRun, told: Expected, during: Expected | None,
    modes: tuple[ModeExpected, ...], saving: Saving | None,
) -> None:  # fmt: skip
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    parts: list[Any] = [Text(_head(workload, choice), style="bold"), Text(_demand(workload), style="dim"), Text()]
    parts += [_beside(run, told, during), Text(), _tiers(run, told)]
    if saving is not None:
        parts += [Text(), _checkpoints(run, modes, saving)]
    parts += [Padding(Text(_note(run, told), style="dim"), (1, 0, 0, 0))]
    console().print(Padding(Group(*parts), (1, 1)))


def _head(workload: Workload, choice: Choice) -> str:
    cache = f", {choice.drives} x {choice.drive} in each node" if choice.drives else ""
    return f"{workload.accelerators:,} accelerators on {choice.units:,} x {choice.system}{cache}"


def _demand(workload: Workload) -> str:
    from navarch.core.quantity import show

    readers = workload.readers
    return (
        f"{workload.rate:,.0f} samples/s each: {show(workload.demand, 'byte/s')} in all; an epoch of "
        f"{show(workload.dataset, 'byte')} takes {show(workload.epoch, 's')}, {workload.epochs:g} read "
        f"{show(workload.total, 'byte')}; {readers.requests:,} requests of {show(readers.request, 'byte')} a batch"
    )


def _beside(run: StorageRun, told: Expected, during: Expected | None) -> Table:
    """Estimate and simulation; with checkpoints, the estimate while one is written too."""
    from navarch.core.arithmetic import complement
    from navarch.core.quantity import show

    estimates = [told] if during is None else [told, during]
    headings = ["Estimate"] if during is None else ["Estimate, quiet", "while a checkpoint is written"]
    made = table("", *headings, "Simulation")

    def row(name: str, of: Callable[[Expected], str], simulated: str) -> None:
        made.add_row(name, *(of(each) for each in estimates), simulated)

    row("Accelerators that starve in a step", lambda each: share(each.starvation), share(run.starvation))
    row("Steps that wait for data", lambda each: share(each.late_steps), share(run.late_steps))
    row("Time that accelerators wait for data", lambda each: share(complement(each.utilisation)), share(run.stalled))
    row("Time that they compute", lambda each: share(each.utilisation), share(run.utilisation))
    row("Read rate demanded, delivered", lambda each: show(each.demand, "byte/s"), show(run.rate, "byte/s"))
    row("A batch: time to fetch, time there is", _fetch, "—")
    return made


def _fetch(told: Expected) -> str:
    import math

    from navarch.core.quantity import show

    fetch = show(told.fetch, "s") if math.isfinite(told.fetch) else "without end"
    return f"{fetch} of {show(told.lead, 's')}"


def _tiers(run: StorageRun, told: Expected) -> Table:
    import math

    from navarch.core.quantity import show

    made = table("Tier", "Busy, estimate", "simulation", "Wait, estimate", "simulation", "Request", "p99", "p99.9")
    theirs = {tier.name: tier for tier in told.tiers}
    for tier in run.tiers:
        own = theirs[tier.name]
        wait = show(own.wait, "s") if math.isfinite(own.wait) else "without end"
        if not tier.requests:
            continue
        made.add_row(
            tier.name, share(own.utilisation), share(tier.utilisation), wait, show(tier.wait, "s"),
            show(tier.response, "s"), show(tier.quantile(0.99), "s"), show(tier.quantile(0.999), "s"),
        )  # fmt: skip
    if run.lookup:
        made.add_row("metadata", "", "", "", "", show(run.lookup, "s"), "", "")
    return made


def _checkpoints(run: StorageRun, modes: tuple[ModeExpected, ...], saving: Saving) -> Table:
    from navarch.core.quantity import show

    made = table("Checkpoint", "Stall", "On the drives", "On shared storage", "Share of the time")
    for each in modes:
        near = "—" if each.near is None else show(each.near, "s")
        made.add_row(f"{each.mode}, estimate", show(each.stall, "s"), near, show(each.safe, "s"), share(each.share))
    for number, saved in enumerate(run.checkpoints, start=1):
        near = show(saved.times[0], "s") if len(saved.times) > 1 else "—"
        made.add_row(f"{saving.mode}, simulated, {number}", "", near, show(saved.times[-1], "s"), "")
    made.add_row("all of them, simulated", "", "", "", share(run.held))
    return made


def _note(run: StorageRun, told: Expected) -> str:
    slow = [tier for tier in told.tiers if tier.name.endswith("slow") and tier.utilisation >= 1]
    more = (
        f" Slow servers of the {slow[0].name.split(',')[0]} tier cannot keep up with their part of the requests: "
        "everybody waits for them."
        if slow
        else ""
    )
    return (
        f"{run.requests:,} requests, {run.steps:,} steps of which the first {run.warm:,} are not counted. The estimate "
        f"takes requests as random or as sent all at once.{more}"
    )


def share(value: float) -> str:
    """A share as people read it; what is nearly nothing as such."""
    from navarch.core.quantity import show

    value = float(value)
    return "0 %" if value == 0 else "< 0.01 %" if 0 < value < 1e-4 else show(value, "fraction")


def table(*headings: str) -> Table:
    """A table without lines, its first column to the left."""
    from rich.table import Table

    made = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for place, heading in enumerate(headings):
        made.add_column(heading, justify="right" if place else "left")
    return made
