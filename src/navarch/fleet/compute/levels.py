"""What is counted at each level of a machine: units, pairs and groups of ranks, bisection, latency, switches passed."""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

COUNT = "count"
DALLY = "Dally and Towles 2004, Principles and Practices of Interconnection Networks"


@equation(symbol="n", unit="1", source=COUNT, symbols={"units": "c", "each": "n_c"})
def accelerators_below(units, each):
    """Accelerators of a unit.

    units: of the level below; each: accelerators of one of these.
    """
    return units * each


@equation(symbol="c", unit="1", source=COUNT, symbols={"whole": "n", "each": "n_c"})
def units_for(whole, each):
    """Units of a level that hold so many accelerators.

    whole: accelerators to hold; each: accelerators of one unit.
    """
    return np.ceil(whole / each)


@equation(symbol="i", unit="1", source=COUNT, symbols={"rank": "r", "size": "n"})
def unit_of(rank, size):
    """Number of the unit that a rank lies in, where ranks are numbered unit by unit.

    rank: counted from zero; size: accelerators of a unit.
    """
    return np.floor(rank / size)


@equation(symbol="n_b", unit="1", source=COUNT, symbols={"ranks": "p", "stride": "d"})
def ranks_spanned(ranks, stride):
    """Ranks that a group and its sister groups take together.

    ranks: of the group; stride: between neighbours of the group.
    """
    return ranks * stride


@equation(symbol="x", unit="1", source=COUNT, symbols={"size": "n", "block": "n_b"})
def blocks_cut(size, block):
    """Ranks of a unit left over by whole blocks; zero where no block lies across its border.

    size: accelerators of the unit; block: ranks that a group and its sister groups take together.
    """
    return size - np.floor(size / block) * block


@equation(
    symbol="q_pod",
    unit="1",
    source="two-level folded Clos without oversubscription: half of the ports lead up. Al-Fares et al. 2008, section 2",
    symbols={"switch": "B_sw", "interface": "B_nic"},
)
def nodes_under_leaves(switch, interface):
    """Nodes that the leaf switches of a pod join, one interface of each node to each leaf.

    switch: bandwidth of a leaf switch, per direction [byte/s]; interface: bandwidth of an interface, per direction
    [byte/s].
    """
    return np.floor(switch / interface / 2)


@equation(symbol="B_up", unit="byte/s", source=COUNT, symbols={"bandwidth": "B_out", "oversubscription": "o"})
def oversubscribed_bandwidth(bandwidth, oversubscription):
    """Bandwidth of one accelerator beyond its leaf switches.

    bandwidth: of one accelerator to the network, per direction [byte/s]; oversubscription: of the leaves.
    """
    return bandwidth / oversubscription


@equation(
    symbol="B_bisection",
    unit="byte/s",
    source=f"{DALLY}, section 3.1",
    symbols={"accelerators": "n", "bandwidth": "B"},
    valid="accelerators >= 2",
)
def switched_bisection(accelerators, bandwidth):
    """Bandwidth across the middle of a unit whose accelerators are joined by switches, per direction.

    accelerators: of the unit; bandwidth: of one into the switches, per direction [byte/s]. Every accelerator of one
    half sends to the other half at once.
    """
    return np.floor(accelerators / 2) * bandwidth


@equation(
    symbol="B_pair",
    unit="byte/s",
    source="every accelerator has an equal link to each other one",
    symbols={"accelerators": "n", "bandwidth": "B"},
    valid="accelerators >= 2",
)
def mesh_pair_bandwidth(accelerators, bandwidth):
    """Bandwidth between two accelerators of a full mesh, per direction.

    accelerators: of the mesh; bandwidth: of all links of one, per direction [byte/s].
    """
    return bandwidth / (accelerators - 1)


@equation(
    symbol="B_bisection",
    unit="byte/s",
    source="links between the halves of a full mesh",
    symbols={"accelerators": "n", "pair": "B_pair"},
)
def mesh_bisection(accelerators, pair):
    """Bandwidth across the middle of a full mesh, per direction.

    accelerators: of the mesh; pair: bandwidth between two, per direction [byte/s].
    """
    return np.floor(accelerators / 2) * np.ceil(accelerators / 2) * pair


@equation(
    symbol="B_pair",
    unit="byte/s",
    source=f"{DALLY}, section 5.1",
    symbols={"bandwidth": "B", "dimensions": "d"},
)
def torus_pair_bandwidth(bandwidth, dimensions):
    """Bandwidth between two neighbours of a torus, per direction.

    bandwidth: of all links of an accelerator, per direction [byte/s]; dimensions: of the torus.
    """
    return bandwidth / (2 * dimensions)


@equation(
    symbol="B_bisection",
    unit="byte/s",
    source=f"{DALLY}, section 5.2.1",
    symbols={"accelerators": "n", "pair": "B_pair", "dimensions": "d"},
)
def torus_bisection(accelerators, pair, dimensions):
    """Bandwidth across the middle of a torus of equal sides, per direction.

    accelerators: of the torus; pair: bandwidth of a link, per direction [byte/s]; dimensions: of the torus. A cut
    passes each ring twice.
    """
    return 2 * accelerators ** ((dimensions - 1) / dimensions) * pair


@equation(symbol="lambda", unit="1/s", source=COUNT, symbols={"rate": "lambda_1", "units": "c"})
def rate_of_units(rate, units):
    """Failures of all units of a level together.

    rate: of one unit [1/s]; units: in the machine.
    """
    return rate * units


@equation(
    symbol="c",
    unit="1",
    source=COUNT,
    symbols={"nodes": "q_pod", "node": "n_node", "rack": "n_rack"},
)
def whole_units(nodes, node, rack):
    """Whole units of the level below that so many nodes make, at least one.

    nodes: to place; node: accelerators of one; rack: accelerators of a unit of the level below.
    """
    return np.maximum(1, np.floor(nodes * node / rack))
