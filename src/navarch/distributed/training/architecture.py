"""Parameters and floating-point operations of a transformer, layer by layer.

Layers that differ (dense and expert, windowed and full) enter as their mean over the model.
"""

from __future__ import annotations

from navarch.distributed.training.notation import equation

KORTHIKANTI = "Korthikanti et al. 2022, appendix A"
DEEPSEEK = "DeepSeek-V2 2024, section 2.1"


@equation(symbol="w", unit="1", source="definition")
def heads_width(heads, head_dim):
    """Width of all heads together.

    heads: of attention; head_dim: width of one head.
    """
    return heads * head_dim


@equation(symbol="d_qk", unit="1", source=DEEPSEEK)
def latent_head_dim(nope_dim, rope_dim):
    """Width of a query or key head of latent attention.

    nope_dim: part without position; rope_dim: part with rotary position.
    """
    return nope_dim + rope_dim


@equation(symbol="P_attn", unit="parameter", source=KORTHIKANTI)
def attention_parameters(hidden, query_width, key_width, value_width, output_width):
    """Parameters of one attention block.

    hidden: width of the residual stream; query_width: of all query heads; key_width: of all key heads; value_width: of
    all value heads; output_width: into the output projection.
    """
    return hidden * (query_width + key_width + value_width + output_width)


@equation(symbol="P_MLA", unit="parameter", source=DEEPSEEK)
def latent_attention_parameters(hidden, heads, query_width, q_rank, kv_rank, nope_dim, rope_dim, value_dim):
    """Parameters of one latent-attention block with compressed queries.

    hidden: width of the residual stream; heads: of attention; query_width: of all query heads; q_rank: of the query
    compression; kv_rank: of the key-value compression; nope_dim: part of a head without position; rope_dim: part with
    rotary position; value_dim: width of a value head.
    """
    query = hidden * q_rank + q_rank * query_width
    key_value = hidden * (kv_rank + rope_dim) + kv_rank * heads * (nope_dim + value_dim)
    return query + key_value + heads * value_dim * hidden


@equation(symbol="P_MLA", unit="parameter", source=DEEPSEEK)
def latent_attention_parameters_direct(hidden, heads, query_width, kv_rank, nope_dim, rope_dim, value_dim):
    """Parameters of one latent-attention block with uncompressed queries.

    hidden: width of the residual stream; heads: of attention; query_width: of all query heads; kv_rank: of the
    key-value compression; nope_dim: part of a head without position; rope_dim: part with rotary position; value_dim:
    width of a value head.
    """
    key_value = hidden * (kv_rank + rope_dim) + kv_rank * heads * (nope_dim + value_dim)
    return hidden * query_width + key_value + heads * value_dim * hidden


@equation(symbol="P_ffn", unit="parameter", source=KORTHIKANTI)
def ffn_parameters(hidden, ffn_hidden, ffn_matrices):
    """Parameters of one feed-forward block.

    hidden: width of the residual stream; ffn_hidden: inner width; ffn_matrices: 3 where gated, 2 where not.
    """
    return ffn_matrices * hidden * ffn_hidden


@equation(symbol="P_experts", unit="parameter", source="Fedus, Zoph and Shazeer 2022, section 2")
def experts_parameters(experts, hidden, ffn_hidden, ffn_matrices):
    """Parameters of the routed experts of one layer.

    experts: counted; hidden: width of the residual stream; ffn_hidden: inner width of one expert; ffn_matrices: 3 where
    gated, 2 where not.
    """
    return experts * ffn_matrices * hidden * ffn_hidden


@equation(symbol="P_router", unit="parameter", source="Fedus, Zoph and Shazeer 2022, section 2.1")
def router_parameters(experts, hidden):
    """Parameters of the router of one layer.

    experts: routed; hidden: width of the residual stream.
    """
    return experts * hidden


@equation(symbol="P_norm", unit="parameter", source="two normalisations, one gain each")
def norm_parameters(hidden):
    """Parameters of the normalisations of one layer.

    hidden: width of the residual stream.
    """
    return 2 * hidden


@equation(symbol="x_mean", unit=None, source="weighted mean")
def mean_over_layers(layers, special_layers, special, ordinary):
    """Mean over the layers of a model that has two kinds.

    layers: all; special_layers: of the one kind; special: value in that kind; ordinary: value in the others.
    """
    return (special_layers * special + (layers - special_layers) * ordinary) / layers


@equation(symbol="x_share", unit=None, source="weighted mean")
def share_over_layers(layers, special_layers, special):
    """Mean over the layers of what only some have.

    layers: all; special_layers: that have it; special: value in those.
    """
    return special_layers * special / layers


@equation(symbol="x_rest", unit=None, source="weighted mean")
def rest_over_layers(layers, special_layers, ordinary):
    """Mean over the layers of what some lack.

    layers: all; special_layers: that lack it; ordinary: value in the others.
    """
    return (layers - special_layers) * ordinary / layers


@equation(symbol="P_vocab", unit="parameter", source=KORTHIKANTI)
def vocabulary_parameters(vocab, hidden):
    """Parameters of one vocabulary matrix.

    vocab: entries; hidden: width of the residual stream.
    """
    return vocab * hidden


@equation(symbol="P_total", unit="parameter", source="sum over the layers and two vocabulary matrices")
def model_parameters(layers, layer_parameters, vocabulary):
    """Parameters of a model with separate embedding and output matrices.

    layers: all; layer_parameters: of a mean layer [parameter]; vocabulary: of one vocabulary matrix [parameter].
    """
    return layers * layer_parameters + 2 * vocabulary


@equation(symbol="P_total", unit="parameter", source="sum over the layers and one vocabulary matrix")
def tied_model_parameters(layers, layer_parameters, vocabulary):
    """Parameters of a model with one matrix for embedding and output.

    layers: all; layer_parameters: of a mean layer [parameter]; vocabulary: of the vocabulary matrix [parameter].
    """
    return layers * layer_parameters + vocabulary


@equation(symbol="s_full", unit="token", source="definition")
def full_span(sequence):
    """Tokens that a query is multiplied with, no mask used to save work.

    sequence: length [token].
    """
    return 1 * sequence


@equation(symbol="F_attn", unit="FLOP/token", source="Korthikanti et al. 2022, appendix A; any head widths")
def attention_flops(span, query_width, output_width):
    """Forward operations of the attention core, per token and layer.

    span: tokens attended to, mean [token]; query_width: of all query heads; output_width: of all value heads at the
    output. Two products (scores, weighted values) of one multiplication and one addition each.
    """
    return 2 * span * (query_width + output_width)


@equation(symbol="P_active", unit="parameter", source="definition")
def active_parameters(layers, layer_parameters, vocabulary):
    """Parameters that multiply each token (embedding look-up aside).

    layers: all; layer_parameters: that multiply a token in a mean layer [parameter]; vocabulary: of the output matrix
    [parameter].
    """
    return layers * layer_parameters + vocabulary


@equation(
    symbol="F_token", unit="FLOP/token", source="Kaplan et al. 2020, section 2.1; Chowdhery et al. 2022, appendix B"
)
def training_flops_per_token(active, layers, attention):
    """Operations that the model needs per token trained on.

    active: parameters that multiply each token [parameter]; layers: all; attention: forward operations of the attention
    core in a mean layer [FLOP/token]. Forward once and backward twice; no recomputation counted.
    """
    return 6 * active + 3 * layers * attention


@equation(
    symbol="F_exec", unit="FLOP/token", source="Narayanan et al. 2021, eq. 3 (forward twice, backward twice as much)"
)
def recomputed_flops_per_token(active, layers, attention, vocabulary):
    """Operations executed per token with full recomputation.

    active: parameters that multiply each token [parameter]; layers: all; attention: forward operations of the attention
    core in a mean layer [FLOP/token]; vocabulary: parameters of the output matrix, which is not recomputed [parameter].
    """
    return 8 * active - 2 * vocabulary + 4 * layers * attention


@equation(
    symbol="F_exec", unit="FLOP/token", source="Korthikanti et al. 2022, section 5 (attention core alone recomputed)"
)
def selective_flops_per_token(active, layers, attention):
    """Operations executed per token where the attention core alone is recomputed.

    active: parameters that multiply each token [parameter]; layers: all; attention: forward operations of the attention
    core in a mean layer [FLOP/token].
    """
    return 6 * active + 4 * layers * attention
