"""The faults section of a design: from failure rate and checkpoint time to goodput and spares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from navarch.core.arithmetic import complement, sum_of
from navarch.distributed.faults import estimate, levels


@dataclass(frozen=True, slots=True)
class Resilience:
    """What failures cost one job, in SI units; each a number, an array or a remembered value, as the inputs were."""

    job_mttf: Any
    daily_failures: Any
    quiet_hour: Any
    quiet_day: Any
    young_interval: Any
    daly_interval: Any
    interval: Any
    goodput: Any
    checkpoint_share: Any
    rework_share: Any
    restart_share: Any
    lost_work_per_failure: Any
    ettr: Any
    run_time: Any
    expected_interruptions: Any
    nodes_down: Any
    spares: Any
    node_availability: Any


def resilience(
    *,
    nodes: Any,
    node_rate: Any,
    work: Any,
    checkpoint_time: Any,
    restart_time: Any,
    repair_time: Any,
    confidence: Any,
    hour: Any,
    day: Any,
    interval: Any = None,
) -> Resilience:
    """Failures, checkpoints and spares of one job.

    nodes: that the job needs; node_rate: failure rate of a node [1/s]; work: useful time of the run [s];
    checkpoint_time: that a checkpoint stops the job [s]; restart_time: from failure to running again [s];
    repair_time: of a node [s]; confidence: that spares suffice [fraction]; hour, day: reference periods [s];
    interval: useful work between checkpoints [s], the best one where left out.
    """
    mttf = estimate.job_mttf(nodes, node_rate)
    best = estimate.daly_interval(checkpoint_time, mttf)
    used = best if interval is None else interval
    costs = (used, checkpoint_time, restart_time, mttf)
    run_time = estimate.completion_time(work, *costs)
    down = estimate.nodes_down(nodes, node_rate, repair_time)
    return Resilience(
        job_mttf=mttf,
        daily_failures=estimate.expected_failures(nodes, node_rate, day),
        quiet_hour=estimate.probability_of_no_failure(hour, mttf),
        quiet_day=estimate.probability_of_no_failure(day, mttf),
        young_interval=estimate.young_interval(checkpoint_time, mttf),
        daly_interval=best,
        interval=used,
        goodput=estimate.goodput(*costs),
        checkpoint_share=estimate.checkpoint_share(*costs),
        rework_share=estimate.rework_share(*costs),
        restart_share=estimate.restart_share(restart_time, mttf),
        lost_work_per_failure=estimate.lost_work_per_failure(sum_of(used, checkpoint_time), mttf),
        ettr=estimate.effective_training_time_ratio(nodes, node_rate, restart_time, used, checkpoint_time),
        run_time=run_time,
        expected_interruptions=estimate.expected_interruptions(run_time, mttf),
        nodes_down=down,
        spares=estimate.hot_spares(down, confidence),
        node_availability=estimate.availability(estimate.node_mttf(node_rate), repair_time),
    )


@dataclass(frozen=True, slots=True)
class TwoLevels:
    """Checkpoints of two levels beside each other, first order."""

    near_interval: Any
    far_interval: Any
    near_waste: Any
    far_waste: Any
    waste: Any
    goodput: Any


def two_levels(*, mttf: Any, near_share: Any, near_time: Any, far_time: Any) -> TwoLevels:
    """Checkpoints in memory or on local disks for most failures, on shared storage for the rest.

    mttf: mean time to failure of the job [s]; near_share: of the failures that the near level recovers [fraction];
    near_time, far_time: that a checkpoint of the level stops the job [s].
    """
    near_rate = levels.level_failure_rate(near_share, mttf)
    far_rate = levels.level_failure_rate(complement(near_share), mttf)
    near_waste = levels.level_waste(near_time, near_rate)
    far_waste = levels.level_waste(far_time, far_rate)
    waste = sum_of(near_waste, far_waste, unit="fraction", title="Time lost to checkpoints and rework of both levels")
    return TwoLevels(
        near_interval=levels.level_interval(near_time, near_rate),
        far_interval=levels.level_interval(far_time, far_rate),
        near_waste=near_waste,
        far_waste=far_waste,
        waste=waste,
        goodput=complement(waste),
    )


def goodput_curve(
    *, checkpoint_time: float, restart_time: float, mttf: float, best: float, span: float = 8.0, points: int = 121
) -> tuple[np.ndarray, np.ndarray]:
    """Goodput against the checkpoint interval, from best/span to best*span, evenly in the logarithm.

    checkpoint_time, restart_time, mttf, best: [s]. Gives intervals [s] and goodputs [fraction].
    """
    intervals = float(best) * np.geomspace(1 / span, span, points)
    return intervals, estimate.goodput(intervals, checkpoint_time, restart_time, mttf)
