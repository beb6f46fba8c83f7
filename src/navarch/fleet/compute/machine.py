"""Builds the tree of a machine from catalog entries: node, accelerator, links, switch and failure records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import product_of, ratio, smallest_of, sum_of
from navarch.fleet.compute import estimate, levels
from navarch.fleet.compute.fitted import Number, Take
from navarch.fleet.compute.tree import FailureDomain, Joining, LevelName, Link, Machine, Unit

if TYPE_CHECKING:
    from navarch.catalog import Catalog

FAILURES: Mapping[LevelName, str] = MappingProxyType(
    {"chip": "llama3-2024-gpu", "node": "llama3-2024", "pod": "hpn-switch"}
)
"""The failure record of each level, unless told otherwise."""
WHAT: Mapping[LevelName, str] = MappingProxyType(
    {"chip": "accelerator", "node": "node", "rack": "rack", "pod": "leaf switch", "cluster": "cluster"}
)
SCALE_UP: tuple[tuple[re.Pattern[str], Joining], ...] = (
    (re.compile(r"3D torus"), "3D torus"), (re.compile(r"2D torus"), "2D torus"), (re.compile(r"mesh"), "full mesh"),
    (re.compile(r"^none|bridge"), "host"),
)  # fmt: skip
"""How accelerators are joined, by the name of their scale-up link; a name that tells nothing is switched."""
RACK_SCALE = re.compile(r"NVL\d+")
GENERATION = re.compile(r"^(NVLink|NeuronLink)\D*(\d)")


@dataclass(frozen=True, slots=True)
class Network:
    """What leaves a node: a link of the catalog, the leaf switch, and the oversubscription of the leaves."""

    link: str
    switch: str
    oversubscription: Number


def machine(
    catalog: Catalog,
    node: str,
    accelerators: Number,
    network: Network,
    failures: Mapping[LevelName, str] = FAILURES,
    take: Take = float,
) -> Machine:
    """The tree of a machine of equal nodes.

    node: catalog id (`dgx-h100`; a rack such as `gb200-nvl72`; a slice of a torus such as `tpu-v4-pod`); accelerators:
    in the machine; network: what leaves a node; failures: record of the catalog for each level; take: how a fact
    becomes a number (`float`, or the `fact` of a ledger).
    """
    return _Builder(catalog, node, accelerators, network, failures, take).machine()


class _Builder:
    def __init__(
        self,
        catalog: Catalog,
        node: str,
        accelerators: Number,
        network: Network,
        failures: Mapping[LevelName, str],
        take: Take,
    ) -> None:
        self.catalog, self.total, self.network, self.failures, self.take = (
            catalog,
            accelerators,
            network,
            failures,
            take,
        )
        self.entry = catalog.get("node", node)
        self.chip = catalog.get("accelerator", self.entry.accelerator)
        self.carried = take(self.entry.accelerators)
        self.is_rack = self.carried > self.constant("compute.host-accelerators")
        self.node_size = self.constant("compute.tray-accelerators") if self.is_rack else self.carried
        self.domain = self.known(self.entry, "scaleup_domain") or self.node_size
        told = (kind for pattern, kind in SCALE_UP if pattern.search(self.chip.scaleup_name))
        self.joining: Joining = next(told, "switches")
        self.one_set_of_leaves = False
        self.node_power = self._node_power()

    def machine(self) -> Machine:
        """The levels, from the chip to the whole."""
        units = [self._chip()]
        units.append(self._node(units[-1]))
        for build in (self._rack, self._pod):
            made = build(units[-1])
            if made is not None:
                units.append(made)
        root = self._cluster(units[-1])
        return Machine(f"{float(self.total):,.0f} x {self.chip.name} in {self.entry.name}", root)

    def _chip(self) -> Unit:
        one = ratio(self.node_size, self.node_size, unit="1", title="Accelerators of a chip")
        return self._unit("chip", self.chip.name, one, None, None, None, self.known(self.chip, "tdp"))

    def _node(self, chip: Unit) -> Unit:
        scaled = self.joining != "host" and self.domain >= self.node_size
        link = self._scale_up(self.node_size) if scaled else self._host_link()
        power = None if self.is_rack else self.node_power
        name = f"tray of {self.entry.name}" if self.is_rack else self.entry.name
        return self._unit("node", name, self.node_size, self.node_size, chip, link, power)

    def _rack(self, node: Unit) -> Unit | None:
        if self.is_rack or RACK_SCALE.search(self.chip.scaleup_name):
            size = smallest_of(self.domain, self.total, title="Accelerators of a rack")
            children = levels.units_for(size, self.node_size)
            power = self.node_power if self.is_rack else None
            return self._unit("rack", "of one scale-up domain", size, children, node, self._scale_up(size), power)
        if node.power is None or self.joining in ("2D torus", "3D torus"):
            return None
        height = self.known(self.entry, "rack_units") or self.constant("compute.node-height")
        limits = (self.constant("compute.rack-power"), node.power, self.constant("compute.rack-height"), height)
        children = estimate.nodes_per_rack(*limits)
        size = levels.accelerators_below(children, self.node_size)
        if size >= self.total:
            return None
        power = product_of(children, node.power, unit="W", title="Greatest power of the nodes of a rack")
        return self._unit(
            "rack", "by power and height", size, children, node, self._scale_out(size, leaves=True), power
        )

    def _pod(self, below: Unit) -> Unit | None:
        if self.joining in ("2D torus", "3D torus") and self.domain > below.accelerators:
            size = smallest_of(self.domain, self.total, title="Accelerators of a torus")
            children = levels.units_for(size, below.accelerators)
            return self._unit("pod", "of one torus", size, children, below, self._scale_up(size), None)
        interface = self.known(self.entry, "nic_bandwidth")
        if interface is None:
            return None
        switch = self.catalog.fact("fabric", self.network.switch, "bandwidth")
        nodes = levels.nodes_under_leaves(self.take(switch), interface)
        children = levels.whole_units(nodes, self.node_size, below.accelerators)
        size = levels.accelerators_below(children, below.accelerators)
        self.one_set_of_leaves = bool(size >= self.total)
        if self.one_set_of_leaves:
            return None
        power = self._power_of(children, below)
        return self._unit(
            "pod", "under one set of leaves", size, children, below, self._scale_out(size, leaves=True), power
        )

    def _cluster(self, below: Unit) -> Unit:
        children = levels.units_for(self.total, below.accelerators)
        link = self._scale_out(self.total, leaves=self.one_set_of_leaves)
        nodes = levels.units_for(self.total, self.carried)
        power = None if self.node_power is None else estimate.cluster_power(nodes, self.node_power)
        return self._unit("cluster", "of all", self.total, children, below, link, power)

    def _unit(
        self,
        level: LevelName,
        name: str,
        size: Number,
        children: Number | None,
        child: Unit | None,
        link: Link | None,
        power: Number | None,
    ) -> Unit:
        units = levels.units_for(self.total, size)
        return Unit(level, name, size, units, children, child, link, power, self._failure(level, size, units))

    def _scale_up(self, size: Number) -> Link:
        each = self.known(self.entry, "scaleup_bandwidth") or self.known(self.chip, "scaleup_bandwidth")
        latency = self._latency(self._scale_up_link())
        name = self.chip.scaleup_name
        if each is None:
            return Link(name, self.joining, None, None, latency, None)
        if self.joining == "full mesh":
            pair = levels.mesh_pair_bandwidth(size, each)
            return Link(name, self.joining, each, pair, latency, levels.mesh_bisection(size, pair))
        if self.joining in ("2D torus", "3D torus"):
            dimensions = self.constant(f"compute.torus-dimensions.{self.joining[0]}")
            pair = levels.torus_pair_bandwidth(each, dimensions)
            whole = size >= self.domain
            across = levels.torus_bisection(size, pair, dimensions) if whole else None
            return Link(name, self.joining, each, pair, latency, across)
        return Link(name, self.joining, each, each, latency, levels.switched_bisection(size, each))

    def _host_link(self) -> Link:
        link = self.catalog.get("fabric", f"pcie{self.chip.pcie_generation}-x16")
        each = self.known(link, "bandwidth")
        across = None if self.node_size < PAIR else levels.switched_bisection(self.node_size, each)
        return Link(link.name, "host", each, each, self._latency(link), across)

    def _scale_out(self, size: Number, *, leaves: bool) -> Link:
        """The network under one set of leaves, or beyond it."""
        link = self.catalog.get("fabric", self.network.link)
        nics, each = self.known(self.entry, "nics"), self.known(self.entry, "nic_bandwidth")
        latency = self._latency(link)
        switch = self.known(self.catalog.get("fabric", self.network.switch), "latency")
        switch = self.constant("fabric.switch-latency") if switch is None else switch
        passed = (switch,) if leaves else (switch, switch, switch)
        latency = sum_of(latency, *passed, title="Latency through the switches")
        if nics is None or each is None:
            return Link(link.name, "switches", None, None, latency, None)
        reached = estimate.scaleout_bandwidth(nics, each, self.carried)
        if not leaves:
            reached = levels.oversubscribed_bandwidth(reached, self.network.oversubscription)
        return Link(link.name, "switches", reached, reached, latency, levels.switched_bisection(size, reached))

    def _scale_up_link(self) -> Any | None:
        """The entry of the scale-up link, where the catalog has one."""
        found = GENERATION.match(self.chip.scaleup_name)
        family = f"{found.group(1).lower()}{found.group(2)}" if found else f"ici-{self.chip.id.removeprefix('tpu-')}"
        return self.catalog.get("fabric", family) if family in self.catalog.ids("fabric") else None

    def _latency(self, link: Any | None) -> Number:
        known = None if link is None else self.known(link, "latency")
        return self.constant("fabric.link-latency") if known is None else known

    def _node_power(self) -> Number | None:
        own = self.known(self.entry, "power")
        each = self.known(self.chip, "tdp")
        if own is not None or each is None:
            return own
        return estimate.node_power_from_accelerators(self.carried, each, self.constant("compute.node-power-overhead"))

    def _power_of(self, children: Number, below: Unit) -> Number | None:
        if below.power is None:
            return None
        return product_of(children, below.power, unit="W", title="Greatest power of the nodes of a unit")

    def _failure(self, level: LevelName, size: Number, units: Number) -> FailureDomain:
        rate = self._rate(level)
        if level == "pod" and self.joining in ("2D torus", "3D torus"):
            return FailureDomain("torus", size, None, None)
        total = None if rate is None else levels.rate_of_units(rate, units)
        return FailureDomain(WHAT[level], size, rate, total)

    def _rate(self, level: LevelName) -> Number | None:
        """Failures of one unit of a level [1/s], or None where no record tells."""
        if level not in self.failures:
            return None
        record = self.catalog.get("failure", self.failures[level])
        for attribute in ("rate", "rate_per_node_day"):
            known = self.known(record, attribute)
            if known is not None:
                return known
        observed = [self.known(record, name) for name in ("count", "period", "accelerators")]
        if any(part is None for part in observed):
            return None
        count, period, watched = observed
        time = product_of(period, watched, unit="s", title="Accelerator time observed")
        each = ratio(count, time, unit="1/s", title="Failures of one accelerator")
        return each if level == "chip" else levels.rate_of_units(each, self.node_size)

    def known(self, entry: Any, attribute: str) -> Number | None:
        """A fact of an entry as a number, or None."""
        fact = getattr(entry, attribute)
        return None if fact is None else self.take(fact)

    def constant(self, name: str) -> Number:
        """A general constant of the catalog."""
        return self.take(self.catalog.fact("constant", name))


PAIR = 2
"""Accelerators that a bisection needs at least."""
