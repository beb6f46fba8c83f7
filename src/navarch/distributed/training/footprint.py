"""Memory of one accelerator by part: on the first pipeline stage and on the last."""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.arithmetic import largest_of, product_of, sum_of
from navarch.distributed.training import activations as act
from navarch.distributed.training import states
from navarch.distributed.training.anatomy import Anatomy, mean_of, total_of
from navarch.distributed.training.placement import Placement
from navarch.distributed.training.shape import Number, Plan, Runtime, TransformerShape


@dataclass(frozen=True, slots=True)
class StageMemory:
    """Bytes on one accelerator of a stage [byte].

    weights; gradients; optimiser: master weights and moments; activations: stored for the backward pass; logits: of
    the last stage; workspace: what is held for a moment (the layer being recomputed, gathered weights) and the
    reserve of the framework; total.
    """

    weights: Number
    gradients: Number
    optimiser: Number
    activations: Number
    logits: Number
    workspace: Number
    total: Number

    def parts(self) -> tuple[tuple[str, str, Number], ...]:
        """Key, title and bytes of each part; they sum to the total."""
        return (
            ("weights", "Weights", self.weights),
            ("gradients", "Gradients", self.gradients),
            ("optimiser", "Optimiser states", self.optimiser),
            ("activations", "Activations", self.activations),
            ("logits", "Logits", self.logits),
            ("workspace", "Workspace and reserve", self.workspace),
        )


@dataclass(frozen=True, slots=True)
class Footprint:
    """Memory on the first and the last stage, the larger of them, and one layer's activations per microbatch [byte]."""

    first: StageMemory
    last: StageMemory
    peak: Number
    layer_activations: Number


def _states(placement: Placement, bytes_each: Number, sharded: bool, title: str) -> Number:
    """Bytes of one state over all populations of parameters."""
    parts = [
        states.sharded_state_bytes(p.held, bytes_each, p.replicas, title=title)
        if sharded
        else states.state_bytes(p.held, bytes_each, title=title)
        for p in placement.populations
    ]
    return total_of(parts, title=title)


def _inner_elements(shape: TransformerShape, selective: bool) -> Number:
    """Elements stored per token in the feed-forward part of a mean layer."""
    ffn = act.ffn_elements_recomputed if selective else act.ffn_elements
    dense = None if shape.ffn_hidden is None else ffn(shape.ffn_hidden, shape.ffn_matrices)
    if shape.experts is None:
        return dense
    inner = ffn(shape.moe_ffn_hidden, shape.ffn_matrices, title="Elements stored per token within one expert")
    parts = [act.routed_elements(shape.experts_per_token, shape.hidden, inner)]
    if shape.shared_ffn_hidden is not None:
        parts.append(
            ffn(shape.shared_ffn_hidden, shape.ffn_matrices, title="Elements stored per token in shared experts")
        )
    special = total_of(parts, title="Elements stored per token in an expert layer")
    return special if dense is None else mean_of(shape, special, dense, "1", "Feed-forward elements stored per token")


def _layer_activations(
    shape: TransformerShape, anatomy: Anatomy, plan: Plan, runtime: Runtime, placement: Placement, selective: bool
) -> Number:
    """Activations of one layer and microbatch, all kept or the cheap ones recomputed."""
    fused = plan.attention_kernel == "flash"
    recomputed = selective and fused
    residual = act.residual_elements_recomputed if recomputed else act.residual_elements
    replicated = product_of(
        residual(shape.hidden),
        runtime.activation_bytes,
        unit="byte/token",
        title="Bytes stored per token and layer on the residual stream",
        symbol="m_h",
    )
    if shape.dropout:
        masks = product_of(
            act.mask_elements(shape.hidden), runtime.mask_bytes, unit="byte/token", title="Dropout masks"
        )
        replicated = sum_of(replicated, masks, title="Bytes stored per token and layer, replicated", symbol="m_h")
    widths = (anatomy.query_width, anatomy.key_width, anatomy.value_width, anatomy.output_width)
    elements = sum_of(
        act.attention_elements(*widths),
        _inner_elements(shape, recomputed),
        unit="1",
        title="Elements stored per token and layer in the blocks",
        symbol="u_block",
    )
    divided = product_of(
        elements,
        runtime.activation_bytes,
        unit="byte/token",
        title="Bytes stored per token and layer in the blocks",
        symbol="m_block",
    )
    if not fused and not selective:
        divided = sum_of(
            divided, _scores(shape, plan, runtime), title="Bytes stored per token and layer, divided", symbol="m_block"
        )
    layer = act.layer_activation_bytes_sequence_parallel if plan.sequence_parallel else act.layer_activation_bytes
    return layer(placement.tokens, replicated, divided, plan.tensor)


def _scores(shape: TransformerShape, plan: Plan, runtime: Runtime) -> Number:
    """Bytes of attention scores per token and layer, where the kernel stores them."""
    if shape.dropout:
        return act.score_bytes_dropout(shape.heads, plan.sequence_length, runtime.activation_bytes, runtime.mask_bytes)
    return act.score_bytes(shape.heads, plan.sequence_length, runtime.activation_bytes)


def _workspace(plan: Plan, runtime: Runtime, placement: Placement, working_layer: Number | None) -> Number:
    """What is held for a moment, with the framework's reserve."""
    parts = [runtime.memory_reserve]
    if working_layer is not None:
        parts.append(working_layer)
    if plan.zero_stage >= 3:
        parts += [states.gathered_weights_bytes(p.layer, p.split, runtime.weight_bytes) for p in placement.populations]
    return total_of(parts, title="Workspace and reserve", symbol="M_work")


def _stage(
    common: tuple[Number, Number, Number],
    workspace: Number,
    layer: Number,
    stage_layers: Number,
    in_flight: Number,
    logits: Number,
) -> StageMemory:
    held = act.stage_activation_bytes(stage_layers, in_flight, layer)
    total = sum_of(*common, held, logits, workspace, title="Memory of one accelerator", symbol="M_device")
    return StageMemory(*common, held, logits, workspace, total)


def footprint_of(
    shape: TransformerShape, anatomy: Anatomy, plan: Plan, runtime: Runtime, placement: Placement
) -> Footprint:
    """Memory of one accelerator on the first and the last pipeline stage."""
    zero = plan.zero_stage
    common = (
        _states(placement, runtime.weight_bytes, zero >= 3, "Weights"),
        _states(placement, runtime.gradient_bytes, zero >= 2, "Gradients"),
        _states(placement, runtime.optimiser_bytes, zero >= 1, "Optimiser states"),
    )
    is_full = plan.recomputation == "full"
    kept = _layer_activations(shape, anatomy, plan, runtime, placement, plan.recomputation == "selective")
    if is_full:
        inputs = act.layer_input_bytes_sequence_parallel if plan.sequence_parallel else act.layer_input_bytes
        arguments = (placement.tokens, shape.hidden, runtime.activation_bytes)
        layer = inputs(*arguments, plan.tensor) if plan.sequence_parallel else inputs(*arguments)
    else:
        layer = kept
    workspace = _workspace(plan, runtime, placement, kept if is_full else None)
    pipeline = (placement.microbatches, plan.pipeline, plan.virtual_stages)
    logits = act.logit_memory(placement.tokens, shape.vocab, plan.tensor, runtime.logit_bytes)
    first = _stage(
        common,
        workspace,
        layer,
        placement.stage_layers,
        act.in_flight_first(*pipeline),
        act.first_stage_logits(logits, plan.pipeline),
    )
    last = _stage(common, workspace, layer, placement.stage_layers, act.in_flight_last(*pipeline), logits)
    return Footprint(
        first, last, largest_of(first.total, last.total, title="Peak memory of an accelerator", symbol="M_peak"), layer
    )
