"""Which resource bounds: times side by side, shares, and the one that binds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from navarch.core.arithmetic import largest_of, share_of, sum_of
from navarch.deployment.performance import estimate as room
from navarch.fleet.compute.estimate import arithmetic_intensity, ridge_point

Number = Any


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """Times of the resources [s], each one's share of their sum, and the name of the longest (of a scalar design)."""

    times: Mapping[str, Number]
    shares: Mapping[str, Number]
    total: Number
    longest: Number
    binding: str


@dataclass(frozen=True, slots=True)
class ClusterRoofline:
    """The rate that arithmetic, memory and network allow together [FLOP/s], and what bounds it."""

    memory_intensity: Number
    network_intensity: Number
    ridge: Number
    rate: Number
    bottleneck: Bottleneck


def bottleneck(times: Mapping[str, Number]) -> Bottleneck:
    """Shares of parts that follow each other, and the longest. `binding` is "" where the times are arrays."""
    total = sum_of(*times.values(), unit="s")
    scalar = all(np.ndim(t) == 0 for t in times.values())
    return Bottleneck(
        times=times,
        shares={name: share_of(time, total) for name, time in times.items()},
        total=total,
        longest=largest_of(*times.values(), unit="s"),
        binding=max(times, key=lambda name: float(times[name])) if scalar else "",
    )


def cluster_roofline(
    workers: Number,
    work: Number,
    memory_bytes: Number,
    network_bytes: Number,
    peak: Number,
    memory_bandwidth: Number,
    network_bandwidth: Number,
) -> ClusterRoofline:
    """The roofline of equal workers, each with `work` [FLOP], `memory_bytes` and `network_bytes` a step [byte]."""
    memory_intensity = arithmetic_intensity(work, memory_bytes)
    network_intensity = arithmetic_intensity(work, network_bytes)
    return ClusterRoofline(
        memory_intensity=memory_intensity,
        network_intensity=network_intensity,
        ridge=ridge_point(peak, memory_bandwidth),
        rate=room.attainable_rate(
            workers, peak, memory_bandwidth, memory_intensity, network_bandwidth, network_intensity
        ),
        bottleneck=bottleneck(
            {
                "compute": room.resource_time(work, peak),
                "memory": room.resource_time(memory_bytes, memory_bandwidth),
                "network": room.resource_time(network_bytes, network_bandwidth),
            }
        ),
    )
