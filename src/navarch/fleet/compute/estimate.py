"""The roofline of one accelerator, and the sums from node to rack to cluster."""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

ROOFLINE = "Williams, Waterman and Patterson 2009 (roofline)"
ROOFLINE_URL = "https://doi.org/10.1145/1498765.1498785"
COUNT = "count"


# The roofline of one accelerator


@equation(
    symbol="t_math",
    unit="s",
    source=ROOFLINE,
    url=ROOFLINE_URL,
    symbols={"work": "W", "peak": "P", "efficiency": "eta_math"},
    valid="efficiency > 0 and efficiency <= 1",
)
def compute_time(work, peak, efficiency):
    """Time to compute.

    work: operations [FLOP]; peak: of the accelerator [FLOP/s]; efficiency: share of the peak reached [fraction].
    """
    return work / (peak * efficiency)


@equation(
    symbol="t_mem",
    unit="s",
    source=ROOFLINE,
    url=ROOFLINE_URL,
    symbols={"traffic": "Q", "bandwidth": "B_mem", "efficiency": "eta_mem"},
    valid="efficiency > 0 and efficiency <= 1",
)
def memory_time(traffic, bandwidth, efficiency):
    """Time to move the data to and from memory.

    traffic: bytes moved [byte]; bandwidth: of the memory [byte/s]; efficiency: share of the bandwidth reached
    [fraction].
    """
    return traffic / (bandwidth * efficiency)


@equation(
    symbol="t_roof",
    unit="s",
    source=ROOFLINE,
    url=ROOFLINE_URL,
    symbols={
        "work": "W",
        "peak": "P",
        "math_efficiency": "eta_math",
        "traffic": "Q",
        "bandwidth": "B_mem",
        "memory_efficiency": "eta_mem",
    },
    valid="math_efficiency > 0 and memory_efficiency > 0",
)
def roofline_time(work, peak, math_efficiency, traffic, bandwidth, memory_efficiency):
    """Time of a kernel by the roofline: the longer of computing and moving.

    work: operations [FLOP]; peak: of the accelerator [FLOP/s]; math_efficiency: share of the peak reached [fraction];
    traffic: bytes moved [byte]; bandwidth: of the memory [byte/s]; memory_efficiency: share of the bandwidth reached
    [fraction]. Computing and moving overlap perfectly; launch latency is not in it.
    """
    return np.maximum(work / (peak * math_efficiency), traffic / (bandwidth * memory_efficiency))


@equation(symbol="I", unit="FLOP/byte", source=ROOFLINE, url=ROOFLINE_URL, symbols={"work": "W", "traffic": "Q"})
def arithmetic_intensity(work, traffic):
    """Arithmetic intensity.

    work: operations [FLOP]; traffic: bytes moved to and from memory [byte].
    """
    return work / traffic


@equation(
    symbol="I_ridge", unit="FLOP/byte", source=ROOFLINE, url=ROOFLINE_URL, symbols={"peak": "P", "bandwidth": "B_mem"}
)
def ridge_point(peak, bandwidth):
    """Arithmetic intensity above which the accelerator is bound by arithmetic.

    peak: of the accelerator [FLOP/s]; bandwidth: of the memory [byte/s].
    """
    return peak / bandwidth


@equation(
    symbol="P_roof",
    unit="FLOP/s",
    source=ROOFLINE,
    url=ROOFLINE_URL,
    symbols={"intensity": "I", "peak": "P", "bandwidth": "B_mem"},
)
def attainable_rate(intensity, peak, bandwidth):
    """Rate that the roofline allows.

    intensity: of the kernel [FLOP/byte]; peak: of the accelerator [FLOP/s]; bandwidth: of the memory [byte/s].
    """
    return np.minimum(peak, intensity * bandwidth)


@equation(
    symbol="W_mm", unit="FLOP", source="a multiply-add is 2 FLOP", symbols={"rows": "m", "columns": "n", "depth": "k"}
)
def matmul_work(rows, columns, depth):
    """Operations of a matrix product.

    rows: of the result; columns: of the result; depth: summed over.
    """
    return 2 * rows * columns * depth


@equation(
    symbol="Q_mm",
    unit="byte",
    source="each operand read once, the result written once",
    symbols={"rows": "m", "columns": "n", "depth": "k", "element": "b", "output": "b_out"},
)
def matmul_traffic(rows, columns, depth, element, output):
    """Least memory traffic of a matrix product.

    rows: of the result; columns: of the result; depth: summed over; element: size of an operand's element [byte];
    output: size of a result's element [byte]. Holds where the caches keep each operand until its last use.
    """
    return element * (rows + columns) * depth + output * rows * columns


# From accelerator to cluster


@equation(symbol="P_peak", unit="FLOP/s", source=COUNT, symbols={"accelerators": "n", "peak": "P"})
def aggregate_peak(accelerators, peak):
    """Peak rate of all accelerators together.

    accelerators: in the cluster; peak: of one [FLOP/s].
    """
    return accelerators * peak


@equation(symbol="P_eff", unit="FLOP/s", source=COUNT, symbols={"peak": "P_peak", "utilisation": "u"})
def achieved_rate(peak, utilisation):
    """Rate of useful work.

    peak: of all accelerators together [FLOP/s]; utilisation: share of the peak that becomes useful work [fraction].
    """
    return peak * utilisation


@equation(symbol="M_total", unit="byte", source=COUNT, symbols={"accelerators": "n", "memory": "M"})
def aggregate_memory(accelerators, memory):
    """Memory of all accelerators together.

    accelerators: in the cluster; memory: of one [byte].
    """
    return accelerators * memory


@equation(symbol="B_total", unit="byte/s", source=COUNT, symbols={"accelerators": "n", "bandwidth": "B_mem"})
def aggregate_memory_bandwidth(accelerators, bandwidth):
    """Memory bandwidth of all accelerators together.

    accelerators: in the cluster; bandwidth: of one accelerator's memory [byte/s].
    """
    return accelerators * bandwidth


@equation(symbol="n", unit="1", source=COUNT, symbols={"nodes": "n_nodes", "per_node": "g"})
def accelerators_of(nodes, per_node):
    """Accelerators in the cluster.

    nodes: in the cluster; per_node: accelerators in one node.
    """
    return nodes * per_node


@equation(symbol="n_nodes", unit="1", source=COUNT, symbols={"accelerators": "n", "per_node": "g"})
def nodes_for(accelerators, per_node):
    """Nodes that hold the accelerators.

    accelerators: wanted; per_node: accelerators in one node.
    """
    return np.ceil(accelerators / per_node)


@equation(
    symbol="B_out", unit="byte/s", source=COUNT, symbols={"interfaces": "n_nic", "bandwidth": "B_nic", "per_node": "g"}
)
def scaleout_bandwidth(interfaces, bandwidth, per_node):
    """Network bandwidth of one accelerator out of its node, per direction.

    interfaces: network interfaces of a node; bandwidth: of one interface, per direction [byte/s];
    per_node: accelerators in one node.
    """
    return interfaces * bandwidth / per_node


@equation(symbol="r_up/out", unit="1", source=COUNT, symbols={"scaleup": "B_up", "scaleout": "B_out"})
def bandwidth_ratio(scaleup, scaleout):
    """Bandwidth inside the scale-up domain over bandwidth out of it.

    scaleup: of one accelerator within its scale-up domain, per direction [byte/s]; scaleout: of one accelerator to
    the network, per direction [byte/s]. What decides which parallelism may leave the domain.
    """
    return scaleup / scaleout


# Power and racks


@equation(
    symbol="P_node",
    unit="W",
    source="nameplate ratio of DGX-class nodes (catalog)",
    symbols={"accelerators": "g", "accelerator_power": "P_tdp", "overhead": "k_node"},
)
def node_power_from_accelerators(accelerators, accelerator_power, overhead):
    """Greatest power of a node whose maker gives none.

    accelerators: in the node; accelerator_power: thermal design power of one [W]; overhead: node power over that of
    its accelerators.
    """
    return accelerators * accelerator_power * overhead


@equation(symbol="P_IT", unit="W", source=COUNT, symbols={"nodes": "n_nodes", "node_power": "P_node"})
def cluster_power(nodes, node_power):
    """Greatest power of the nodes of the cluster.

    nodes: in the cluster; node_power: greatest of one node [W]. Network, storage and cooling are not in it.
    """
    return nodes * node_power


@equation(
    symbol="q_rack",
    unit="1",
    source=COUNT,
    symbols={"rack_power": "P_rack", "node_power": "P_node", "rack_height": "h_rack", "node_height": "h_node"},
    valid="node_power <= rack_power and node_height <= rack_height",
)
def nodes_per_rack(rack_power, node_power, rack_height, node_height):
    """Nodes that fit in a rack, by power and by height.

    rack_power: that a rack may draw [W]; node_power: greatest of one node [W]; rack_height: usable height units of a
    rack; node_height: height units of a node. At least one: a node above the limit needs a rack of its own, and the
    validity range reports it.
    """
    return np.maximum(1, np.minimum(np.floor(rack_power / node_power), np.floor(rack_height / node_height)))


@equation(symbol="n_racks", unit="1", source=COUNT, symbols={"nodes": "n_nodes", "per_rack": "q_rack"})
def racks_for(nodes, per_rack):
    """Racks that hold the nodes.

    nodes: in the cluster; per_rack: nodes in one rack.
    """
    return np.ceil(nodes / per_rack)


@equation(symbol="eta_W", unit="FLOP/J", source=COUNT, symbols={"rate": "P_eff", "power": "P_IT"})
def work_per_energy(rate, power):
    """Useful work per unit of energy.

    rate: of useful work [FLOP/s]; power: of the cluster [W].
    """
    return rate / power
