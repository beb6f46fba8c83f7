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
from navarch.design.evaluation.plan import put_plan
from navarch.design.evaluation.result import Alternative, Decision, Front, decided_by
from navarch.design.evaluation.workload import Workload
from navarch.distributed.training import throughput
from navarch.distributed.training.estimate import TrainingEstimate, estimate
from navarch.distributed.training.forms import COMMON, EVERYTHING
from navarch.distributed.training.legality import NUMERIC, InfeasibleError
from navarch.distributed.training.runtime import DEFAULT_STACK, Runtime
from navarch.distributed.training.runtime import runtime_of as training_runtime
from navarch.distributed.training.shape import Hardware, Plan
from navarch.distributed.training.strategy import Candidate, Choice, choose

SHOWN = 4  # alternatives told beside the chosen one
SAME = 1e-9  # a relative difference of step times that is none
CATEGORIES = ("zero_stage", "sequence_parallel", "recomputation", "schedule", "context_kind", "offload")


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


def runtime_of(desk: Desk, workload: Workload, fleet: Fleet) -> Runtime:
    """The constants of the training software on the fleet's accelerators."""
    stack = str(desk.text("parallelism.software") or DEFAULT_STACK)
    return training_runtime(desk.catalog, fleet.accelerator.id, workload.precision, stack, desk.enter)


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
            forms=EVERYTHING if desk.text("parallelism.forms") == "all" else COMMON,
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
    runtime = runtime_of(desk, workload, fleet)
    found = search(desk, workload, fleet, runtime)
    plan = _plan(desk, workload, found.best, "the fastest legal plan that fits in memory")
    result = estimate(workload.shape, fleet.hardware, plan, runtime)
    steps = throughput.steps_for(workload.tokens, result.tokens_per_step)
    work = throughput.run_time(steps, result.step_time)
    desk.labels["plan"] = found.best.label
    put_plan(desk, fleet, plan, runtime, result)
    desk.put_all("training", {"steps": steps, "useful_time": work})
    error = runtime.model_error if workload.shape.experts is None else runtime.expert_model_error
    desk.put("training.model_error", error)
    _decide(desk, workload, fleet, runtime, found, plan, result)
    desk.curves["pareto"] = _front(found)
    desk.curves["training"] = (workload.shape, fleet.hardware, plan, runtime)
    return Training(plan, result, found, steps, work)


def _plan(desk: Desk, workload: Workload, candidate: Candidate, reason: str) -> Plan:
    """The candidate with remembered numbers: the user's fields where given, else choices."""
    numbers: dict[str, Any] = {
        n: desk.settle(f"parallelism.{n}", getattr(candidate.plan, n), "1", reason) for n in NUMERIC
    }
    numbers["shard"] = _shard(desk, candidate.plan, "parallelism.shard")
    return replace(candidate.plan, **numbers, global_batch=workload.batch, sequence_length=workload.sequence)


def _shard(desk: Desk, plan: Plan, path: str) -> Value | None:
    """Among how many replicas the states are sharded, where it is not all of them."""
    if plan.shard is None:
        return None
    return desk.ledger.choice(path, plan.shard, "1", "Replicas that share out the states", "one scale-up domain")


def _front(found: Choice) -> Front:
    """The plans that none beats in both memory and time, and the leanest that is faster and does not fit."""
    over = [c for c in found.losers if not c.fits]
    plans = [*found.front, *over]
    return Front(
        np.array([c.memory for c in plans]),
        np.array([c.step_time for c in plans]),
        tuple(c.label.split(", ")[0].replace(" x ", " × ") for c in plans),
        tuple(c.plan.recomputation for c in plans),
        len(over),
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
    numbers["shard"] = _shard(desk, loser.plan, f"{path}.shard")
    plan = replace(loser.plan, **numbers, global_batch=workload.batch, sequence_length=workload.sequence)
    other = estimate(workload.shape, fleet.hardware, plan, runtime)
    if not loser.fits:
        over = difference(other.memory.peak, fleet.hardware.memory, title="Memory beyond the accelerator's")
        return Alternative(loser.label, _metrics(other), "exceeds the memory by", False, over)
    slower = relative_change(other.step_time, result.step_time, title="Step time over the chosen plan's")
    if abs(float(slower)) < SAME:
        return Alternative(loser.label, _metrics(other), "as fast, and needs no less memory")
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
    memory = halved(hardware.memory_bandwidth, "Half the memory bandwidth")
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
            replace(hardware, memory_bandwidth=memory, matmul=replace(hardware.matmul, memory_bandwidth=memory)),
        ),
    }
