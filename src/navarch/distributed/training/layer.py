"""What one mean layer costs for one microbatch on one accelerator, forward and backward."""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.arithmetic import difference, sum_of
from navarch.distributed.training import communication as com
from navarch.distributed.training import computation as cmp
from navarch.distributed.training.anatomy import Anatomy, mean_of, total_of
from navarch.distributed.training.placement import LayerLinks
from navarch.distributed.training.products import (
    Passes,
    aligned_time,
    expert_products,
    layer_products,
    recomputed_products,
    sustained_time,
    times_of,
)
from navarch.distributed.training.runtime import Runtime
from navarch.distributed.training.shape import Hardware, Number, Plan, TransformerShape


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One mean layer and one microbatch on one accelerator, forward and backward [s].

    compute: products, experts and attention; elementwise: memory-bound kernels; gaps: waiting for the host; tensor,
    context, expert: communication that computation does not hide (expert: None where dense); all_tensor, all_context,
    all_expert: hidden or not; total: of all but what is hidden; forward: of the forward pass; inputs: of the
    gradients of the inputs, what is recomputed included; weights: of the gradients of the weights, which the stage
    before does not wait for. The three passes sum to the total.
    """

    compute: Number
    elementwise: Number
    gaps: Number
    tensor: Number
    context: Number
    expert: Number | None
    all_tensor: Number
    all_context: Number
    all_expert: Number | None
    total: Number
    forward: Number
    inputs: Number
    weights: Number

    def costs(self) -> list[Number]:
        """The parts of the total."""
        parts = (self.compute, self.elementwise, self.gaps, self.tensor, self.context, self.expert)
        return [part for part in parts if part is not None]


@dataclass(frozen=True, slots=True)
class _Core:
    """Time of the attention core of one layer: forward, and over all passes [s]."""

    forward: Number
    all_passes: Number


def _attention(
    shape: TransformerShape, anatomy: Anatomy, hardware: Hardware, plan: Plan, runtime: Runtime, tokens: Number
) -> _Core:
    is_flash = plan.attention_kernel == "flash"
    if is_flash:
        efficiency = runtime.attention_efficiency
        passes = cmp.flash_recomputed_time if plan.recomputation == "full" else cmp.flash_trained_time
    else:
        efficiency = runtime.unfused_efficiency
        passes = cmp.trained_time if plan.recomputation == "none" else cmp.recomputed_time
    forward = cmp.attention_time(anatomy.attention_executed, tokens, plan.tensor, hardware.attention_peak, efficiency)
    if not is_flash:
        forward = aligned_time(
            forward,
            shape.head_dim,
            shape.head_dim,
            runtime.head_alignment,
            runtime.ragged_heads_rate,
            title="Forward time of the attention core of one layer, heads not aligned",
        )
    return _Core(
        forward, passes(forward, title="Time of the attention core of one layer and microbatch", symbol="T_attn")
    )


def _products(
    shape: TransformerShape, anatomy: Anatomy, hardware: Hardware, plan: Plan, runtime: Runtime, links: LayerLinks
) -> Passes:
    """Times of all matrix products of one layer within a step, experts included."""
    ragged = (runtime.alignment, runtime.ragged_rate)
    alone = layer_products(shape, anatomy, hardware, plan, links.tokens, ragged)
    if links.expert_split is not None:
        split = (plan.tensor, links.expert_split)
        experts = expert_products(shape, hardware, *split, links.tokens, runtime.expert_rate)
        alone = Passes(
            *(
                sum_of(one, other, title="Products of a mean layer, experts included")
                for one, other in zip(alone.as_tuple(), experts.as_tuple(), strict=True)
            )
        )
    return Passes(*(sustained_time(time, runtime.sustained) for time in alone.as_tuple()))


def _again(
    shape: TransformerShape,
    anatomy: Anatomy,
    hardware: Hardware,
    plan: Plan,
    runtime: Runtime,
    links: LayerLinks,
    products: Passes,
) -> list[Number]:
    """Products that the backward pass repeats."""
    if plan.recomputation == "full":
        return [products.forward]
    repeated = recomputed_products(shape, anatomy, plan.tensor)
    if plan.recomputation == "none" or plan.attention_kernel == "unfused" or not repeated:
        return []
    alone = times_of(hardware, links.tokens, repeated, (runtime.alignment, runtime.ragged_rate))
    return [sustained_time(alone.forward, runtime.sustained, title="Products repeated by the backward pass")]


def _inner_traffic(shape: TransformerShape) -> Number:
    """Elements moved per token forward by the activation functions of a mean layer."""
    ffn = cmp.activation_traffic
    dense = None if shape.ffn_hidden is None else ffn(shape.ffn_hidden, shape.ffn_matrices)
    if shape.experts is None:
        return dense
    inner = ffn(shape.moe_ffn_hidden, shape.ffn_matrices, title="Elements moved per token within one expert")
    parts = [cmp.routed_traffic(shape.experts_per_token, shape.hidden, inner)]
    if shape.shared_ffn_hidden is not None:
        parts.append(
            ffn(shape.shared_ffn_hidden, shape.ffn_matrices, title="Elements moved per token in shared experts")
        )
    special = total_of(parts, title="Elements moved per token in an expert layer")
    return special if dense is None else mean_of(shape, special, dense, "1", "Feed-forward elements moved per token")


def _traffic(shape: TransformerShape, anatomy: Anatomy, plan: Plan, runtime: Runtime) -> tuple[Number, Number]:
    """Elements moved per token and layer over all passes: on the residual stream, and in the blocks."""
    residual = cmp.residual_traffic(shape.hidden)
    inner = _inner_traffic(shape)
    blocks = [cmp.rotary_traffic(anatomy.query_width, anatomy.key_width), inner]
    is_unfused = plan.attention_kernel == "unfused"
    if is_unfused:
        scores = cmp.score_traffic(shape.heads, plan.sequence_length, runtime.score_passes)
        blocks.append(scores)
    block = sum_of(*blocks, title="Elements moved per token and layer forward in the blocks", symbol="q_block")
    ratio = runtime.backward_traffic
    if plan.recomputation == "full":
        return cmp.recomputed_traffic(residual, ratio), cmp.recomputed_traffic(block, ratio)
    if plan.recomputation == "none":
        return cmp.trained_traffic(residual, ratio), cmp.trained_traffic(block, ratio)
    if is_unfused:
        return cmp.trained_traffic(residual, ratio), cmp.selective_traffic(block, ratio, scores)
    again = cmp.norm_traffic(shape.hidden)
    return cmp.selective_traffic(residual, ratio, again), cmp.selective_traffic(block, ratio, inner)


def _kernels(
    shape: TransformerShape, anatomy: Anatomy, hardware: Hardware, plan: Plan, runtime: Runtime, tokens: Number
) -> Number:
    """Time of the memory-bound kernels of one layer over all passes."""
    time = cmp.traffic_time_sequence_parallel if plan.sequence_parallel else cmp.traffic_time
    return time(
        tokens,
        *_traffic(shape, anatomy, plan, runtime),
        plan.tensor,
        runtime.activation_bytes,
        runtime.traffic_factor,
        hardware.memory_bandwidth,
        hardware.memory_efficiency,
    )


def _accumulation(anatomy: Anatomy, hardware: Hardware, plan: Plan, runtime: Runtime, links: LayerLinks) -> Number:
    """Time to accumulate the gradients of one layer."""
    memory = (hardware.memory_bandwidth, hardware.memory_efficiency)
    parts = [cmp.accumulation_time(anatomy.layer_dense, plan.tensor, runtime.gradient_bytes, *memory)]
    if anatomy.layer_experts is not None:
        parts.append(cmp.accumulation_time(anatomy.layer_experts, links.expert_split, runtime.gradient_bytes, *memory))
    return total_of(parts, title="Time to accumulate the gradients of one layer", symbol="T_acc")


def _routing(shape: TransformerShape, plan: Plan, runtime: Runtime, tokens: Number) -> list[Number]:
    """Time to route tokens to experts and back, where there are experts."""
    if shape.experts is None:
        return []
    layers = (shape.layers, shape.moe_layers)
    return [cmp.routing_time(tokens, plan.tensor, shape.experts_per_token, runtime.routing, *layers)]


def _tensor(shape: TransformerShape, plan: Plan, runtime: Runtime, links: LayerLinks) -> Number:
    """Tensor-parallel communication of one layer, hidden or not."""
    fabric, message = links.fabric, com.layer_message(links.tokens, shape.hidden, runtime.activation_bytes)
    group = fabric.neighbours(plan.tensor)
    if plan.sequence_parallel:
        scattered = fabric.collective(fabric.reduce_scatter, message, group)
        gathered = fabric.collective(fabric.all_gather, message, group)
        every = sum_of(scattered, gathered, title="Tensor-parallel reduce-scatter and all-gather", symbol="T_AR")
    else:
        every = fabric.collective(fabric.all_reduce, message, group)
    return (com.tensor_time_recomputed if plan.recomputation == "full" else com.tensor_time)(every)


def _context(anatomy: Anatomy, plan: Plan, runtime: Runtime, links: LayerLinks) -> Number:
    """Context-parallel communication of one layer, hidden or not."""
    widths = (anatomy.query_width, anatomy.key_width, anatomy.value_width, anatomy.output_width)
    fabric = links.fabric
    if plan.context_kind == "ulysses":
        message = com.ulysses_message(links.tokens, *widths, plan.tensor, runtime.activation_bytes)
        group = fabric.group(plan.context, plan.tensor)
        near = com.exchanged_within(message, plan.context, group.local)
        return com.ulysses_time(fabric.exchange(near, com.exchanged_across(message, plan.context, group.local), group))
    keys = com.key_value_message(
        links.tokens, anatomy.key_width, anatomy.value_width, plan.tensor, runtime.activation_bytes
    )
    link = fabric.link(plan.context, plan.tensor)
    return com.context_time(keys, plan.context, link.bandwidth, link.latency)


def _expert(shape: TransformerShape, plan: Plan, runtime: Runtime, links: LayerLinks) -> Number | None:
    """Expert-parallel communication of one layer, hidden or not."""
    if shape.experts is None:
        return None
    message = com.token_message(links.tokens, shape.hidden, plan.tensor, runtime.activation_bytes)
    group = links.fabric.neighbours(plan.expert)
    domains = com.domains_of(plan.expert, links.fabric.domain)
    near = com.routed_bytes(message, com.copies_within(plan.expert, domains, shape.experts_per_token))
    far = com.routed_bytes(message, com.copies_across(domains, shape.experts_per_token))
    exchange = links.fabric.exchange(near, far, group, runtime.exchange_rate)
    every = com.expert_time_recomputed if plan.recomputation == "full" else com.expert_time
    return every(exchange, shape.layers, shape.moe_layers)


@dataclass(frozen=True, slots=True)
class _Three:
    """Something of each of the three passes through a mean layer [s]."""

    forward: Number
    inputs: Number
    weights: Number

    def as_tuple(self) -> tuple[Number, Number, Number]:
        return (self.forward, self.inputs, self.weights)


PASSES = ("Forward pass", "Gradients of the inputs", "Gradients of the weights")


def _launching(shape: TransformerShape, plan: Plan, runtime: Runtime) -> _Three:
    """Time of the host to launch the kernels of each pass."""
    once = runtime.layer_launch
    if shape.experts is not None:
        experts = cmp.share_of_launch(runtime.expert_launch, shape.layers, shape.moe_layers)
        once = sum_of(once, experts, title="Host time of one pass through a mean layer", symbol="T_launch")
    of_inputs = cmp.launch_time_of_inputs_recomputed if plan.recomputation == "full" else cmp.launch_time_of_inputs
    return _Three(once, of_inputs(once), cmp.launch_time_of_weights(once))


def _waits(busy: _Three, launching: _Three) -> _Three:
    """Time that the accelerator waits for the host in each pass."""
    each = zip(PASSES, busy.as_tuple(), launching.as_tuple(), strict=True)
    return _Three(*(cmp.gaps_time(own, of_host, title=f"{name}: waiting for the host") for name, own, of_host in each))


def _paces(busy: _Three, waits: _Three) -> _Three:
    """Time of each pass, its wait for the host included."""
    each = zip(PASSES, busy.as_tuple(), waits.as_tuple(), ("T_F", "T_B", "T_W"), strict=True)
    return _Three(*(sum_of(own, wait, title=f"{name}, one layer", symbol=symbol) for name, own, wait, symbol in each))


def layer_cost(
    shape: TransformerShape, anatomy: Anatomy, hardware: Hardware, plan: Plan, runtime: Runtime, links: LayerLinks
) -> LayerCost:
    """Everything that one mean layer costs for one microbatch."""
    products = _products(shape, anatomy, hardware, plan, runtime, links)
    core = _attention(shape, anatomy, hardware, plan, runtime, links.tokens)
    again = _again(shape, anatomy, hardware, plan, runtime, links, products)
    compute = sum_of(
        products.forward,
        products.backward_input,
        products.backward_weight,
        *again,
        core.all_passes,
        title="Computation of one layer and microbatch",
        symbol="T_comp",
    )
    kernels = _kernels(shape, anatomy, hardware, plan, runtime, links.tokens)
    accumulation = _accumulation(anatomy, hardware, plan, runtime, links)
    routing = _routing(shape, plan, runtime, links.tokens)
    elementwise = sum_of(
        kernels, accumulation, *routing, title="Memory-bound kernels of one layer and microbatch", symbol="T_mem"
    )
    tensor, context = _tensor(shape, plan, runtime, links), _context(anatomy, plan, runtime, links)
    expert = _expert(shape, plan, runtime, links)
    exposed = [
        com.exposed_share(tensor, runtime.tensor_hidden, title="Exposed tensor-parallel communication of one layer"),
        com.exposed_time(
            context,
            core.all_passes,
            runtime.context_overlap,
            title="Exposed context-parallel communication of one layer",
        ),
    ]
    if expert is not None:
        exposed.append(
            com.exposed_share(expert, runtime.expert_hidden, title="Exposed expert-parallel communication of one layer")
        )
    busy = sum_of(
        compute, elementwise, *exposed, title="Time that one layer keeps the accelerator busy", symbol="T_busy"
    )
    forward = _forward_of(plan, runtime, products, core, kernels, exposed)
    weights = sum_of(products.backward_weight, accumulation, title="Gradients of the weights of one layer, busy")
    parts = _Three(forward, _inputs_of(busy, forward, weights), weights)
    waits = _waits(parts, _launching(shape, plan, runtime))
    gaps = sum_of(*waits.as_tuple(), title="Waiting for the host, one layer and microbatch", symbol="T_gap")
    total = sum_of(busy, gaps, title="Time of one layer and microbatch", symbol="T_layer")
    return LayerCost(
        compute,
        elementwise,
        gaps,
        exposed[0],
        exposed[1],
        exposed[2] if expert is not None else None,
        tensor,
        context,
        expert,
        total,
        *_paces(parts, waits).as_tuple(),
    )


def _forward_of(
    plan: Plan, runtime: Runtime, products: Passes, core: _Core, kernels: Number, exposed: list[Number]
) -> Number:
    """Time that the forward pass through one layer keeps the accelerator busy: products, kernels and communication."""
    share = cmp.forward_share_recomputed if plan.recomputation == "full" else cmp.forward_share
    moved = cmp.forward_traffic_time(kernels, share(runtime.backward_traffic))
    passes = cmp.communication_forward_recomputed if plan.recomputation == "full" else cmp.communication_forward
    return sum_of(
        products.forward,
        core.forward,
        moved,
        *(passes(time) for time in exposed),
        title="Forward pass through one layer, busy",
    )


def _inputs_of(busy: Number, forward: Number, weights: Number) -> Number:
    """Time that the gradients of the inputs of one layer keep the accelerator busy; what is recomputed included."""
    backward = difference(busy, forward, unit="s", title="Backward pass through one layer, busy")
    return difference(backward, weights, unit="s", title="Gradients of the inputs of one layer, busy")
