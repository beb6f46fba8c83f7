"""Equations of a step whose communication a real fabric slows."""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation, printable

TINY = 1e-300


@equation(
    symbol="sigma", unit="1", source="definition", symbols={"contended": "T", "alone": "T_0"}, valid="alone > 0",
)  # fmt: skip
def slowdown(contended, alone):
    """Times as long as communication takes on a fabric than with nothing in the way.

    contended: its time on the fabric, all groups at once [s]; alone: with every adapter at its full bandwidth [s].
    """
    return contended / alone


@equation(
    symbol="Delta_x", unit="s", source="a part that waits for several forms grows linearly with each of them",
    symbols={"alone": "x_0", "slowed": "x_f", "own": "Delta_f", "every": "Delta"}, valid="every > 0",
)  # fmt: skip
def brought_by(alone, slowed, own, every):
    """What one slowed form of communication brings to a part that waits for several (the bubble, waits for the host).

    alone: the part with nothing in the way [s]; slowed: with all forms slowed as this one is [s]; own: by how much this
    form grew [s]; every: by how much all forms that the part waits for grew together [s].
    """
    return (slowed - alone) * own / every


@printable(latex=r"E^{\mathrm{Poisson}}_{\max}", name="ExpectedLargestOfMany")
def expected_largest_of_many(flows, paths, groups):
    """Expected number of flows on the busiest of many paths, the loads of which are taken for independent.

    flows: thrown at the paths of each group; paths: of a group; groups: independent of each other.
    """
    loads = np.arange(int(np.max(flows)) + 1)
    mean = np.maximum(flows, TINY) / paths
    steps = np.concatenate([[0.0], np.cumsum(np.log(np.maximum(loads[1:], 1)))])
    held = np.minimum(1.0, np.cumsum(np.exp(loads * np.log(mean) - mean - steps)))
    return float(np.clip(np.sum(1 - held ** (paths * groups)), np.minimum(flows, 1), flows))


@equation(
    symbol="B_hash", unit="byte/s", source="Mitzenmacher and Upfal 2005, section 5.4 (balls in bins, Poisson)",
    symbols={"bandwidth": "B_host", "uplink": "B_up", "flows": "m", "paths": "u", "groups": "g"},
    valid="flows >= 1 and paths >= 1 and groups >= 1",
)  # fmt: skip
def hashed_bandwidth_of_many(bandwidth, uplink, flows, paths, groups):
    """Bandwidth of the slowest of very many flows where a hash puts each on one of equal paths (ECMP).

    bandwidth: of a host's link, per direction [byte/s]; uplink: of one path, per direction [byte/s]; flows: of each
    group; paths: of each group; groups: pods, each with flows up and down. Loads are Poisson and independent, which the
    thousands of paths of a pod allow.
    """
    return np.minimum(bandwidth, uplink / expected_largest_of_many(flows, paths, groups))
