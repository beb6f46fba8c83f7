"""Where hosts and switches stand, how long each cable is, and so whether it is copper or glass.

Racks stand in rows. Hosts fill them in their order (a torus in blocks, folded so that the way round is no longer than
the way on), a switch of the first tier stands in the rack at the middle of its hosts, a switch above at the middle of
those that it joins. A cable runs along its row and across the rows, up and down at either end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from navarch.fleet.fabric import estimate
from navarch.fleet.fabric.graph import Floats, Network, Wires

if TYPE_CHECKING:
    from navarch.catalog import Catalog
    from navarch.fleet.fabric.parts import Parts

COPPER, ACTIVE, OPTICAL = "copper", "active optical", "optical"
MEDIA = (COPPER, ACTIVE, OPTICAL)
CABLES = {COPPER: "dac-400g", ACTIVE: "aoc-400g", OPTICAL: "xcvr-800g-2xdr4"}
"""Cables of the catalog's `fabric` collection, by medium; prices and powers follow the link's rate."""


@dataclass(frozen=True, slots=True)
class Hall:
    """A room of racks: distances [m], racks of a row, hosts of a rack, reaches of copper and active cables [m]."""

    rack_pitch: float
    row_pitch: float
    rack_run: float
    in_rack: float
    racks_per_row: float
    rack_hosts: float
    copper_reach: float
    active_reach: float


def hall_of(catalog: Catalog, rack_hosts: float | None = None) -> Hall:
    """The hall of the catalog's constants; rack_hosts: hosts of a rack, where they are known."""

    def constant(name: str) -> float:
        return float(catalog.fact("constant", f"fabric.{name}"))

    return Hall(
        constant("rack-pitch"),
        constant("row-pitch"),
        constant("rack-run"),
        constant("in-rack-length"),
        constant("racks-per-row"),
        constant("hosts-per-rack") if rack_hosts is None else float(rack_hosts),
        constant("copper-reach"),
        constant("active-optical-reach"),
    )


def wires_of(parts: Parts) -> Wires:
    """Bandwidth and latencies of cables with the lengths that a network has before it is placed."""
    near = estimate.near_link_latency(parts.link_latency, parts.host_cable.length, parts.delay)
    far = estimate.far_link_latency(parts.switch_latency, parts.trunk_cable.length, parts.delay)
    direct = estimate.far_link_latency(parts.link_latency, parts.trunk_cable.length, parts.delay)
    return Wires(float(parts.link_bandwidth), float(near), float(far), float(direct))


def placed(network: Network, hall: Hall, parts: Parts | None = None) -> Network:
    """The network with the lengths of its cables, and with parts their latencies."""
    at = positions(network, hall)
    apart = np.abs(at[network.ends[:, 0]] - at[network.ends[:, 1]])
    length = estimate.cable_run(
        apart[:, 0], apart[:, 1], hall.rack_pitch, hall.row_pitch, hall.rack_run, hall.in_rack
    )  # fmt: skip
    if parts is None:
        return replace(network, length=length)
    near = (network.ends < network.hosts).any(axis=1)
    hop = parts.link_latency if network.direct else parts.switch_latency
    latency = np.where(
        near & (not network.direct),
        estimate.near_link_latency(parts.link_latency, length, parts.delay),
        estimate.far_link_latency(hop, length, parts.delay),
    )
    return replace(network, length=length, latency=latency)


def media_of(network: Network, hall: Hall) -> NDArray[np.int8]:
    """What each cable of a placed network is made of, its place in MEDIA."""
    longer = network.length > hall.copper_reach, network.length > hall.active_reach
    return (longer[0].astype(np.int8) + longer[1]).astype(np.int8)


def positions(network: Network, hall: Hall) -> Floats:
    """Place in its row [racks] and row of each node."""
    rack = _grid_racks(network, hall) if network.direct else _host_racks(network, hall)
    count = int(rack.max(initial=0)) + 1
    at = np.zeros((network.nodes, 2))
    wide = min(int(hall.racks_per_row), max(1, int(np.ceil(np.sqrt(count * hall.row_pitch / hall.rack_pitch)))))
    row, along = np.divmod(rack, wide)
    at[: network.hosts] = np.stack([np.where(row % 2, wide - 1 - along, along), row], axis=1)  # rows to and fro
    done = np.arange(network.nodes) < network.hosts
    for tier in range(1, len(network.tiers)):
        here = network.node_tier == tier
        at[here] = _middles(network, at, done, here)
        done |= here
    return at


def _host_racks(network: Network, hall: Hall) -> NDArray[np.int64]:
    """The rack of each host: racks filled in order, no machine in two."""
    size = max(1, int(hall.rack_hosts))
    machine = int(np.bincount(network.machine).max(initial=1))
    return np.asarray(np.arange(network.hosts) // max(machine, size // machine * machine), dtype=np.int64)


def _grid_racks(network: Network, hall: Hall) -> NDArray[np.int64]:
    """The rack of each host of a direct network: a block of the grid, blocks folded along each dimension."""
    names = [name for name in network.places if name.startswith("axis")]
    if not names:
        return np.asarray(np.arange(network.hosts) // max(1, int(hall.rack_hosts)), dtype=np.int64)
    at = np.stack([network.places[name] for name in names], axis=1).astype(np.int64)
    sides = at.max(axis=0) + 1
    block = _block(sides, int(hall.rack_hosts))
    blocks = -(-sides // block)
    folded = at // block
    folded = np.where(2 * folded < blocks, 2 * folded, 2 * (blocks - folded) - 1)
    return np.asarray(folded @ np.cumprod([1, *blocks[:-1]]), dtype=np.int64)


def _block(sides: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """The sides of the grid's part that fills a rack: the shortest side doubled while it fits."""
    block = np.ones_like(sides)
    while True:
        growing = [axis for axis in range(len(sides)) if block[axis] < sides[axis]]
        axis = min(growing, key=lambda a: (block[a], a), default=None)
        if axis is None:
            return block
        wider = block.copy()
        wider[axis] = min(2 * block[axis], sides[axis])
        if wider.prod() > max(most, 1):
            return block
        block = wider


def _middles(network: Network, at: Floats, done: NDArray[np.bool_], here: NDArray[np.bool_]) -> Floats:
    """For each node of a tier the rack at the middle of the nodes below that it joins."""
    inside = done[network.target] & here[network.source]
    sums = np.stack(
        [np.bincount(network.source[inside], at[network.target[inside], axis], network.nodes) for axis in (0, 1)]
    )
    count = np.maximum(np.bincount(network.source[inside], minlength=network.nodes), 1)
    return np.asarray(np.floor((sums / count).T[here] + 0.5))
