"""Flows that share the links of a network, simulated from event to event.

A flow waits for the latency of its path and then sends at the rate that max-min fair sharing gives it: no flow could
have more without taking from one that has as little or less (Bertsekas and Gallager 1992, section 6.5.2). Rates
change when a flow comes, is done, or a link fails; between these events they are constant, so the times are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from navarch.core.arithmetic import difference, product_of, ratio, sum_of
from navarch.core.ledger import equation
from navarch.fleet.fabric.graph import GraphError
from navarch.fleet.fabric.routing import Paths

if TYPE_CHECKING:
    import polars

Numbers = NDArray[np.float64]
Longs = NDArray[np.int64]
NEVER = float("inf")
UNREACHED = 1 << 40
"""What a flow without a path waits for besides: more flows than there can be."""


class FlowError(GraphError):
    """Flows that cannot be simulated as given; the message says what is allowed."""


@equation(
    symbol="u_link",
    unit="fraction",
    source="definition",
    symbols={"carried": "V_link", "capacity": "B_link", "time": "T"},
    valid="capacity > 0 and time > 0",
)
def utilisation(carried, capacity, time):
    """Share of a link's bandwidth that was used.

    carried: over the link [byte]; capacity: of the link, per direction [byte/s]; time: in which it was [s].
    """
    return carried / (capacity * time)


@dataclass(frozen=True, eq=False)
class Flows:
    """What is sent: arrays with a value for each flow, or one for all.

    paths: links of each flow; size: of each [byte]; latency: of its path [s]; start: from when it may be sent [s];
    weight: its share where it meets others; counted: whether the run waits for it (background traffic is not waited
    for, and may have no end: size inf); after: pairs (flow, other) of a flow that must wait until another is done.
    """

    paths: Paths
    size: ArrayLike
    latency: ArrayLike = 0.0
    start: ArrayLike = 0.0
    weight: ArrayLike = 1.0
    counted: ArrayLike = True
    after: ArrayLike = ()

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True, eq=False)
class Change:
    """A network that is another from a time on: a failure, a slow link, a repair. paths: those of flows routed anew."""

    time: float
    capacity: Numbers
    paths: Paths | None = None


@dataclass(frozen=True, eq=False)
class FlowRun:
    """What the flows did.

    begun, end: when each was on its links and when it was done [s], nan where it was not; left: bytes not sent;
    carried: bytes over each link; capacity: of each link, the mean over the run [byte/s]; time: when the last that was
    counted was done, or when nothing moved any more [s]; events: moments at which rates changed; stalled: flows that
    were counted and can never be done, for a link has failed.
    """

    begun: Numbers
    end: Numbers
    left: Numbers
    carried: Numbers
    capacity: Numbers
    time: float
    events: int
    stalled: Longs = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def utilisation(self) -> Numbers:
        """Share of each link's bandwidth that was used; 0 for links without any."""
        used = np.zeros_like(self.carried)
        there = (self.capacity > 0) & (self.time > 0)
        used[there] = utilisation(self.carried[there], self.capacity[there], self.time)
        return used

    def to_frame(self) -> polars.DataFrame:
        """A row for each flow."""
        import polars as pl

        columns = {"begun": self.begun, "end": self.end, "left": self.left, "took": difference(self.end, self.begun)}
        return pl.DataFrame({"flow": np.arange(len(self.end)), **columns})

    def _repr_html_(self) -> str:
        return str(self.to_frame()._repr_html_())


def latency_of(paths: Paths, delay: ArrayLike) -> Numbers:
    """Latency of each path [s], from that of each link; of a flow over several paths the mean."""
    each = np.asarray(delay, float)[paths.links]
    if paths.weights is not None:
        each = each * paths.weights
    return np.bincount(_owners(paths), each, minlength=len(paths)).astype(float)


def _owners(paths: Paths) -> Longs:
    return np.repeat(np.arange(len(paths)), np.diff(paths.offsets))


def simulate(capacity: ArrayLike, flows: Flows, changes: Sequence[Change] = (), *, group_alike: bool = True) -> FlowRun:
    """Send the flows.

    capacity: of each link per direction [byte/s], 0 where it has failed; changes: what becomes of the network during
    the run; group_alike: send flows that are alike in everything as one that weighs as many. Flows over a failed link
    stand still until a change gives them another path or the link its bandwidth. Raises FlowError for sizes, times or
    weights that are negative or no numbers.
    """
    rerouted = any(change.paths is not None for change in changes)
    state = _State(np.asarray(capacity, float), flows, one_by_one=rerouted or not group_alike)
    for change in sorted(changes, key=lambda each: each.time):
        if state.run(change.time):
            return state.told()
        state.capacity = change.capacity
        if change.paths is not None:
            state.paths = change.paths
    state.run(NEVER)
    return state.told()


def shares(capacity: ArrayLike, flows: Flows) -> Numbers:
    """Rates of flows that are all on their links at once, max-min fair [byte/s]; 0 over a failed link."""
    at_once = replace(flows, size=1.0, latency=0.0, start=0.0, counted=True, after=())
    return _State(np.asarray(capacity, float), at_once, one_by_one=True).rates()


class _State:
    """Flows between two changes of the network. Flows that are alike in everything go as one that weighs as many."""

    def __init__(self, capacity: Numbers, flows: Flows, one_by_one: bool) -> None:
        given = _checked(flows)
        after = np.asarray(flows.after, np.int64).reshape(-1, 2)
        alone = one_by_one or len(after) > 0
        self.first, self.group = (np.arange(len(flows)),) * 2 if alone else _alike(flows.paths, given)
        self.members = np.bincount(self.group, minlength=len(self.first))
        self.capacity, self.paths = capacity, _rows(flows.paths, self.first)
        self.delay, self.start = given["latency"][self.first], given["start"][self.first].copy()
        self.weight, self.left = (given[name][self.first] * self.members for name in ("weight", "size"))
        self.counted = given["counted"][self.first] > 0
        self.begun, self.end = np.full((2, len(self.first)), np.nan)
        self.waits = np.bincount(after[:, 0], minlength=len(self.first))
        self.then = _by_other(after, len(self.first))
        self.carried = np.zeros(len(capacity))
        self.now, self.events = 0.0, 0
        self.stretches: list[tuple[float, Numbers]] = []  # how long the capacity was what

    def rates(self) -> Numbers:
        """The rates of the first moment [byte/s]."""
        from navarch.fleet.fabric import flow_kernel

        world, _, _ = self._world()
        flow_kernel.run(world, 0.0, 0.0)
        found: Numbers = world.rate
        return found

    def run(self, until: float) -> bool:
        """Go on until a time; gives whether all that are counted are done."""
        from navarch.fleet.fabric import flow_kernel

        world, used, waits = self._world()
        before = self.now
        self.now, events = flow_kernel.run(world, before, until)
        self.stretches.append((float(difference(self.now, before)), self.capacity))
        self.carried[used] += world.busy
        self.waits = waits - UNREACHED * ~self.paths.reached
        self.events += events
        return not self._unfinished().any()

    def _world(self) -> tuple[Any, Longs, Longs]:
        """What the kernel runs, the links of it, and what its flows wait for."""
        from navarch.fleet.fabric import flow_kernel

        paths = self.paths
        used, links, first = flow_kernel.used_links(paths.links, len(self.capacity))
        waits = self.waits + UNREACHED * ~paths.reached
        world = flow_kernel.world(
            self.capacity[used], paths.offsets, links, first, paths.weights, self.weight, self.delay, self.start,
            waits, *self.then, self.counted, self.left, self.begun, self.end,
        )  # fmt: skip
        return world, used, waits

    def _unfinished(self) -> NDArray[np.bool_]:
        return np.isnan(self.end) & self.counted

    def told(self) -> FlowRun:
        """What the flows did, each by itself again."""
        each = self.group
        stalled = np.flatnonzero(self._unfinished()[each])
        left = self.left[each] / self.members[each]
        capacity = self._mean_capacity()
        return FlowRun(self.begun[each], self.end[each], left, self.carried, capacity, self.now, self.events, stalled)

    def _mean_capacity(self) -> Numbers:
        if len(self.stretches) == 1 or self.now == 0:
            return self.capacity
        offered = sum_of(*(product_of(capacity, time) for time, capacity in self.stretches))
        mean: Numbers = ratio(offered, self.now)
        return mean


def _by_other(after: Longs, count: int) -> tuple[Longs, Longs]:
    """Compressed rows: which flows wait for each."""
    offsets = np.zeros(count + 1, np.int64)
    if len(after):
        np.cumsum(np.bincount(after[:, 1], minlength=count), out=offsets[1:])
    return offsets, after[np.argsort(after[:, 1], kind="stable"), 0]


VALUES = ("size", "latency", "start", "weight", "counted")


def _checked(flows: Flows) -> dict[str, Numbers]:
    """The values of each flow; FlowError where one cannot be."""
    given = {name: _of_each(flows, name) for name in VALUES}
    for name, values in given.items():
        least, most = (values.min(), values.max()) if values.size else (1.0, 1.0)
        if (least > 0 if name == "weight" else least >= 0) and most < np.inf:  # neither holds where one is no number
            continue
        bad = ~(values > 0 if name == "weight" else values >= 0) | (np.isinf(values) & (name != "size"))
        if bad.any():
            told = "more than 0" if name == "weight" else "at least 0"
            flow = int(np.argmax(bad))
            raise FlowError(f"{name}: {values[flow]:g} of flow {flow} is not allowed; a number of {told}")
    if flows.paths.weights is not None and not (flows.paths.weights > 0).all():
        raise FlowError("paths: a weight of 0 or less is not allowed; leave the link out")
    endless = np.isinf(given["size"]) & (given["counted"] > 0)
    if endless.any():
        raise FlowError(f"size: flow {int(np.argmax(endless))} has no end, and the run waits for it; do not count it")
    return given


def _of_each(flows: Flows, name: str) -> Numbers:
    values = np.asarray(getattr(flows, name), float)
    if values.shape == ():
        return np.full(len(flows), float(values))
    if values.shape != (len(flows),):
        raise FlowError(f"{name}: {values.size} values are not allowed; one, or one for each of {len(flows)} flows")
    return values


def _alike(paths: Paths, given: dict[str, Numbers]) -> tuple[Longs, Longs]:
    """The first flow of each group that is alike in links and values, and the group of each flow."""
    parts = np.ones(len(paths.links)) if paths.weights is None else paths.weights
    ends = np.concatenate([np.zeros(1, np.uint64), np.cumsum(_mixed(_mixed(paths.links.astype(float)) + _bits(parts)))])
    mark = ends[paths.offsets[1:]] - ends[paths.offsets[:-1]] + paths.reached.astype(np.uint64)
    for values in given.values():
        mark = _mixed(mark + _bits(values))
    _, first, group = np.unique(mark, return_index=True, return_inverse=True)
    in_order = np.argsort(first)
    return first[in_order], np.argsort(in_order)[group]


def _mixed(numbers: NDArray[Any]) -> NDArray[np.uint64]:
    """A 64-bit hash of each number (splitmix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        h = _bits(numbers) + np.uint64(0x9E3779B97F4A7C15)
        h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return h ^ (h >> np.uint64(31))


def _bits(numbers: NDArray[Any]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(numbers).view(np.uint64)


def _rows(paths: Paths, chosen: Longs) -> Paths:
    """The paths of some flows."""
    if len(chosen) == len(paths):
        return paths
    hops = np.diff(paths.offsets)[chosen]
    offsets = np.concatenate([[0], np.cumsum(hops)])
    entries = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - paths.offsets[chosen], hops)
    weights = None if paths.weights is None else paths.weights[entries]
    return Paths(offsets, paths.links[entries], paths.reached[chosen], weights)
