"""Memory of an accelerator by part, on the first and on the last pipeline stage."""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.arithmetic import largest_of, product_of, sum_of
from navarch.distributed.training import activations as act
from navarch.distributed.training import states
from navarch.distributed.training.anatomy import Anatomy, mean_of, total_of
from navarch.distributed.training.pipeline import in_flight_of
from navarch.distributed.training.placement import Placement
from navarch.distributed.training.runtime import Runtime
from navarch.distributed.training.shape import Number, Plan, TransformerShape


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
class LayerMemory:
    """What one layer and the output matrix hold for one microbatch [byte].

    stored: activations of a layer until its backward pass; working: activations of the layer being recomputed (None
    where nothing is recomputed in full); logits: of the output matrix.
    """

    stored: Number
    working: Number | None
    logits: Number


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
        states.sharded_state_bytes(p.held, bytes_each, p.shards, title=title)
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
    shape: TransformerShape, anatomy: Anatomy, plan: Plan, runtime: Runtime, tokens: Number, selective: bool
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
    elements = sum_of(
        _attention_elements(shape, anatomy, recomputed),
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
    return layer(tokens, replicated, divided, plan.tensor)


def _attention_elements(shape: TransformerShape, anatomy: Anatomy, recomputed: bool) -> Number:
    """Elements stored per token and layer in attention, scores aside."""
    if recomputed and shape.q_rank is not None and shape.kv_rank is not None:
        ranks = (shape.q_rank, shape.kv_rank, shape.rope_dim)
        return act.latent_attention_elements_recomputed(*ranks, anatomy.output_width)
    widths = (anatomy.query_width, anatomy.key_width, anatomy.value_width, anatomy.output_width)
    return act.attention_elements(*widths)


def _scores(shape: TransformerShape, plan: Plan, runtime: Runtime) -> Number:
    """Bytes of attention scores per token and layer, where the kernel stores them."""
    if shape.dropout:
        return act.score_bytes_dropout(shape.heads, plan.sequence_length, runtime.activation_bytes, runtime.mask_bytes)
    return act.score_bytes(shape.heads, plan.sequence_length, runtime.activation_bytes)


def layer_memory(
    shape: TransformerShape, anatomy: Anatomy, plan: Plan, runtime: Runtime, tokens: Number
) -> LayerMemory:
    """What one layer and the output matrix hold for one microbatch."""
    kept = _layer_activations(shape, anatomy, plan, runtime, tokens, plan.recomputation == "selective")
    logits = act.logit_memory(tokens, shape.vocab, plan.tensor, runtime.logit_bytes)
    if plan.recomputation != "full":
        return LayerMemory(kept, None, logits)
    arguments = (tokens, shape.hidden, runtime.activation_bytes)
    if plan.sequence_parallel:
        return LayerMemory(act.layer_input_bytes_sequence_parallel(*arguments, plan.tensor), kept, logits)
    return LayerMemory(act.layer_input_bytes(*arguments), kept, logits)


def _workspace(plan: Plan, runtime: Runtime, placement: Placement, layer: LayerMemory) -> Number:
    """What is held for a moment, with the framework's reserve."""
    parts = [runtime.memory_reserve]
    if layer.working is not None:
        parts.append(layer.working)
    if plan.offloads_activations:
        parts.append(act.transfer_buffers(layer.stored))
    if plan.zero_stage >= 3:
        parts += [states.gathered_weights_bytes(p.layer, p.split, runtime.weight_bytes) for p in placement.populations]
    return total_of(parts, title="Workspace and reserve", symbol="M_work")


def _activations(plan: Plan, placement: Placement, layer: LayerMemory, in_flight: Number) -> Number:
    """Activations that a stage holds; those offloaded are in the host's memory."""
    if plan.offloads_activations:
        return act.none_held(layer.stored)
    return act.stage_activation_bytes(placement.stage_layers, in_flight, layer.stored)


def _stage(states_held: tuple[Number, Number, Number], workspace: Number, held: Number, logits: Number) -> StageMemory:
    total = sum_of(*states_held, held, logits, workspace, title="Memory of one accelerator", symbol="M_device")
    return StageMemory(*states_held, held, logits, workspace, total)


def footprint_of(
    shape: TransformerShape, anatomy: Anatomy, plan: Plan, runtime: Runtime, placement: Placement, layer: LayerMemory
) -> Footprint:
    """Memory of one accelerator on the first and the last pipeline stage."""
    zero = plan.zero_stage
    weights = _states(placement, runtime.weight_bytes, zero >= 3, "Weights")
    optimiser = _states(placement, runtime.optimiser_bytes, zero >= 1, "Optimiser states")
    common = (
        weights,
        _states(placement, runtime.gradient_bytes, zero >= 2, "Gradients"),
        act.none_held(optimiser) if plan.offloads_optimiser else optimiser,
    )
    workspace = _workspace(plan, runtime, placement, layer)
    flying = in_flight_of(plan.schedule, plan.pipeline, plan.virtual_stages, placement.microbatches)
    first = _stage(
        common,
        workspace,
        _activations(plan, placement, layer, flying.first),
        act.first_stage_logits(layer.logits, plan.pipeline),
    )
    last = _stage(common, workspace, _activations(plan, placement, layer, flying.last), layer.logits)
    return Footprint(
        first,
        last,
        largest_of(first.total, last.total, title="Peak memory of an accelerator", symbol="M_peak"),
        layer.stored,
    )
