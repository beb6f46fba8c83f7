"""Storage that reads more than enough on average, and the training that waits for it all the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from navarch.core.arithmetic import share_of, sum_of
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger, Value
from navarch.course.desk import reading
from navarch.course.errors import CourseError
from navarch.course.instrument import Answer, instrument
from navarch.course.storage_hierarchy.cluster import Fed, expected_of, named, parts, per_step, run_of, systems, units_of
from navarch.course.storage_hierarchy.demand import images_rate
from navarch.course.storage_hierarchy.variant import menu

FLEETS = (50, 100, 200, 400, 800, 1000, 1200)
CURVE = 60
SIMULATED = "fleet.storage.simulate"


def accelerators() -> list[float]:
    """Accelerators of the slider."""
    return [float(count) for count in FLEETS]


def supplies() -> list[float]:
    """Reading rates over the mean demand, of the slider."""
    return [float(times) for times in menu()["supplies"]]


def prefetches() -> list[float]:
    """Batches ahead, of the slider."""
    return [float(depth) for depth in menu()["prefetches"]]


def depths() -> list[int]:
    """Chunks of a checkpoint that a node may write at once."""
    return [int(depth) for depth in menu()["beside"]["depths"]]


def fed_of(
    accelerators: float, rate: float, sample: float, system: str, supply: float, prefetch: float, together: bool = True
) -> Fed:
    """Accelerators on so many units of a system that they read `supply` times the mean demand, at the least."""
    if system not in systems():
        raise CourseError(f"system: {system!r} is not one of {', '.join(systems())}")
    fed = Fed(int(accelerators), rate, sample, system, 1, int(prefetch), together)
    return replace(fed, units=units_of(fed, supply))


def supplied(ledger: Ledger, fed: Fed) -> Value:
    """Rate that the units read over the rate that is eaten, remembered."""
    from navarch.fleet.storage import estimate

    whole, _ = images_rate(ledger, fed.accelerators, fed.rate, fed.sample)
    units = ledger.field("units", fed.units, "1", named(fed.system))
    of_one = ledger.fact(parts().catalog.get("storage", fed.system).read_bandwidth)
    return estimate.supply_ratio(
        estimate.aggregate_bandwidth(units, of_one), whole, title="The storage reads, times what is eaten"
    )


@instrument
def before(accelerators: float, rate: float, sample: float, system: str, supply: float) -> Answer:
    """Units of a system that read `supply` times what the accelerators eat, at the least, and how many times."""
    asked = fed_of(accelerators, rate, sample, system, supply, 1)
    with Ledger() as ledger:
        told = supplied(ledger, asked)
    return Answer({"units": (named(system), asked.units, "1"), "supply": reading(told.entry)})


@instrument
def fed(
    accelerators: float, rate: float, sample: float, system: str, supply: float, prefetch: float, together: bool
) -> Answer:
    """Accelerators that eat images, run request by request on storage that reads more than they eat.

    rate [1/s] and sample [byte]: of each; supply: reading rate over the mean demand, at the least; prefetch: batches
    that each loader is ahead; together: all begin a step when the data of all are there.
    """
    asked = fed_of(accelerators, rate, sample, system, supply, prefetch, together)
    run, told = run_of(asked), expected_of(asked)
    with Ledger() as ledger:
        readings: dict[str, Any] = {"supply": reading(supplied(ledger, asked).entry)}
        for key, title, value in (
            ("still", "Of the time the training stands still", run.stalled),
            ("late", "Batches that come late", run.starvation),
            ("steps", "Steps that wait for data", run.late_steps),
        ):
            readings[key] = reading(_seen(ledger, title, value, asked).entry)
    readings["units"] = ("Units of storage", asked.units, "1")
    readings["expected"] = ("Batches that come late, in theory", float(told.starvation), "fraction")
    readings["average"] = ("Of the time the accelerators compute, by rates alone", float(told.utilisation), "fraction")
    return Answer(readings, per_step(run, run.warm))


def _seen(ledger: Ledger, title: str, value: float, asked: Fed) -> Value:
    how = f"{asked.units:,} x {asked.system}, {asked.accelerators:,} accelerators, {asked.prefetch} ahead"
    return ledger.observation(title, value, "fraction", None, None, SIMULATED, how)


@instrument
def the_tail(
    accelerators: float, rate: float, sample: float, system: str, supply: float, prefetch: float, together: bool
) -> Answer:
    """How likely a step waits, by how many accelerators must have their batch before it may begin."""
    from navarch.fleet.storage import queueing

    asked = fed_of(accelerators, rate, sample, system, supply, prefetch, together)
    run = run_of(asked)
    counts = np.unique(np.geomspace(1, FLEETS[-1], CURVE).astype(int))
    with Ledger() as ledger:
        one = _seen(ledger, "Batches that come late", run.starvation, asked)
        count = ledger.field("accelerators", asked.accelerators, "1", "Accelerators that wait for each other")
        readings = {
            "one": reading(one.entry),
            "all": reading(queueing.any_starves(one, count, title="Steps that wait, if each is late by chance").entry),
        }
    with off_the_ledger():
        waits = queueing.any_starves(run.starvation, counts)
    rows = [{"together": int(n), "waits": float(share)} for n, share in zip(counts, waits, strict=True)]
    return Answer({**readings, "simulated": ("Steps that wait, simulated", run.late_steps, "fraction")}, rows)


@instrument
def by_prefetch(accelerators: float, rate: float, sample: float, system: str, supply: float) -> Answer:
    """The same storage with loaders that are ever further ahead: in theory and simulated."""
    rows: list[dict[str, Any]] = []
    for depth in prefetches():
        asked = fed_of(accelerators, rate, sample, system, supply, depth)
        run, told = run_of(asked), expected_of(asked)
        rows.append({"prefetch": int(depth), "theory": float(told.late_steps), "steps": run.late_steps,
                     "late": run.starvation, "still": run.stalled})  # fmt: skip
    enough = next((row["prefetch"] for row in rows if row["still"] == 0), None)
    said = f"{enough}" if enough is not None else f"more than {rows[-1]['prefetch']}"
    return Answer({"enough": ("Batches ahead with which nobody waits", said, "text")}, rows)


@instrument
def beside_a_checkpoint(
    accelerators: float, rate: float, sample: float, system: str, supply: float, prefetch: float, depth: int
) -> Answer:
    """The same training while a checkpoint is written to the storage that it reads from.

    depth: chunks of it that each node writes at once.
    """
    quiet = fed_of(accelerators, rate, sample, system, supply, prefetch)
    written = replace(quiet, depth=int(depth))
    run = run_of(written)
    rows = per_step(run, quiet.prefetch)
    before = [row for row in rows if row["began"] < run.began[run.warm]]
    with Ledger() as ledger:
        readings: dict[str, Any] = {
            "supply": reading(supplied(ledger, quiet).entry),
            "without": reading(_seen(ledger, "Stood still before that", _still(before), written).entry),
            "still": reading(_seen(ledger, "Stands still while one is written", run.stalled, written).entry),
            "late": reading(_seen(ledger, "Batches that come late then", run.starvation, written).entry),
        }
    if run.checkpoints:
        readings["took"] = ("It was written in", run.checkpoints[0].times[-1], "s")
    return Answer(readings, [{**row, "writing": _writing(row, run)} for row in rows])


def _still(rows: list[dict[str, Any]]) -> float:
    """Share of the time of steps that they waited."""
    with off_the_ledger():
        waited = sum_of(*(row["waited"] for row in rows))
        return float(share_of(waited, sum_of(waited, *(row["computed"] for row in rows))))


def _writing(row: dict[str, Any], run: Any) -> bool:
    return any(each.began <= row["began"] <= each.safe[-1] for each in run.checkpoints)
