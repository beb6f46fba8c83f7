"""How the best strategy of a pair changes with one bandwidth, everything else as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from navarch.core.arithmetic import product_of
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import equation
from navarch.course.parallelism_puzzle.outcome import Outcome, outcome_of
from navarch.course.parallelism_puzzle.pairs import Pair, Tried, plain_machine, searched

Bandwidth = Literal["scaleout", "scaleup"]
TITLES = {"scaleout": "network bandwidth", "scaleup": "bandwidth within the server"}
FACTORS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2)
CLOSE = 1.1
"""A flip is found when it lies between two bandwidths that are so near."""


@equation(symbol="x_mid", unit=None, source="geometric mean", symbols={"one": "x_1", "other": "x_2"})
def geometric_middle(one, other):
    """Geometric middle of two quantities.

    one: of them; other: of them.
    """
    return (one * other) ** 0.5


@dataclass(frozen=True, slots=True)
class AtBandwidth:
    """A pair at another bandwidth [byte/s]: the best strategy then, and the one that is best at the pair's own."""

    bandwidth: float
    best: Tried
    kept: Outcome


def own_bandwidth(pair: Pair, which: Bandwidth) -> float:
    """The bandwidth that a pair has [byte/s]."""
    hardware = plain_machine(pair).hardware
    return float(hardware.scaleout_bandwidth if which == "scaleout" else hardware.scaleup_bandwidth)


def bandwidths_of(pair: Pair, which: Bandwidth, factors: Sequence[float] = FACTORS) -> tuple[float, ...]:
    """Bandwidths about a pair's own, ascending [byte/s]."""
    own = own_bandwidth(pair, which)
    with off_the_ledger():
        return tuple(float(product_of(own, factor)) for factor in factors)


def at_bandwidth(pair: Pair, which: Bandwidth, bandwidth: float) -> AtBandwidth:
    """What is best on a pair at another bandwidth [byte/s]."""
    moved = moved_to(pair, which, bandwidth)
    return AtBandwidth(bandwidth, searched(moved).best, outcome_of(searched(pair).best.strategy, moved))


def moved_to(pair: Pair, which: Bandwidth, bandwidth: float) -> Pair:
    """A pair with another bandwidth; at its own it is the pair itself."""
    if math.isclose(bandwidth, own_bandwidth(pair, which)):
        return pair
    return replace(pair, scaleout=bandwidth) if which == "scaleout" else replace(pair, scaleup=bandwidth)


def sweep_of(pair: Pair, which: Bandwidth) -> tuple[AtBandwidth, ...]:
    """What is best on a pair at each of the bandwidths about its own, ascending."""
    return tuple(at_bandwidth(pair, which, bandwidth) for bandwidth in bandwidths_of(pair, which))


def flip_below(pair: Pair, which: Bandwidth) -> float | None:
    """The highest bandwidth under a pair's own at which other degrees are best, within a tenth [byte/s].

    None where the same degrees are best down to the least bandwidth that is tried.
    """
    own = own_bandwidth(pair, which)
    degrees = degrees_at(pair, which, own)
    high, low = own, None
    for bandwidth in reversed([each for each in bandwidths_of(pair, which) if each < own]):
        if degrees_at(pair, which, bandwidth) != degrees:
            low = bandwidth
            break
        high = bandwidth
    if low is None:
        return None
    while high > low * CLOSE:
        with off_the_ledger():
            middle = float(geometric_middle(low, high))
        if degrees_at(pair, which, middle) == degrees:
            high = middle
        else:
            low = middle
    return low


def degrees_at(pair: Pair, which: Bandwidth, bandwidth: float) -> tuple[int, int, int, int]:
    """Tensor, pipeline, context and expert degrees of the best strategy at a bandwidth."""
    tensor, pipeline, context, expert, _, _ = searched(moved_to(pair, which, bandwidth)).best.key
    return tensor, pipeline, context, expert
