"""The orchestration section of a design: waits, losses and head-room of one shared cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from navarch.core.arithmetic import difference
from navarch.core.queueing import wait_probability
from navarch.distributed.orchestration import estimate


@dataclass(frozen=True, slots=True)
class Scheduling:
    """What scheduling costs a cluster, in SI units."""

    offered_load: Any
    utilisation: Any
    headroom: Any
    wait_probability: Any
    mmc_wait: Any
    wait: Any
    staffed_servers: Any
    stranded: Any
    fragmentation_cost: Any
    fragmentation_node_time: Any
    rounding_loss: Any
    gang_loss: Any
    start_time: Any
    start_loss: Any
    effective_utilisation: Any


@dataclass(frozen=True, slots=True)
class Sharing:
    """Accelerators between serving and training."""

    reserve: Any
    harvest: Any
    for_training: Any


def scheduling(
    *,
    accelerators: Any,
    accelerators_per_node: Any,
    servers: Any,
    service_time: Any,
    arrival_variation: Any,
    service_variation: Any,
    quality: Any,
    gang: Any,
    gang_nodes: Any,
    allocated: Any,
    start_common: Any,
    start_jitter: Any,
    price: Any,
    period: Any,
    arrival_rate: Any = None,
    target: Any = None,
) -> Scheduling:
    """Waits and losses of a cluster that many jobs share.

    accelerators: in all; accelerators_per_node; servers: units that a typical job takes; service_time: [s];
    arrival_variation, service_variation: standard deviation over mean; quality: spare servers in
    units of the load's square root; gang: accelerators that the job needs at once; gang_nodes: its nodes;
    allocated: share allocated when full [fraction]; start_common, start_jitter: [s]; price: of an accelerator [USD/s];
    period: [s]; arrival_rate: of jobs [1/s]; or target: utilisation planned for [fraction].
    """
    if arrival_rate is not None:
        load = estimate.offered_load(arrival_rate, service_time)
    elif target is not None:
        load = estimate.load_at_utilisation(target, servers)
    else:
        raise TypeError("scheduling needs either arrival_rate or target")
    rho = estimate.utilisation(load, servers)
    waits = wait_probability(load, servers, title="Probability that a job waits")
    stranded = estimate.stranded_accelerators(accelerators, allocated)
    rounding = estimate.rounding_loss(gang, accelerators_per_node)
    start = estimate.gang_start_time(gang_nodes, start_common, start_jitter)
    start_loss = estimate.start_loss(start, service_time)
    return Scheduling(
        offered_load=load,
        utilisation=rho,
        headroom=estimate.headroom(load, servers),
        wait_probability=waits,
        mmc_wait=estimate.mmc_wait(waits, service_time, servers, load),
        wait=estimate.job_wait(rho, servers, service_time, arrival_variation, service_variation),
        staffed_servers=estimate.square_root_staffing(load, quality),
        stranded=stranded,
        fragmentation_cost=estimate.fragmentation_cost(stranded, price, period),
        fragmentation_node_time=estimate.fragmentation_node_time(stranded, accelerators_per_node, period),
        rounding_loss=rounding,
        gang_loss=estimate.gang_loss(gang, accelerators),
        start_time=start,
        start_loss=start_loss,
        effective_utilisation=estimate.effective_utilisation(rho, allocated, rounding, start_loss),
    )


def sharing(*, accelerators: Any, serving_mean: Any, peak_ratio: Any, margin: Any, lent: Any) -> Sharing:
    """Serving and training on one cluster: what serving holds, and what it lends.

    accelerators: in all; serving_mean: busy serving on average; peak_ratio: peak traffic over mean;
    margin: above the peak [fraction]; lent: share of the idle that can be lent [fraction].
    """
    reserve = estimate.serving_reserve(serving_mean, peak_ratio, margin)
    return Sharing(
        reserve=reserve,
        harvest=estimate.harvest(reserve, serving_mean, lent),
        for_training=difference(
            accelerators, reserve, unit="1", title="Accelerators left for training", symbol="G_train"
        ),
    )
