"""What the chosen plan does, put down by name: utilisation, the step by part, communication, memory, and its pace."""

from __future__ import annotations

from navarch.core.arithmetic import difference
from navarch.design.evaluation.cluster import Fleet
from navarch.design.evaluation.desk import Desk
from navarch.distributed.training import throughput
from navarch.distributed.training.estimate import TrainingEstimate
from navarch.distributed.training.legality import NUMERIC
from navarch.distributed.training.runtime import Runtime
from navarch.distributed.training.shape import Plan

RESULTS = (
    "step_time", "mfu", "mfu_full_attention", "hfu", "tokens_per_second", "tokens_per_second_per_accelerator",
    "flops_per_accelerator", "executed_per_accelerator", "microbatches", "tokens_per_step", "bubble",
    "communication_ratio",
)  # fmt: skip


def put_plan(desk: Desk, fleet: Fleet, plan: Plan, runtime: Runtime, result: TrainingEstimate) -> None:
    """Put down all that a plan does."""
    desk.put_all("training", {name: getattr(result, name) for name in RESULTS})
    desk.put_all("parallelism", {n: getattr(plan, n) for n in NUMERIC})
    if plan.shard is not None:
        desk.put("parallelism.shard", plan.shard)
    desk.labels |= {
        "zero_stage": str(plan.zero_stage),
        "recomputation": plan.recomputation,
        "sequence_parallel": "sequence parallel" if plan.sequence_parallel else "no sequence parallel",
        "schedule": plan.schedule,
        "context_kind": plan.context_kind,
        "offload": plan.offload,
    }
    desk.put_all("step", {key: part for key, _, part in result.step.parts()})
    _communication(desk, result)
    _memory(desk, fleet, result)
    pace = result.pace
    desk.put_all(
        "pace",
        {
            "forward": pace.forward,
            "backward_input": pace.backward_input,
            "backward_weight": pace.backward_weight,
            "send": pace.send,
            "send_overhead": runtime.send_overhead,
        },
    )


def _communication(desk: Desk, result: TrainingEstimate) -> None:
    """All communication by form of parallelism: how long, how much of it computation hides, and against computation."""
    everything = result.communication
    for key, title, time in everything.parts():
        desk.put(f"communication.{key}", time)
        exposed = desk.quantities[f"step.{key}"]
        hidden = difference(time, exposed, title=f"{title}-parallel communication that computation hides")
        desk.put(f"hidden.{key}", hidden)
        against = throughput.communication_ratio(
            time, everything.computation, title=f"{title}-parallel communication against computation"
        )
        desk.put(f"communication.{key}_ratio", against)
    desk.put_all("communication", {"total": everything.total, "computation": everything.computation})


def _memory(desk: Desk, fleet: Fleet, result: TrainingEstimate) -> None:
    """Memory by part on the first and the last stage, and on whichever of them holds more."""
    first, last = result.memory.first, result.memory.last
    fullest = first if float(first.total) >= float(last.total) else last
    desk.put_all("memory", {key: part for key, _, part in fullest.parts()})
    desk.put_all(
        "memory", {"peak": result.memory.peak, "margin": result.memory_margin, "capacity": fleet.hardware.memory}
    )
    for name, stage in (("first", first), ("last", last)):
        desk.put_all(f"memory.{name}", {key: part for key, _, part in stage.parts()})
        desk.put(f"memory.{name}.total", stage.total)
