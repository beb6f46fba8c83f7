"""How much longer the communication of a step takes on a fabric where all groups of a form meet on its links.

Latency stays with the estimate of the step; what is simulated here is bandwidth alone. All messages of a form start at
once, as in a round of a ring or an exchange of tokens, and the form waits for the last: a step is synchronous.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from navarch.core.arithmetic import product_of, ratio, share_of, sum_of
from navarch.core.equation import off_the_ledger
from navarch.distributed.collectives.schedule import Schedule
from navarch.distributed.collectives.simulate import Setting
from navarch.distributed.training.on_fabric.adapters import Adapters, adapter_bandwidth
from navarch.distributed.training.on_fabric.closed import closed_form
from navarch.distributed.training.on_fabric.estimate import slowdown
from navarch.distributed.training.on_fabric.rounds import Hops, lanes_of, rounds_of, schedule_of
from navarch.distributed.training.on_fabric.sprays import sprayed
from navarch.distributed.training.on_fabric.traffic import Exchange
from navarch.fleet.fabric import faults, flows
from navarch.fleet.fabric.graph import GraphError, Network
from navarch.fleet.fabric.routers import Spray
from navarch.fleet.fabric.routing import Router, router_for

NEVER = math.inf
SLOWED = 1 + 1e-6
"""Times as long from which on a group counts as slowed."""


@dataclass(frozen=True, eq=False)
class Sent:
    """One form on a fabric.

    exchange; alone: its time with nothing in the way, times: on the fabric, one for each seed of the routing [s];
    closed: the closed form of it [s], None where there is none; groups_slowed: share of the groups that the fabric
    slows, the others wait for them [fraction, mean over the seeds].
    """

    exchange: Exchange
    alone: float
    times: tuple[float, ...]
    closed: float | None
    groups_slowed: float


@dataclass(frozen=True, eq=False)
class Round:
    """Messages between adapters that start at once: hops, the bytes of each, and the same as a schedule."""

    hops: Hops
    size: NDArray[np.float64]
    message: float
    schedule: Schedule = field(repr=False)


class Crossing:
    """What a plan sends between its domains, ready to be simulated on networks of as many adapters."""

    def __init__(self, exchanges: Sequence[Exchange], domain: int, adapters: Adapters) -> None:
        self.exchanges, self.adapters = tuple(exchanges), adapters
        self.rounds = {each: self._rounds(each, domain) for each in self.exchanges}

    def _rounds(self, exchange: Exchange, domain: int) -> list[Round]:
        made = [hops for hops in rounds_of(exchange, domain) if len(hops.group)]
        message = float(ratio(exchange.sent, max(len(made), 1)))
        found = []
        for hops in made:
            lanes = lanes_of(hops, self.adapters)
            found.append(Round(lanes, ratio(message, lanes.parts), message, schedule_of(lanes, self.adapters)))
        return found

    def on(
        self, network: Network, policy: str, seeds: Sequence[int], hosts: Any = None, fault: faults.Fault | None = None
    ) -> tuple[Sent, ...]:
        """Every form on a network; fault: what is wrong with it, `network` being without it."""
        broken = replace(network if fault is None else fault.of(network), latency=np.zeros(network.cables))
        place = np.arange(self.adapters.used) if hosts is None else np.asarray(hosts)
        if len(place) < self.adapters.used or place.max(initial=0) >= network.hosts:
            raise GraphError(f"{network.name}: {self.adapters.used:,} adapters are needed; it has {network.hosts:,}")
        routers = [router_for(broken, "ecmp" if isinstance(fault, faults.Collisions) else policy, s) for s in seeds]
        sound = Setting(replace(network, latency=broken.latency), policy, hosts=place)
        with off_the_ledger():
            return tuple(self._sent(each, broken, routers, sound, fault) for each in self.exchanges)

    def _sent(self, exchange: Exchange, broken: Network, routers: Sequence[Router], sound: Setting, fault: Any) -> Sent:
        rounds = self.rounds[exchange]
        adapter = adapter_bandwidth(sound.network)
        alone = [float(ratio(product_of(each.schedule.cost.sent, each.message), adapter)) for each in rounds]
        times, slowed = [], []
        for router in routers:
            ends = [_ends(each, broken, router, sound.hosts) for each in rounds]
            times.append(float(sum_of(0.0, *(end.max(initial=0.0) for end in ends))))
            slowed.append(_share_slowed(rounds, ends, alone))
        closed = [closed_form(each.schedule, each.message, sound, fault) for each in rounds]
        whole = None if any(each is None for each in closed) else float(sum_of(0.0, *closed))
        return Sent(exchange, float(sum_of(0.0, *alone)), tuple(times), whole, float(np.mean(slowed)))


def _ends(each: Round, network: Network, router: Router, hosts: Any) -> NDArray[np.float64]:
    """When each message has arrived [s]; inf where it never does."""
    source, destination = hosts[each.hops.source], hosts[each.hops.destination]
    if isinstance(router, Spray):
        paths = sprayed(network, router, source, destination)
    else:
        paths = router.paths(source, destination, each.size)
    run = flows.simulate(network.capacity, flows.Flows(paths, each.size))
    return np.where(np.isnan(run.end), NEVER, run.end)


def _share_slowed(rounds: Sequence[Round], ends: Sequence[NDArray[np.float64]], alone: Sequence[float]) -> float:
    """Share of the groups of which a message arrives later than it would with nothing in the way."""
    late: set[int] = set()
    every: set[int] = set()
    for each, end, time in zip(rounds, ends, alone, strict=True):
        late.update(np.unique(each.hops.group[end > time * SLOWED]).tolist())
        every.update(np.unique(each.hops.group).tolist())
    return float(share_of(len(late), len(every))) if every else 0.0


def slowdowns(sent: Sequence[Sent], times: Mapping[str, float] | None = None) -> dict[str, float]:
    """Times as long as each part of the step takes.

    times: on the fabric, by the name of the groups [s]; the mean over the seeds where left out.
    """
    found: dict[str, tuple[float, float]] = {}
    for each in sent:
        time = float(np.mean(each.times)) if times is None else times[each.exchange.name]
        before = found.get(each.exchange.form, (0.0, 0.0))
        found[each.exchange.form] = (float(sum_of(before[0], time)), float(sum_of(before[1], each.alone)))
    return {form: float(slowdown(*both)) for form, both in found.items()}
