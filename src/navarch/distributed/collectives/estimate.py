"""Latency-bandwidth equations of collective operations.

A message of M bytes takes alpha + M/B on a link (Hockney 1994); an algorithm is a number of such steps. `message` is
the whole payload as nccl-tests count it: what each rank holds before an all-reduce or a reduce-scatter, and after an
all-gather; what each rank sends in an all-to-all.
"""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

_NOTATION = {"message": "M", "ranks": "n", "bandwidth": "B", "latency": "alpha"}
_TIERS = {"ranks": "n", "stride": "d", "domain": "D", "scaleup": "B_up", "scaleout": "B_out"}


@equation(
    symbol="T_p2p",
    unit="s",
    source="Hockney 1994, eq. 1",
    symbols={"message": "M", "bandwidth": "B", "latency": "alpha"},
)
def point_to_point_time(message, bandwidth, latency):
    """Time of one message between two ranks.

    message: bytes sent [byte]; bandwidth: of the link, per direction [byte/s]; latency: of the link [s].
    """
    return latency + message / bandwidth


@equation(symbol="T_ring", unit="s", source="Patarasuk and Yuan 2009, section 3", symbols=_NOTATION, valid="ranks >= 1")
def ring_all_reduce_time(message, ranks, bandwidth, latency):
    """Time of a bandwidth-optimal ring all-reduce.

    message: bytes reduced [byte]; ranks: participants; bandwidth: of the slowest link, per direction [byte/s];
    latency: per step [s]. Valid for equal links.
    """
    return 2 * (ranks - 1) / ranks * message / bandwidth + 2 * (ranks - 1) * latency


@equation(symbol="T_RS", unit="s", source="Thakur et al. 2005, section 4", symbols=_NOTATION, valid="ranks >= 1")
def reduce_scatter_time(message, ranks, bandwidth, latency):
    """Time of a ring reduce-scatter.

    message: bytes reduced, held whole by each rank before [byte]; ranks: participants; bandwidth: of the slowest link,
    per direction [byte/s]; latency: per step [s].
    """
    return (ranks - 1) / ranks * message / bandwidth + (ranks - 1) * latency


@equation(symbol="T_AG", unit="s", source="Thakur et al. 2005, section 4", symbols=_NOTATION, valid="ranks >= 1")
def all_gather_time(message, ranks, bandwidth, latency):
    """Time of a ring all-gather.

    message: bytes gathered, held whole by each rank after [byte]; ranks: participants; bandwidth: of the slowest link,
    per direction [byte/s]; latency: per step [s].
    """
    return (ranks - 1) / ranks * message / bandwidth + (ranks - 1) * latency


@equation(
    symbol="T_A2A",
    unit="s",
    source="Thakur et al. 2005, section 5 (pairwise exchange)",
    symbols=_NOTATION,
    valid="ranks >= 1",
)
def all_to_all_time(message, ranks, bandwidth, latency):
    """Time of a pairwise all-to-all.

    message: bytes that each rank holds for all, itself included [byte]; ranks: participants; bandwidth: into and out of
    a rank, per direction [byte/s]; latency: per step [s].
    """
    return (ranks - 1) / ranks * message / bandwidth + (ranks - 1) * latency


@equation(
    symbol="T_bcast",
    unit="s",
    source="Thakur et al. 2005, section 3 (pipelined chain)",
    symbols=_NOTATION,
    valid="ranks >= 1",
)
def broadcast_time(message, ranks, bandwidth, latency):
    """Time of a pipelined broadcast along a chain.

    message: bytes that all receive [byte]; ranks: participants; bandwidth: of the slowest link, per direction [byte/s];
    latency: per step [s]. Valid where the message is cut into many more pieces than there are ranks.
    """
    return np.where(ranks > 1, message / bandwidth, 0) + (ranks - 1) * latency


@equation(
    symbol="T_tree",
    unit="s",
    source="Sanders, Speck and Traeff 2009, section 3 (double binary tree)",
    symbols=_NOTATION,
    valid="ranks >= 1",
)
def tree_all_reduce_time(message, ranks, bandwidth, latency):
    """Time of a pipelined double-binary-tree all-reduce.

    message: bytes reduced [byte]; ranks: participants; bandwidth: of the slowest link, per direction [byte/s];
    latency: per step [s]. Reduce up and broadcast down; the latency grows with the logarithm of the ranks.
    """
    return np.where(ranks > 1, 2 * message / bandwidth, 0) + 2 * np.ceil(np.log2(ranks)) * latency


@equation(
    symbol="T_hier",
    unit="s",
    source="Jia et al. 2018, section 4.3 (reduce-scatter, all-reduce, all-gather)",
    symbols={
        "message": "M",
        "local": "g",
        "groups": "k",
        "scaleup": "B_up",
        "scaleout": "B_out",
        "scaleup_latency": "alpha_up",
        "scaleout_latency": "alpha_out",
    },
    valid="local >= 1 and groups >= 1",
)
def hierarchical_all_reduce_time(message, local, groups, scaleup, scaleout, scaleup_latency, scaleout_latency):
    """Time of a two-level all-reduce: within each scale-up domain, then across them.

    message: bytes reduced [byte]; local: ranks in one scale-up domain; groups: scale-up domains; scaleup: bandwidth
    of a rank within the domain, per direction [byte/s]; scaleout: bandwidth of a rank out of the domain, per
    direction [byte/s]; scaleup_latency: per step within [s]; scaleout_latency: per step across [s]. The inner
    reduce-scatter leaves each rank a part of the message, which it alone reduces across the domains, and an inner
    all-gather ends it.
    """
    inner = 2 * (local - 1) / local * message / scaleup + 2 * (local - 1) * scaleup_latency
    outer = 2 * (groups - 1) / groups * (message / local) / scaleout + 2 * (groups - 1) * scaleout_latency
    return inner + outer


@equation(
    symbol="T_HD",
    unit="s",
    source="Thakur et al. 2005, section 4.5 (Rabenseifner's algorithm, any number of ranks)",
    symbols=_NOTATION,
    valid="ranks >= 1",
)
def halving_doubling_all_reduce_time(message, ranks, bandwidth, latency):
    """Time of a recursive halving and doubling all-reduce.

    message: bytes reduced [byte]; ranks: participants; bandwidth: of the slowest link, per direction [byte/s];
    latency: per step [s]. Ranks beyond a power of two give theirs to a neighbour first and get the result last.
    """
    steps = np.floor(np.log2(ranks))
    core = 2**steps
    beyond = np.where(ranks > core, 2, 0)
    return (2 * (core - 1) / core + beyond) * message / bandwidth + (2 * steps + beyond) * latency


@equation(
    symbol="T_INC",
    unit="s",
    source="Graham et al. 2016 (SHARP: up to the switch and down, in segments)",
    symbols={"message": "M", "segments": "S", "bandwidth": "B", "latency": "alpha"},
    valid="segments >= 1",
)
def in_network_all_reduce_time(message, segments, bandwidth, latency):
    """Time of an all-reduce in the network.

    message: bytes reduced [byte]; segments: pieces of the message; bandwidth: of a rank's link to the switch, per
    direction [byte/s]; latency: per step [s]. A segment goes down while the next comes up.
    """
    return (segments + 1) * (message / segments / bandwidth + latency)


@equation(
    symbol="T_chain",
    unit="s",
    source="Sanders, Speck and Traeff 2009, section 2 (linear pipeline)",
    symbols={"message": "M", "ranks": "n", "segments": "S", "bandwidth": "B", "latency": "alpha"},
    valid="ranks >= 2 and segments >= 1",
)
def pipelined_chain_time(message, ranks, segments, bandwidth, latency):
    """Time of a broadcast along a chain in segments.

    message: bytes that all receive [byte]; ranks: participants; segments: pieces of the message; bandwidth: of the
    slowest link, per direction [byte/s]; latency: per step [s].
    """
    return (ranks + segments - 2) * (message / segments / bandwidth + latency)


@equation(
    symbol="T_torus",
    unit="s",
    source="Sack and Gropp 2015, section 4 (a ring in each direction of each axis)",
    symbols={"message": "M", "side": "a", "axes": "d", "bandwidth": "B", "latency": "alpha"},
    valid="side >= 2 and axes >= 1",
)
def torus_all_reduce_time(message, side, axes, bandwidth, latency):
    """Time of an all-reduce by rings in every direction of a torus of equal sides.

    message: bytes reduced [byte]; side: ranks along an axis; axes: of the torus; bandwidth: of a link, per direction
    [byte/s]; latency: per step [s]. Each direction takes its part of the message along every axis in turn.
    """
    ranks = side**axes
    return 2 * (ranks - 1) / ranks * message / (2 * axes * bandwidth) + 2 * axes * (side - 1) * latency


@equation(
    symbol="S_best",
    unit="1",
    source="Sanders, Speck and Traeff 2009, section 2 (least time over the number of pieces)",
    symbols={"message": "M", "fill": "f", "share": "c", "bandwidth": "B", "latency": "alpha"},
    valid="latency > 0",
)
def best_segments(message, fill, share, bandwidth, latency):
    """Pieces of a message that make a pipeline quickest.

    message: bytes of the operation [byte]; fill: rounds beyond the number of pieces; share: what the busiest port
    sends in all, in messages; bandwidth: of a port, per direction [byte/s]; latency: of a round [s].
    """
    return np.maximum(1, np.sqrt(fill * share * message / (bandwidth * latency)))


@equation(
    symbol="T_min",
    unit="s",
    source="Patarasuk and Yuan 2009, theorem 1; Chan et al. 2007, table 1",
    symbols={"traffic": "V_min", "bandwidth": "B"},
)
def bandwidth_bound(traffic, bandwidth):
    """Least time of a collective by bandwidth.

    traffic: least that the busiest rank must send or receive [byte]; bandwidth: of a rank, per direction [byte/s]. For
    ranks that add; a switch that adds can be quicker.
    """
    return traffic / bandwidth


@equation(
    symbol="T_min",
    unit="s",
    source="Chan et al. 2007, table 1 (one rank can tell only one other a round)",
    symbols={"ranks": "n", "latency": "alpha"},
    valid="ranks >= 1",
)
def latency_bound(ranks, latency):
    """Least time of a collective by latency.

    ranks: participants; latency: of a round [s].
    """
    return np.ceil(np.log2(ranks)) * latency


@equation(
    symbol="eta_B",
    unit="fraction",
    source="Patarasuk and Yuan 2009, section 3",
    symbols={"bound": "v_min", "sent": "v"},
    valid="sent > 0",
)
def bandwidth_optimality(bound, sent):
    """Share of the least traffic in that of a schedule.

    bound: least that the busiest port must send, in messages; sent: what it sends, in messages. One is optimal.
    """
    return bound / sent


@equation(
    symbol="T_sched",
    unit="s",
    source="Chan et al. 2007, section 2 (latency, bandwidth and computation summed over the rounds of the schedule)",
    symbols={
        "message": "M",
        "rounds": "r",
        "sent": "v",
        "reduced": "w",
        "latency": "alpha",
        "bandwidth": "B",
        "reduction": "G",
    },
)
def schedule_time(message, rounds, sent, reduced, latency, bandwidth, reduction):
    """Time of a collective from its schedule.

    message: bytes of the operation [byte]; rounds: that follow one another; sent: what the busiest port sends or
    receives, over all rounds, in messages; reduced: what the busiest rank adds up, over all rounds, in messages;
    latency: of a round [s]; bandwidth: of a port, per direction [byte/s]; reduction: rate at which a rank adds what
    arrived [byte/s]. Rounds do not overlap.
    """
    return rounds * latency + sent * message / bandwidth + reduced * message / reduction


@equation(symbol="B_alg", unit="byte/s", source="nccl-tests, PERFORMANCE.md", symbols={"message": "M", "time": "T"})
def algorithm_bandwidth(message, time):
    """Algorithm bandwidth of a collective.

    message: bytes of the operation [byte]; time: that it took [s].
    """
    return message / time


@equation(
    symbol="B_bus",
    unit="byte/s",
    source="nccl-tests, PERFORMANCE.md",
    symbols={"message": "M", "time": "T", "ranks": "n"},
)
def all_reduce_bus_bandwidth(message, time, ranks):
    """Bus bandwidth of an all-reduce.

    message: bytes reduced [byte]; time: that it took [s]; ranks: participants. What each link carries if the
    algorithm is a ring; in-network reduction can exceed the link.
    """
    return 2 * (ranks - 1) / ranks * message / time


@equation(
    symbol="B_bus",
    unit="byte/s",
    source="nccl-tests, PERFORMANCE.md",
    symbols={"message": "M", "time": "T", "ranks": "n"},
)
def scatter_bus_bandwidth(message, time, ranks):
    """Bus bandwidth of a reduce-scatter, all-gather or all-to-all.

    message: bytes of the operation [byte]; time: that it took [s]; ranks: participants.
    """
    return (ranks - 1) / ranks * message / time


@equation(
    symbol="B_eff",
    unit="byte/s",
    source="definition",
    symbols={"bandwidth": "B", "efficiency": "eta"},
    valid="efficiency > 0 and efficiency <= 1",
)
def achieved_bandwidth(bandwidth, efficiency):
    """Bandwidth that a collective achieves on a link.

    bandwidth: of the link, per direction [byte/s]; efficiency: achieved share of it [fraction].
    """
    return bandwidth * efficiency


@equation(symbol="g", unit="1", source="definition", symbols={"ranks": "n", "stride": "d", "domain": "D"})
def ranks_in_domain(ranks, stride, domain):
    """Ranks of one group that share a scale-up domain.

    ranks: in the group; stride: distance between neighbours of the group in the numbering of accelerators; domain:
    accelerators in one scale-up domain.
    """
    return np.maximum(1, np.minimum(ranks, np.floor(domain / stride)))


@equation(
    symbol="B_group",
    unit="byte/s",
    source="ring over nodes: NCCL uses the adapters of all members in a node",
    symbols=_TIERS,
)
def group_bandwidth(ranks, stride, domain, scaleup, scaleout):
    """Bandwidth of a ring over a group of ranks.

    ranks: in the group; stride: distance between neighbours of the group in the numbering of accelerators; domain:
    accelerators in one scale-up domain; scaleup: achieved bandwidth of an accelerator within it, per direction
    [byte/s]; scaleout: achieved bandwidth of an accelerator out of it, per direction [byte/s]. A group inside one
    domain runs at scale-up speed; one that spans domains is bound by the adapters of its members in a domain
    together.
    """
    members = np.maximum(1, np.minimum(ranks, np.floor(domain / stride)))
    return np.where(ranks * stride <= domain, scaleup, np.minimum(scaleup, members * scaleout))


@equation(
    symbol="alpha_group",
    unit="s",
    source="mean over the steps of a ring",
    symbols={
        "ranks": "n",
        "stride": "d",
        "domain": "D",
        "scaleup_latency": "alpha_up",
        "scaleout_latency": "alpha_out",
    },
)
def group_latency(ranks, stride, domain, scaleup_latency, scaleout_latency):
    """Latency of one step of a ring over a group of ranks.

    ranks: in the group; stride: distance between neighbours of the group in the numbering of accelerators; domain:
    accelerators in one scale-up domain; scaleup_latency: of a step within [s]; scaleout_latency: of a step between
    domains [s].
    """
    members = np.maximum(1, np.minimum(ranks, np.floor(domain / stride)))
    across = scaleout_latency / members + scaleup_latency * (1 - 1 / members)
    return np.where(ranks * stride <= domain, scaleup_latency, across)


@equation(
    symbol="x_tier",
    unit=None,
    source="definition",
    symbols={"ranks": "n", "stride": "d", "domain": "D", "inside": "x_up", "outside": "x_out"},
)
def tier_of(ranks, stride, domain, inside, outside):
    """What the tier of network gives over which neighbours of a group lie.

    ranks: in the group; stride: distance between neighbours of the group in the numbering of accelerators; domain:
    accelerators in one scale-up domain; inside: given within the domain; outside: given across domains.
    """
    return np.where(ranks * stride <= domain, inside, outside)
