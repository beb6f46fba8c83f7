"""Every family of networks at the same number of hosts, as graphs, and sized networks (`topology.build`) as graphs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from navarch.fleet.fabric import clos_graph, dragonfly_graph, grid_graph, scaleup_graph, sizing
from navarch.fleet.fabric.estimate import near_link_latency
from navarch.fleet.fabric.graph import GraphError, Network, Wires
from navarch.fleet.fabric.sizing import SizingError
from navarch.fleet.fabric.topology import FabricEstimate, build

if TYPE_CHECKING:
    from navarch.fleet.fabric.parts import Parts

TWISTED = ((1, 2), (1, 1, 2), (1, 2, 2))


@dataclass(frozen=True, slots=True)
class Asked:
    """What networks are built for: hosts, ports of a switch, oversubscription when thinned, hosts of a machine."""

    hosts: int
    radix: int
    oversubscription: float
    rails: int


def graph_of(estimate: FabricEstimate, wires: Wires, rails: int = 1) -> Network:
    """A sized network as a graph, with the very counts of the estimate; rails: hosts of a machine."""
    shape = {name: int(value) for name, value in estimate.plan.values.items()}
    hosts = math.ceil(float(estimate.hosts))
    if estimate.plan.kind == "torus":
        return grid_graph.torus([side for side in (shape[n] for n in "xyz") if side > 1] or [1], wires)
    if estimate.plan.kind == "dragonfly":
        p, a, h, g = (shape[n] for n in ("hosts_per_router", "routers_per_group", "global_ports", "groups"))
        return dragonfly_graph.dragonfly(p, a, h, g, wires=wires, hosts=hosts)
    return _clos(estimate, hosts, shape["levels"], wires, rails)


def _clos(estimate: FabricEstimate, hosts: int, levels: int, wires: Wires, rails: int) -> Network:
    if levels == 1:
        return clos_graph.one_switch(hosts, wires, rails)
    leaves, spines, cores = (int(estimate.count(name) or 0) for name in ("leaf", "spine", "core"))
    down, pods = round(float(estimate.capacity) / leaves), int(estimate.pods or 1)
    uplinks = int(estimate.count("leaf to spine") or 0) // leaves
    spine_uplinks = int(estimate.count("spine to core") or 0) // spines
    if estimate.plan.kind == "rail-optimised":
        leaf_of_host, _ = clos_graph.rail_leaf(hosts // rails, rails, down)
    else:
        leaf_of_host = clos_graph.in_rows(hosts, down)
    upper = (leaves, pods, spines // pods, uplinks, cores, spine_uplinks)
    return clos_graph.tree(estimate.plan.kind, leaf_of_host, *upper, wires, rails)


def _sized(kind: str, asked: Asked, parts: Parts, wires: Wires, oversubscription: float = 1.0) -> Network:
    railed = kind == "rail-optimised"
    rails = asked.rails if railed else 1
    if asked.hosts % rails:
        raise SizingError(f"{asked.hosts} hosts do not divide into machines of {rails} interfaces")
    chosen = sizing.plan(kind, asked.hosts, asked.radix, oversubscription, rails=rails)
    nodes = float(asked.hosts // rails)
    made = build(chosen, float(asked.hosts), parts, oversubscription, nodes=nodes, rails=float(rails))
    return graph_of(made, wires, asked.rails if asked.hosts % asked.rails == 0 else 1)


def _torus(dimensions: int) -> Callable[[Asked, Parts, Wires], Network]:
    def made(asked: Asked, parts: Parts, wires: Wires) -> Network:
        lengths = [d for d in sizing.torus_dimensions(asked.hosts, dimensions) if d > 1]
        return grid_graph.torus(lengths or [1], wires)

    return made


def _twisted(asked: Asked, parts: Parts, wires: Wires) -> Network:
    """n x 2n, n x n x 2n or n x 2n x 2n of exactly so many hosts, three dimensions before two."""
    for shape in reversed(TWISTED):
        short = round((asked.hosts / math.prod(shape)) ** (1 / len(shape)))
        if short >= 2 and math.prod(shape) * short ** len(shape) == asked.hosts:
            return grid_graph.twisted_torus([short * side for side in shape], wires)
    raise SizingError(f"{asked.hosts} hosts are no n x 2n, n x n x 2n or n x 2n x 2n, the shapes of a twisted torus")


def _hypercube(asked: Asked, parts: Parts, wires: Wires) -> Network:
    bits = asked.hosts.bit_length() - 1
    if asked.hosts != 1 << bits or bits < 1:
        raise SizingError(f"{asked.hosts} hosts are no power of two, which a hypercube needs")
    return grid_graph.hypercube(bits, wires)


def _dragonfly(asked: Asked, parts: Parts, wires: Wires) -> Network:
    p, a, h, g = sizing.fitting_dragonfly(asked.hosts, asked.radix)
    return dragonfly_graph.dragonfly(p, a, h, g, wires=wires, hosts=asked.hosts)


def _dragonfly_plus(asked: Asked, parts: Parts, wires: Wires) -> Network:
    p, leaves, spines, h, g = sizing.fitting_dragonfly_plus(asked.hosts, asked.radix)
    return dragonfly_graph.dragonfly_plus(p, leaves, spines, h, g, wires=wires, hosts=asked.hosts)


FAMILIES: Mapping[str, Callable[[Asked, Parts, Wires], Network]] = {
    "fat-tree": lambda asked, parts, wires: _sized("fat-tree", asked, parts, wires),
    "thinned fat-tree": lambda asked, parts, wires: _sized("fat-tree", asked, parts, wires, asked.oversubscription),
    "rail-optimised": lambda asked, parts, wires: _sized("rail-optimised", asked, parts, wires),
    "dragonfly": _dragonfly,
    "dragonfly+": _dragonfly_plus,
    "2-D torus": _torus(2),
    "3-D torus": _torus(3),
    "twisted torus": _twisted,
    "hypercube": _hypercube,
}


def under_scale_up(network: Network, domain_hosts: int, link: Any, wires: Wires) -> Network:
    """The network with its hosts in scale-up domains, each joined to as many switches as the link has ports.

    network: of switches; domain_hosts: accelerators of a domain; link: an accelerator's own, of the catalog (its ports
    and their bandwidth); wires: of the network, whose latency a link without one of its own has.
    """
    if link.ports is None or link.port_bandwidth is None:
        raise GraphError(f"{link.id} has no ports in the catalog, by which a domain is joined; name another link")
    latency = wires.near if link.latency is None else float(near_link_latency(float(link.latency), 0.0, 0.0))
    planes = int(float(link.ports))
    found = scaleup_graph.with_scale_up(network, domain_hosts, planes, float(link.port_bandwidth), latency)
    return replace(found, name=f"{network.name}, domains of {domain_hosts}")


def made(family: str, asked: Asked, parts: Parts, wires: Wires) -> Network:
    """The network of a family for so many hosts; a SizingError where it cannot hold them."""
    if family not in FAMILIES:
        raise GraphError(f'there is no family "{family}"; allowed: {", ".join(FAMILIES)}')
    return replace(FAMILIES[family](asked, parts, wires), name=family)
