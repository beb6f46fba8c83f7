"""What the instruments share: accelerators that read images, the storage they read from, and its runs.

The rooms of the simulation are loaded when a run is asked for, so that the first question is on the page at once.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import difference, product_of, ratio
from navarch.core.equation import off_the_ledger
from navarch.core.quantity import parse
from navarch.course.desk import shelf
from navarch.course.storage_hierarchy.variant import menu

if TYPE_CHECKING:
    from navarch.fleet.storage.expected import Expected
    from navarch.fleet.storage.model import Saving, Store
    from navarch.fleet.storage.parts import Parts, Workload
    from navarch.fleet.storage.simulate import StorageRun

RUNS = 512
DUST = 1e-9
"""Waits under this are rounding [s]."""


@dataclass(frozen=True, slots=True)
class Fed:
    """Accelerators on a storage.

    accelerators, rate [1/s], sample [byte]: who reads; system, units: of the storage; prefetch: batches ahead;
    together: they step together; depth: chunks that each node writes at once of a checkpoint, 0 where none is written.
    """

    accelerators: int
    rate: float
    sample: float
    system: str
    units: int
    prefetch: int
    together: bool = True
    depth: int = 0


@cache
def parts() -> Parts:
    """The catalog's facts that the queues need, as numbers."""
    from navarch.fleet.storage.parts import Parts

    return Parts(shelf())


def systems() -> dict[str, str]:
    """The systems that may be bought, and what their units are called."""
    return {told["system"]: named(told["system"]) for told in menu()["bought"]}


def named(system: str) -> str:
    """What the units of a system are called."""
    return str(menu()["called"][system])


def read_size(batch: float, sample: float) -> float:
    """Size of a read from large records [byte]: the batch in two, four, eight ... of them, each not too large."""
    with off_the_ledger():
        whole = product_of(batch, sample)
        reads = 1
        while float(ratio(whole, reads)) > parse(menu()["request"], "byte"):
            reads *= 2
        return float(ratio(whole, reads))


def workload_of(fed: Fed) -> Workload:
    """What they read: large records."""
    from navarch.fleet.storage.parts import Workload

    told = menu()
    return Workload(
        fed.accelerators, fed.rate, int(told["batch"]), fed.sample, float(told["samples"]),
        request=read_size(float(told["batch"]), fed.sample), workers=int(told["workers"]), prefetch=fed.prefetch,
        per_node=int(told["per_node"]), together=fed.together,
    )  # fmt: skip


def units_of(fed: Fed, supply: float) -> int:
    """Units whose reading rate is so many times the mean demand, at the least."""
    from navarch.fleet.storage import estimate

    with off_the_ledger():
        needed = estimate.with_headroom(workload_of(fed).demand, supply)
        return int(estimate.units_for(needed, parts().unit(fed.system).read))


def stored(fed: Fed) -> tuple[Workload, Store]:
    """What they read, and the storage."""
    from navarch.fleet.storage.parts import Choice

    workload = workload_of(fed)
    return workload, parts().store(workload, Choice(fed.system, fed.units))


def steps_of(fed: Fed) -> int:
    """Steps of a run: enough to judge, few enough that a page answers at once."""
    told = menu()
    least, most = told["steps"]
    each = product_of(float(fed.accelerators), workload_of(fed).readers.requests)
    return max(int(least), min(int(most), int(ratio(float(told["requests_simulated"]), each))))


@lru_cache(maxsize=RUNS)
def run_of(fed: Fed) -> StorageRun:
    """A run, request by request; where a checkpoint is written, the second half of the steps beside it counts."""
    from navarch.fleet.storage.simulate import simulate

    with off_the_ledger():
        workload, store = stored(fed)
        steps = steps_of(fed)
        if not fed.depth:
            return simulate(store, workload.readers, steps)
        half = steps // 2
        return simulate(store, workload.readers, steps, half, saving_of(fed, half))


def saving_of(fed: Fed, steps: int) -> Saving:
    """As much of a checkpoint as the storage writes in so many steps if it does nothing else."""
    from navarch.fleet.storage import estimate

    workload = workload_of(fed)
    write = estimate.aggregate_bandwidth(fed.units, parts().unit(fed.system).write)
    size = product_of(write, steps, workload.step)
    return parts().saving(workload, float(size), steps, "asynchronous", depth=fed.depth)


@lru_cache(maxsize=RUNS)
def expected_of(fed: Fed) -> Expected:
    """What theory expects of it."""
    from navarch.fleet.storage.expected import expected

    with off_the_ledger():
        workload, store = stored(fed)
        return expected(store, workload.readers)


def warm() -> None:
    """Load the simulation in the background, while somebody reads: its first run would keep them waiting."""
    threading.Thread(target=_smallest, daemon=True).start()


def _smallest() -> None:
    alone = Fed(int(menu()["per_node"]), 1.0, 1.0, next(iter(systems())), 1, 1)
    run_of(alone)
    run_of(replace(alone, depth=1))


def per_step(run: StorageRun, first: int) -> list[dict[str, Any]]:
    """The steps from one on: when each began, how long it had waited for that, and how many came late [s]."""
    with off_the_ledger():
        between = difference(run.began[1:], run.began[:-1])
        waits = difference(between, run.readers.step)
    return [
        {"step": place - first + 1, "began": float(run.began[place]), "computed": run.readers.step,
         "waited": float(waits[place - 1]) if waits[place - 1] > DUST else 0.0, "late": int(run.late_of_step[place])}
        for place in range(first, run.steps)
    ]  # fmt: skip
