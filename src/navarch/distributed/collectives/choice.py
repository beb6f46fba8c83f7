"""Which algorithm is quickest at which size: the least estimated time of the schedules, as a library chooses.

Latency decides small messages and bandwidth large ones, so that the winner changes with size. What NCCL takes on an
accelerator, with its protocols and their fitted constants, is in `library`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from navarch.distributed.collectives import estimate, protocols
from navarch.distributed.collectives.algorithms import COLLECTIVES, schedule_of
from navarch.distributed.collectives.schedule import CollectiveError, Cost, Port, Schedule

PIPELINED = ("binary_tree", "double_binary_tree", "chain", "in_network")
SHAPED = ("hierarchical", "torus")
IN_NETWORK = "in_network"
MOST_SEGMENTS = 512
STEPS_OF_SEGMENTS = 2
"""Segments are tried as powers of it."""
SIZES = np.geomspace(1e2, 1e10, 161)


@dataclass(frozen=True, slots=True)
class Link:
    """What the estimate rests on.

    latency: of a round [s]; bandwidth: of a port, per direction [byte/s]; reduction: rate at which a rank adds
    [byte/s]; port: `rank` where a rank has one port, `link` where one to each neighbour.
    """

    latency: float
    bandwidth: float
    reduction: float = math.inf
    port: Port = "rank"

    def time(self, message: float, cost: Cost) -> float:
        """Estimated time [s]."""
        constants = (self.latency, self.bandwidth, self.reduction)
        return float(estimate.schedule_time(message, cost.rounds, cost.sent, cost.reduced, *constants))


@dataclass(frozen=True, slots=True)
class Candidate:
    """An algorithm at a size.

    segments: pieces of a pipelined one, else 0; time [s]; optimality: share of the least traffic in its own, above one
    where switches reduce [fraction].
    """

    algorithm: str
    segments: int
    time: float
    optimality: float


@dataclass(frozen=True, slots=True)
class Regime:
    """An algorithm and the sizes for which it is quickest [byte]."""

    algorithm: str
    least: float
    most: float


@lru_cache(maxsize=512)
def _cost(collective: str, algorithm: str, ranks: int, shape: tuple[int, ...], segments: int, port: Port) -> Cost:
    schedule: Schedule = schedule_of(collective, algorithm, ranks, shape=shape, segments=segments)
    return schedule.cost_per(port)


def candidates(
    collective: str, ranks: int, message: float, link: Link, shape: Sequence[int] = (), switches_reduce: bool = False
) -> tuple[Candidate, ...]:
    """Every algorithm at a size, the quickest first; pipelined ones with the number of pieces that is best for them.

    ranks: participants; message [byte]; shape: as `schedule_of`, without it no hierarchy and no torus; switches_reduce:
    whether there are any that can.
    """
    if collective not in COLLECTIVES:
        raise CollectiveError(f"collective: {collective!r} is not one; there are: {', '.join(COLLECTIVES)}")
    sides = tuple(int(side) for side in shape)
    found = []
    for algorithm in COLLECTIVES[collective]:
        grid = sides if algorithm in SHAPED else ()
        if (algorithm in SHAPED and not sides) or (algorithm == "hierarchical" and len(sides) != 2):
            continue
        if algorithm == IN_NETWORK and not switches_reduce:
            continue
        found.append(_best(collective, algorithm, ranks, message, link, grid))
    return tuple(sorted(found, key=lambda each: each.time))


def least_traffic(collective: str, message: float, ranks: int) -> float:
    """Bytes that the busiest of ranks which add must send or receive, whatever the algorithm [byte]."""
    if collective == "broadcast":
        return message if ranks > 1 else 0.0
    least = protocols.all_reduce_traffic if collective == "all_reduce" else protocols.exchange_traffic
    return float(least(message, ranks))


def _best(collective: str, algorithm: str, ranks: int, message: float, link: Link, shape: tuple[int, ...]) -> Candidate:
    powers = int(math.log(MOST_SEGMENTS, STEPS_OF_SEGMENTS)) + 1
    pieces = [STEPS_OF_SEGMENTS**power for power in range(powers)] if algorithm in PIPELINED else [0]
    tried = []
    for segments in pieces:
        cost = _cost(collective, algorithm, ranks, shape, max(segments, 1), link.port)
        least = least_traffic(collective, 1.0, ranks)
        optimality = float(estimate.bandwidth_optimality(least, cost.sent)) if cost.sent else 1.0
        tried.append(Candidate(algorithm, segments, link.time(message, cost), optimality))
    return min(tried, key=lambda each: each.time)


def regimes(
    collective: str,
    ranks: int,
    link: Link,
    shape: Sequence[int] = (),
    switches_reduce: bool = False,
    sizes: Sequence[float] | None = None,
) -> tuple[Regime, ...]:
    """Which algorithm is quickest from which size to which. sizes: those tried [byte], by default 100 B to 10 GB."""
    tried = [float(size) for size in (SIZES if sizes is None else sizes)]
    winners = [candidates(collective, ranks, size, link, shape, switches_reduce)[0].algorithm for size in tried]
    starts = [place for place in range(len(tried)) if place == 0 or winners[place] != winners[place - 1]]
    ends = [*starts[1:], len(tried)]
    return tuple(
        Regime(winners[start], tried[start], tried[end - 1]) for start, end in zip(starts, ends, strict=True)
    )  # fmt: skip
