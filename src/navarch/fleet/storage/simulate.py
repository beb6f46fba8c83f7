"""Readers, tiers and checkpoints, run request by request: how often accelerators starve, what a checkpoint costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from navarch.core.arithmetic import complement, difference, product_of, ratio, share_of, sum_of
from navarch.core.events import stream
from navarch.fleet.storage import estimate
from navarch.fleet.storage.model import MOST_REQUESTS, SERVICES, Readers, Saving, StorageError, Store, at_least

if TYPE_CHECKING:
    import altair
    import polars

    from navarch.fleet.storage.store_events import Asked, World

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
SLOW = 1  # purpose of the stream that says which servers are slow
WARM = 0.2  # share of the steps that are not counted, where nothing else is said
MARGIN = 64


@dataclass(frozen=True, slots=True)
class TierRun:
    """What a tier did. utilisation: of its channels; response: mean time of a request [s]; deviation: of it [s];
    wait: mean for a channel [s]; quantile: the response [s] that a share of requests does not exceed.
    """

    name: str
    requests: int
    utilisation: float
    wait: float
    response: float
    deviation: float
    histogram: Longs

    def quantile(self, level: float) -> float:
        """The response time that a share of the requests does not exceed [s], to a fortieth of a decade."""
        from navarch.fleet.storage.store_events import LOWEST, PER_DECADE

        if not self.requests:
            return 0.0
        place = np.searchsorted(np.cumsum(self.histogram), product_of(level, float(self.requests)))
        return float(10.0 ** (LOWEST + (float(place) + 1) / PER_DECADE))


@dataclass(frozen=True, slots=True)
class CheckpointRun:
    """One checkpoint: when it began, and when each of its tiers had all of it [s]."""

    began: float
    safe: tuple[float, ...]

    @property
    def times(self) -> tuple[float, ...]:
        """Time from its beginning until each tier had it [s]."""
        return tuple(float(difference(each, self.began)) for each in self.safe)


@dataclass(frozen=True, slots=True)
class StorageRun:
    """A simulated run, warm-up left out.

    starvation: share of (accelerator, step) whose data were late; late_steps: share of the steps that waited for data;
    stalled: share of the time; held: share of the time spent waiting for checkpoints; utilisation: share of the time
    that accelerators compute; rate: of reading, delivered [byte/s]; inside: requests under way on average; lookup: mean
    time at the metadata servers [s]; late_of_step: accelerators whose data were late, by step, warm-up too; began: each
    step of the first group [s]; by_accelerator: share of its steps in which each starved.
    """

    readers: Readers
    steps: int
    warm: int
    starvation: float
    late_steps: float
    stalled: float
    held: float
    utilisation: float
    rate: float
    inside: float
    lookup: float
    duration: float
    tiers: tuple[TierRun, ...]
    checkpoints: tuple[CheckpointRun, ...]
    late_of_step: Longs
    began: Floats
    by_accelerator: Floats
    requests: int

    def to_frame(self) -> polars.DataFrame:
        """Step by step: when it began, and how many accelerators had to wait for their data."""
        import polars

        return polars.DataFrame(
            {"step": np.arange(self.steps), "began_s": self.began, "accelerators_late": self.late_of_step}
        )

    def plot(self) -> altair.LayerChart:
        """Accelerators that wait for data, step by step, with the checkpoints."""
        from navarch.fleet.storage.figures import waiting

        return waiting(self)


def simulate(
    store: Store,
    readers: Readers,
    steps: int,
    warm: int | None = None,
    saving: Saving | None = None,
    seed: int = 0,
    filled: bool = True,
) -> StorageRun:
    """Run the readers for so many steps.

    steps: of each accelerator; warm: first steps that are not counted, a fifth where left out; saving: checkpoints,
    where there are any; seed: of all draws; filled: the loaders' buffers are full at the start,
    else everybody rushes to fill them. StorageError where it cannot be run.
    """
    from navarch.fleet.storage.store_events import run_all

    warm = int(product_of(steps, WARM)) if warm is None else warm
    _check(store, readers, steps, warm, saving)
    asked = _asked(store, readers, steps, warm, saving, filled, seed)
    world = _world(store, asked, saving)
    end = float(run_all(world, asked))
    return _result(store, readers, asked, world, end)


def _check(store: Store, readers: Readers, steps: int, warm: int, saving: Saving | None) -> None:
    at_least("steps", steps, 1)
    if not 0 <= warm < steps:
        raise StorageError(f"warm: {warm} is not allowed; 0 to {steps - 1}, fewer than the {steps} steps")
    requests = int(readers.accelerators) * int(readers.requests) * steps
    if requests > MOST_REQUESTS:
        raise StorageError(
            f"steps: {steps} of {readers.accelerators:,} accelerators are {requests:,} requests, more than the "
            f"{MOST_REQUESTS:,} that are simulated; ask for fewer steps or larger requests"
        )
    if saving is not None and not readers.together:
        raise StorageError("together: checkpoints need accelerators that step together")


def _asked(
    store: Store, readers: Readers, steps: int, warm: int, saving: Saving | None, filled: bool, seed: int
) -> Asked:
    from navarch.fleet.storage.store_events import Asked

    saves = (0, 0, 0, 1, 1, 0.0, False)
    if saving is not None:
        blocking = saving.mode == "synchronous"
        saves = (
            saving.every, int(saving.writers), int(saving.chunks), int(saving.depth), len(saving.tiers),
            float(saving.copy), blocking,
        )  # fmt: skip
    many = int(readers.accelerators)
    return Asked(
        many, many if readers.together else 1, readers.per_node, int(readers.nodes), steps, warm,
        int(readers.requests), float(readers.step), float(readers.variation), int(readers.workers), int(readers.depth),
        int(readers.prefetch), *saves, float(store.metadata.operation) if store.metadata is not None else 0.0,
        filled, seed,
    )  # fmt: skip


def _world(store: Store, asked: Asked, saving: Saving | None) -> World:
    from navarch.fleet.storage import store_events as of

    workers, written = asked.accelerators * asked.workers, asked.writers * asked.write_depth
    lanes, groups = workers * asked.depth, asked.accelerators // asked.group
    tiers, servers, channels = _tiers(store, asked.seed)
    world = of.World(
        events=np.zeros(lanes + written + groups + MARGIN, of.EVENT),
        tiers=tiers,
        servers=servers,
        free=np.zeros(channels),
        lookups=np.zeros(store.metadata.servers if store.metadata is not None else 1),
        lanes=np.zeros(lanes + written, of.LANE),
        workers=np.zeros(workers, of.WORKER),
        readers=np.zeros(asked.accelerators, of.READER),
        groups=np.zeros(groups, of.GROUP),
        steps=np.zeros(asked.steps, of.STEP),
        run=np.zeros(1, of.RUN),
        ready=np.full((asked.accelerators, asked.prefetch), of.NOTHING),
        left=np.zeros(max(asked.writers, 1), np.int64),
        saved_on=np.array([store.place(name) for name in (saving.tiers if saving is not None else ())], np.int64),
        saved_at=np.full((1 + asked.steps // max(asked.every, 1), asked.phases + 1), np.nan),
        histogram=np.zeros((len(store.tiers), of.BINS), np.int64),
    )
    world.workers["batch"] = world.run["phase"] = of.NOTHING
    return world


def _tiers(store: Store, seed: int) -> tuple[NDArray[Any], NDArray[Any], int]:
    """Tiers and servers as the loop takes them, and the number of channels."""
    from navarch.fleet.storage.store_events import SERVER, TIER

    tiers = np.zeros(len(store.tiers), TIER)
    for name in (
        "servers",
        "channels",
        "read",
        "write",
        "latency",
        "spread",
        "shape",
        "own_reads",
        "own_writes",
        "lookup",
        "choices",
    ):
        tiers[name] = [getattr(tier, name) for tier in store.tiers]
    shares = np.array([tier.share for tier in store.tiers])
    tiers["kind"] = [SERVICES.index(tier.service) for tier in store.tiers]
    tiers["until"] = np.cumsum(shares)
    tiers["until"][np.flatnonzero(shares)[-1] :] = np.inf
    tiers["first"] = np.cumsum(tiers["servers"]) - tiers["servers"]
    channels = np.repeat(tiers["channels"], tiers["servers"])
    servers = np.zeros(len(channels), SERVER)
    servers["channel"] = np.cumsum(channels) - channels
    servers["slow"] = 1.0
    for place, tier in enumerate(store.tiers):
        chosen = stream(seed, place, SLOW).choice(tier.servers, tier.slow_servers, replace=False)
        servers["slow"][tiers["first"][place] + chosen] = tier.slow_factor
    return tiers, servers, int(channels.sum())


def _result(store: Store, readers: Readers, asked: Asked, world: World, end: float) -> StorageRun:
    counted = asked.steps - asked.warm
    groups, run = world.groups, world.run[0]
    time = difference(groups["ended"], groups["counted_from"])
    stalled, held = share_of(groups["stalled"], time).mean(), share_of(groups["held"], time).mean()
    rate = estimate.delivered_rate(
        float(readers.accelerators), counted, readers.requests, readers.request, time.mean()
    )  # fmt: skip
    by_accelerator = ratio(world.readers["late"], counted)
    return StorageRun(
        readers=readers,
        steps=asked.steps,
        warm=asked.warm,
        starvation=float(by_accelerator.mean()),
        late_steps=float(ratio(groups["late"].mean(), counted)),
        stalled=float(stalled),
        held=float(held),
        utilisation=float(complement(sum_of(stalled, held))),
        rate=float(rate),
        inside=float(ratio(run["area"], end)),
        lookup=float(ratio(run["lookup"], run["looked_up"])) if run["looked_up"] else 0.0,
        duration=end,
        tiers=tuple(
            _tier(tier.name, seen, histogram, end)
            for tier, seen, histogram in zip(store.tiers, world.tiers, world.histogram, strict=True)
        ),
        checkpoints=tuple(
            CheckpointRun(float(row[0]), tuple(map(float, row[1:]))) for row in world.saved_at[: run["saved"]]
        ),
        late_of_step=world.steps["late"],
        began=world.steps["began"],
        by_accelerator=by_accelerator,
        requests=int(run["issued"]),
    )


def _tier(name: str, seen: Any, histogram: Longs, end: float) -> TierRun:
    many = int(seen["requests"])
    over = max(many, 1)
    mean = float(ratio(seen["response"], over))
    return TierRun(
        name=name,
        requests=many,
        utilisation=float(share_of(seen["busy"], product_of(end, float(seen["servers"]), float(seen["channels"])))),
        wait=float(ratio(seen["waited"], over)),
        response=mean,
        deviation=float(estimate.deviation(float(ratio(seen["squared"], over)), mean)),
        histogram=histogram,
    )


def replicate(
    store: Store,
    readers: Readers,
    steps: int,
    runs: int,
    saving: Saving | None = None,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> tuple[StorageRun, ...]:
    """Several runs with other draws: seeds from `seed` on. progress: called with the share done."""
    found = []
    for number in range(runs):
        found.append(simulate(store, readers, steps, saving=saving, seed=seed + number))
        if progress is not None:
            progress(float(ratio(number + 1, runs)))
    return tuple(found)
