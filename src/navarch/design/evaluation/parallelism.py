"""Parallelism: every legal plan searched, the best evaluated under the ledger, and why the others lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from navarch.core.arithmetic import difference, product_of, relative_change
from navarch.core.ledger import Value
from navarch.design.errors import DesignError
from navarch.design.evaluation.cluster import Fleet
from navarch.design.evaluation.desk import Desk
from navarch.design.evaluation.result import Alternative, Decision, decided_by
from navarch.design.evaluation.workload import Workload
from navarch.distributed.training import throughput
from navarch.distributed.training.estimate import TrainingEstimate, estimate
from navarch.distributed.training.legality import NUMERIC, InfeasibleError
from navarch.distributed.training.shape import Hardware, Plan, Runtime
from navarch.distributed.training.strategy import Candidate, Choice, choose

SHOWN = 4  # alternatives told beside the chosen one
CATEGORIES = ("zero_stage", "sequence_parallel", "recomputation")


@dataclass(frozen=True)
class Training:
    """The chosen plan, what it does, and the search that chose it."""

    plan: Plan
    estimate: TrainingEstimate
    choice: Choice
    steps: Value
    work: Value


def fixed_of(desk: Desk) -> dict[str, Any]:
    """What the design file fixes about the plan."""
    fixed: dict[str, Any] = {n: int(desk.field(f"parallelism.{n}")) for n in NUMERIC if desk.given(f"parallelism.{n}")}
    fixed |= {n: desk.text(f"parallelism.{n}") for n in CATEGORIES if desk.given(f"parallelism.{n}")}
    if "zero_stage" in fixed:
        fixed["zero_stage"] = int(float(fixed["zero_stage"]))
    return fixed


def runtime_of(desk: Desk) -> Runtime:
    return Runtime.from_constants(desk.constant)


def search(desk: Desk, workload: Workload, fleet: Fleet, runtime: Runtime) -> Choice:
    """Every legal plan of the fleet; a plan that cannot be is a DesignError that names the field."""
    _check_tensor(desk, fleet)
    try:
        return choose(
            workload.shape,
            fleet.hardware,
            runtime,
            int(fleet.accelerators),
            int(workload.batch),
            int(workload.sequence),
            fixed_of(desk),
        )
    except InfeasibleError as error:
        where = "cluster.accelerators" if error.field == "accelerators" else f"parallelism.{error.field}"
        path = "workload.global_batch" if error.field == "global_batch" else where
        raise DesignError(path, f"{error.value}: {error.problem}; {error.allowed}") from error


def _check_tensor(desk: Desk, fleet: Fleet) -> None:
    """Refuse tensor groups that leave the scale-up domain: each layer would wait for the network four times."""
    if not desk.given("parallelism.tensor"):
        return
    asked, domain = int(desk.field("parallelism.tensor")), int(fleet.hardware.scaleup_domain)
    if asked > domain:
        name = fleet.node.name or fleet.node.id
        raise DesignError(
            "parallelism.tensor",
            f"{asked} exceeds the {domain} accelerators of the scale-up domain of {name}, by {asked - domain}",
        )


def evaluate(desk: Desk, workload: Workload, fleet: Fleet) -> Training:
    """Decide the plan, and put step time, memory and utilisation down."""
    runtime = runtime_of(desk)
    found = search(desk, workload, fleet, runtime)
    plan = _plan(desk, workload, found.best, "the fastest legal plan that fits in memory")
    result = estimate(workload.shape, fleet.hardware, plan, runtime)
    steps = throughput.steps_for(workload.tokens, result.tokens_per_step)
    work = throughput.run_time(steps, result.step_time)
    desk.labels["plan"] = found.best.label
    _put(desk, fleet, plan, result, steps, work)
    _decide(desk, workload, fleet, runtime, found, plan, result)
    desk.curves["pareto"] = {
        "memory": np.array([c.memory for c in found.front]),
        "step": np.array([c.step_time for c in found.front]),
        "labels": [c.label for c in found.front],
    }
    return Training(plan, result, found, steps, work)


def _plan(desk: Desk, workload: Workload, candidate: Candidate, reason: str) -> Plan:
    """The candidate with remembered numbers: the user's fields where given, else choices."""
    numbers: dict[str, Any] = {
        n: desk.settle(f"parallelism.{n}", getattr(candidate.plan, n), "1", reason) for n in NUMERIC
    }
    return replace(candidate.plan, **numbers, global_batch=workload.batch, sequence_length=workload.sequence)


def _put(desk: Desk, fleet: Fleet, plan: Plan, result: TrainingEstimate, steps: Value, work: Value) -> None:
    desk.put_all(
        "training",
        {
            "step_time": result.step_time,
            "mfu": result.mfu,
            "mfu_full_attention": result.mfu_full_attention,
            "hfu": result.hfu,
            "tokens_per_second": result.tokens_per_second,
            "tokens_per_second_per_accelerator": result.tokens_per_second_per_accelerator,
            "flops_per_accelerator": result.flops_per_accelerator,
            "executed_per_accelerator": result.executed_per_accelerator,
            "microbatches": result.microbatches,
            "tokens_per_step": result.tokens_per_step,
            "bubble": result.bubble,
            "communication_ratio": result.communication_ratio,
            "steps": steps,
            "useful_time": work,
        },
    )
    desk.put_all("parallelism", {n: getattr(plan, n) for n in NUMERIC})
    desk.labels |= {
        "zero_stage": str(plan.zero_stage),
        "recomputation": plan.recomputation,
        "sequence_parallel": "sequence parallel" if plan.sequence_parallel else "no sequence parallel",
    }
    desk.put_all("step", {key: part for key, _, part in result.step.parts()})
    worst = (
        result.memory.first
        if float(result.memory.first.total) >= float(result.memory.last.total)
        else result.memory.last
    )
    desk.put_all("memory", {key: part for key, _, part in worst.parts()})
    desk.put_all(
        "memory", {"peak": result.memory.peak, "margin": result.memory_margin, "capacity": fleet.hardware.memory}
    )


def _decide(
    desk: Desk, workload: Workload, fleet: Fleet, runtime: Runtime, found: Choice, plan: Plan, result: TrainingEstimate
) -> None:
    alternatives = [Alternative(found.best.label, _metrics(result), chosen=True)]
    for index, loser in enumerate(found.losers[:SHOWN]):
        alternatives.append(_loser(desk, workload, fleet, runtime, found.best, loser, result, index))
    considered = desk.ledger.choice(
        "parallelism.considered", found.considered, "1", "Legal plans evaluated", "exhaustive search"
    )
    feasible = desk.ledger.choice(
        "parallelism.feasible", found.feasible, "1", "Plans that fit in memory", "exhaustive search"
    )
    runner = next((a for a, c in zip(alternatives[1:], found.losers, strict=False) if c.fits), None)
    margin = (
        relative_change(
            runner.metrics["step"], result.step_time, title="Step time of the runner-up over the chosen plan"
        )
        if runner
        else None
    )
    told = ("tensor", "pipeline", "microbatch", "zero_stage", "recomputation")
    desk.decide(
        Decision(
            "parallelism",
            "Parallelism",
            found.best.label,
            decided_by([desk.given(f"parallelism.{n}") for n in told]),
            considered=considered,
            feasible=feasible,
            alternatives=tuple(alternatives),
            binding=found.binding,
            margin=margin,
            sensitivity=_sensitivity(desk, workload, fleet, runtime, plan, result),
        )
    )


def _metrics(result: TrainingEstimate) -> dict[str, Value]:
    return {"step": result.step_time, "MFU": result.mfu, "memory": result.memory.peak}


def _loser(
    desk: Desk,
    workload: Workload,
    fleet: Fleet,
    runtime: Runtime,
    best: Candidate,
    loser: Candidate,
    result: TrainingEstimate,
    index: int,
) -> Alternative:
    """A plan that lost, evaluated under the ledger, with the reason and by how much."""
    path = f"parallelism.alternative.{index + 1}"
    numbers: dict[str, Any] = {
        n: desk.ledger.choice(
            f"{path}.{n}",
            getattr(loser.plan, n),
            "1",
            f"{n.replace('_', ' ').capitalize()} of alternative {index + 1}",
            "considered",
        )
        for n in NUMERIC
    }
    plan = replace(loser.plan, **numbers, global_batch=workload.batch, sequence_length=workload.sequence)
    other = estimate(workload.shape, fleet.hardware, plan, runtime)
    if not loser.fits:
        over = difference(other.memory.peak, fleet.hardware.memory, title="Memory beyond the accelerator's")
        return Alternative(loser.label, _metrics(other), "exceeds the memory by", False, over)
    slower = relative_change(other.step_time, result.step_time, title="Step time over the chosen plan's")
    return Alternative(
        loser.label, _metrics(other), f"{_main_cause(best.parts, loser.parts, other)}; slower by", False, slower
    )


def _main_cause(best: Mapping[str, float], lost: Mapping[str, float], other: TrainingEstimate) -> str:
    """The part of the step that grew most."""
    titles = {key: title for key, title, _ in other.step.parts()}
    grown = max(lost, key=lambda key: lost[key] - best.get(key, 0.0))
    return f"more {titles[grown][0].lower()}{titles[grown][1:]}"


def _sensitivity(
    desk: Desk, workload: Workload, fleet: Fleet, runtime: Runtime, plan: Plan, result: TrainingEstimate
) -> dict[str, Value]:
    """Change of the step time under changed hardware, the plan kept."""
    half = desk.ledger.choice("parallelism.sensitivity.half", 0.5, "1", "Half", "what if")

    def changed(what: str, hardware: Hardware) -> Value:
        other = estimate(workload.shape, hardware, plan, runtime)
        return relative_change(other.step_time, result.step_time, title=f"Change of the step time with {what}")

    def halved(value: Value, title: str) -> Value:
        return product_of(value, half, unit=value.entry.unit, title=title)

    hardware = fleet.hardware
    return {
        "half the network bandwidth": changed(
            "half the network bandwidth",
            replace(hardware, scaleout_bandwidth=halved(hardware.scaleout_bandwidth, "Half the network bandwidth")),
        ),
        "half the scale-up bandwidth": changed(
            "half the scale-up bandwidth",
            replace(hardware, scaleup_bandwidth=halved(hardware.scaleup_bandwidth, "Half the scale-up bandwidth")),
        ),
        "half the memory bandwidth": changed(
            "half the memory bandwidth",
            replace(hardware, memory_bandwidth=halved(hardware.memory_bandwidth, "Half the memory bandwidth")),
        ),
    }
