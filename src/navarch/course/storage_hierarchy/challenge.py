"""The design challenge: the cheapest tiers with which hardly an accelerator starves while a checkpoint is written.

A design is judged as `fleet.storage.search` judges its own: by rates, by capacity, and run request by request beside a
checkpoint. The best is what that search finds, or what is cheaper among the designs that the controls can make.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import complement, largest_of, product_of, sum_of
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger, Value
from navarch.core.quantity import parse, show
from navarch.course.desk import reading, shelf, titled
from navarch.course.errors import CourseError
from navarch.course.instrument import Answer, Reading, instrument
from navarch.course.storage_hierarchy.cluster import named, parts, read_size
from navarch.course.storage_hierarchy.variant import menu, variant_of
from navarch.fleet.storage import estimate
from navarch.fleet.storage.system import StorageUnit, cost_of, storage_unit

if TYPE_CHECKING:
    from navarch.fleet.storage.parts import Choice, Workload
    from navarch.fleet.storage.search import Needs

TITLES = {"shared": "Shared storage", "cache": "Drives in the nodes", "written": "A checkpoint takes"}
BOUGHT = 0.0
"""For how long rented storage would be paid [s]: all systems here are bought."""


@dataclass(frozen=True, slots=True)
class Design:
    """Storage: a shared system of the catalog, its units, and drives in each node."""

    system: str
    units: int
    drives: int


def systems() -> dict[str, str]:
    """The shared systems that may be bought."""
    return {name: named(name) for name in menu()["challenge"]["systems"]}


def units() -> list[float]:
    """Units of the slider."""
    return [float(count) for count in range(1, int(menu()["challenge"]["units"]) + 1)]


def drives() -> list[float]:
    """Drives in each node, of the slider."""
    return [float(count) for count in menu()["challenge"]["drives"]]


def start() -> Design:
    """Where the controls begin."""
    return Design(next(iter(systems())), 1, 0)


@cache
def task_of(seed: int) -> tuple[Workload, Needs]:
    """What a seed's task asks: who is fed, and what storage must do besides."""
    from navarch.fleet.storage.parts import Workload
    from navarch.fleet.storage.search import Needs

    told = menu()["challenge"]
    asked = told["tasks"][variant_of(seed).task]
    workload = Workload(
        int(told["accelerators"]), float(asked["rate"]), int(asked["batch"]), parse(asked["sample"], "byte"),
        float(asked["samples"]), request=read_size(float(asked["batch"]), parse(asked["sample"], "byte")),
        workers=int(menu()["workers"]),
        prefetch=int(asked["prefetch"]), per_node=int(told["per_node"]),
    )  # fmt: skip
    saved = shelf().fact("constant", "storage.checkpoint-bytes-per-parameter")
    with off_the_ledger():
        size = estimate.checkpoint_bytes(float(shelf().get("model", asked["model"]).params_total), float(saved))
    needs = Needs(
        float(size), parse(asked["allowed"], "s"), float(told["kept"]), float(told["copies"]),
        float(told["starvation"]), BOUGHT, float(shelf().fact("constant", "storage.fill")),
    )  # fmt: skip
    return workload, needs


def needed_rate() -> float:
    """Share of their rate at which the accelerators must be fed on average."""
    return float(menu()["challenge"]["fed"])


def choice_of(design: Design) -> Choice:
    """A design as the library takes it."""
    from navarch.fleet.storage.parts import Choice

    if design.system not in systems():
        raise CourseError(f"system: {design.system!r} is not one of {', '.join(systems())}")
    return Choice(design.system, design.units, str(menu()["challenge"]["drive"]), design.drives)


@lru_cache(maxsize=2048)
def starved(seed: int, design: Design) -> float:
    """Share of the batches that come late, or of the time that is lost, whichever is more: run beside a checkpoint."""
    from navarch.fleet.storage.search import simulated

    workload, needs = task_of(seed)
    with off_the_ledger():
        run = simulated(parts(), workload, needs, choice_of(design), 0)
        return float(largest_of(run.starvation, run.stalled))


@lru_cache(maxsize=2048)
def supplied(seed: int, design: Design) -> float:
    """Share of their rate at which the accelerators are fed on average while a checkpoint is written."""
    from navarch.fleet.storage.expected import expected

    workload, needs = task_of(seed)
    with off_the_ledger():
        saving = parts().saving(workload, needs.checkpoint, 1, "asynchronous", depth=needs.write_depth)
        return float(expected(parts().store(workload, choice_of(design)), workload.readers, saving).utilisation)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a design costs [USD], holds [byte] and takes to write a checkpoint [s]; numbers or remembered values."""

    cost: Any
    shared: Any
    cache: Any
    capacity: Any
    needed: Any
    written: Any
    sold: int


def judged(seed: int, design: Design, ledger: Ledger | None = None) -> Judged:
    """A design by its equations."""
    workload, needs = task_of(seed)
    catalog, take = shelf(), ledger.fact if ledger is not None else float
    unit = storage_unit(catalog, design.system, take)
    drive = storage_unit(catalog, str(menu()["challenge"]["drive"]), take)
    count: Any = float(design.units)
    many: Any = float(product_of(workload.readers.nodes, design.drives))
    held: Any = float(workload.dataset)
    if ledger is not None:
        count = ledger.field("units", design.units, "1", named(design.system))
        many = ledger.field("drives", many, "1", "Drives in all nodes")
        held = ledger.field("dataset", held, "byte", "Size of the data set")
    shared = cost_of(unit, estimate.aggregate_capacity(count, unit.capacity), needs.duration)
    cache_ = cost_of(drive, estimate.aggregate_capacity(many, drive.capacity), needs.duration)
    retained = estimate.retained_bytes(needs.checkpoint, needs.kept)
    return Judged(
        cost=sum_of(shared, cache_, unit="USD", title="Cost of the storage") if ledger else sum_of(shared, cache_),
        shared=shared,
        cache=cache_,
        capacity=estimate.aggregate_capacity(count, unit.capacity),
        needed=estimate.capacity_needed(held, needs.copies, retained, needs.fill),
        written=_written(unit, count, needs.checkpoint),
        sold=parts().fewest(design.system),
    )


def _written(unit: StorageUnit, count: Any, size: float) -> Any:
    return estimate.checkpoint_write_time(size, estimate.aggregate_bandwidth(count, unit.write))


@instrument
def score(seed: int, system: str, units: float, drives: float) -> Answer:
    """A design against what a seed's task asks; the score is its cost, and less is better."""
    design = Design(system, int(units), int(drives))
    choice_of(design)
    _, needs = task_of(seed)
    with Ledger() as ledger:
        found = judged(seed, design, ledger)
        fed = _seen(ledger, "Fed on average while a checkpoint is written", supplied(seed, design), "expected")
        late = _seen(ledger, "Starve while a checkpoint is written", starved(seed, design), "simulate")
        readings: dict[str, Reading] = {
            "score": reading(found.cost.entry),
            "shared": reading(found.shared.entry),
            "cache": reading(found.cache.entry),
            "written": reading(found.written.entry),
            "fed": reading(fed.entry),
            "starved": reading(late.entry),
        }
        rows = [
            _light("Units sold at once", float(design.units), float(found.sold), "1", "at least"),
            _light("Capacity", float(found.capacity), float(found.needed), "byte", "at least"),
            _light("Checkpoint written in", float(found.written), needs.allowed, "s", "at most"),
            _light("Fed on average, while one is written", float(fed), needed_rate(), "fraction", "at least"),
            _light("Starve while one is written", float(late), needs.starvation, "fraction", "at most"),
        ]
    kept = float(parts().cached(task_of(seed)[0], choice_of(design)))
    readings["kept"] = Reading("Reads that the drives in the nodes serve", kept, "fraction")
    return Answer(titled(readings, TITLES), rows)


def _seen(ledger: Ledger, title: str, value: float, how: str) -> Value:
    return ledger.observation(title, value, "fraction", None, None, f"fleet.storage.{how}", "")


def _light(constraint: str, value: float, limit: float, unit: str, sense: str) -> dict[str, Any]:
    met = value >= limit if sense == "at least" else value <= limit
    return {"constraint": constraint, "value": value, "limit": limit, "unit": unit, "sense": sense, "met": met}


@cache
def by_cost(seed: int) -> list[tuple[float, Design]]:
    """Every design of the controls that holds enough, writes in time and feeds on average, the cheapest first."""
    _, needs = task_of(seed)
    found = []
    with off_the_ledger():
        for system in systems():
            for count in units():
                for many in drives():
                    design = Design(system, int(count), int(many))
                    told = judged(seed, design)
                    if (
                        design.units >= told.sold
                        and told.capacity >= told.needed
                        and told.written <= needs.allowed
                        and supplied(seed, design) >= needed_rate()
                    ):
                        found.append((float(told.cost), design))
    return sorted(found, key=lambda each: each[0])


@cache
def search(seed: int) -> tuple[Design, float]:
    """The cheapest design of a seed's task: what the library's search finds, unless one that it does not try is
    cheaper."""
    from navarch.fleet.storage.search import search as library_search

    workload, needs = task_of(seed)
    told = menu()["challenge"]
    with off_the_ledger():
        found = library_search(
            parts(), workload, needs, told["systems"], tuple(told["drives"]), str(told["drive"]), seed=0
        )
    most, best = math.inf, None
    if found.best is not None:
        choice = found.best.choice
        most, best = found.best.cost, Design(choice.system, choice.units, choice.drives)
    for cost, design in by_cost(seed):
        if best is not None and cost >= most:
            break
        if starved(seed, design) <= needs.starvation:
            return design, cost
    if best is None:
        raise CourseError(f"no storage of the controls does what the task of seed {seed} asks")
    return best, most


@instrument
def best(seed: int) -> Answer:
    """The cheapest design for a seed's task."""
    design, _ = search(seed)
    shown = score(seed=seed, system=design.system, units=design.units, drives=design.drives)
    readings: dict[str, Any] = {
        "score": shown["score"],
        "system": ("Shared storage", named(design.system), "text"),
        "units": ("Units of it", design.units, "1"),
        "drives": ("Drives in each node", design.drives, "1"),
        "starved": shown["starved"],
    }
    return Answer(readings, shown.rows)


@instrument
def what_asks_for_most(seed: int, drives: float) -> Answer:
    """What the fewest units of each system would cost that meet one need alone, with so many drives in each node."""
    from navarch.fleet.storage.parts import Choice

    workload, needs = task_of(seed)
    rows = []
    with off_the_ledger():
        for system, name in systems().items():
            unit = storage_unit(shelf(), system)
            told = judged(seed, Design(system, 1, int(drives)))
            choice = Choice(system, 1, str(menu()["challenge"]["drive"]), int(drives))
            left = complement(parts().cached(workload, choice))
            asked = {
                "capacity": estimate.units_for(told.needed, unit.capacity),
                "checkpoints": estimate.units_for(
                    estimate.checkpoint_bandwidth(needs.checkpoint, needs.allowed), unit.write
                ),
                "samples, on average": estimate.units_for(product_of(workload.demand, left), unit.read),
            }
            if told.sold > 1:
                asked["the least that is sold"] = told.sold
            rows += [
                {"system": name, "need": need, "units": float(count),
                 "cost": float(cost_of(unit, estimate.aggregate_capacity(count, unit.capacity), needs.duration))}
                for need, count in asked.items()
            ]  # fmt: skip
    return Answer({}, rows)


@instrument
def task(seed: int) -> Answer:
    """What a seed's task asks."""
    workload, needs = task_of(seed)
    model = str(menu()["challenge"]["tasks"][variant_of(seed).task]["model"])
    with off_the_ledger():
        demand, held = float(workload.demand), float(workload.dataset)
    readings: dict[str, tuple[str, float | str, str]] = {
        "accelerators": ("Accelerators", workload.accelerators, "1"),
        "nodes": ("Nodes", workload.readers.nodes, "1"),
        "rate": ("Images a second of each", workload.rate, "1/s"),
        "sample": ("An image", workload.sample, "byte"),
        "prefetch": ("Batches ahead", workload.prefetch, "1"),
        "demand": ("Eaten", demand, "byte/s"),
        "dataset": ("Data set", held, "byte"),
        "checkpoint": ("A checkpoint", needs.checkpoint, "byte"),
        "allowed": ("Written in, at most", needs.allowed, "s"),
        "kept": ("Checkpoints kept", needs.kept, "1"),
        "starvation": ("Starve, at most", needs.starvation, "fraction"),
        "model": ("Model", str(shelf().get("model", model).name), "text"),
    }
    rows = [
        {"what": title, "value": value if isinstance(value, str) else show(value, unit)}
        for title, value, unit in readings.values()
    ]
    return Answer(readings, rows)
