"""`navarch plan storage`: the nodes and tiers that feed every accelerator at least cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from navarch.cli.session import AsJson, CatalogPaths, console, load_catalog, print_json, progress_bar
from navarch.cli.simulate_storage import LOADER, STORAGE, TRAINING, option, share, size_of, table, workload_of

if TYPE_CHECKING:
    from rich.table import Table

    from navarch.fleet.storage.parts import Parts
    from navarch.fleet.storage.search import Candidate, Found, Needs

NEEDS = "Needs"
INFEASIBLE = 1


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
    system: Annotated[
        list[str] | None,
        option("--system", "Only this shared storage. May be repeated.", STORAGE, "ID", show_default=False),
    ] = None,
    drive: Annotated[str, option("--drive", "Drive of the nodes' caches.", STORAGE, "ID")] = "nvme-gen4",
    drives: Annotated[
        list[int] | None,
        option("--drives", "Of each node, tried. May be repeated.", STORAGE, show_default="0, 1, 2, 4, 8"),
    ] = None,
    evicts: Annotated[
        bool, typer.Option("--evicts", help="The caches evict what was longest unused.", rich_help_panel=STORAGE)
    ] = False,
    metadata: Annotated[int, option("--metadata", "Metadata servers of a file system.", STORAGE)] = 4,
    starvation: Annotated[str, option("--starvation", "Most of it that is allowed.", NEEDS, "SHARE")] = "1 %",
    checkpoint: Annotated[str, option("--checkpoint", "Size of one.", NEEDS, "SIZE")] = "5.67 TB",
    within: Annotated[
        str | None, option("--within", "Time in which it must be on shared storage.", NEEDS, "TIME", show_default=False)
    ] = None,
    kept: Annotated[float, option("--kept", "Checkpoints kept.", NEEDS)] = 10.0,
    years: Annotated[str, option("--for", "Time that rented storage is paid for.", NEEDS, "TIME")] = "3 years",
    seed: Annotated[int, typer.Option("--seed", help="Of the draws.", metavar="N", min=0)] = 0,
    json: AsJson = False,
    catalog: CatalogPaths = None,
) -> None:
    """Search shared systems, unit counts and node caches for the cheapest that feeds everybody, and simulate it."""
    from navarch.fleet.storage.parts import Parts
    from navarch.fleet.storage.search import DRIVES, search

    parts = Parts(load_catalog(catalog))
    workload = workload_of(
        accelerators, rate, batch, sample, samples, epochs, layout, request, workers, depth, prefetch, independent
    )
    needs = _needs(parts, checkpoint, within, kept, starvation, years)
    with progress_bar("starting") as progress:
        found = search(parts, workload, needs, system, tuple(drives or DRIVES), drive, evicts, metadata, seed, progress)
    if json:
        print_json(_data(found))
    else:
        _show(found)
    if found.best is None:
        raise typer.Exit(INFEASIBLE)


def _needs(parts: Parts, checkpoint: str, within: str | None, kept: float, starvation: str, years: str) -> Needs:
    from navarch.fleet.storage.search import Needs

    allowed = parts.constant("checkpoint-allowed") if within is None else size_of("--within", within, "s")
    return Needs(
        checkpoint=size_of("--checkpoint", checkpoint),
        allowed=allowed,
        kept=kept,
        copies=parts.constant("dataset-copies"),
        starvation=size_of("--starvation", starvation, "fraction"),
        duration=size_of("--for", years, "s"),
        fill=parts.constant("fill"),
    )


def _data(found: Found) -> dict[str, Any]:
    return {
        "considered": found.considered,
        "feasible": found.feasible,
        "best": _candidate_data(found.best),
        "runner_up": _candidate_data(found.runner_up),
        "naive": _candidate_data(found.naive),
        "simulated": [_candidate_data(each) for each in found.simulated],
        "refused": found.refused,
    }


def _candidate_data(each: Candidate | None) -> dict[str, Any] | None:
    if each is None:
        return None
    return {
        "system": each.choice.system, "units": each.choice.units, "drives": each.choice.drives,
        "drive": each.choice.drive, "cost": each.cost, "shared_cost": each.shared_cost, "cache_cost": each.cache_cost,
        "sized_by": each.sized_by, "checkpoint_write_time": each.write_time,
        "starvation": {
            "estimate": float(each.expected.starvation), "simulation": each.run.starvation if each.run else None,
        },
        "verdict": each.verdict,
    }  # fmt: skip


def _show(found: Found) -> None:
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    parts: list[Any] = [_head(found), Text(), _table(found)]
    parts += [
        Padding(Text(f"Left out: {name}: {why}", style="yellow"), (1, 0, 0, 0)) for name, why in found.refused.items()
    ]
    told = (
        f"{found.considered:,} designs were judged by the equations, {found.feasible:,} of them feed everybody "
        f"while a checkpoint is written; the cheapest were simulated. A cache is filled "
        "before training, unless it evicts."
    )
    parts.append(Padding(Text(told, style="dim"), (1, 0, 0, 0)))
    console().print(Padding(Group(*parts), (1, 1)))


def _head(found: Found) -> Any:
    from rich.text import Text

    from navarch.core.quantity import show

    workload, best = found.workload, found.best
    demand = f"{workload.accelerators:,} accelerators read {show(workload.demand, 'byte/s')}"
    if best is None:
        why = "no design of the grid feeds them"
        return Text(f"{demand}: {why} with at most {share(found.needs.starvation)} starving.", style="bold")
    line = Text(f"{demand}: ", style="bold").append(best.title, style="bold cyan")
    return line.append(f" for {show(best.cost, 'USD')}, sized by {best.sized_by}.", style="bold")


def _table(found: Found) -> Table:
    from navarch.core.quantity import show

    made = table("", "Storage", "Cost", "Cache", "Busiest", "Starve, estimate", "simulated", "Checkpoint in", "")
    rows = [("chosen", found.best), ("runner-up", found.runner_up), ("enough on average", found.naive)]
    failed = [("tried", each) for each in found.simulated if each.verdict.startswith("starves")]
    for label, each in [*rows, *failed]:
        if each is None:
            continue
        cache = show(each.cache_cost, "USD") if each.cache_cost else "—"
        made.add_row(
            label, each.title, show(each.cost, "USD"), cache, share(each.expected.busiest.utilisation),
            share(each.expected.starvation), share(each.run.starvation) if each.run else "—",
            show(each.write_time, "s"), each.verdict,
        )  # fmt: skip
    return made
