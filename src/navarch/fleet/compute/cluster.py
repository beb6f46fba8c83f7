"""A cluster from its nodes: peak, memory, bandwidths, power and racks, and the roofline of its accelerator.

Plain compositions of the equations of `estimate.py`: they run on floats, on arrays of designs and, under a ledger, on
remembered values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from navarch.core.arithmetic import ratio
from navarch.fleet.compute import estimate

Number = Any  # a float, a Value or an array


@dataclass(frozen=True, slots=True)
class NodeParts:
    """One node: counts, peak of an accelerator [FLOP/s], memory [byte], bandwidths a direction [byte/s], power [W]."""

    accelerators: Number
    peak: Number  # of one accelerator at the precision used
    memory: Number  # of one accelerator
    memory_bandwidth: Number  # of one accelerator
    scaleup_bandwidth: Number  # of one accelerator
    nics: Number
    nic_bandwidth: Number  # of one interface
    power: Number  # greatest of the node
    height: Number  # height units


@dataclass(frozen=True, slots=True)
class ClusterEstimate:
    """A cluster. Rates [FLOP/s], memory [byte], bandwidths per direction [byte/s], power [W]."""

    nodes: Number
    accelerators: Number
    peak: Number
    memory: Number
    memory_bandwidth: Number
    scaleout_bandwidth: Number  # of one accelerator
    bandwidth_ratio: Number  # scale-up over scale-out
    ridge_point: Number  # FLOP/byte at the memory
    network_ridge_point: Number  # FLOP/byte at the network
    power: Number  # greatest, of all nodes
    nodes_per_rack: Number
    racks: Number


def cluster(nodes: Number, node: NodeParts, rack_power: Number, rack_height: Number) -> ClusterEstimate:
    """Sums of a cluster of equal nodes.

    rack_power: that a rack may draw [W]; rack_height: usable height units of a rack.
    """
    count = estimate.accelerators_of(nodes, node.accelerators)
    scaleout = estimate.scaleout_bandwidth(node.nics, node.nic_bandwidth, node.accelerators)
    per_rack = estimate.nodes_per_rack(rack_power, node.power, rack_height, node.height)
    return ClusterEstimate(
        nodes=nodes,
        accelerators=count,
        peak=estimate.aggregate_peak(count, node.peak),
        memory=estimate.aggregate_memory(count, node.memory),
        memory_bandwidth=estimate.aggregate_memory_bandwidth(count, node.memory_bandwidth),
        scaleout_bandwidth=scaleout,
        bandwidth_ratio=estimate.bandwidth_ratio(node.scaleup_bandwidth, scaleout),
        ridge_point=estimate.ridge_point(node.peak, node.memory_bandwidth),
        network_ridge_point=ratio(
            node.peak,
            scaleout,
            unit="FLOP/byte",
            title="Operations for each byte that may leave the node",
            symbol="I_net",
        ),
        power=estimate.cluster_power(nodes, node.power),
        nodes_per_rack=per_rack,
        racks=estimate.racks_for(nodes, per_rack),
    )
