"""A transformer taken apart into what the equations of memory and time need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from navarch.core.arithmetic import sum_of
from navarch.distributed.training import architecture as eq
from navarch.distributed.training.shape import Number, Plan, TransformerShape
from navarch.fleet.scale.estimate import causal_context, window_context


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Widths, parameters and operations of a mean layer and of the whole model.

    layer_matrices: parameters that multiply every token; layer_dense: with normalisations; layer_experts: routed
    experts stored, layer_experts_active: visited by a token (None where dense) [parameter]; vocabulary: one matrix
    [parameter]; total, active [parameter]; attention: forward operations that the mask leaves, attention_full: of all
    pairs, attention_executed: what the kernel does [FLOP/token]; flops_*: of training one token [FLOP/token].
    """

    query_width: Number
    key_width: Number
    value_width: Number
    output_width: Number
    layer_matrices: Number
    layer_dense: Number
    layer_experts: Number | None
    layer_experts_active: Number | None
    vocabulary: Number
    total: Number
    active: Number
    attention: Number
    attention_full: Number
    attention_executed: Number
    flops_per_token: Number
    flops_per_token_full_attention: Number
    flops_per_token_executed: Number


def total_of(parts: Sequence[Number], **described: str) -> Number:
    """The sum of parts, or the only part there is."""
    return parts[0] if len(parts) == 1 else sum_of(*parts, **described)


def _widths(shape: TransformerShape) -> tuple[Number, Number, Number, Number]:
    """Widths of all query, key, value and output heads."""
    if shape.kv_rank is None:
        query = eq.heads_width(shape.heads, shape.head_dim, title="Width of all query heads", symbol="w_q")
        key = eq.heads_width(shape.kv_heads, shape.head_dim, title="Width of all key or value heads", symbol="w_kv")
        return query, key, key, query
    head = eq.latent_head_dim(shape.nope_dim, shape.rope_dim)
    query = eq.heads_width(shape.heads, head, title="Width of all query or key heads", symbol="w_q")
    value = eq.heads_width(shape.heads, shape.value_dim, title="Width of all value heads", symbol="w_v")
    return query, query, value, value


def _attention_parameters(shape: TransformerShape, query: Number, key: Number, value: Number, output: Number) -> Number:
    if shape.kv_rank is None:
        return eq.attention_parameters(shape.hidden, query, key, value, output)
    dims = (shape.kv_rank, shape.nope_dim, shape.rope_dim, shape.value_dim)
    if shape.q_rank is None:
        return eq.latent_attention_parameters_direct(shape.hidden, shape.heads, query, *dims)
    return eq.latent_attention_parameters(shape.hidden, shape.heads, query, shape.q_rank, *dims)


def mean_of(shape: TransformerShape, special: Number, ordinary: Number, unit: str, title: str) -> Number:
    """The mean over layers with experts (special) and without (ordinary)."""
    return eq.mean_over_layers(shape.layers, shape.moe_layers, special, ordinary, unit=unit, title=title)


def _layer_parameters(shape: TransformerShape, attention: Number) -> tuple[Number, Number | None, Number | None]:
    """Of a mean layer: parameters that multiply every token, of all routed experts, of those that a token visits."""
    dense_ffn = None
    if shape.ffn_hidden is not None:
        dense_ffn = eq.ffn_parameters(shape.hidden, shape.ffn_hidden, shape.ffn_matrices)
    if shape.experts is None:
        return sum_of(attention, dense_ffn, title="Parameters of the matrices of a layer", symbol="P_mat"), None, None
    inner = (shape.hidden, shape.moe_ffn_hidden, shape.ffn_matrices)
    beside = [eq.router_parameters(shape.experts, shape.hidden)]
    if shape.shared_ffn_hidden is not None:
        beside.append(eq.ffn_parameters(shape.hidden, shape.shared_ffn_hidden, shape.ffn_matrices))
    special = total_of(beside, title="Parameters beside the routed experts of a layer", symbol="P_side")
    title = "Feed-forward parameters of a mean layer, routed experts aside"
    ffn = special if dense_ffn is None else mean_of(shape, special, dense_ffn, "parameter", title)
    stored = eq.experts_parameters(shape.experts, *inner)
    visited = eq.experts_parameters(
        shape.experts_per_token, *inner, title="Parameters of the experts that a token visits"
    )
    return (
        sum_of(attention, ffn, title="Parameters of a mean layer that multiply every token", symbol="P_mat"),
        eq.share_over_layers(
            shape.layers,
            shape.moe_layers,
            stored,
            unit="parameter",
            title="Parameters of routed experts in a mean layer",
            symbol="P_exp",
        ),
        eq.share_over_layers(
            shape.layers,
            shape.moe_layers,
            visited,
            unit="parameter",
            title="Parameters of visited experts in a mean layer",
            symbol="P_vis",
        ),
    )


def _spans(shape: TransformerShape, plan: Plan) -> tuple[Number, Number, Number]:
    """Tokens that a query attends to: as the mask leaves, all, and as the kernel executes."""
    full = eq.full_span(plan.sequence_length)
    needed = causal_context(plan.sequence_length) if shape.causal else full
    if shape.window is not None:
        windowed = window_context(plan.sequence_length, shape.window)
        needed = eq.mean_over_layers(
            shape.layers,
            shape.window_layers,
            windowed,
            needed,
            unit="token",
            title="Mean span of attention over windowed and full layers",
        )
    return needed, full, full if plan.attention_kernel == "unfused" else needed


def _executed(shape: TransformerShape, plan: Plan, active: Number, attention: Number, vocabulary: Number) -> Number:
    """Operations executed per token, recomputation counted."""
    if plan.recomputation == "full":
        return eq.recomputed_flops_per_token(active, shape.layers, attention, vocabulary)
    if plan.recomputation == "selective" and plan.attention_kernel == "unfused":
        return eq.selective_flops_per_token(active, shape.layers, attention)
    return eq.training_flops_per_token(
        active, shape.layers, attention, title="Operations executed per token", symbol="F_exec"
    )


def anatomy_of(shape: TransformerShape, plan: Plan) -> Anatomy:
    """Take a transformer apart; sequence length and attention kernel come from the plan."""
    widths = _widths(shape)
    query, _, _, output = widths
    matrices, experts, visited = _layer_parameters(shape, _attention_parameters(shape, *widths))
    dense = sum_of(
        matrices, eq.norm_parameters(shape.hidden), title="Parameters of a mean layer, experts aside", symbol="P_dense"
    )
    multiplied = (
        matrices
        if visited is None
        else sum_of(matrices, visited, title="Active parameters of a mean layer", symbol="P_act")
    )
    stored = dense if experts is None else sum_of(dense, experts, title="Parameters of a mean layer", symbol="P_layer")
    vocabulary = eq.vocabulary_parameters(shape.vocab, shape.hidden)
    model = eq.tied_model_parameters if shape.tied else eq.model_parameters
    active = eq.active_parameters(shape.layers, multiplied, vocabulary)
    needed, full, executed = (eq.attention_flops(span, query, output) for span in _spans(shape, plan))
    return Anatomy(
        *widths,
        matrices,
        dense,
        experts,
        visited,
        vocabulary,
        model(shape.layers, stored, vocabulary),
        active,
        needed,
        full,
        executed,
        eq.training_flops_per_token(active, shape.layers, needed),
        eq.training_flops_per_token(
            active, shape.layers, full, title="Operations per token, attention counted in full"
        ),
        _executed(shape, plan, active, executed, vocabulary),
    )
