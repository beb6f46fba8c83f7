"""A fleet run failure by failure: every node lives, fails and is replaced; the job restarts and repeats what it lost.

Each node is a renewal process: its life is drawn (exponential, or Weibull where the young fail most), it fails, and a
new node with a life of its own takes its place. The job needs all nodes. It works, writes a checkpoint after each
interval, and at each failure of any node stops, restarts, and goes on from its last checkpoint; a failure may also
strike while it writes or restarts. With exponential lives the means tend to the closed forms of `estimate.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from navarch.core.events import stream
from navarch.distributed.faults import estimate

Array = NDArray[np.float64]

REPLICATIONS = 200
MOST_GENERATIONS = 100_000


@dataclass(frozen=True)
class FleetRuns:
    """Many runs of the same fleet for the same time, an element a run.

    interruptions: failures of any node; useful, checkpointing, repeated, restarting: shares of the time [fraction],
    which add up to 1; longest_quiet: time without a failure [s]; failures: when each failure of each run struck [s].
    """

    interruptions: NDArray[np.int64]
    useful: Array
    checkpointing: Array
    repeated: Array
    restarting: Array
    longest_quiet: Array
    failures: tuple[Array, ...] = field(repr=False)


def run_fleet(
    *,
    nodes: int,
    node_rate: float,
    period: float,
    restart_time: float,
    interval: float,
    checkpoint_time: float,
    shape: float = 1.0,
    replications: int = REPLICATIONS,
    seed: int = 0,
) -> FleetRuns:
    """Run a fleet many times.

    nodes: that the job needs; node_rate: failure rate of a node [1/s]; period: that is run [s]; restart_time: from
    failure to running again [s]; interval: useful work between checkpoints [s]; checkpoint_time: that one stops the job
    [s]; shape: Weibull shape of a node's life, all nodes new at the start (1: exponential); replications: runs, each
    with a random stream of its own, so that a run does not depend on how many there are.
    """
    scale = float(estimate.weibull_scale(estimate.node_mttf(node_rate), shape))
    failures = tuple(_failures(nodes, scale, shape, period, stream(seed, run)) for run in range(replications))
    spent = np.array([_spent(struck, period, restart_time, interval, checkpoint_time) for struck in failures]) / period
    gaps = [np.diff(struck, prepend=0.0, append=period) for struck in failures]
    return FleetRuns(
        interruptions=np.array([len(struck) for struck in failures]),
        useful=spent[:, 0],
        checkpointing=spent[:, 1],
        repeated=spent[:, 2],
        restarting=spent[:, 3],
        longest_quiet=np.array([gap.max() for gap in gaps]),
        failures=failures,
    )


def _failures(nodes: int, scale: float, shape: float, period: float, random: np.random.Generator) -> Array:
    """When nodes fail, in order of time: generation after generation of nodes, until all outlive the period."""
    struck = []
    born = np.zeros(nodes)
    for _ in range(MOST_GENERATIONS):
        died = born + scale * random.weibull(shape, len(born))
        born = died[died < period]
        if not len(born):
            break
        struck.append(born)
    return np.sort(np.concatenate(struck)) if struck else np.empty(0)


def _spent(
    struck: Array, period: float, restart_time: float, interval: float, checkpoint_time: float
) -> tuple[float, float, float, float]:
    """Time of one run that was useful work, checkpoints, work done again, and restarts [s].

    Between two failures the job restarts (not before the first), then works segment after segment; what it did of a
    segment when the next failure strikes is lost. What it has done of the last segment when time is up is kept.
    """
    gaps = np.diff(struck, prepend=0.0, append=period)
    restarting = np.minimum(gaps, restart_time)
    restarting[0] = 0.0
    running = gaps - restarting
    segments = np.floor(running / (interval + checkpoint_time))
    begun = running - segments * (interval + checkpoint_time)
    in_hand = min(float(begun[-1]), interval)  # of the last segment; beyond the interval a checkpoint is being written
    useful = float(segments.sum()) * interval + in_hand
    checkpoints = float(segments.sum()) * checkpoint_time + float(begun[-1]) - in_hand
    return useful, checkpoints, float(begun[:-1].sum()), float(restarting.sum())
