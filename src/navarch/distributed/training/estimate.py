"""One training step of a transformer: memory by part, time by part, utilisation.

The same composition runs on floats, on arrays of candidate plans and, under a ledger, on values that remember where
they came from; it does no arithmetic itself. The equations lie beside, by noun: architecture, states, activations,
products, computation, communication, step, throughput.

It has two halves. What one layer costs depends on few of a plan's fields; the step depends on all of them and on the
layer's cost. A search computes the first half once for many plans (`layer_of`) and the second for each (`step_of`).
"""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.arithmetic import margin_below, share_of
from navarch.distributed.training import throughput
from navarch.distributed.training.anatomy import Anatomy, anatomy_of
from navarch.distributed.training.footprint import Footprint, LayerMemory, footprint_of, layer_memory
from navarch.distributed.training.layer import LayerCost, layer_cost
from navarch.distributed.training.placement import layer_links, place
from navarch.distributed.training.runtime import Runtime
from navarch.distributed.training.shape import Hardware, Number, Plan, TransformerShape
from navarch.distributed.training.timing import (
    Communication,
    HeadCost,
    Pace,
    StepTime,
    communication_of,
    head_cost,
    pace_of,
    step_body_of,
    step_time_of,
)

LAYER_FIELDS = ("tensor", "context", "expert", "microbatch", "sequence_length")
"""The numeric fields of a plan that the cost of a layer depends on."""


@dataclass(frozen=True, slots=True)
class LayerEstimate:
    """What a layer and the output matrix cost and hold, for one microbatch."""

    cost: LayerCost
    head: HeadCost
    memory: LayerMemory


@dataclass(frozen=True, slots=True)
class TrainingEstimate:
    """What one plan does.

    anatomy: of the model; accelerators: used; microbatches: of a step; tokens_per_step [token]; memory: by part and
    stage; memory_margin: of the device's memory left free at the peak [fraction, negative where it does not fit];
    step: time by part; step_time [s]; communication: all of it, hidden or not; communication_ratio: against
    computation; bubble: share of the step [fraction]; pace: one microbatch on a stage, by pass [s]; mfu: with the
    attention that the mask leaves, mfu_full_attention: with all pairs, hfu: as executed [fraction];
    flops_per_accelerator: model operations, attention in full [FLOP/s]; executed_per_accelerator [FLOP/s];
    tokens_per_second, tokens_per_second_per_accelerator [token/s].
    """

    anatomy: Anatomy
    accelerators: Number
    microbatches: Number
    tokens_per_step: Number
    memory: Footprint
    memory_margin: Number
    step: StepTime
    step_time: Number
    communication: Communication
    communication_ratio: Number
    bubble: Number
    pace: Pace
    mfu: Number
    mfu_full_attention: Number
    hfu: Number
    flops_per_accelerator: Number
    executed_per_accelerator: Number
    tokens_per_second: Number
    tokens_per_second_per_accelerator: Number


def layer_of(
    shape: TransformerShape, anatomy: Anatomy, hardware: Hardware, plan: Plan, runtime: Runtime
) -> LayerEstimate:
    """What a layer costs and holds; of the plan's numbers only LAYER_FIELDS are read."""
    links = layer_links(shape, hardware, plan, runtime)
    return LayerEstimate(
        layer_cost(shape, anatomy, hardware, plan, runtime, links),
        head_cost(shape, hardware, plan, runtime, links.tokens),
        layer_memory(shape, anatomy, plan, runtime, links.tokens),
    )


def estimate(
    shape: TransformerShape, hardware: Hardware, plan: Plan, runtime: Runtime, layer: LayerEstimate | None = None
) -> TrainingEstimate:
    """Memory, time and utilisation of training `shape` on `hardware` by `plan`; layer: of it, where it is known."""
    anatomy = anatomy_of(shape, plan)
    if layer is None:
        layer = layer_of(shape, anatomy, hardware, plan, runtime)
    placement = place(shape, anatomy, hardware, plan, runtime)
    memory = footprint_of(shape, anatomy, plan, runtime, placement, layer.memory)
    body = step_body_of(shape, plan, runtime, layer.cost, layer.head, placement)
    step = step_time_of(shape, hardware, plan, runtime, body, placement, memory.layer_activations)
    communication = communication_of(shape, plan, runtime, layer.cost, placement, step)
    pace = pace_of(shape, plan, runtime, layer.cost, placement)
    tokens = throughput.tokens_per_step(plan.global_batch, plan.sequence_length)
    per_step = throughput.flops_per_step
    full = per_step(anatomy.flops_per_token_full_attention, tokens, title="Operations of one step, attention in full")
    executed = per_step(anatomy.flops_per_token_executed, tokens, title="Operations executed in one step")
    peak = (step.total, hardware.peak, placement.accelerators)
    count = placement.accelerators
    return TrainingEstimate(
        anatomy,
        count,
        placement.microbatches,
        tokens,
        memory,
        margin_below(hardware.memory, memory.peak, title="Memory left free on an accelerator"),
        step,
        step.total,
        communication,
        throughput.communication_ratio(communication.total, communication.computation),
        share_of(step.bubble, step.total, title="Pipeline bubble as a share of the step"),
        pace,
        throughput.utilisation(per_step(anatomy.flops_per_token, tokens), *peak, title="Model FLOPs utilisation"),
        throughput.utilisation(full, *peak, title="Model FLOPs utilisation, attention in full"),
        throughput.utilisation(executed, *peak, title="Hardware FLOPs utilisation", symbol="HFU"),
        throughput.achieved_flops(full, step.total, count, title="Model operations per second and accelerator"),
        throughput.achieved_flops(executed, step.total, count, title="Executed operations per second and accelerator"),
        throughput.token_throughput(tokens, step.total),
        throughput.token_throughput_per_accelerator(tokens, step.total, count),
    )
