"""Prefill and decode on separate workers, as an alternative to engines that do both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from navarch.core.arithmetic import product_of, sum_of
from navarch.core.queueing import single_server_wait
from navarch.deployment.serving import throughput as rates
from navarch.deployment.serving import waiting
from navarch.deployment.serving.replica import (
    Engine,
    Hardware,
    Number,
    Plan,
    Shape,
    Traffic,
    kv_per_sequence,
    memory_of,
    prefill_work,
    step_at,
)


@dataclass(frozen=True, slots=True)
class DisaggregatedEstimate:
    """Workers of each kind, accelerators in all, and what a user waits [s, s/token]."""

    prefill: Number
    prefill_rate: Number
    prefill_workers: Number
    step: Number
    decode_rate: Number
    decode_workers: Number
    accelerators: Number
    transfer: Number
    queue_wait: Number
    ttft: Number
    tpot: Number


def disaggregated(
    shape: Shape,
    hardware: Hardware,
    engine: Engine,
    traffic: Traffic,
    prefill_plan: Plan,
    decode_plan: Plan,
    link: Number,
    target: Number,
) -> DisaggregatedEstimate:
    """Workers for the peak traffic with the phases apart.

    link: bandwidth between a prefill and a decode worker [byte/s]; target: share of each worker's rate to be used.
    Decode is no longer stretched by prefills; the first token waits for the hand-over of the cache.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        prefill = prefill_work(shape, hardware, prefill_plan, engine, traffic.prompt)
        prefill_rate = rates.prefill_worker_rate(prefill)
        prefill_workers = rates.replicas_needed(traffic.peak_rate, prefill_rate, target)
        memory = memory_of(shape, hardware, engine, traffic, decode_plan)
        step = step_at(shape, hardware, engine, decode_plan, memory, decode_plan.batch)
        decode_rate = rates.decode_worker_rate(decode_plan.batch, step, traffic.output)
        decode_workers = rates.replicas_needed(traffic.peak_rate, decode_rate, target)
        cache = kv_per_sequence(shape, memory.kv_per_token, traffic.prompt)
        transfer = rates.cache_transfer_time(cache, link, engine.link_efficiency)
        busy = waiting.busy_share(rates.rate_per_replica(traffic.peak_rate, prefill_workers), prefill)
        queue = single_server_wait(
            busy, prefill, traffic.prompt_variation, title="Mean wait for the prefill of others", symbol="W_p"
        )
        return DisaggregatedEstimate(
            prefill=prefill,
            prefill_rate=prefill_rate,
            prefill_workers=prefill_workers,
            step=step,
            decode_rate=decode_rate,
            decode_workers=decode_workers,
            accelerators=sum_of(
                product_of(prefill_workers, prefill_plan.tensor_parallel, unit="1"),
                product_of(decode_workers, decode_plan.tensor_parallel, unit="1"),
                unit="1",
                title="Accelerators with prefill and decode apart",
            ),
            transfer=transfer,
            queue_wait=queue,
            ttft=sum_of(
                queue,
                prefill,
                transfer,
                step,
                engine.request_overhead,
                unit="s",
                title="Time to the first token with prefill and decode apart",
                symbol="T_first",
            ),
            tpot=step,
        )
