"""Builds a network of any kind from its parts: counts, bisection, latency, power and cost.

`build` only calls equations, so it runs on floats, on arrays of equal plans and, under a ledger, on remembered values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from navarch.core.arithmetic import product_of, ratio, sum_of
from navarch.fleet.fabric import clos, dragonfly, estimate, torus
from navarch.fleet.fabric.parts import Cable, Parts
from navarch.fleet.fabric.sizing import Plan

Number = Any  # a float, a Value or an array


@dataclass(frozen=True, slots=True)
class Stock:
    """Equal parts: how many, what they cost together [USD] and draw together [W].

    Cost and power are None of a tier of cables whose cables are priced by medium.
    """

    name: str
    count: Number
    cost: Number | None
    power: Number | None


@dataclass(frozen=True, slots=True)
class Shape:
    """A topology before its parts are priced."""

    switches: tuple[tuple[str, Number], ...]
    cables: tuple[tuple[str, Number, bool], ...]  # name, count, whether of the short reach between host and switch
    capacity: Number
    bisection_links: Number
    diameter: Number
    passed_far: Number  # switches between the farthest hosts; links in a direct network
    passed_mean: Number
    pods: Number | None = None


@dataclass(frozen=True, slots=True)
class FabricEstimate:
    """A network as built. Bandwidths are per direction [byte/s], power [W], cost [USD], latency [s].

    `diameter` is in the topology's own convention: switches passed (Clos), links between routers (torus, dragonfly);
    `farthest` is in links from host to host. `cable_media` holds the cables by what they are made of, where that is
    known. `switches`, `switch_cost` and `switch_power` are None in a torus, whose hosts are its routers.
    """

    plan: Plan
    hosts: Number
    capacity: Number
    switch_tiers: tuple[Stock, ...]
    cable_tiers: tuple[Stock, ...]
    cable_media: tuple[Stock, ...]
    switches: Number | None
    cables: Number
    pods: Number | None
    diameter: Number
    farthest: Number
    mean_hops: Number
    bisection_links: Number
    bisection_bandwidth: Number
    bisection_per_host: Number
    bisection_share: Number
    injection_bandwidth: Number
    latency_far: Number
    latency_mean: Number
    switch_cost: Number | None
    cable_cost: Number
    cost: Number
    cost_per_host: Number
    switch_power: Number | None
    cable_power: Number
    power: Number

    def count(self, name: str) -> Number | None:
        """How many parts the tier of that name has (`leaf`, `host to leaf`); None where there is no such tier."""
        return next((s.count for s in (*self.switch_tiers, *self.cable_tiers) if s.name == name), None)


def build(
    plan: Plan,
    hosts: Number,
    parts: Parts,
    oversubscription: Number = 1.0,
    pod_oversubscription: Number = 1.0,
    nodes: Number | None = None,
    rails: Number | None = None,
    media: Mapping[str, tuple[Number, Cable]] | None = None,
) -> FabricEstimate:
    """Estimate a network.

    plan: kind and whole numbers (`sizing.plan`); hosts: endpoints, one link each; parts: link, switch and cables
    (`parts.parts_of`); oversubscription, pod_oversubscription: at leaf and spine of Clos kinds; nodes, rails: of a
    rail-optimised network (hosts = nodes x rails; its mean path is between interfaces of one rail, since traffic to
    another rail changes rail within its node); media: how many cables there are of each medium, and one of them, as
    counted where the network stands (`comparison.media_counts`); without it all cables have the length of their reach.
    Valid for an idle network of equal links and switches.
    """
    if plan.kind == "torus":
        shape = _torus(plan)
    elif plan.kind == "dragonfly":
        shape = _dragonfly(plan, hosts)
    elif plan["levels"] == 1:
        shape = _one_switch(plan, hosts, parts)
    else:
        shape = _clos(plan, hosts, parts, oversubscription, pod_oversubscription, nodes, rails)
    return _priced(plan, hosts, shape, parts, media or {})


def _one_switch(plan: Plan, hosts: Number, parts: Parts) -> Shape:
    hops = clos.clos_switch_hops(plan["levels"])
    return Shape(
        switches=(("leaf", clos.leaves_for(hosts, parts.radix)),),
        cables=(("host to leaf", hosts, True),),
        capacity=parts.radix,
        bisection_links=clos.clos_bisection(hosts, hosts, hosts),
        diameter=hops,
        passed_far=hops,
        passed_mean=hops,
    )


def _clos(
    plan: Plan, hosts: Number, parts: Parts, leaf_ratio: Number, pod_ratio: Number, nodes: Number, rails: Number
) -> Shape:
    """Two or three levels above the hosts."""
    levels = plan["levels"]
    railed = plan.kind == "rail-optimised"
    down = clos.down_ports(parts.radix, leaf_ratio, title="Ports of a leaf that face hosts", symbol="d_leaf")
    up = clos.up_ports(parts.radix, down, title="Ports of a leaf that face up", symbol="u_leaf")
    leaves = clos.rail_leaves(nodes, rails, down) if railed else clos.leaves_for(hosts, down)
    leaf_cables = clos.uplink_cables(leaves, up, title="Cables from leaves to spines")
    upper = _spines(leaves, leaf_cables, up, parts, hosts) if levels == 2 else _pods(leaves, down, up, parts, pod_ratio)
    hops = clos.clos_switch_hops(levels)
    if railed:
        mean = _rail_hops(nodes, rails, levels, down, upper.pod_hosts)
    else:
        mean = clos.clos_mean_switch_hops(hosts, levels, down, upper.pod_hosts)
    return Shape(
        switches=(("leaf", leaves), *upper.switches),
        cables=(("host to leaf", hosts, True), ("leaf to spine", leaf_cables, False), *upper.cables),
        capacity=product_of(leaves, down, unit="1", title="Hosts that the leaves can join", symbol="n_capacity"),
        bisection_links=clos.clos_bisection(hosts, leaf_cables, upper.narrowest),
        diameter=hops,
        passed_far=hops,
        passed_mean=mean,
        pods=upper.pods,
    )


@dataclass(frozen=True, slots=True)
class Upper:
    """The switches above the leaves, their own cables, and the number of cables at their narrowest."""

    switches: tuple[tuple[str, Number], ...]
    cables: tuple[tuple[str, Number, bool], ...]
    narrowest: Number
    pod_hosts: Number
    pods: Number | None


def _spines(leaves: Number, leaf_cables: Number, up: Number, parts: Parts, hosts: Number) -> Upper:
    """One level of spines."""
    return Upper((("spine", clos.spines_for(leaves, parts.radix, up)),), (), leaf_cables, hosts, None)


def _pods(leaves: Number, down: Number, up: Number, parts: Parts, pod_ratio: Number) -> Upper:
    """Pods of leaves and spines, joined by cores."""
    spine_down = clos.down_ports(parts.radix, pod_ratio, title="Ports of a spine that face leaves", symbol="d_spine")
    pods = clos.pods_for(leaves, spine_down)
    pod_leaves = clos.leaves_per_pod(leaves, pods)
    pod_spines = clos.spines_per_pod(pod_leaves, spine_down, up)
    uplinks = clos.spine_uplinks(pod_leaves, up, pod_spines, pod_ratio)
    spines = product_of(pod_spines, pods, unit="1", title="Spine switches", symbol="n_spine")
    cables = clos.uplink_cables(spines, uplinks, title="Cables from spines to cores", symbol="n_cables,spine")
    return Upper(
        switches=(("spine", spines), ("core", clos.cores_for(pod_spines, uplinks, parts.radix, pods))),
        cables=(("spine to core", cables, False),),
        narrowest=cables,
        pod_hosts=product_of(pod_leaves, down, unit="1", title="Hosts of a pod", symbol="n_podhosts"),
        pods=pods,
    )


def _rail_hops(nodes: Number, rails: Number, levels: Number, down: Number, pod_hosts: Number) -> Number:
    """Mean switches between two interfaces of one rail: traffic to another rail changes rail within its node."""
    pod_nodes = ratio(pod_hosts, rails, unit="1", title="Nodes of a pod", symbol="n_podnodes")
    return clos.clos_mean_switch_hops(
        nodes, levels, down, pod_nodes, title="Mean switches between two nodes on one rail"
    )


def _torus(plan: Plan) -> Shape:
    lengths = (plan["x"], plan["y"], plan["z"])
    diameter = torus.torus_diameter(*lengths)
    return Shape(
        switches=(),
        cables=(("host to host", torus.torus_links(*lengths), False),),
        capacity=torus.torus_hosts(*lengths),
        bisection_links=torus.torus_bisection(*lengths),
        diameter=diameter,
        passed_far=diameter,
        passed_mean=torus.torus_mean_hops(*lengths),
    )


def _dragonfly(plan: Plan, hosts: Number) -> Shape:
    p, a, h, g = (plan[n] for n in ("hosts_per_router", "routers_per_group", "global_ports", "groups"))
    between = dragonfly.links_between_groups(a, h, g)
    diameter = dragonfly.dragonfly_diameter(g)
    mean = dragonfly.dragonfly_mean_hops(p, a, h, g)
    return Shape(
        switches=(("router", dragonfly.dragonfly_routers(a, g)),),
        cables=(
            ("host to router", hosts, True),
            ("within groups", dragonfly.local_links(a, g), True),
            ("between groups", dragonfly.global_links(g, between), False),
        ),
        capacity=dragonfly.dragonfly_hosts(p, a, g),
        bisection_links=dragonfly.dragonfly_bisection(g, between),
        diameter=diameter,
        passed_far=dragonfly.routers_passed(diameter),
        passed_mean=dragonfly.routers_passed(mean, title="Mean routers passed", symbol="h_switch,mean"),
    )


def _latency(plan: Plan, parts: Parts, passed: Number, **described: str) -> Number:
    if plan.kind == "torus":
        return estimate.direct_latency(passed, parts.link_latency, parts.trunk_cable.length, parts.delay, **described)
    return estimate.switched_latency(
        parts.link_latency,
        passed,
        parts.switch_latency,
        parts.host_cable.length,
        parts.trunk_cable.length,
        parts.delay,
        **described,
    )


def _stock(name: str, count: Number, price: Number, power: Number, what: str) -> Stock:
    return Stock(
        name,
        count,
        estimate.tier_cost(count, price, title=f"Cost of {what} ({name})"),
        estimate.tier_power(count, power, title=f"Power of {what} ({name})"),
    )


def _cabling(name: str, count: Number, cable: Cable) -> Stock:
    return _stock(name, count, cable.price, cable.power, "cables and transceivers")


def _priced(
    plan: Plan, hosts: Number, shape: Shape, parts: Parts, media: Mapping[str, tuple[Number, Cable]]
) -> FabricEstimate:
    """Price the parts, and add what all topologies have in common."""
    switches = tuple(_stock(n, c, parts.switch_price, parts.switch_power, "switches") for n, c in shape.switches)
    cable_media = tuple(_cabling(name, count, cable) for name, (count, cable) in media.items())
    cables = tuple(
        Stock(n, c, None, None) if media else _cabling(n, c, parts.host_cable if near else parts.trunk_cable)
        for n, c, near in shape.cables
    )
    bought = cable_media or cables
    switch_cost = (
        sum_of(*(s.cost for s in switches), title="Cost of switches", symbol="c_switches") if switches else None
    )
    switch_power = sum_of(*(s.power for s in switches), title="Power of switches") if switches else None
    cable_cost = sum_of(*(c.cost for c in bought), title="Cost of cables and transceivers", symbol="c_cables")
    cable_power = sum_of(*(c.power for c in bought), title="Power of transceivers", symbol="p_cables")
    cost = sum_of(*(c for c in (switch_cost, cable_cost) if c is not None), title="Cost of the network", symbol="c_net")
    power = sum_of(*(p for p in (switch_power, cable_power) if p is not None), title="Power of the network")
    joined = shape.capacity if plan.kind in ("torus", "dragonfly") else hosts
    bandwidth = estimate.bisection_bandwidth(shape.bisection_links, parts.link_bandwidth)
    return FabricEstimate(
        plan=plan,
        hosts=hosts,
        capacity=shape.capacity,
        switch_tiers=switches,
        cable_tiers=cables,
        cable_media=cable_media,
        switches=sum_of(*(s.count for s in switches), title="Switches", symbol="n_switches") if switches else None,
        cables=sum_of(*(c.count for c in cables), title="Cables", symbol="n_cables"),
        pods=shape.pods,
        diameter=shape.diameter,
        farthest=shape.passed_far if plan.kind == "torus" else estimate.links_of_path(shape.passed_far),
        mean_hops=shape.passed_mean,
        bisection_links=shape.bisection_links,
        bisection_bandwidth=bandwidth,
        bisection_per_host=estimate.bisection_per_host(bandwidth, joined),
        bisection_share=estimate.bisection_share(shape.bisection_links, joined),
        injection_bandwidth=estimate.injection_bandwidth(hosts, parts.link_bandwidth),
        latency_far=_latency(plan, parts, shape.passed_far, title="Latency between the farthest hosts", symbol="t_far"),
        latency_mean=_latency(plan, parts, shape.passed_mean, title="Mean latency between hosts", symbol="t_mean"),
        switch_cost=switch_cost,
        cable_cost=cable_cost,
        cost=cost,
        cost_per_host=ratio(cost, hosts, unit="USD", title="Network cost of an endpoint", symbol="c_host"),
        switch_power=switch_power,
        cable_power=cable_power,
        power=power,
    )
