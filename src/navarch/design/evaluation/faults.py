"""Fault tolerance: failure rate, checkpoints, goodput, spares, and so the run's calendar time."""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.arithmetic import difference, largest_of, ratio, smallest_of, sum_of
from navarch.core.ledger import Value
from navarch.design.errors import DesignError
from navarch.design.evaluation.cluster import Fleet
from navarch.design.evaluation.desk import Desk
from navarch.design.evaluation.result import Alternative, Curve, Decision, decided_by
from navarch.design.evaluation.storage import Store
from navarch.distributed.faults import estimate as equations
from navarch.distributed.faults.resilience import Resilience, goodput_curve, resilience, two_levels

DEFAULT_RECORD = "llama3-2024"
MODES = ("synchronous", "asynchronous")


@dataclass(frozen=True)
class Faults:
    """What failures do to the run."""

    node_rate: Value
    result: Resilience
    spares: Value


def node_rate(desk: Desk, fleet: Fleet) -> Value:
    """Failure rate of a node: given, or that of a published record."""
    if desk.given("fault_tolerance.failure_rate"):
        return equations.node_failure_rate(desk.field("fault_tolerance.failure_rate"), fleet.per_node)
    record = str(desk.text("fault_tolerance.failures") or DEFAULT_RECORD)
    entry = desk.look("failure", record, "fault_tolerance.failures")
    desk.labels["failures"] = entry.name or record
    if entry.count is not None and entry.period is not None and entry.accelerators is not None:
        rate = equations.failure_rate(desk.enter(entry.count), desk.enter(entry.accelerators), desk.enter(entry.period))
        return equations.node_failure_rate(rate, fleet.per_node)
    if entry.rate_per_node_day is not None:
        return desk.enter(entry.rate_per_node_day)
    raise DesignError(
        "fault_tolerance.failures", f"the record {record!r} gives neither a count with period and size nor a rate"
    )


def evaluate(desk: Desk, fleet: Fleet, store: Store, work: Value) -> Faults:
    """Decide the checkpoints and the spares, and put goodput and calendar time down."""
    rate = node_rate(desk, fleet)
    copied = sum_of(
        desk.constant("faults.asynchronous-stall"),
        store.checkpoint.stall_asynchronous,
        title="Time that an asynchronous checkpoint stops the job",
        symbol="C",
    )
    stalls = {"synchronous": store.checkpoint.stall_synchronous, "asynchronous": copied}
    restart = _restart(desk, store)
    common = {
        "nodes": fleet.nodes,
        "node_rate": rate,
        "work": work,
        "restart_time": restart,
        "repair_time": desk.take("fault_tolerance.repair_time", "faults.repair-time"),
        "confidence": desk.take("fault_tolerance.spare_confidence", "faults.spare-confidence"),
        "hour": desk.constant("faults.hour"),
        "day": desk.constant("faults.day"),
    }
    results = {
        m: resilience(**common, checkpoint_time=stalls[m], interval=_interval(desk, rate, fleet, store, stalls[m]))
        for m in MODES
    }
    mode = str(desk.text("fault_tolerance.checkpoint_mode") or max(MODES, key=lambda m: float(results[m].goodput)))
    chosen = results[mode]
    spares = desk.field("fault_tolerance.spares") if desk.given("fault_tolerance.spares") else chosen.spares
    _put(desk, chosen, rate, stalls[mode], restart, spares, mode)
    _two_levels(desk, chosen, store)
    _decide(desk, results, mode)
    _curve(desk, chosen, stalls[mode], restart)
    desk.at_least("fault_tolerance.goodput", "Goodput", chosen.goodput)
    return Faults(rate, chosen, spares)


def _restart(desk: Desk, store: Store) -> Value:
    """From a failure until training runs again: noticing, restarting, and reading the checkpoint back."""
    parts = [desk.take("fault_tolerance.restart_time", "faults.restart-time")]
    if desk.given("fault_tolerance.detection_time"):
        parts.append(desk.field("fault_tolerance.detection_time"))
    return sum_of(*parts, store.checkpoint.restore, title="Time from a failure to running again", symbol="R")


def _interval(desk: Desk, rate: Value, fleet: Fleet, store: Store, stall: Value) -> Value:
    """The best interval, but no shorter than it takes to write a checkpoint to storage."""
    if desk.given("fault_tolerance.checkpoint_interval"):
        return desk.field("fault_tolerance.checkpoint_interval")
    best = equations.daly_interval(stall, equations.job_mttf(fleet.nodes, rate))
    return largest_of(best, store.checkpoint.time_to_storage, title="Checkpoint interval", symbol="tau")


def _put(desk: Desk, found: Resilience, rate: Value, stall: Value, restart: Value, spares: Value, mode: str) -> None:
    desk.labels["checkpoint_mode"] = mode
    desk.put_all(
        "faults",
        {
            "node_rate": rate,
            "node_mttf": equations.node_mttf(rate),
            "job_mttf": found.job_mttf,
            "failures_per_day": found.daily_failures,
            "quiet_hour": found.quiet_hour,
            "quiet_day": found.quiet_day,
            "expected_interruptions": found.expected_interruptions,
            "checkpoint_time": stall,
            "restart_time": restart,
            "young_interval": found.young_interval,
            "daly_interval": found.daly_interval,
            "checkpoint_interval": found.interval,
            "goodput": found.goodput,
            "checkpoint_share": found.checkpoint_share,
            "rework_share": found.rework_share,
            "restart_share": found.restart_share,
            "lost_work": found.lost_work_per_failure,
            "ettr": found.ettr,
            "nodes_down": found.nodes_down,
            "spares": spares,
            "spares_needed": found.spares,
            "node_availability": found.node_availability,
        },
    )
    desk.put("training.duration", found.run_time)
    desk.at_most("workload.deadline", "Deadline", found.run_time)


def _two_levels(desk: Desk, found: Resilience, store: Store) -> None:
    """Frequent checkpoints in the memory of peers, seldom ones on storage, beside the single level."""
    near = smallest_of(
        store.checkpoint.stall_asynchronous, store.checkpoint.time_to_peers, title="Stall of a checkpoint in memory"
    )
    levels = two_levels(
        mttf=found.job_mttf,
        near_share=desk.constant("faults.near-level-share"),
        near_time=near,
        far_time=store.checkpoint.stall_synchronous,
    )
    desk.put_all(
        "faults",
        {
            "two_level_near_interval": levels.near_interval,
            "two_level_far_interval": levels.far_interval,
            "two_level_waste": levels.waste,
        },
    )


def _decide(desk: Desk, results: dict[str, Resilience], mode: str) -> None:
    best = results[mode]
    alternatives = []
    for name in (mode, *(m for m in MODES if m != mode)):
        found = results[name]
        lost = difference(best.goodput, found.goodput, title=f"Goodput that {name} checkpoints lose")
        metrics = {
            "interval": found.interval,
            "goodput": found.goodput,
            "checkpoints": found.checkpoint_share,
            "rework": found.rework_share,
            "calendar time": found.run_time,
        }
        better = float(lost) < 0
        why = (
            ""
            if name == mode
            else ("goodput is higher; the design file asks otherwise" if better else "goodput is lower by")
        )
        alternatives.append(
            Alternative(f"{name} checkpoints", metrics, why, name == mode, None if better or not why else lost)
        )
    count = desk.ledger.choice(
        "fault_tolerance.checkpoint_mode.considered", len(MODES), "1", "Checkpoint modes evaluated", "both"
    )
    desk.decide(
        Decision(
            "faults",
            "Fault tolerance",
            f"{mode} checkpoints",
            decided_by(
                [desk.given(f"fault_tolerance.{n}") for n in ("checkpoint_mode", "checkpoint_interval", "spares")]
            ),
            considered=count,
            alternatives=tuple(alternatives),
            binding="restart time",
            margin=alternatives[1].lost_by,
            sensitivity={
                "half the interval": _goodput_at(desk, best, 0.5),
                "twice the interval": _goodput_at(desk, best, 2.0),
            },
        )
    )


def _goodput_at(desk: Desk, found: Resilience, factor: float) -> Value:
    """Goodput at a multiple of the interval."""
    from navarch.core.arithmetic import product_of

    times = desk.ledger.choice(
        f"fault_tolerance.checkpoint_interval.times.{factor:g}", factor, "1", "Multiple of the interval", "what if"
    )
    interval = product_of(found.interval, times, unit="s", title="Checkpoint interval, changed", symbol="tau")
    return equations.goodput(
        interval, desk.get("faults.checkpoint_time"), desk.get("faults.restart_time"), found.job_mttf
    )


def _curve(desk: Desk, found: Resilience, stall: Value, restart: Value) -> None:
    x, y = goodput_curve(
        checkpoint_time=float(stall),
        restart_time=float(restart),
        mttf=float(found.job_mttf),
        best=float(found.daly_interval),
    )
    desk.curves["goodput"] = Curve(
        "Goodput against the checkpoint interval",
        "Checkpoint interval",
        "s",
        x,
        "Goodput",
        "fraction",
        y,
        found.interval,
        found.daly_interval,
    )


def interruptions_per(desk: Desk, faults: Faults, period: Value) -> Value:
    """Expected interruptions in a period."""
    return ratio(period, faults.result.job_mttf, unit="1", title="Expected interruptions", symbol="k_fail")
