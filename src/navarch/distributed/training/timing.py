"""The time of one training step as a sum of parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from navarch.core.arithmetic import sum_of
from navarch.core.ledger import Equation
from navarch.distributed.collectives import estimate as collectives
from navarch.distributed.training import communication as com
from navarch.distributed.training import computation as cmp
from navarch.distributed.training import states, step
from navarch.distributed.training.anatomy import Anatomy, total_of
from navarch.distributed.training.layer import LayerCost, exposed_of, layer_cost, peak_within_step
from navarch.distributed.training.placement import Placement, Population
from navarch.distributed.training.shape import Hardware, Number, Plan, Runtime, TransformerShape


@dataclass(frozen=True, slots=True)
class StepTime:
    """Parts of one step; they sum to the total [s].

    compute: matrix products and attention; vocabulary: what the output matrix adds to the slowest stage; elementwise:
    memory-bound kernels; gaps: between kernels; tensor, context, expert, pipeline, data: communication that computation
    does not hide; bubble; optimiser; stragglers.
    """

    compute: Number
    vocabulary: Number
    elementwise: Number
    gaps: Number
    tensor: Number
    context: Number | None
    expert: Number | None
    pipeline: Number
    bubble: Number
    data: Number
    optimiser: Number
    stragglers: Number
    total: Number

    def parts(self) -> tuple[tuple[str, str, Number], ...]:
        """Key, title and seconds of each part; they sum to the total. Experts are left out where there are none."""
        every = (
            ("compute", "Matrix products and attention", self.compute),
            ("vocabulary", "Output matrix and loss", self.vocabulary),
            ("elementwise", "Memory-bound kernels", self.elementwise),
            ("gaps", "Gaps between kernels", self.gaps),
            ("tensor", "Tensor-parallel communication", self.tensor),
            ("context", "Context-parallel communication", self.context),
            ("expert", "Expert-parallel communication", self.expert),
            ("pipeline", "Pipeline communication", self.pipeline),
            ("bubble", "Pipeline bubble", self.bubble),
            ("data", "Data-parallel communication", self.data),
            ("optimiser", "Optimiser update", self.optimiser),
            ("stragglers", "Stragglers and jitter", self.stragglers),
        )
        return tuple(part for part in every if part[2] is not None)


@dataclass(frozen=True, slots=True)
class Communication:
    """All communication of one step, hidden or not, and the computation beside it [s]."""

    tensor: Number
    context: Number
    expert: Number | None
    pipeline: Number
    data: Number
    total: Number
    computation: Number


def _head(
    shape: TransformerShape, anatomy: Anatomy, hardware: Hardware, plan: Plan, runtime: Runtime, tokens: Number
) -> Number:
    """Time of the output matrix and the loss for one microbatch."""
    forward = cmp.matmul_time(
        anatomy.vocabulary,
        tokens,
        plan.tensor,
        peak_within_step(hardware, runtime),
        hardware.matmul_efficiency,
        title="Forward time of the output matrix",
    )
    products = cmp.trained_time(forward, title="Time of the output matrix, per microbatch")
    loss = cmp.loss_traffic_time(
        tokens, shape.vocab, plan.tensor, runtime.logit_bytes, hardware.memory_bandwidth, hardware.memory_efficiency
    )
    return sum_of(products, loss, title="Time of the output matrix and the loss, per microbatch", symbol="T_head")


def _pipeline(shape: TransformerShape, plan: Plan, runtime: Runtime, placement: Placement) -> Number:
    """Pipeline communication of one microbatch, hidden or not."""
    message = com.boundary_message(placement.tokens, shape.hidden, plan.tensor, runtime.activation_bytes)
    send = collectives.point_to_point_time(message, placement.pipeline.bandwidth, placement.pipeline.latency)
    return com.pipeline_time(send, plan.pipeline, plan.virtual_stages)


def _data(plan: Plan, runtime: Runtime, placement: Placement, beside: Number) -> tuple[Number, Number]:
    """Data-parallel communication of one step: all of it, and what computation does not hide."""
    once, repeated = [], []
    for population in placement.populations:
        gradients = states.state_bytes(population.held, runtime.gradient_bytes, title="Gradients to be reduced")
        weights = states.state_bytes(population.held, runtime.weight_bytes, title="Weights to be gathered")
        if plan.zero_stage == 0:
            once.append(_collective(collectives.ring_all_reduce_time, gradients, population, placement))
            continue
        reduced = _collective(collectives.reduce_scatter_time, gradients, population, placement)
        gathered = _collective(collectives.all_gather_time, weights, population, placement)
        if plan.zero_stage >= 3:
            repeated += [reduced, gathered, gathered]
        else:
            (once if plan.zero_stage == 1 else repeated).append(reduced)
            once.append(gathered)
    everything, exposed = [], []
    if once:
        total = total_of(once, title="Data-parallel communication of one step", symbol="T_dp")
        everything.append(total)
        exposed.append(
            com.exposed_time(total, beside, runtime.data_overlap, title="Exposed data-parallel communication")
        )
    if repeated:
        each = (
            sum_of(*repeated, title="Data-parallel communication of one microbatch", symbol="T_dp")
            if len(repeated) > 1
            else repeated[0]
        )
        everything.append(step.over_microbatches(each, placement.microbatches))
        left = com.exposed_time(
            each, beside, runtime.data_overlap, title="Exposed data-parallel communication, per microbatch"
        )
        exposed.append(step.over_microbatches(left, placement.microbatches))
    return (
        total_of(everything, title="Data-parallel communication of one step", symbol="T_dp"),
        total_of(exposed, title="Exposed data-parallel communication of one step", symbol="T_data"),
    )


def _collective(operation: Equation, message: Number, population: Population, placement: Placement) -> Number:
    """A collective over replicas, in as many pieces as the stage has layers."""
    latency = step.over_layers(population.link.latency, placement.stage_layers, title="Latency over all layers")
    return operation(message, population.replicas, population.link.bandwidth, latency)


def _optimiser(hardware: Hardware, plan: Plan, runtime: Runtime, placement: Placement) -> Number:
    """Time of the optimiser's update."""
    each = (runtime.optimiser_bytes, runtime.gradient_bytes, runtime.weight_bytes)
    memory = (hardware.memory_bandwidth, hardware.memory_efficiency)
    parts = []
    for population in placement.populations:
        updated = population.held
        if plan.zero_stage >= 1:
            updated = states.sharded_parameters(population.held, population.replicas)
        parts.append(cmp.optimiser_time(updated, *each, *memory))
    return total_of(parts, title="Time of the optimiser's update", symbol="T_opt")


def timing_of(
    shape: TransformerShape, anatomy: Anatomy, hardware: Hardware, plan: Plan, runtime: Runtime, placement: Placement
) -> tuple[StepTime, Communication]:
    """The step time by part, and all communication, hidden or not."""
    layer = layer_cost(shape, anatomy, hardware, plan, runtime, placement)
    tensor, context, expert = exposed_of(layer, runtime)
    costs = [layer.compute, layer.elementwise, layer.gaps, tensor, context] + ([] if expert is None else [expert])
    one_layer = sum_of(*costs, title="Time of one layer and microbatch", symbol="T_layer")
    head = _head(shape, anatomy, hardware, plan, runtime, placement.tokens)
    exposed_head = step.exposed_head_time(head, one_layer, shape.layers, plan.pipeline, placement.stage_layers)
    sends = _pipeline(shape, plan, runtime, placement)
    stage = step.over_layers(one_layer, placement.stage_layers, title="Time of the layers of a stage, per microbatch")
    exposed_sends = com.exposed_time(
        sends, stage, runtime.pipeline_overlap, title="Exposed pipeline communication, per microbatch"
    )
    microbatch = sum_of(
        stage, exposed_head, exposed_sends, title="Time of one microbatch on the slowest stage", symbol="T_micro"
    )

    def over_step(time: Number, title: str, symbol: str) -> Number:
        over_stage = step.over_layers(time, placement.stage_layers, title=f"{title}, per microbatch")
        return step.over_microbatches(over_stage, placement.microbatches, title=title, symbol=symbol)

    computed = sum_of(layer.compute, layer.elementwise, title="Computation of one layer, memory-bound kernels included")
    beside = step.over_layers(computed, placement.stage_layers, title="Computation of one microbatch on a stage")
    data, exposed_data = _data(plan, runtime, placement, beside)
    parts = (
        over_step(layer.compute, "Matrix products and attention", "T_comp"),
        step.over_microbatches(exposed_head, placement.microbatches, title="Output matrix and loss", symbol="T_vocab"),
        over_step(layer.elementwise, "Memory-bound kernels", "T_elem"),
        over_step(layer.gaps, "Gaps between kernels", "T_gap"),
        over_step(tensor, "Exposed tensor-parallel communication", "T_tensor"),
        over_step(context, "Exposed context-parallel communication", "T_context"),
        None if expert is None else over_step(expert, "Exposed expert-parallel communication", "T_expert"),
        step.over_microbatches(
            exposed_sends, placement.microbatches, title="Exposed pipeline communication", symbol="T_pipe"
        ),
        step.bubble_time(microbatch, plan.pipeline, plan.virtual_stages),
        exposed_data,
        _optimiser(hardware, plan, runtime, placement),
    )
    smooth = sum_of(*(p for p in parts if p is not None), title="Step time without stragglers", symbol="T_smooth")
    stragglers = step.straggler_time(smooth, runtime.straggler)
    total = sum_of(smooth, stragglers, title="Time of one training step", symbol="T_step")
    return StepTime(*parts, stragglers, total), _communication(layer, sends, data, parts, over_step, placement)


def _communication(
    layer: LayerCost,
    sends: Number,
    data: Number,
    parts: Sequence[Number],
    over_step: Callable[[Number, str, str], Number],
    placement: Placement,
) -> Communication:
    """All communication of a step, hidden or not, beside its computation."""
    tensor = over_step(layer.tensor, "Tensor-parallel communication of one step", "T_tensor,all")
    context = over_step(layer.context, "Context-parallel communication of one step", "T_context,all")
    expert = (
        None
        if layer.expert is None
        else over_step(layer.expert, "Expert-parallel communication of one step", "T_expert,all")
    )
    pipeline = step.over_microbatches(sends, placement.microbatches, title="Pipeline communication of one step")
    every = [tensor, context, pipeline, data] + ([] if expert is None else [expert])
    compute, vocabulary, elementwise, *_ = parts
    return Communication(
        tensor,
        context,
        expert,
        pipeline,
        data,
        sum_of(*every, title="Communication of one step, hidden or not", symbol="T_comm"),
        sum_of(compute, vocabulary, elementwise, title="Computation of one step", symbol="T_comp"),
    )
