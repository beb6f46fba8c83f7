"""One training step of a transformer: memory by part, time by part, utilisation.

The same composition runs on floats, on arrays of candidate plans and, under a ledger, on values that remember where
they came from; it does no arithmetic itself. The equations lie beside, by noun: architecture, states, activations,
computation, communication, step, throughput.
"""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.arithmetic import margin_below
from navarch.distributed.training import step as steps
from navarch.distributed.training import throughput
from navarch.distributed.training.anatomy import Anatomy, anatomy_of
from navarch.distributed.training.footprint import Footprint, footprint_of
from navarch.distributed.training.placement import place
from navarch.distributed.training.shape import Hardware, Number, Plan, Runtime, TransformerShape
from navarch.distributed.training.timing import Communication, StepTime, timing_of


@dataclass(frozen=True, slots=True)
class TrainingEstimate:
    """What one plan does.

    anatomy: of the model; accelerators: used; microbatches: of a step; tokens_per_step [token]; memory: by part and
    stage; memory_margin: of the device's memory left free at the peak [fraction, negative where it does not fit];
    step: time by part; step_time [s]; communication: all of it, hidden or not; communication_ratio: against
    computation; bubble: share of the ideal time [fraction]; mfu: with the attention that the mask leaves,
    mfu_full_attention: with all pairs, hfu: as executed [fraction]; flops_per_accelerator: model operations,
    attention in full [FLOP/s]; executed_per_accelerator [FLOP/s]; tokens_per_second,
    tokens_per_second_per_accelerator [token/s].
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
    mfu: Number
    mfu_full_attention: Number
    hfu: Number
    flops_per_accelerator: Number
    executed_per_accelerator: Number
    tokens_per_second: Number
    tokens_per_second_per_accelerator: Number


def estimate(shape: TransformerShape, hardware: Hardware, plan: Plan, runtime: Runtime) -> TrainingEstimate:
    """Memory, time and utilisation of training `shape` on `hardware` by `plan`."""
    anatomy = anatomy_of(shape, plan)
    placement = place(shape, anatomy, hardware, plan)
    memory = footprint_of(shape, anatomy, plan, runtime, placement)
    step, communication = timing_of(shape, anatomy, hardware, plan, runtime, placement)
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
        steps.bubble_fraction(placement.microbatches, plan.pipeline, plan.virtual_stages),
        throughput.utilisation(per_step(anatomy.flops_per_token, tokens), *peak, title="Model FLOPs utilisation"),
        throughput.utilisation(full, *peak, title="Model FLOPs utilisation, attention in full"),
        throughput.utilisation(executed, *peak, title="Hardware FLOPs utilisation", symbol="HFU"),
        throughput.achieved_flops(full, step.total, count, title="Model operations per second and accelerator"),
        throughput.achieved_flops(executed, step.total, count, title="Executed operations per second and accelerator"),
        throughput.token_throughput(tokens, step.total),
        throughput.token_throughput_per_accelerator(tokens, step.total, count),
    )
