"""Patterns of traffic on a network, run as flows: who sends to whom, with what else is on the links meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from navarch.core.arithmetic import product_of
from navarch.core.events import stream
from navarch.core.ledger import equation
from navarch.fleet.fabric import flows
from navarch.fleet.fabric.graph import GraphError, Network
from navarch.fleet.fabric.routing import Paths, router_for

if TYPE_CHECKING:
    import altair
    import polars

Longs = NDArray[np.int64]
Numbers = NDArray[np.float64]
ENDLESS = float("inf")
MOST_FLOWS = 4_000_000
ORDER, BACKGROUND = range(2)
"""Random streams of one seed: of the pattern, and of what else is on the links."""


@equation(
    symbol="f_inject", unit="fraction", source="Dally and Towles 2004, section 23.2",
    symbols={"sent": "V", "hosts": "n_hosts", "bandwidth": "B_host", "time": "T"}, valid="time > 0 and bandwidth > 0",
)  # fmt: skip
def injected_share(sent, hosts, bandwidth, time):
    """Share of the bandwidth of all hosts at which traffic got through.

    sent: by all hosts together [byte]; hosts: that send; bandwidth: of a host's link, per direction [byte/s]; time:
    until the last arrived [s].
    """
    return sent / (hosts * bandwidth * time)


def _bisection(hosts: int, seed: int) -> tuple[Longs, Longs]:
    own = np.arange(hosts)
    return own, (own + hosts // 2) % hosts


def _neighbour(hosts: int, seed: int) -> tuple[Longs, Longs]:
    own = np.arange(hosts)
    return own, (own + 1) % hosts


def _permutation(hosts: int, seed: int) -> tuple[Longs, Longs]:
    """A random cycle through all hosts, so that nobody sends to itself."""
    order = stream(seed, ORDER).permutation(hosts)
    return order, np.roll(order, -1)


def _incast(hosts: int, seed: int) -> tuple[Longs, Longs]:
    return np.arange(1, hosts), np.zeros(hosts - 1, np.int64)


def _all_to_all(hosts: int, seed: int) -> tuple[Longs, Longs]:
    if hosts * (hosts - 1) > MOST_FLOWS:
        raise GraphError(f"all-to-all: {hosts} hosts are more than {MOST_FLOWS:,} flows; simulate the collective")
    source, destination = np.divmod(np.arange(hosts * hosts), hosts)
    apart = source != destination
    return source[apart], destination[apart]


PATTERNS: Mapping[str, Callable[[int, int], tuple[Longs, Longs]]] = {
    "neighbour": _neighbour,
    "bisection": _bisection,
    "permutation": _permutation,
    "incast": _incast,
    "all-to-all": _all_to_all,
}


@dataclass(frozen=True, eq=False)
class TrafficRun:
    """A pattern that was run. size: of each flow [byte]; sent: by all together [byte]; run: of its flows alone."""

    pattern: str
    network: Network
    size: float
    sent: float
    run: flows.FlowRun
    took: Numbers = field(repr=False)

    @property
    def time(self) -> float:
        """Until the last flow was done [s]; inf where one never is."""
        return ENDLESS if len(self.run.stalled) else self.run.time

    @property
    def injected(self) -> float:
        """Share of the bandwidth of all hosts at which it got through."""
        bandwidth = float(self.network.bandwidth[(self.network.ends < self.network.hosts).any(axis=1)].max())
        return float(injected_share(self.sent, self.network.hosts, bandwidth, self.time))

    def slowest(self, share: float) -> float:
        """Time within which so large a share of the flows was done [s]."""
        return float(np.quantile(self.took, share))

    def busiest(self) -> dict[str, float]:
        """Share of its bandwidth that the busiest link of each tier used, over the whole time."""
        used = self.run.utilisation[: 2 * self.network.cables]
        tiers = ((index, name) for index, name in enumerate(self.network.cable_tiers))
        return {name: float(used[self.network.tier == index].max(initial=0.0)) for index, name in tiers}

    def to_frame(self) -> polars.DataFrame:
        """A row for each flow."""
        return self.run.to_frame()

    def plot(self, title: str = "When flows were done") -> altair.LayerChart:
        """Share of the flows that are done by each time (`traffic_figure.figure`), with its theme."""
        from navarch.core.gantt import themed
        from navarch.fleet.fabric.traffic_figure import figure

        return themed(figure([(self.pattern, self)], title))

    def _repr_html_(self) -> str:
        return str(self.to_frame()._repr_html_())


def run(
    network: Network, pattern: str, size: float, policy: str = "ecmp", seed: int = 0, background: float = 0.0,
    changes: Sequence[tuple[float, Network, bool]] = (),
) -> TrafficRun:  # fmt: skip
    """Send a pattern over a network.

    pattern: one of PATTERNS; size: of each flow [byte]; policy, seed: of the routing, of a random pattern and of the
    background; background: share of its bandwidth at which each host sends to a random other one meanwhile; changes:
    the network from a time on [s], and whether routing follows.
    """
    if pattern not in PATTERNS:
        raise GraphError(f'there is no pattern "{pattern}"; allowed: {", ".join(PATTERNS)}')
    if not 0 <= background < 1:
        raise GraphError(f"background: {background:g} is not allowed; a share of at least 0 and less than 1")
    source, destination = PATTERNS[pattern](network.hosts, seed)
    ways = _Ways(source, destination, seed, background, network)
    paths = ways.paths(router_for(network, policy, seed))
    foreground = np.arange(len(paths)) < len(source)
    made = flows.Flows(
        paths, np.where(foreground, size, ENDLESS), flows.latency_of(paths, ways.delay(network)), counted=foreground
    )
    later = [
        flows.Change(time, ways.capacity(after), ways.paths(router_for(after, policy, seed)) if follows else None)
        for time, after, follows in changes
    ]
    done = flows.simulate(ways.capacity(network), made, later)
    took = done.end[foreground]
    return TrafficRun(pattern, network, size, float(product_of(size, len(source))), done, took)


class _Ways:
    """Who sends to whom, the background last; each flow of it has a link of its own that holds it to its rate."""

    def __init__(self, source: Longs, destination: Longs, seed: int, background: float, network: Network) -> None:
        order = stream(seed, BACKGROUND).permutation(network.hosts) if background else np.zeros(0, np.int64)
        self.source = np.concatenate([source, order])
        self.destination = np.concatenate([destination, np.roll(order, -1)])
        self.limited, self.first = len(order), len(network.capacity)
        near = (network.ends < network.hosts).any(axis=1)
        self.limits = np.full(len(order), product_of(background, float(network.bandwidth[near].max())))

    def paths(self, router: Any) -> Paths:
        found: Paths = router.paths(self.source, self.destination)
        if not self.limited:
            return found
        hops = np.diff(found.offsets)
        hops[len(hops) - self.limited :] += 1
        offsets = np.concatenate([[0], np.cumsum(hops)])
        own = offsets[1:][len(hops) - self.limited :] - 1
        kept = np.ones(offsets[-1], bool)
        kept[own] = False
        links, weights = np.empty(offsets[-1], np.int32), np.ones(offsets[-1])
        links[kept], links[own] = found.links, self.first + np.arange(self.limited)
        if found.weights is not None:
            weights[kept] = found.weights
        return Paths(offsets, links, found.reached, weights)

    def capacity(self, network: Network) -> Numbers:
        return np.concatenate([network.capacity, self.limits])

    def delay(self, network: Network) -> Numbers:
        return np.concatenate([network.delay, np.zeros(self.limited)])
