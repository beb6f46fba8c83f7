"""The time of one training step as a sum of parts."""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.arithmetic import difference, product_of, sum_of
from navarch.distributed.collectives import estimate as collectives
from navarch.distributed.training import communication as com
from navarch.distributed.training import computation as cmp
from navarch.distributed.training import states, step
from navarch.distributed.training.anatomy import total_of
from navarch.distributed.training.layer import LayerCost
from navarch.distributed.training.pipeline import bubble_of
from navarch.distributed.training.placement import Placement
from navarch.distributed.training.products import Product, sustained_time, times_of, width_per_device
from navarch.distributed.training.runtime import Runtime
from navarch.distributed.training.shape import Hardware, Number, Plan, TransformerShape

BACKWARD_PARTS = {"zero-bubble", "zero-bubble-2", "zero-bubble-v", "dualpipe"}
"""Schedules whose bubble depends on how the backward pass divides."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """Parts of one step; they sum to the total [s].

    compute: matrix products and attention; vocabulary: what the output matrix adds to the slowest stage; elementwise:
    memory-bound kernels; gaps: waiting for the host; tensor, context, expert, pipeline, data: communication that
    computation does not hide; bubble; optimiser: update and what each step costs once; offload: transfers to and from
    the host that computation does not hide; stragglers; unexplained: by the model, none in the median.
    """

    compute: Number
    vocabulary: Number
    elementwise: Number
    gaps: Number
    tensor: Number
    context: Number
    expert: Number | None
    pipeline: Number
    bubble: Number
    data: Number
    optimiser: Number
    offload: Number | None
    stragglers: Number
    unexplained: Number
    total: Number

    def parts(self) -> tuple[tuple[str, str, Number], ...]:
        """Key, title and seconds of each part; they sum to the total. What the plan has not is left out."""
        every = (
            ("compute", "Matrix products and attention", self.compute),
            ("vocabulary", "Output matrix and loss", self.vocabulary),
            ("elementwise", "Memory-bound kernels", self.elementwise),
            ("gaps", "Waiting for the host", self.gaps),
            ("tensor", "Tensor-parallel communication", self.tensor),
            ("context", "Context-parallel communication", self.context),
            ("expert", "Expert-parallel communication", self.expert),
            ("pipeline", "Pipeline communication", self.pipeline),
            ("bubble", "Pipeline bubble", self.bubble),
            ("data", "Data-parallel communication", self.data),
            ("optimiser", "Optimiser update", self.optimiser),
            ("offload", "Transfers to and from the host", self.offload),
            ("stragglers", "Stragglers and jitter", self.stragglers),
            ("unexplained", "Unexplained by the model", self.unexplained),
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

    def parts(self) -> tuple[tuple[str, str, Number], ...]:
        """Key, title and seconds of each form of parallelism; they sum to the total."""
        every = (
            ("tensor", "Tensor", self.tensor),
            ("context", "Context", self.context),
            ("expert", "Expert", self.expert),
            ("pipeline", "Pipeline", self.pipeline),
            ("data", "Data", self.data),
        )
        return tuple(part for part in every if part[2] is not None)


@dataclass(frozen=True, slots=True)
class Pace:
    """What the schedule runs: one microbatch on a mean stage, by pass [s]."""

    forward: Number
    backward_input: Number
    backward_weight: Number
    send: Number


@dataclass(frozen=True, slots=True)
class HeadCost:
    """The output matrix and the loss for one microbatch [s], which only the last stage computes."""

    total: Number


def head_cost(shape: TransformerShape, hardware: Hardware, plan: Plan, runtime: Runtime, tokens: Number) -> HeadCost:
    """Cost of the output matrix and the loss for one microbatch."""
    columns = width_per_device(shape.vocab, plan.tensor, title="Vocabulary per accelerator")
    ragged = (runtime.alignment, runtime.ragged_rate)
    passes = times_of(hardware, tokens, [Product("Output matrix", columns, shape.hidden)], ragged)
    alone = sum_of(
        passes.forward, passes.backward_input, passes.backward_weight, title="Output matrix, kernels run alone"
    )
    products = sustained_time(alone, runtime.sustained, title="Time of the output matrix, per microbatch")
    loss = cmp.loss_traffic_time(
        tokens, shape.vocab, plan.tensor, runtime.logit_bytes, hardware.memory_bandwidth, hardware.memory_efficiency
    )
    one = sum_of(products, loss, title="Time of the output matrix and the loss, per microbatch", symbol="T_head")
    return HeadCost(one if shape.prediction_modules is None else step.heads_time(one, shape.prediction_modules))


def _send(shape: TransformerShape, plan: Plan, runtime: Runtime, placement: Placement) -> tuple[Number, Number]:
    """One send between stages, and the pipeline communication of one microbatch, hidden or not."""
    message = com.boundary_message(placement.tokens, shape.hidden, plan.tensor, runtime.activation_bytes)
    send = collectives.point_to_point_time(message, placement.pipeline.bandwidth, placement.pipeline.latency)
    return send, com.pipeline_time(send, runtime.send_overhead, plan.pipeline, plan.virtual_stages)


def _data_pieces(plan: Plan, placement: Placement) -> tuple[list[Number], list[Number]]:
    """Data-parallel collectives: those of each step, and those of each microbatch."""
    once: list[Number] = []
    repeated: list[Number] = []
    for population in placement.populations:
        takes = population.takes
        if plan.zero_stage == 0:
            once.append(takes.all_reduce)
            continue
        if takes.across is not None:
            once.append(takes.across)
        if plan.zero_stage >= 3:
            repeated += [takes.reduce_scatter, takes.all_gather, takes.all_gather]
        else:
            (once if plan.zero_stage == 1 else repeated).append(takes.reduce_scatter)
            once.append(takes.all_gather)
    return once, repeated


def _all_data(plan: Plan, placement: Placement) -> Number:
    """All data-parallel communication of one step, hidden or not."""
    once, repeated = _data_pieces(plan, placement)
    everything = []
    if once:
        everything.append(total_of(once, title="Data-parallel communication of one step", symbol="T_dp"))
    if repeated:
        each = total_of(repeated, title="Data-parallel communication of one microbatch", symbol="T_dp")
        everything.append(step.over_microbatches(each, placement.microbatches))
    return total_of(everything, title="Data-parallel communication of one step", symbol="T_dp")


def _data(plan: Plan, runtime: Runtime, placement: Placement, beside: Number, free: Number) -> Number:
    """Data-parallel communication of one step that computation does not hide.

    beside: time of one microbatch in which no layer waits for the network; free: the same with its part of the bubble.
    """
    once, repeated = _data_pieces(plan, placement)
    exposed, hidden = [], []
    if repeated:
        each = total_of(repeated, title="Data-parallel communication of one microbatch", symbol="T_dp")
        left = com.exposed_gathers(
            each,
            free,
            runtime.gather_overlap,
            placement.stage_layers,
            title="Exposed data-parallel communication, per microbatch",
        )
        exposed.append(step.over_microbatches(left, placement.microbatches))
        hidden.append(com.hidden_time(each, beside, runtime.gather_overlap))
    if once:
        total = total_of(once, title="Data-parallel communication of one step", symbol="T_dp")
        shares = (runtime.data_overlap, runtime.data_exposed)
        left_of = com.exposed_collective_after if hidden else com.exposed_collective
        exposed.append(left_of(total, beside, *shares, *hidden, title="Exposed data-parallel communication"))
    return total_of(exposed, title="Exposed data-parallel communication of one step", symbol="T_data")


def _optimiser(hardware: Hardware, plan: Plan, runtime: Runtime, placement: Placement) -> Number:
    """Time of the optimiser's update, and of what each step costs once."""
    each = (runtime.optimiser_bytes, runtime.gradient_bytes, runtime.weight_bytes)
    parts = [runtime.step_overhead]
    for population in placement.populations:
        updated = population.held
        if plan.zero_stage >= 1:
            updated = states.sharded_parameters(population.held, population.shards)
        if plan.offloads_optimiser:
            host = (hardware.host_bandwidth, runtime.optimiser_bytes, runtime.host_memory)
            parts.append(com.offloaded_optimiser_time(updated, runtime.gradient_bytes, runtime.weight_bytes, *host))
        else:
            parts.append(cmp.optimiser_time(updated, *each, hardware.memory_bandwidth, hardware.memory_efficiency))
    return total_of(parts, title="Time of the optimiser's update", symbol="T_opt")


def _offload(
    hardware: Hardware, plan: Plan, runtime: Runtime, placement: Placement, stored: Number, body: StepBody
) -> Number | None:
    """Transfers of activations to and from the host that neither computation nor waits for the network hide."""
    if not plan.offloads_activations:
        return None
    moved = product_of(placement.stage_layers, stored, unit="byte", title="Activations offloaded, per microbatch")
    transfer = com.offload_time(moved, hardware.host_bandwidth)
    left = com.exposed_time(
        transfer,
        body.free,
        runtime.gather_overlap,
        title="Transfers of activations beyond computation, per microbatch",
    )
    every = step.over_microbatches(left, placement.microbatches, title="Transfers of activations beyond computation")
    return com.exposed_beyond(every, body.data, title="Exposed transfers of activations")


def _bubble(plan: Plan, layer: LayerCost, placement: Placement, stage: Number, sends: Number) -> Number:
    """Time that a stage waits for the pipeline to fill and drain."""
    microbatch = sum_of(stage, sends, title="Time of one microbatch on a stage", symbol="T_micro")
    if plan.schedule not in BACKWARD_PARTS:
        return step.bubble_time(microbatch, plan.pipeline, plan.virtual_stages)
    inputs = step.over_layers(layer.inputs, placement.stage_layers, title="Gradients of the inputs, a stage")
    forward = step.over_layers(layer.forward, placement.stage_layers, title="Forward pass of a stage")
    weights = step.over_layers(layer.weights, placement.stage_layers, title="Gradients of the weights, a stage")
    with_sends = sum_of(forward, sends, title="Forward pass of a stage and its sends")
    degrees = (plan.pipeline, plan.virtual_stages, placement.microbatches)
    return bubble_of(plan.schedule, *degrees, with_sends, inputs, weights, barrier=True)


def _over_step(placement: Placement, time: Number, title: str, symbol: str) -> Number:
    """A layer's time over the layers of a stage and the microbatches of a step."""
    over_stage = step.over_layers(time, placement.stage_layers, title=f"{title}, per microbatch")
    return step.over_microbatches(over_stage, placement.microbatches, title=title, symbol=symbol)


@dataclass(frozen=True, slots=True)
class StepBody:
    """The parts of a step that where the states lie makes no difference to [s].

    free: time of one microbatch, its part of the bubble included, in which neither a layer nor the pipeline takes the
    network, so that other communication can go on.
    """

    compute: Number
    vocabulary: Number
    elementwise: Number
    gaps: Number
    tensor: Number
    context: Number
    expert: Number | None
    pipeline: Number
    bubble: Number
    data: Number
    free: Number

    def parts(self) -> tuple[Number | None, ...]:
        """The parts, in the order of `StepTime`."""
        return (
            self.compute, self.vocabulary, self.elementwise, self.gaps, self.tensor, self.context, self.expert,
            self.pipeline, self.bubble, self.data,
        )  # fmt: skip


def _free(layer: LayerCost) -> Number:
    """Time of one layer in which neither exposed nor ring-attention communication takes the network."""
    without = sum_of(layer.compute, layer.elementwise, layer.gaps, title="Time of one layer that is no communication")
    hidden = difference(layer.all_context, layer.context, unit="s", title="Context-parallel communication hidden")
    return difference(without, hidden, unit="s", title="Time that one layer leaves the network free", symbol="T_free")


def step_body_of(
    shape: TransformerShape, plan: Plan, runtime: Runtime, layer: LayerCost, head: HeadCost, placement: Placement
) -> StepBody:
    """The parts of a step that do not depend on where its states lie."""
    layers = placement.stage_layers
    exposed_head = step.exposed_head_time(head.total, layer.total, shape.layers, plan.pipeline, layers)
    _, sends = _send(shape, plan, runtime, placement)
    stage = step.over_layers(layer.total, layers, title="Time of the layers of a stage, per microbatch")
    exposed_sends = com.exposed_share(
        sends, runtime.pipeline_hidden, title="Exposed pipeline communication, per microbatch"
    )
    beside = step.over_layers(_free(layer), layers, title="Time that one microbatch leaves the network free")
    bubble = _bubble(plan, layer, placement, stage, exposed_sends)
    waiting = step.per_microbatch(bubble, placement.microbatches, title="Pipeline bubble, per microbatch")
    free = sum_of(beside, waiting, title="Time that one microbatch and its part of the bubble leave the network free")
    return StepBody(
        _over_step(placement, layer.compute, "Matrix products and attention", "T_comp"),
        step.over_microbatches(exposed_head, placement.microbatches, title="Output matrix and loss", symbol="T_vocab"),
        _over_step(placement, layer.elementwise, "Memory-bound kernels", "T_elem"),
        _over_step(placement, layer.gaps, "Waiting for the host", "T_gap"),
        _over_step(placement, layer.tensor, "Exposed tensor-parallel communication", "T_tensor"),
        _over_step(placement, layer.context, "Exposed context-parallel communication", "T_context"),
        None
        if layer.expert is None
        else _over_step(placement, layer.expert, "Exposed expert-parallel communication", "T_expert"),
        step.over_microbatches(
            exposed_sends, placement.microbatches, title="Exposed pipeline communication", symbol="T_pipe"
        ),
        bubble,
        _data(plan, runtime, placement, beside, free),
        free,
    )


def step_time_of(
    shape: TransformerShape,
    hardware: Hardware,
    plan: Plan,
    runtime: Runtime,
    body: StepBody,
    placement: Placement,
    stored: Number,
) -> StepTime:
    """The step time by part; stored: activations of one layer and microbatch [byte]."""
    optimiser = _optimiser(hardware, plan, runtime, placement)
    offload = _offload(hardware, plan, runtime, placement, stored, body)
    every = (*body.parts(), optimiser, offload)
    smooth = sum_of(*(p for p in every if p is not None), title="Step time without stragglers", symbol="T_smooth")
    stragglers = step.straggler_time(smooth, runtime.straggler, placement.accelerators, hardware.scaleup_domain)
    predicted = sum_of(smooth, stragglers, title="Step time as the model has it", symbol="T_model")
    error = runtime.model_error if shape.experts is None else runtime.expert_model_error
    rest = step.unexplained_time(predicted, error)
    total = sum_of(predicted, rest, title="Time of one training step", symbol="T_step")
    return StepTime(
        compute=body.compute,
        vocabulary=body.vocabulary,
        elementwise=body.elementwise,
        gaps=body.gaps,
        tensor=body.tensor,
        context=body.context,
        expert=body.expert,
        pipeline=body.pipeline,
        bubble=body.bubble,
        data=body.data,
        optimiser=optimiser,
        offload=offload,
        stragglers=stragglers,
        unexplained=rest,
        total=total,
    )


def pace_of(shape: TransformerShape, plan: Plan, runtime: Runtime, layer: LayerCost, placement: Placement) -> Pace:
    """One microbatch on a stage, by pass, and one send between stages."""
    layers = placement.stage_layers
    return Pace(
        step.over_layers(layer.forward, layers, title="Forward pass of a stage, per microbatch"),
        step.over_layers(layer.inputs, layers, title="Gradients of the inputs of a stage, per microbatch"),
        step.over_layers(layer.weights, layers, title="Gradients of the weights of a stage, per microbatch"),
        _send(shape, plan, runtime, placement)[0],
    )


def communication_of(
    shape: TransformerShape,
    plan: Plan,
    runtime: Runtime,
    layer: LayerCost,
    placement: Placement,
    made: StepTime,
) -> Communication:
    """All communication of a step, hidden or not, beside its computation."""
    tensor = _over_step(placement, layer.all_tensor, "Tensor-parallel communication of one step", "T_tensor,all")
    context = _over_step(placement, layer.all_context, "Context-parallel communication of one step", "T_context,all")
    expert = (
        None
        if layer.all_expert is None
        else _over_step(placement, layer.all_expert, "Expert-parallel communication of one step", "T_expert,all")
    )
    _, sends = _send(shape, plan, runtime, placement)
    pipeline = step.over_microbatches(sends, placement.microbatches, title="Pipeline communication of one step")
    data = _all_data(plan, placement)
    every = [tensor, context, pipeline, data] + ([] if expert is None else [expert])
    return Communication(
        tensor,
        context,
        expert,
        pipeline,
        data,
        sum_of(*every, title="Communication of one step, hidden or not", symbol="T_comm"),
        sum_of(made.compute, made.vocabulary, made.elementwise, title="Computation of one step", symbol="T_comp"),
    )
