"""How long a tuned library (NCCL and its like) takes: the fastest of a few protocols, within a node and between nodes.

A library has several protocols for one collective: some wait little and carry little (LL, LL128), one carries
most (Simple). Each takes a base, a latency for each step of the ring, and its bytes over its bandwidth; the fastest is
taken.
Where switches reduce (NVLS), an all-reduce of floating-point numbers has one more, in which each rank sends them once.
"""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

NCCL = "NCCL 2.2x, src/graph/tuning.cc: latency and bandwidth for each collective, algorithm and protocol"
_RANKS = {"ranks": "n"}
_RING = {"message": "M", "ranks": "n"}
_PROTOCOL = {
    "traffic": "Q", "steps": "k", "ranks": "n", "most": "n_max", "base": "alpha_0", "step": "alpha", "bandwidth": "B_2",
    "crowding": "gamma",
}  # fmt: skip
_NETWORK = {"traffic": "Q", "nodes": "m", "bandwidth": "B_node", "efficiency": "eta", "congestion": "gamma"}


@equation(symbol="k", unit="1", source="Patarasuk and Yuan 2009, section 3", symbols=_RANKS)
def all_reduce_steps(ranks):
    """Steps of a ring all-reduce.

    ranks: participants.
    """
    return 2 * (ranks - 1)


@equation(symbol="k", unit="1", source="Thakur et al. 2005, section 4", symbols=_RANKS)
def exchange_steps(ranks):
    """Steps of a ring all-gather or reduce-scatter, or of a pairwise all-to-all.

    ranks: participants.
    """
    return ranks - 1


@equation(symbol="Q", unit="byte", source="Patarasuk and Yuan 2009, section 3", symbols=_RING)
def all_reduce_traffic(message, ranks):
    """Bytes that each participant sends in a bandwidth-optimal all-reduce.

    message: bytes reduced [byte]; ranks: participants: accelerators, or nodes that reduce among their own first.
    """
    return 2 * (ranks - 1) / ranks * message


@equation(symbol="Q", unit="byte", source="Thakur et al. 2005, section 4", symbols=_RING)
def exchange_traffic(message, ranks):
    """Bytes that each participant sends in an all-gather, a reduce-scatter or an all-to-all.

    message: bytes of the operation [byte]; ranks: participants.
    """
    return (ranks - 1) / ranks * message


@equation(symbol="T_p", unit="s", source=NCCL, symbols=_PROTOCOL)
def protocol_time(traffic, steps, ranks, most, base, step, bandwidth, crowding):
    """Time of a collective in one protocol of the library.

    traffic: bytes that each rank sends [byte]; steps: of the algorithm; ranks: participants; most: that the constants
    were measured with, beyond which bandwidth stays as it is; base: time that any message takes [s]; step: latency of a
    step [s]; bandwidth: that a rank of two gets [byte/s]; crowding: exponent with which that bandwidth falls as ranks
    join.
    """
    return base + steps * step + traffic / bandwidth * (np.minimum(ranks, most) / 2) ** crowding


@equation(
    symbol="T_nvls",
    unit="s",
    source=f"{NCCL}; Graham et al. 2016 (SHARP), section III: each rank sends its numbers once, whatever their number",
    symbols={"message": "M", "ranks": "n", "base": "alpha_0", "bandwidth": "B", "least": "n_min"},
)
def in_network_time(message, ranks, base, bandwidth, least):
    """Time of an all-reduce that the switches compute.

    message: bytes reduced [byte]; ranks: participants; base: time that any message takes [s]; bandwidth: of a rank, up
    and down at the same time [byte/s]; least: participants from which on the library lets the switches reduce.
    """
    return np.where(ranks >= least, base + message / bandwidth, np.inf)


@equation(symbol="T_net", unit="s", source="bytes over the achieved bandwidth of all adapters", symbols=_NETWORK)
def network_time(traffic, nodes, bandwidth, efficiency, congestion):
    """Time in which the adapters of a node send their share of a collective.

    traffic: bytes that each node sends [byte]; nodes: of the group; bandwidth: of all adapters of a node, per direction
    [byte/s]; efficiency: share of it that two nodes reach [fraction]; congestion: exponent with which it falls as nodes
    join.
    """
    return traffic / (bandwidth * efficiency) * (nodes / 2) ** congestion


@equation(
    symbol="alpha_net",
    unit="s",
    source="tree over nodes",
    symbols={"nodes": "m", "base": "alpha_0", "hop": "alpha"},
)
def network_latency(nodes, base, hop):
    """What a collective waits for the network, whatever it carries.

    nodes: of the group; base: for two nodes [s]; hop: for each doubling beyond [s].
    """
    return base + hop * np.log2(np.maximum(nodes, 2) / 2)


@equation(symbol="B_nic", unit="byte/s", source="definition", symbols={"local": "l", "adapter": "B_out"})
def adapters_of(local, adapter):
    """Bandwidth of the adapters of a group's members in one node.

    local: members in a node; adapter: bandwidth of each one's, per direction [byte/s].
    """
    return local * adapter


@equation(symbol="m", unit="1", source="definition", symbols={"ranks": "n", "local": "l"})
def nodes_of(ranks, local):
    """Nodes, or scale-up domains, that a group lies in.

    ranks: of the group; local: of them in one node.
    """
    return np.ceil(ranks / local)


@equation(symbol="T_in", unit="s", source="definition", symbols={"local": "l", "within": "T_in"})
def within_time(local, within):
    """Time of the part of a collective within a node: none where one member is in it.

    local: members in a node; within: time where there are several [s].
    """
    return np.where(local > 1, within, 0)


@equation(
    symbol="T_lib",
    unit="s",
    source="pipelined: the slower of both sets the pace",
    symbols={"nodes": "m", "latency": "alpha_net", "within": "T_in", "between": "T_net"},
)
def two_level_time(nodes, latency, within, between):
    """Time of a collective over one node or several.

    nodes: of the group; latency: of the network [s]; within: time of the part within a node [s]; between: time that the
    adapters send [s].
    """
    return np.where(nodes > 1, latency + np.maximum(within, between), within)


@equation(
    symbol="T_A2A",
    unit="s",
    source="both tiers after each other; every rank starts one message to each tier",
    symbols={"near": "T_near", "far": "T_far", "latency": "alpha_net", "traffic": "Q_far"},
)
def exchange_over_tiers(near, traffic, far, latency):
    """Time of an all-to-all over one node or several.

    near: time of what stays within a node [s]; traffic: bytes that leave it [byte]; far: time that the adapters send
    them [s]; latency: of the network [s].
    """
    return near + np.where(traffic > 0, latency + far, 0)


@equation(
    symbol="T_exp",
    unit="s",
    source="DeepEP's kernels: a floor; then bytes to every rank that one of a token's experts is on, and work a choice",
    symbols={
        "tokens": "t", "token_bytes": "h", "choices": "k", "ranks": "n", "floor": "T_0", "base": "alpha_0",
        "bandwidth": "B", "choice": "tau",
    },
)  # fmt: skip
def expert_exchange_time(tokens, token_bytes, choices, ranks, floor, base, bandwidth, choice):
    """Time to dispatch tokens to their experts, or to combine what comes back.

    tokens: of a rank [token]; token_bytes: of one token on the wire [byte]; choices: experts that a token visits;
    ranks: over which the experts are spread; floor: least time [s]; base: beside the transfer [s]; bandwidth: of a rank
    [byte/s]; choice: time for one token and expert [s]. A token goes once to each rank that has one of its experts,
    which are as likely on any. A soft maximum of the floor and the rest (power 4).
    """
    reached = ranks * (1 - (1 - 1 / ranks) ** choices)
    moving = base + tokens * token_bytes * reached / bandwidth + tokens * choices * choice
    floor_2 = floor * floor
    moving_2 = moving * moving
    return np.sqrt(np.sqrt(floor_2 * floor_2 + moving_2 * moving_2))
