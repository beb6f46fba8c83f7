"""What faults of a network cost a collective: the closed form beside the simulation.

The closed form knows one or two levels of switches with equal hosts and uplinks (`leaf and spine`): a round takes what
its slowest flow takes. Elsewhere the cost is simulated only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from navarch.core.arithmetic import ceil_div, largest_of, product_of, ratio, share_of, smallest_of, sum_of
from navarch.distributed.collectives.estimate import point_to_point_time
from navarch.distributed.collectives.schedule import Round, Schedule
from navarch.distributed.collectives.simulate import Setting, simulate
from navarch.fleet.fabric import faults

if TYPE_CHECKING:
    import altair
    import polars

MOST_LEVELS = 2


@dataclass(frozen=True, slots=True)
class Cost:
    """A collective with a fault, or without one (fault "none").

    estimated, simulated: its time [s], estimated None where there is no closed form; low, high: least and most of the
    simulated times, where it was drawn several times; slower: simulated time over that without a fault.
    """

    fault: str
    estimated: float | None
    simulated: float
    low: float
    high: float
    slower: float


@dataclass(frozen=True)
class Costs:
    """The costs of several faults, that of none first."""

    rows: tuple[Cost, ...]

    def to_frame(self) -> polars.DataFrame:
        """A row for each fault."""
        import polars as pl

        names = ("fault", "estimated", "simulated", "low", "high", "slower")
        return pl.DataFrame({name: [getattr(row, name) for row in self.rows] for name in names})

    def plot(self, title: str = "What faults cost") -> altair.LayerChart:
        """The figure (`fault_figure.figure`) with its theme."""
        from navarch.core.gantt import themed
        from navarch.distributed.collectives.fault_figure import figure

        return themed(figure(self, title))

    def _repr_html_(self) -> str:
        from navarch.core.gantt import inline_html
        from navarch.distributed.collectives.fault_figure import figure

        return inline_html(figure(self, "What faults cost"))


def costs(schedule: Schedule, message: float, setting: Setting, given: Sequence[faults.Fault]) -> Costs:
    """Simulate a collective without a fault and with each of some, beside the closed form where there is one."""
    sound = _simulated(schedule, message, setting, None)[0]
    return Costs(tuple(_cost(schedule, message, setting, fault, sound) for fault in (None, *given)))


def _cost(schedule: Schedule, message: float, setting: Setting, fault: faults.Fault | None, sound: float) -> Cost:
    times = _simulated(schedule, message, setting, fault)
    mean = float(ratio(sum_of(*times), len(times)))
    return Cost(
        "none" if fault is None else fault.told, estimated(schedule, message, setting, fault), mean, min(times),
        max(times), float(ratio(mean, sound)),
    )  # fmt: skip


def _simulated(schedule: Schedule, message: float, setting: Setting, fault: faults.Fault | None) -> list[float]:
    if fault is None:
        return [simulate(schedule, message, setting).time]
    there = replace(setting, network=fault.of(setting.network))
    if not isinstance(fault, faults.Collisions):
        return [simulate(schedule, message, there).time]
    draws = (replace(there, policy="ecmp", seed=setting.seed + draw) for draw in range(fault.draws))
    return [simulate(schedule, message, draw).time for draw in draws]


@dataclass(frozen=True)
class _Leaves:
    """A network of leaves and spines.

    leaf: of each host; leaves, spines: how many; uplinks: of a leaf; sprayed: whether flows are spread over them packet
    by packet; host_bandwidth, uplink_bandwidth: of a link, per direction [byte/s]; near, across: latency within a leaf
    and between leaves [s].
    """

    leaf: NDArray[np.int64]
    leaves: int
    spines: int
    uplinks: int
    sprayed: bool
    host_bandwidth: float
    uplink_bandwidth: float
    near: float
    across: float


def _leaves(setting: Setting) -> _Leaves | None:
    """The network as leaves and spines, or None where it is something else."""
    network = setting.network
    if network.direct or not 1 <= len(network.tiers) - 1 <= MOST_LEVELS:
        return None
    near = (network.ends < network.hosts).any(axis=1)
    leaf = np.full(network.hosts, -1)
    leaf[network.ends[near].min(axis=1)] = network.ends[near].max(axis=1)
    uplinks = np.bincount(network.ends[~near].min(axis=1), minlength=network.nodes)[np.unique(leaf)]
    same = [np.unique(values) for values in (network.bandwidth[near], network.bandwidth[~near], uplinks)]
    one_cable = np.count_nonzero(near) == network.hosts
    if not one_cable or any(len(values) > 1 for values in same):
        return None
    up = float(same[1][0]) if len(same[1]) else float("inf")
    host_latency = float(network.latency[near].max())
    trunk_latency = float(network.latency[~near].max(initial=0.0))
    within = float(product_of(2, host_latency))
    across = float(sum_of(within, product_of(2, trunk_latency)))
    return _Leaves(
        leaf, len(uplinks), network.count("spine"), int(same[2][0]), setting.policy == "spray", float(same[0][0]), up,
        within, across,
    )  # fmt: skip


def estimated(schedule: Schedule, message: float, setting: Setting, fault: faults.Fault | None) -> float | None:
    """Time of a collective in closed form [s], or None where the network has none."""
    shape = _leaves(setting)
    if shape is None or schedule.reducers or (fault is None and setting.policy not in ("modulo", "spray")):
        return None
    hosts = np.arange(schedule.ranks) if setting.hosts is None else setting.hosts
    parts = [
        product_of(each.repeats, _round_time(each, schedule, message, setting, shape, hosts, fault))
        for each in schedule.rounds
    ]
    return float(sum_of(*parts)) if parts else 0.0


def _round_time(
    each: Round, schedule: Schedule, message: float, setting: Setting, shape: _Leaves, hosts: Any,
    fault: faults.Fault | None,
) -> float:  # fmt: skip
    """Time of a round [s]: its slowest flow, within a leaf or across."""
    nodes = schedule.nodes
    pair, place = np.unique(each.source.astype(np.int64) * nodes + each.destination, return_inverse=True)
    size = product_of(message, share_of(np.bincount(place, each.count.astype(float)), schedule.chunks))
    source, destination = hosts[pair // nodes], hosts[pair % nodes]
    away = shape.leaf[source] != shape.leaf[destination]
    flows = max(_most(shape.leaf[source][away]), _most(shape.leaf[destination][away]))
    bandwidth = np.where(away, _across(shape, flows, fault), shape.host_bandwidth)
    own: Any = shape.host_bandwidth
    if isinstance(fault, faults.SlowHosts):
        slow = np.isin(source, fault.hosts) | np.isin(destination, fault.hosts)
        own = product_of(own, np.where(slow, fault.share, 1.0))
    ports = np.maximum(np.bincount(source)[source], np.bincount(destination)[destination])
    bandwidth = smallest_of(bandwidth, faults.uplink_share(own, ports, 1, own))
    latency = sum_of(np.where(away, shape.across, shape.near), setting.step)
    return float(largest_of(*np.unique(point_to_point_time(size, bandwidth, latency))))


def _most(leaf: NDArray[np.int64]) -> int:
    """Flows of the leaf that has most."""
    return int(np.bincount(leaf).max(initial=0))


def _across(shape: _Leaves, flows: int, fault: faults.Fault | None) -> float:
    """Bandwidth of the slowest flow between leaves [byte/s]."""
    if flows == 0:
        return shape.host_bandwidth
    up = shape.uplink_bandwidth
    if isinstance(fault, faults.Collisions):
        groups = 2 * shape.leaves
        return float(faults.hashed_bandwidth(shape.host_bandwidth, up, flows, shape.uplinks, groups))
    uplinks: Any = shape.uplinks
    if isinstance(fault, faults.LostSwitches) and fault.tier == "spine":
        uplinks = product_of(uplinks, faults.share_left(shape.spines, fault.count))
    if isinstance(fault, faults.Oversubscription):
        uplinks = ceil_div(uplinks, fault.ratio)
    share = faults.uplink_share if shape.sprayed else faults.whole_flow_share
    return float(share(shape.host_bandwidth, flows, uplinks, up))
