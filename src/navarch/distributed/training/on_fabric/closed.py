"""The closed form of what a round of messages takes on a fabric, where there is one.

Trees of one or two levels are those of `collectives.fault_cost`; here is the third level. A message within a leaf meets
nobody, one between leaves shares the leaf's uplinks, one between pods the pod's as well: the slowest message decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from navarch.core.arithmetic import ceil_div, largest_of, product_of, ratio, smallest_of
from navarch.distributed.collectives import fault_cost
from navarch.distributed.collectives.estimate import point_to_point_time
from navarch.distributed.collectives.schedule import Schedule
from navarch.distributed.collectives.simulate import Setting
from navarch.distributed.training.on_fabric.adapters import adapter_bandwidth
from navarch.distributed.training.on_fabric.estimate import hashed_bandwidth_of_many
from navarch.fleet.fabric import faults
from navarch.fleet.fabric.graph import Network

SPRAY, MODULO, ADAPTIVE = "spray", "modulo", "adaptive"
"""Routings without collisions: packet by packet; whole flows by the destination's number, and by load, in order."""
RAILS = "rail-optimised"
TREES = ("fat-tree", "three-tier", RAILS)
LEVELS = 3
Numbers = NDArray[Any]


def closed_form(schedule: Schedule, message: float, sound: Setting, fault: faults.Fault | None) -> float | None:
    """Time of a round on a network with a fault, or without [s]; None where there is no closed form.

    sound: the network without the fault. Whole flows are spread evenly only where the ranks lie on the hosts in order,
    and by the destination's number only where the hosts of a leaf are numbered in a row; hashes collide, and no other
    fault is known beside that.
    """
    if not schedule.rounds:
        return 0.0
    if not sound.network.live.all():
        return None
    fault = faults.Collisions() if sound.policy == "ecmp" and fault is None else fault
    if not isinstance(fault, faults.Collisions) and not _even(sound):
        return None
    if sound.network.shape.get("levels") != LEVELS:
        evenly = sound if sound.policy == SPRAY else replace(sound, policy=MODULO)
        return fault_cost.estimated(schedule, message, evenly, fault)
    tree = _tree(sound, fault)
    return None if tree is None else _time(schedule, message, sound, tree, fault)


def _even(sound: Setting) -> bool:
    """Whether the routing spreads flows evenly."""
    in_order = sound.hosts is None or bool((np.diff(sound.hosts) == 1).all())
    in_a_row = sound.network.kind != RAILS
    return sound.policy == SPRAY or (in_order and (sound.policy == ADAPTIVE or (sound.policy == MODULO and in_a_row)))


@dataclass(frozen=True)
class _Tree:
    """Three levels of switches with a fault.

    uplinks: of a leaf; hit_uplinks: of them, those that lead to and from the pod that has lost a spine; pod_uplinks: of
    a pod; spines: of a pod; narrow: uplinks of the spine below where a core is lost, else None; bandwidth: of a cable
    between switches, per direction [byte/s].
    """

    uplinks: Any
    hit_uplinks: Any
    pod_uplinks: Any
    spines: Any
    narrow: Any | None
    bandwidth: float


def _tree(sound: Setting, fault: faults.Fault | None) -> _Tree | None:
    network = sound.network
    between = (network.ends >= network.hosts).all(axis=1)
    rates = np.unique(network.bandwidth[between])
    if network.kind not in TREES or len(rates) != 1:
        return None
    shape = network.shape
    spines, up, over = (ratio(shape["spine"], shape["pods"]), shape["uplinks"], shape["spine_uplinks"])
    hit, used, narrow = up, spines, None
    if isinstance(fault, faults.Oversubscription):
        up, over = ceil_div(up, fault.ratio), ceil_div(over, fault.ratio)
        used = smallest_of(spines, product_of(spines, ratio(up, shape["uplinks"])))
        hit = up
    elif isinstance(fault, faults.LostSwitches):
        if fault.tier == "leaf" or fault.count >= (spines if fault.tier == "spine" else ratio(shape["core"], spines)):
            return None
        if fault.tier == "spine":
            hit = product_of(up, faults.share_left(spines, fault.count))
        else:
            narrow = product_of(over, faults.share_left(ratio(shape["core"], spines), fault.count))
    lost_in_pod = product_of(ratio(hit, up), used)
    return _Tree(up, hit, product_of(lost_in_pod, over), spines, narrow, float(rates[0]))


def _time(schedule: Schedule, message: float, sound: Setting, tree: _Tree, fault: faults.Fault | None) -> float:
    """Time of the slowest message [s]."""
    (each,), network = schedule.rounds, sound.network
    hosts = np.arange(network.hosts) if sound.hosts is None else np.asarray(sound.hosts)
    ends = hosts[each.source], hosts[each.destination]
    size = product_of(message, ratio(each.count, schedule.chunks))
    rate = smallest_of(
        _adapters(ends, network, fault), _level(ends, network, "leaf", tree, sound, fault),
        _level(ends, network, "pod", tree, sound, fault),
    )  # fmt: skip
    return float(largest_of(*np.unique(point_to_point_time(size, rate, 0.0))))


def _adapters(ends: tuple[Numbers, Numbers], network: Network, fault: faults.Fault | None) -> Numbers:
    """Bandwidth of each message at the adapters that it leaves and enters [byte/s]."""
    own: Any = np.full(len(ends[0]), adapter_bandwidth(network))
    if isinstance(fault, faults.SlowHosts):
        slow = np.isin(ends[0], fault.hosts) | np.isin(ends[1], fault.hosts)
        own = product_of(own, np.where(slow, fault.share, 1.0))
    ports = np.maximum(*(np.bincount(end)[end] for end in ends))
    shared: Numbers = faults.uplink_share(own, ports, 1, own)
    return shared


def _level(
    ends: tuple[Numbers, Numbers], network: Network, name: str, tree: _Tree, sound: Setting, fault: faults.Fault | None
) -> Numbers:
    """Bandwidth of each message where it leaves and enters leaves, or pods; without end where it stays in one."""
    place = network.places[name]
    units = place[ends[0]], place[ends[1]]
    away = units[0] != units[1]
    found = np.full(len(away), np.inf)
    if not away.any():
        return found
    adapter, up = adapter_bandwidth(network), tree.bandwidth
    flows, pods = _most(units, away), network.places["pod"]
    if isinstance(fault, faults.Collisions):
        cables = tree.uplinks if name == "leaf" else tree.pod_uplinks
        groups = 2 * len(np.unique(place[: network.hosts]))
        hashed = faults.hashed_bandwidth if name == "leaf" else hashed_bandwidth_of_many
        found[away] = hashed(adapter, up, flows, cables, groups)
        return found
    share = faults.uplink_share if sound.policy == SPRAY else faults.whole_flow_share
    hit = away & ((pods[ends[0]] == 0) | (pods[ends[1]] == 0))
    cables, fewer = (tree.uplinks, tree.hit_uplinks) if name == "leaf" else (tree.pod_uplinks, tree.pod_uplinks)
    found[away] = share(adapter, flows, cables, up)
    found[hit] = smallest_of(found[hit], share(adapter, _most(units, hit), fewer, up))
    if name == "pod" and tree.narrow is not None:
        through = (ratio if sound.policy == SPRAY else ceil_div)(flows, tree.spines)
        found[away] = smallest_of(found[away], share(adapter, through, tree.narrow, up))
    return found


def _most(units: tuple[Numbers, Numbers], chosen: Numbers) -> int:
    """Flows out of or into the unit that has most of them."""
    return max(int(np.bincount(unit[chosen], minlength=1).max(initial=0)) for unit in units)
