"""Orchestration: waits, fragmentation and head-room of the cluster once jobs share it."""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.arithmetic import product_of, ratio, relative_change
from navarch.core.ledger import Value
from navarch.design.evaluation.cluster import Fleet
from navarch.design.evaluation.desk import Desk
from navarch.design.evaluation.result import Alternative, Decision
from navarch.distributed.orchestration import estimate
from navarch.distributed.orchestration.scheduling import Scheduling, scheduling

PLACEMENTS = {
    "random": "random placement",
    "packing": "packing",
    "best-fit": "best fit",
    "fragmentation-gradient": "fragmentation gradient descent",
}
SHIPPED = "best-fit"  # the best placement that a stock scheduler offers


def evaluate(desk: Desk, fleet: Fleet, rate: Value) -> None:
    """Put the scheduler's losses down; `rate` is the cost of an accelerator's second [USD/s]."""
    scheduler = str(desk.text("orchestration.scheduler") or ("kubernetes" if desk.spec.serves else "slurm"))
    policy = str(desk.text("orchestration.policy") or "backfill")
    desk.labels |= {"scheduler": scheduler, "policy": policy}
    period = desk.constant("operations.year")
    shared = _shared(desk, fleet)
    results = {name: _scheduled(desk, fleet, shared, rate, period, name) for name in PLACEMENTS}
    found = results[SHIPPED]
    desk.put_all(
        "orchestration",
        {
            "utilisation": found.utilisation,
            "headroom": found.headroom,
            "wait": found.wait,
            "wait_probability": found.wait_probability,
            "stranded": found.stranded,
            "fragmentation_cost": found.fragmentation_cost,
            "start_time": found.start_time,
            "start_loss": found.start_loss,
            "effective_utilisation": found.effective_utilisation,
            "rounding_loss": found.rounding_loss,
            "partition": shared.partition,
            "job_accelerators": shared.job,
            "job_time": shared.hold,
        },
    )
    desk.at_most("orchestration.wait_limit", "Mean wait in the queue", found.wait)
    _decide(desk, results, scheduler, policy)


@dataclass(frozen=True)
class Sharing:
    """What other jobs get: a partition that their load keeps at the planned utilisation, or the whole cluster."""

    job: Value
    hold: Value
    load: Value
    servers: Value
    partition: Value


def _shared(desk: Desk, fleet: Fleet) -> Sharing:
    job = desk.take("orchestration.mean_job_accelerators", "orchestration.mean-job-accelerators")
    hold = desk.take("orchestration.mean_job_duration", "orchestration.service-time")
    load = desk.take("orchestration.target_utilisation", "orchestration.target-utilisation")
    partition = fleet.accelerators
    if desk.given("orchestration.other_load"):
        asked = product_of(
            desk.field("orchestration.other_load"),
            fleet.accelerators,
            unit="1",
            title="Accelerators that other jobs ask for",
        )
        partition = ratio(asked, load, unit="1", title="Accelerators of the partition for other jobs", symbol="G_part")
    servers = ratio(partition, job, unit="1", title="Jobs of mean size that the partition holds", symbol="c")
    return Sharing(job, hold, load, servers, partition)


def _scheduled(desk: Desk, fleet: Fleet, shared: Sharing, rate: Value, period: Value, placement: str) -> Scheduling:
    return scheduling(
        accelerators=fleet.accelerators,
        accelerators_per_node=fleet.per_node,
        servers=shared.servers,
        target=shared.load,
        service_time=shared.hold,
        arrival_variation=desk.constant("orchestration.arrival-variation"),
        service_variation=desk.constant("orchestration.service-variation"),
        quality=desk.constant("orchestration.staffing-quality"),
        gang=fleet.accelerators,
        gang_nodes=fleet.nodes,
        allocated=desk.constant(f"orchestration.allocated.{placement}"),
        start_common=desk.constant("orchestration.start-common"),
        start_jitter=desk.constant("orchestration.start-jitter"),
        price=rate,
        period=period,
    )


def put_lending(desk: Desk, serving: Value) -> None:
    """What the service lends to preemptible training outside its peak."""
    peak = desk.take("serving.peak_to_mean", "design.peak-to-mean")
    mean = ratio(serving, peak, unit="1", title="Accelerators that serve, on average", symbol="G_mean")
    lent = estimate.harvest(serving, mean, desk.constant("orchestration.lent-share"))
    desk.put_all("orchestration", {"serving_mean": mean, "harvest": lent})


def _decide(desk: Desk, results: dict[str, Scheduling], scheduler: str, policy: str) -> None:
    best = results[SHIPPED]
    alternatives = []
    for name in (SHIPPED, *(n for n in PLACEMENTS if n != SHIPPED)):
        found = results[name]
        metrics = {
            "stranded": found.stranded,
            "cost a year": found.fragmentation_cost,
            "useful": found.effective_utilisation,
        }
        change = relative_change(
            found.fragmentation_cost, best.fragmentation_cost, title="Cost of fragmentation over the chosen placement"
        )
        better = float(change) < 0
        why = (
            ""
            if name == SHIPPED
            else ("not in a stock scheduler; fragmentation would cost" if better else "fragmentation costs more, by")
        )
        alternatives.append(Alternative(PLACEMENTS[name], metrics, why, name == SHIPPED, change if why else None))
    count = desk.ledger.choice(
        "orchestration.placement.considered", len(PLACEMENTS), "1", "Placements compared", "published traces"
    )
    desk.decide(
        Decision(
            "orchestration",
            "Orchestration",
            f"{scheduler}, {policy}, {PLACEMENTS[SHIPPED]}",
            "user" if desk.given("orchestration.scheduler") else "navarch",
            considered=count,
            alternatives=tuple(alternatives),
            binding="fragmentation",
            margin=alternatives[1].lost_by,
        )
    )
