"""Collective schedules, simulated as flows on a network.

Each transfer of a round is a flow from host to host; a round ends when its last flow is done, and the next begins.
Rounds that are alike are simulated once, so that a ring among 16,384 hosts, 32,766 rounds of 16,384 flows, is one
round. `simulate_by_need` has no such barrier: a rank sends on as soon as it has what it sends.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from navarch.core.arithmetic import difference, product_of, ratio, share_of, sum_of
from navarch.distributed.collectives.estimate import all_reduce_bus_bandwidth, scatter_bus_bandwidth, schedule_time
from navarch.distributed.collectives.schedule import CollectiveError, Round, Schedule
from navarch.fleet.fabric import flows
from navarch.fleet.fabric.graph import Network
from navarch.fleet.fabric.reduction_tree import ReductionTree, reduction_tree
from navarch.fleet.fabric.routing import Paths, Router, router_for

if TYPE_CHECKING:
    import polars

Numbers = NDArray[np.float64]
Longs = NDArray[np.int64]
MOST_FLOWS = 4_000_000
"""Most flows of a run without barriers, which are all held at once."""


@dataclass(frozen=True, eq=False)
class Event:
    """What becomes of the network at a time [s]; reroute_after: until routing follows [s], None: it never does."""

    time: float
    network: Network
    reroute_after: float | None = None


@dataclass(frozen=True, eq=False)
class Setting:
    """Where a collective runs.

    network, policy, seed: the network and its routing (`routing.router_for`); hosts: the host of each rank, rank r on
    host r where left out; step: what each step takes besides the latency of the network [s]; reduction: bytes that a
    rank adds up a second [byte/s]; by_latency: flows that meet share in inverse proportion to their latency, as TCP
    does, and not evenly.
    """

    network: Network
    policy: str = "ecmp"
    seed: int = 0
    hosts: Longs | None = None
    step: float = 0.0
    reduction: float = math.inf
    by_latency: bool = False

    def router(self, network: Network | None = None) -> Router:
        """The router of the network, or of what became of it."""
        return router_for(network or self.network, self.policy, self.seed)


@dataclass(frozen=True, slots=True)
class Step:
    """Rounds that are alike: how many, the time of one [s], its flows, and the latency of the longest of them [s]."""

    rounds: int
    time: float
    flows: int
    latency: float


@dataclass(frozen=True, eq=False)
class CollectiveRun:
    """A collective that was simulated.

    message: bytes as nccl-tests count them; time: of the whole [s], inf where it never ends; steps: its rounds in
    order; carried: bytes over each link; simulated: rounds that were really simulated; events: moments at which rates
    changed.
    """

    schedule: Schedule
    network: Network
    message: float
    time: float
    steps: tuple[Step, ...]
    carried: Numbers = field(repr=False)
    simulated: int = 0
    events: int = 0

    @property
    def bus_bandwidth(self) -> float:
        """Bus bandwidth as nccl-tests define it [byte/s]."""
        ranks = self.schedule.ranks
        if self.schedule.collective == "broadcast":
            return float(ratio(self.message, self.time))
        bus = all_reduce_bus_bandwidth if self.schedule.collective == "all_reduce" else scatter_bus_bandwidth
        return float(bus(self.message, self.time, ranks))

    def estimate(self, bandwidth: float, reduction: float = math.inf) -> float:
        """What the alpha-beta-gamma model gives where nothing is in the way [s].

        bandwidth: of a host, per direction [byte/s]; reduction: bytes that a rank adds up a second [byte/s]. Alpha is
        the latency of the longest path, the mean over the rounds.
        """
        cost = self.schedule.cost
        waited = sum_of(*(product_of(step.rounds, step.latency) for step in self.steps), 0.0)
        alpha = ratio(waited, max(cost.rounds, 1))
        return float(schedule_time(self.message, cost.rounds, cost.sent, cost.reduced, alpha, bandwidth, reduction))

    def busiest(self) -> dict[str, float]:
        """Share of its bandwidth that the busiest link of each tier used, over the whole time."""
        found = {}
        for index, name in enumerate(self.network.cable_tiers):
            links = (self.network.tier == index) & (self.network.capacity > 0)
            if links.any() and 0 < self.time < math.inf:
                used = flows.utilisation(self.carried[links], self.network.capacity[links], self.time)
                found[name] = float(used.max())
        return found

    def to_frame(self) -> polars.DataFrame:
        """A row for each step."""
        import polars as pl

        names = ("rounds", "time", "flows", "latency")
        return pl.DataFrame({name: [getattr(step, name) for step in self.steps] for name in names})

    def _repr_html_(self) -> str:
        return str(self.to_frame()._repr_html_())


def simulate(schedule: Schedule, message: float, setting: Setting, events: Sequence[Event] = ()) -> CollectiveRun:
    """Simulate a collective with a barrier after each round; CollectiveError where it does not fit the network.

    events: what becomes of the network meanwhile; between them, rounds that are alike are simulated once. Where a flow
    can never arrive, the time is inf.
    """
    rounds = _Rounds(schedule, message, setting)
    phases = _phases(setting, events)
    clock, at, steps, carried = 0.0, 0, [], np.zeros(2 * setting.network.cables)
    for each in schedule.rounds:
        left = each.repeats
        while left > 0 and clock < math.inf:
            ran = rounds.run(each, phases[at])
            until = phases[at + 1].time if at + 1 < len(phases) else math.inf
            whole = left if until == math.inf else min(left, int(difference(until, clock) / ran.time))
            if whole == 0:
                ran = rounds.across(each, phases, at, clock)
                whole = 1
            clock = float(sum_of(clock, product_of(whole, ran.time)))
            carried += product_of(whole, ran.carried)
            steps.append(Step(whole, ran.time, ran.flows, ran.latency))
            left -= whole
            while at + 1 < len(phases) and phases[at + 1].time <= clock:
                at += 1
    return CollectiveRun(
        schedule,
        setting.network,
        message,
        clock,
        tuple(steps),
        carried,
        len(rounds.known) + rounds.crossed,
        rounds.events,
    )


def simulate_by_need(schedule: Schedule, message: float, setting: Setting) -> CollectiveRun:
    """Simulate a collective in which each rank goes on as soon as it has received and sent what comes before."""
    rounds = _Rounds(schedule, message, setting)
    gathered = _Gathered(schedule.nodes)
    for each in schedule.each():
        gathered.add(*rounds.transfers(each), rounds.reducing(each))
        if gathered.number > MOST_FLOWS:
            raise CollectiveError(
                f"{schedule.algorithm}: more than {MOST_FLOWS:,} transfers; simulate it with barriers"
            )
    source, destination, size = gathered.transfers()
    if schedule.reducers:
        raise CollectiveError(f"{schedule.algorithm}: switches that reduce are simulated with barriers only")
    made = rounds.along(setting.router().paths(rounds.hosts[source], rounds.hosts[destination], size), size)
    ready = sum_of(made.latency, gathered.adding())
    run = flows.simulate(
        setting.network.capacity,
        flows.Flows(made.paths, made.size, ready, weight=made.weight, after=gathered.after()),
    )
    time = math.inf if len(run.stalled) else gathered.ended(run.end)
    mean = float(ratio(time, max(schedule.steps, 1)))
    step = Step(schedule.steps, mean, len(size), float(np.max(made.latency, initial=0.0)))
    return CollectiveRun(schedule, setting.network, message, time, (step,), run.carried, schedule.steps, run.events)


@dataclass(frozen=True, eq=False)
class _Phase:
    """The network from a time on, and the routing of then."""

    number: int
    time: float
    network: Network
    router: Router


def _phases(setting: Setting, events: Sequence[Event]) -> list[_Phase]:
    moments: list[tuple[float, Network | None, Network | None]] = []
    for event in sorted(events, key=lambda each: each.time):
        if event.reroute_after == 0:
            moments.append((event.time, event.network, event.network))
            continue
        moments.append((event.time, event.network, None))
        if event.reroute_after is not None:
            moments.append((float(sum_of(event.time, event.reroute_after)), None, event.network))
    phases = [_Phase(0, 0.0, setting.network, setting.router())]
    for time, network, routed in sorted(moments, key=lambda each: each[0]):
        last = phases[-1]
        router = last.router if routed is None else setting.router(routed)
        phases.append(_Phase(len(phases), time, network or last.network, router))
    return phases


@dataclass(frozen=True, eq=False)
class _Ran:
    """One round: its time [s], the bytes over each link, its flows, the longest latency of one [s]."""

    time: float
    carried: Numbers
    flows: int
    latency: float


class _Rounds:
    """Rounds of a schedule on a network, each that is alike simulated once."""

    def __init__(self, schedule: Schedule, message: float, setting: Setting) -> None:
        self.schedule, self.message, self.setting = schedule, message, setting
        ranks, network = schedule.ranks, setting.network
        self.hosts = np.arange(ranks) if setting.hosts is None else np.asarray(setting.hosts, np.int64)
        if len(self.hosts) < ranks or ranks > network.hosts:
            there = min(len(self.hosts), network.hosts)
            raise CollectiveError(f"ranks: {ranks} do not fit {network.name}; at most {there}, one a host")
        self.known: dict[tuple[int, float, bytes], _Ran] = {}
        self.trees: dict[int, ReductionTree] = {}
        self.crossed = self.events = 0

    def transfers(self, each: Round) -> tuple[Longs, Longs, Numbers]:
        """Who sends to whom how many bytes; what goes between the same two in one round goes together."""
        nodes = self.schedule.nodes
        pair, place = np.unique(each.source.astype(np.int64) * nodes + each.destination, return_inverse=True)
        slots = np.bincount(place, each.count.astype(float))
        return pair // nodes, pair % nodes, product_of(self.message, share_of(slots, self.schedule.chunks))

    def run(self, each: Round, phase: _Phase) -> _Ran:
        """One round as the network stands, from memory where it was simulated before."""
        source, destination, size = self.transfers(each)
        key = (
            phase.number,
            float(self.reducing(each).max()),
            source.tobytes() + destination.tobytes() + size.tobytes(),
        )
        if key not in self.known:
            self.known[key] = self._simulated(each, [phase], 0.0, (source, destination, size))
        return self.known[key]

    def across(self, each: Round, phases: Sequence[_Phase], at: int, clock: float) -> _Ran:
        """One round during which the network changes."""
        self.crossed += 1
        return self._simulated(each, phases[at:], clock, self.transfers(each))

    def _simulated(
        self, each: Round, phases: Sequence[_Phase], clock: float, sent: tuple[Longs, Longs, Numbers]
    ) -> _Ran:
        made = self._made(phases[0], *sent)
        changes = []
        for before, phase in pairwise(phases):
            paths = None if phase.router is before.router else self._made(phase, *sent).paths
            moment = max(0.0, float(difference(phase.time, clock)))
            changes.append(flows.Change(moment, phase.network.capacity, paths))
        run = flows.simulate(phases[0].network.capacity, made, changes, group_alike=False)
        self.events += run.events
        time = math.inf if len(run.stalled) else float(sum_of(run.time, self.reducing(each).max()))
        return _Ran(time, run.carried, len(made), float(np.max(made.latency, initial=0.0)))

    def reducing(self, each: Round) -> Numbers:
        """Time in which each node adds up what arrives in a round [s]; that of switches is not counted."""
        slots = np.bincount(each.destination, each.count * each.reduces, minlength=self.schedule.nodes)
        slots[self.schedule.ranks :] = 0
        added: Numbers = ratio(product_of(self.message, share_of(slots, self.schedule.chunks)), self.setting.reduction)
        return added

    def along(self, paths: Paths, size: Numbers) -> flows.Flows:
        """Flows along paths of the network."""
        latency = flows.latency_of(paths, self.setting.network.delay)
        weight: Any = 1.0
        if self.setting.by_latency:
            weight = ratio(1.0, np.where(latency > 0, latency, 1.0))
        return flows.Flows(paths, size, sum_of(latency, self.setting.step), weight=weight)

    def _made(self, phase: _Phase, source: Longs, destination: Longs, size: Numbers) -> flows.Flows:
        """The flows of a round: from host to host, or along the tree of the switches that reduce."""
        if not self.schedule.reducers:
            paths = phase.router.paths(self.hosts[source], self.hosts[destination], size)
            return self.along(paths, size)
        if phase.number not in self.trees:
            self.trees[phase.number] = reduction_tree(phase.network, self.hosts[: self.schedule.ranks])
        tree = self.trees[phase.number]
        ways = [up for up, ends in ((True, destination), (False, source)) if (ends >= self.schedule.ranks).any()]
        return flows.Flows(tree.paths(ways), size.max(), sum_of(tree.latency, self.setting.step))


class _Gathered:
    """Transfers of all rounds, and which wait for which: a rank sends once what it had to receive and send before is
    done, and it has added up what arrived.
    """

    def __init__(self, nodes: int) -> None:
        self.number = 0
        self.sent: list[tuple[Longs, Longs, Numbers]] = []
        self.pairs: list[Longs] = []
        self.held = np.zeros((2, 0), np.int64)  # nodes, and the transfers that each of them has to wait for
        self.delays: list[Numbers] = []
        self.owed = np.zeros(nodes)  # what each node then still has to add up [s]
        self.nodes = nodes

    def add(self, source: Longs, destination: Longs, size: Numbers, adding: Numbers) -> None:
        """A round; adding: time in which each node adds up what arrives in it [s]."""
        own = np.arange(self.number, self.number + len(source))
        self.number += len(source)
        self.sent.append((source, destination, size))
        self.pairs.append(np.stack(list(self._waits(source, own)), axis=1))
        ends = np.stack([np.concatenate([source, destination]), np.concatenate([own, own])])
        busy = np.zeros(self.nodes, bool)
        busy[ends[0]] = True
        self.delays.append(self.owed[source])
        self.owed = np.where(busy, adding, self.owed)
        self.held = np.concatenate([self.held[:, ~busy[self.held[0]]], ends], axis=1)

    def _waits(self, source: Longs, own: Longs) -> Iterator[Longs]:
        node, transfer = self.held[:, np.argsort(self.held[0], kind="stable")]
        first, last = np.searchsorted(node, source), np.searchsorted(node, source, side="right")
        many = last - first
        starts = np.repeat(np.cumsum(many) - many, many)
        yield np.repeat(own, many)
        yield transfer[np.repeat(first, many) + np.arange(many.sum()) - starts]

    def transfers(self) -> tuple[Longs, Longs, Numbers]:
        source, destination, size = (np.concatenate(part) for part in zip(*self.sent, strict=True))
        return source, destination, size

    def after(self) -> Longs:
        return np.concatenate(self.pairs)

    def adding(self) -> Numbers:
        """What each transfer waits for its sender to add up [s]."""
        return np.concatenate(self.delays)

    def ended(self, end: Numbers) -> float:
        """When every node has its result, from the ends of the transfers [s]."""
        node, transfer = self.held
        return float(np.max(sum_of(end[transfer], self.owed[node]), initial=float(np.max(end, initial=0.0))))
