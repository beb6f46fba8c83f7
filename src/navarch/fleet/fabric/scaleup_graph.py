"""Scale-up domains under a scale-out network (accelerators on NVLink switches), and networks in several planes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from navarch.fleet.fabric.graph import NOWHERE, SCALE_UP, GraphError, Network, whole

HOST_SCALE_UP = "host to scale-up"


def with_scale_up(network: Network, domain_hosts: int, planes: int, bandwidth: float, latency: float = 0.0) -> Network:
    """The network with its hosts, so many in a row, in scale-up domains.

    network: the scale-out network, whose hosts become accelerators that keep their cable into it; domain_hosts: of a
    domain (72 in an NVL72 rack, 8 in a DGX); planes: switches of a domain, each joined to each of its accelerators;
    bandwidth: of such a cable per direction [byte/s]; latency: likewise [s]. The bisection has whole domains on either
    side, or half of the hosts where there is one domain. Accelerators do not pass on what is for others.
    """
    whole(domain_hosts=domain_hosts, planes=planes)
    if network.direct:
        raise GraphError(f"the hosts of a {network.kind} are its routers; scale-up domains need a switched network")
    if network.hosts % domain_hosts:
        raise GraphError(f"{network.hosts} hosts do not divide into domains of {domain_hosts}")
    domains = network.hosts // domain_hosts
    domain = np.arange(network.hosts, dtype=np.int32) // domain_hosts
    first = network.nodes
    ends = np.stack(
        [
            np.repeat(np.arange(network.hosts), planes),
            first + np.repeat(domain * planes, planes) + np.tile(np.arange(planes), network.hosts),
        ],
        axis=1,
    ).astype(np.int32)
    added = len(ends)
    nowhere = np.full(domains * planes, NOWHERE)
    places = {name: np.concatenate([value, nowhere]).astype(np.int32) for name, value in network.places.items()}
    of_node = np.full(first - network.hosts, NOWHERE)
    places["domain"] = np.concatenate([domain, of_node, np.repeat(np.arange(domains), planes)]).astype(np.int32)
    return replace(
        network,
        name=f"{network.name} in domains of {domain_hosts}",
        tiers=(*network.tiers, SCALE_UP),
        node_tier=_more(network.node_tier, len(network.tiers), domains * planes),
        ends=np.concatenate([network.ends, ends]),
        cable_tiers=(*network.cable_tiers, HOST_SCALE_UP),
        cable_tier=_more(network.cable_tier, len(network.cable_tiers), added),
        bandwidth=np.concatenate([network.bandwidth, np.full(added, float(bandwidth))]),
        latency=np.concatenate([network.latency, np.full(added, float(latency))]),
        half=domain < domains // 2 if domains > 1 else np.arange(network.hosts) < network.hosts // 2,
        places=places,
        shape={**network.shape, "domains": domains, "domain_hosts": domain_hosts, "planes": planes},
        live=np.concatenate([network.live, np.ones(added, dtype=bool)]),
        length=np.concatenate([network.length, np.zeros(added)]),
    )


def _more(tiers: NDArray[np.int8], tier: int, count: int) -> NDArray[np.int8]:
    return np.concatenate([tiers, np.full(count, tier, dtype=np.int8)])


def in_planes(network: Network, planes: int) -> Network:
    """The network so many times over the same hosts, each with a cable into every plane.

    network: one plane, with all its switches; planes: at least 1. Traffic of a host may use any plane.
    """
    whole(planes=planes)
    if network.direct or SCALE_UP in network.tiers:
        raise GraphError("planes are of switched networks without scale-up domains")
    copies = np.arange(planes)
    hosts, switches = network.hosts, network.switches
    ends = np.concatenate(
        [np.where(network.ends >= hosts, network.ends + copy * switches, network.ends) for copy in copies]
    )
    tiers = np.concatenate([network.node_tier[:hosts], *(network.node_tier[hosts:] for _ in copies)])
    order = np.concatenate([np.arange(hosts), hosts + np.argsort(tiers[hosts:], kind="stable")])  # tier by tier
    number = np.empty(len(order), dtype=np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)

    def every(values: NDArray[Any]) -> NDArray[Any]:
        return np.tile(values, planes)

    places = {
        name: np.concatenate([value[:hosts], every(value[hosts:])])[order].astype(np.int32)
        for name, value in network.places.items()
    }
    return replace(
        network,
        name=f"{network.name} in {planes} planes",
        node_tier=tiers[order],
        ends=number[ends],
        cable_tier=every(network.cable_tier),
        bandwidth=every(network.bandwidth),
        latency=every(network.latency),
        live=every(network.live),
        length=every(network.length),
        places=places,
        shape={**network.shape, "copies": planes},
    )
