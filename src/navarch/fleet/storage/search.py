"""Which storage feeds the accelerators at least cost: every system, unit count and cache of a grid, the best simulated.

Accelerators must not starve while a checkpoint is written either. The equations price and judge the whole grid; the
cheapest that seem to feed everybody are then run request by request, until one does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from navarch.core.arithmetic import (
    ceil_div,
    complement,
    largest_of,
    product_of,
    ratio,
    relative_change,
    smallest_of,
    sum_of,
)
from navarch.fleet.storage import estimate
from navarch.fleet.storage.expected import Expected, expected
from navarch.fleet.storage.model import Saving, StorageError
from navarch.fleet.storage.parts import Choice, Parts, Workload
from navarch.fleet.storage.simulate import StorageRun, simulate
from navarch.fleet.storage.system import cost_of, wanted

if TYPE_CHECKING:
    from navarch.catalog import Catalog

DRIVES = (0, 1, 2, 4, 8)
GROWTH = (1.0, 1.05, 1.1, 1.2, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0)
"""Units of the grid over the fewest that the averages ask for."""
MOST_SIMULATED = 12
STEPS = 60
MOST_REQUESTS = 4_000_000
LEAST_STEPS = 12
OWNERS = re.compile(r"\(of [\d,]+\)")
"""In the unit of scale: it is a part of one whole, which is not sold."""
MANAGED = "managed"
OWNED = ("parallel file system", "all-flash", "distributed")
Number = Any


@dataclass(frozen=True, slots=True)
class Needs:
    """What storage must do besides feeding.

    checkpoint: size [byte]; allowed: time in which it must be on shared storage [s]; kept: checkpoints at once; copies:
    of the data set; starvation: most of it that is allowed, share of (accelerator, step) and of the time; duration: for
    which it is paid [s]; fill: share of the capacity that may be used; write_depth: chunks of a checkpoint in flight of
    each node; restore: time in which a checkpoint must be read back [s], where that is asked.
    """

    checkpoint: float
    allowed: float
    kept: float
    copies: float
    starvation: float
    duration: float
    fill: float
    write_depth: int = 4
    restore: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A design of the grid.

    cost: bought, or rented for the duration [USD]; expected: by the equations, with warm caches unless they evict;
    average: whether loaders, metadata servers and every server can keep up; sized_by: what asks for most units;
    write_time: of a checkpoint to the shared storage [s]; run: simulated, where it was; verdict: why it lost.
    """

    choice: Choice
    cost: float
    shared_cost: float
    cache_cost: float
    expected: Expected
    average: bool
    sized_by: str
    write_time: float
    run: StorageRun | None = None
    verdict: str = ""

    @property
    def title(self) -> str:
        """The design in words."""
        choice = self.choice
        cache = f" + {choice.drives} x {choice.drive} a node" if choice.drives else ""
        return f"{choice.units:,} x {choice.system}{cache}"


@dataclass(frozen=True, slots=True)
class Found:
    """The answer.

    best: the cheapest that feeds everybody; runner_up: the next of another system or cache; naive: the cheapest whose
    capacity and mean rates suffice; considered: designs of the grid; feasible: those that the equations pass;
    simulated: all that were run, the cheapest first; refused: systems left out, each with its reason; by_system: the
    cheapest of each system that the equations pass, the cheapest first.
    """

    workload: Workload
    needs: Needs
    best: Candidate | None
    runner_up: Candidate | None
    naive: Candidate | None
    considered: int
    feasible: int
    simulated: tuple[Candidate, ...]
    refused: dict[str, str] = field(default_factory=dict)
    by_system: tuple[Candidate, ...] = ()


def search(
    parts: Parts,
    workload: Workload,
    needs: Needs,
    systems: Sequence[str] | None = None,
    drives: Sequence[int] = DRIVES,
    drive: str = "nvme-gen4",
    evicts: bool = False,
    metadata: int = 4,
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
    runs_of_best: bool = True,
) -> Found:
    """The cheapest storage of the grid with which no more than the allowed share of accelerators starves.

    systems: of the catalog, all file systems that can be bought where left out; drives: of each node's cache, tried;
    metadata: metadata servers of a file system; runs_of_best: simulate the cheapest until one feeds everybody, else the
    equations decide.
    """
    tell = progress or (lambda _share, _what: None)
    grid: list[Candidate] = []
    refused: dict[str, str] = {}
    names = list(systems or systems_of(parts.catalog))
    for place, name in enumerate(names):
        tell(float(ratio(place, 2 * len(names))), f"judging {name}")
        try:
            for many in drives:
                grid += _of_system(parts, workload, needs, Choice(name, 1, drive, many, evicts, metadata))
        except StorageError as error:
            if systems:
                raise
            refused[name] = str(error)
    feasible = sorted((each for each in grid if _feeds(each, needs)), key=lambda each: each.cost)
    by_system = _by_system(feasible)
    naive = min(grid, key=lambda each: each.cost, default=None)
    if not runs_of_best:
        best, runner_up = [*feasible[:1], *_unlike(feasible), None, None][:2]
        return Found(workload, needs, best, runner_up, naive, len(grid), len(feasible), (), refused, by_system)
    best, runner_up, runs = _confirmed(parts, workload, needs, feasible, seed, tell)
    if naive is not None and naive.choice not in [each.choice for each in runs]:
        tell(1.0, f"simulating {naive.title}")
        naive = replace(naive, run=simulated(parts, workload, needs, naive.choice, seed))
    elif naive is not None:
        naive = next(each for each in runs if each.choice == naive.choice)
    if naive is not None and not naive.average:
        fed = float(naive.expected.utilisation)
        naive = replace(naive, verdict=f"feeds them at {fed:.0%} of their rate while a checkpoint is written")
    return Found(workload, needs, best, runner_up, naive, len(grid), len(feasible), tuple(runs), refused, by_system)


def _by_system(feasible: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The first of each system."""
    found: dict[str, Candidate] = {}
    for each in feasible:
        found.setdefault(each.choice.system, each)
    return tuple(found.values())


def _unlike(feasible: Sequence[Candidate]) -> list[Candidate]:
    """Those of another system or cache than the first."""
    return [each for each in feasible[1:] if _kind(each) != _kind(feasible[0])]


def systems_of(catalog: Catalog, rented: bool = False) -> list[str]:
    """Shared systems that can be bought (or rented) by the unit; what its owner keeps to himself cannot be."""
    found = []
    for name in catalog.ids("storage"):
        entry = catalog.get("storage", name)
        sizeable = entry.read_bandwidth is not None and entry.capacity is not None
        kind = entry.kind.startswith(MANAGED if rented else OWNED)
        kept = OWNERS.search(entry.unit_of_scale) is not None
        if sizeable and kind and (entry.rent is not None) == rented and not kept:
            found.append(name)
    return found


def _feeds(candidate: Candidate, needs: Needs) -> bool:
    return bool(candidate.expected.starvation <= needs.starvation) and candidate.average


def _of_system(parts: Parts, workload: Workload, needs: Needs, choice: Choice) -> list[Candidate]:
    """A system with one cache, at every unit count of the grid."""
    unit = parts.unit(choice.system)
    reading = product_of(workload.demand, _missed(parts, workload, choice))
    asked = wanted(
        unit, workload.dataset, needs.copies, needs.checkpoint, needs.kept, needs.fill, needs.allowed, reading,
        needs.restore,
    )  # fmt: skip
    least = float(parts.fewest(choice.system))
    sized_by = "the least that is sold" if least > asked.units else asked.largest
    fewest = float(largest_of(asked.units, least))
    counts = np.unique(ceil_div(product_of(fewest, np.array(GROWTH)), 1.0)).astype(int)
    return [
        _candidate(
            parts, workload, needs, replace(choice, units=int(units)), sized_by if units == counts[0] else "feeding"
        )
        for units in counts
    ]


def _candidate(parts: Parts, workload: Workload, needs: Needs, choice: Choice, sized_by: str) -> Candidate:
    unit, drive = parts.unit(choice.system), parts.unit(choice.drive)
    shared = cost_of(unit, estimate.aggregate_capacity(choice.units, unit.capacity), needs.duration)
    drives = product_of(workload.readers.nodes, choice.drives)
    cache = cost_of(drive, estimate.aggregate_capacity(drives, drive.capacity), needs.duration)
    store = parts.store(workload, choice, cold=_cold(choice))
    told = expected(store, workload.readers, _burst(parts, workload, needs, choice, needs.allowed, 1))
    return Candidate(
        choice=choice,
        cost=float(sum_of(shared, cache)),
        shared_cost=float(shared),
        cache_cost=float(cache),
        expected=told,
        average=bool(told.utilisation >= 1.0),
        sized_by=sized_by,
        write_time=float(
            estimate.checkpoint_write_time(needs.checkpoint, estimate.aggregate_bandwidth(choice.units, unit.write))
        ),
    )


def _missed(parts: Parts, workload: Workload, choice: Choice) -> Number:
    """Share of the reads that the shared storage serves."""
    return 1.0 if _cold(choice) else complement(parts.cached(workload, choice))


def _cold(choice: Choice) -> bool:
    """A cache that is filled before training is judged warm; one that fills and evicts as it goes, cold."""
    return choice.evicts


def _confirmed(
    parts: Parts, workload: Workload, needs: Needs, feasible: Sequence[Candidate], seed: int,
    tell: Callable[[float, str], None],
) -> tuple[Candidate | None, Candidate | None, list[Candidate]]:  # fmt: skip
    """Run the cheapest until one feeds everybody, and then until one of another kind does too."""
    best: Candidate | None = None
    runs: list[Candidate] = []
    for each in feasible:
        if len(runs) == MOST_SIMULATED:
            break
        if best is not None and _kind(each) == _kind(best):
            continue
        tell(float(ratio(len(runs) + MOST_SIMULATED, 2 * MOST_SIMULATED)), f"simulating {each.title}")
        run = simulated(parts, workload, needs, each.choice, seed)
        if _starves(run, needs):
            runs.append(replace(each, run=run, verdict="starves, simulated"))
            continue
        if best is None:
            best = replace(each, run=run)
            runs.append(best)
            continue
        dearer = float(relative_change(each.cost, best.cost))
        second = replace(each, run=run, verdict=f"costs {dearer:.1%} more")
        return best, second, [*runs, second]
    return best, None, runs


def _kind(candidate: Candidate) -> tuple[str, int]:
    return candidate.choice.system, candidate.choice.drives


def simulated(parts: Parts, workload: Workload, needs: Needs, choice: Choice, seed: int) -> StorageRun:
    """A design run request by request, counted while a checkpoint is written beside the reading."""
    steps = _steps(workload)
    half = steps // 2
    store = parts.store(workload, choice, _cold(choice))
    saving = _burst(parts, workload, needs, choice, float(product_of(half, workload.step)), half)
    return simulate(store, workload.readers, steps, half, saving, seed)


def _burst(parts: Parts, workload: Workload, needs: Needs, choice: Choice, time: Number, every: int) -> Saving:
    """As much of a checkpoint as the shared storage alone writes in that time [s], all of it at most."""
    write = estimate.aggregate_bandwidth(choice.units, parts.unit(choice.system).write)
    size = smallest_of(needs.checkpoint, product_of(write, time))
    return parts.saving(workload, float(size), every, "asynchronous", depth=needs.write_depth)


def _starves(run: StorageRun, needs: Needs) -> bool:
    return max(run.starvation, run.stalled) > needs.starvation


def _steps(workload: Workload) -> int:
    """Steps that are simulated: enough to judge, few enough to wait for."""
    readers = workload.readers
    affordable = int(ratio(MOST_REQUESTS, product_of(readers.accelerators, readers.requests)))
    return max(LEAST_STEPS, min(STEPS, affordable))
