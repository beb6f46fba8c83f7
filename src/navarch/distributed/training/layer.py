"""What one mean layer costs for one microbatch on one accelerator, forward and backward."""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.arithmetic import sum_of
from navarch.distributed.collectives import estimate as collectives
from navarch.distributed.training import communication as com
from navarch.distributed.training import computation as cmp
from navarch.distributed.training.anatomy import Anatomy, mean_of, total_of
from navarch.distributed.training.placement import Placement
from navarch.distributed.training.shape import Hardware, Number, Plan, Runtime, TransformerShape


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One mean layer and one microbatch on one accelerator, forward and backward [s].

    compute, attention (within compute), elementwise, gaps; tensor, context, expert: communication, hidden or not.
    """

    compute: Number
    attention: Number
    elementwise: Number
    gaps: Number
    tensor: Number
    context: Number
    expert: Number | None


def peak_within_step(hardware: Hardware, runtime: Runtime) -> Number:
    """The peak that kernels within a training step refer to."""
    return cmp.sustained_peak(hardware.peak, runtime.sustained)


def _attention(anatomy: Anatomy, hardware: Hardware, plan: Plan, runtime: Runtime, tokens: Number) -> Number:
    """Time of the attention core of one layer, all passes."""
    if plan.attention_kernel == "flash":
        efficiency = runtime.attention_efficiency
        passes = cmp.flash_recomputed_time if plan.recomputation == "full" else cmp.flash_trained_time
    else:
        efficiency = hardware.matmul_efficiency
        passes = cmp.trained_time if plan.recomputation == "none" else cmp.recomputed_time
    forward = cmp.attention_time(
        anatomy.attention_executed, tokens, plan.tensor, peak_within_step(hardware, runtime), efficiency
    )
    return passes(forward, title="Time of the attention core of one layer and microbatch", symbol="T_attn")


def _compute(
    anatomy: Anatomy, hardware: Hardware, plan: Plan, runtime: Runtime, tokens: Number, attention: Number
) -> Number:
    """Time of the matrix products and attention of one layer, all passes."""
    rate = (tokens, plan.tensor, peak_within_step(hardware, runtime), hardware.matmul_efficiency)
    forward = [cmp.matmul_time(anatomy.layer_matrices, *rate)]
    if anatomy.layer_experts_active is not None:
        forward.append(cmp.expert_matmul_time(anatomy.layer_experts_active, *rate, runtime.expert_efficiency))
    passes = cmp.recomputed_time if plan.recomputation == "full" else cmp.trained_time
    products = passes(
        total_of(forward, title="Forward time of the matrix products of one layer", symbol="T_fwd"),
        title="Time of the matrix products of one layer and microbatch",
        symbol="T_mat",
    )
    return sum_of(products, attention, title="Computation of one layer and microbatch", symbol="T_layer")


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
        scores = cmp.score_traffic(shape.heads, plan.sequence_length)
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


def _elementwise(
    shape: TransformerShape, anatomy: Anatomy, hardware: Hardware, plan: Plan, runtime: Runtime, placement: Placement
) -> Number:
    """Time of the memory-bound kernels of one layer, all passes, gradient accumulation included."""
    memory = (hardware.memory_bandwidth, hardware.memory_efficiency)
    time = cmp.traffic_time_sequence_parallel if plan.sequence_parallel else cmp.traffic_time
    traffic = _traffic(shape, anatomy, plan, runtime)
    kernels = time(placement.tokens, *traffic, plan.tensor, runtime.activation_bytes, *memory)
    accumulation = [
        cmp.accumulation_time(p.layer, p.split, runtime.gradient_bytes, *memory) for p in placement.populations
    ]
    return sum_of(kernels, *accumulation, title="Memory-bound kernels of one layer and microbatch", symbol="T_mem")


def layer_cost(
    shape: TransformerShape, anatomy: Anatomy, hardware: Hardware, plan: Plan, runtime: Runtime, placement: Placement
) -> LayerCost:
    """Everything that one mean layer costs for one microbatch."""
    tokens = placement.tokens
    is_full = plan.recomputation == "full"
    message = com.layer_message(tokens, shape.hidden, runtime.activation_bytes)
    all_reduce = collectives.ring_all_reduce_time(
        message,
        plan.tensor,
        placement.tensor.bandwidth,
        placement.tensor.latency,
        title="Time of one tensor-parallel all-reduce",
    )
    keys = com.key_value_message(tokens, anatomy.key_width, anatomy.value_width, plan.tensor, runtime.activation_bytes)
    expert = None
    if placement.expert is not None:
        sent = com.dispatch_message(
            tokens, shape.hidden, shape.experts_per_token, plan.tensor, runtime.activation_bytes
        )
        one = collectives.all_to_all_time(sent, plan.expert, placement.expert.bandwidth, placement.expert.latency)
        expert = (com.expert_time_recomputed if is_full else com.expert_time)(one, shape.layers, shape.moe_layers)
    attention = _attention(anatomy, hardware, plan, runtime, tokens)
    gaps = cmp.gaps_time_recomputed if is_full else cmp.gaps_time
    return LayerCost(
        _compute(anatomy, hardware, plan, runtime, tokens, attention),
        attention,
        _elementwise(shape, anatomy, hardware, plan, runtime, placement),
        gaps(runtime.kernel_gap),
        (com.tensor_time_recomputed if is_full else com.tensor_time)(all_reduce),
        com.context_time(keys, plan.context, placement.context.bandwidth, placement.context.latency),
        expert,
    )


def exposed_of(layer: LayerCost, runtime: Runtime) -> tuple[Number, Number, Number | None]:
    """Tensor, context and expert communication of one layer that computation does not hide."""
    tensor = com.exposed_time(
        layer.tensor, layer.compute, runtime.tensor_overlap, title="Exposed tensor-parallel communication of one layer"
    )
    context = com.exposed_time(
        layer.context,
        layer.attention,
        runtime.context_overlap,
        title="Exposed context-parallel communication of one layer",
    )
    if layer.expert is None:
        return tensor, context, None
    expert = com.exposed_time(
        layer.expert, layer.compute, runtime.expert_overlap, title="Exposed expert-parallel communication of one layer"
    )
    return tensor, context, expert
