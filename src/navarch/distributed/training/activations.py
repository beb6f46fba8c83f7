"""Bytes of activations on one accelerator.

Term by term after Korthikanti et al. 2022 (their table 2), written for any widths of heads and feed-forward layers;
with their dimensions the terms give s b h (10 + 24/t + 5 a s/(h t)).
"""

from __future__ import annotations

import numpy as np

from navarch.distributed.training.notation import equation

KORTHIKANTI = "Korthikanti et al. 2022, section 4.1 and table 2"


@equation(symbol="n_tok", unit="token", source="definition")
def tokens_per_microbatch(microbatch, sequence, context):
    """Tokens of one microbatch on one accelerator.

    microbatch: sequences; sequence: length [token]; context: parallel degree.
    """
    return microbatch * sequence / context


@equation(symbol="u_h", unit="1", source=KORTHIKANTI)
def residual_elements(hidden):
    """Elements stored per token and layer on the residual stream.

    hidden: width of the residual stream. The inputs of the two normalisations and of the attention and feed-forward
    blocks.
    """
    return 4 * hidden


@equation(
    symbol="u_h", unit="1", source="outputs of the normalisations recomputed (Korthikanti et al. 2022, section 5)"
)
def residual_elements_recomputed(hidden):
    """Elements stored per token and layer on the residual stream, normalisations recomputed.

    hidden: width of the residual stream. The inputs of the two normalisations remain.
    """
    return 2 * hidden


@equation(symbol="u_mask", unit="1", source=KORTHIKANTI)
def mask_elements(hidden):
    """Dropout mask elements stored per token and layer on the residual stream.

    hidden: width of the residual stream.
    """
    return 2 * hidden


@equation(symbol="u_attn", unit="1", source=KORTHIKANTI)
def attention_elements(query_width, key_width, value_width, output_width):
    """Elements stored per token and layer in attention, scores aside.

    query_width: of all query heads; key_width: of all key heads; value_width: of all value heads; output_width: into
    the output projection.
    """
    return query_width + key_width + value_width + output_width


@equation(symbol="u_ffn", unit="1", source="Korthikanti et al. 2022, section 4.1; one more inner tensor where gated")
def ffn_elements(ffn_hidden, ffn_matrices):
    """Elements stored per token in a feed-forward block.

    ffn_hidden: inner width; ffn_matrices: 3 where gated, 2 where not. As many inner tensors as matrices.
    """
    return ffn_matrices * ffn_hidden


@equation(symbol="u_ffn", unit="1", source="output of the activation function recomputed")
def ffn_elements_recomputed(ffn_hidden, ffn_matrices):
    """Elements stored per token in a feed-forward block, activation function recomputed.

    ffn_hidden: inner width; ffn_matrices: 3 where gated, 2 where not.
    """
    return (ffn_matrices - 1) * ffn_hidden


@equation(
    symbol="u_attn", unit="1", source="DeepSeek-V3 2024, section 3.2.3: up-projections recomputed, their inputs kept"
)
def latent_attention_elements_recomputed(q_rank, kv_rank, rope_dim, output_width):
    """Elements stored per token and layer in latent attention, queries, keys and values decompressed again.

    q_rank: of the query compression; kv_rank: of the key-value compression; rope_dim: part of a head with rotary
    position; output_width: into the output projection.
    """
    return q_rank + kv_rank + rope_dim + output_width


@equation(
    symbol="u_moe",
    unit="1",
    source="each token is stored once for each expert that it visits; gates are applied within the expert",
)
def routed_elements(experts_per_token, hidden, inner_elements):
    """Elements stored per token in the routed experts of a layer.

    experts_per_token: visited; hidden: width of the residual stream; inner_elements: stored within one expert.
    """
    return experts_per_token * (hidden + inner_elements)


@equation(symbol="m_score", unit="byte", source=KORTHIKANTI)
def score_bytes(heads, sequence, activation_bytes):
    """Bytes stored per token and layer for attention scores.

    heads: of attention; sequence: length [token]; activation_bytes: of one element [byte]. The output of the softmax.
    """
    return heads * sequence * activation_bytes


@equation(symbol="m_score", unit="byte", source=KORTHIKANTI)
def score_bytes_dropout(heads, sequence, activation_bytes, mask_bytes):
    """Bytes stored per token and layer for attention scores with dropout.

    heads: of attention; sequence: length [token]; activation_bytes: of one element [byte]; mask_bytes: of one element
    of a mask [byte]. The output of the softmax, the dropout mask, and the output of the dropout.
    """
    return heads * sequence * (2 * activation_bytes + mask_bytes)


@equation(symbol="A_layer", unit="byte", source="Korthikanti et al. 2022, eq. 2")
def layer_activation_bytes(tokens, replicated, divided, tensor):
    """Activations of one layer and microbatch with tensor parallelism.

    tokens: of the microbatch on the accelerator [token]; replicated: bytes per token on the residual stream
    [byte/token]; divided: bytes per token in the blocks [byte/token]; tensor: parallel degree.
    """
    return tokens * (replicated + divided / tensor)


@equation(symbol="A_layer", unit="byte", source="Korthikanti et al. 2022, eq. 4")
def layer_activation_bytes_sequence_parallel(tokens, replicated, divided, tensor):
    """Activations of one layer and microbatch with tensor and sequence parallelism.

    tokens: of the microbatch on the accelerator [token]; replicated: bytes per token on the residual stream
    [byte/token]; divided: bytes per token in the blocks [byte/token]; tensor: parallel degree.
    """
    return tokens * (replicated + divided) / tensor


@equation(symbol="A_layer", unit="byte", source="Korthikanti et al. 2022, section 5 (full recomputation)")
def layer_input_bytes(tokens, hidden, activation_bytes):
    """Input of one layer and microbatch.

    tokens: of the microbatch on the accelerator [token]; hidden: width of the residual stream; activation_bytes: of one
    element [byte].
    """
    return tokens * hidden * activation_bytes


@equation(symbol="A_layer", unit="byte", source="Korthikanti et al. 2022, section 4.2.2 (sequence parallelism)")
def layer_input_bytes_sequence_parallel(tokens, hidden, activation_bytes, tensor):
    """Input of one layer and microbatch, divided over the tensor group.

    tokens: of the microbatch on the accelerator [token]; hidden: width of the residual stream; activation_bytes: of one
    element [byte]; tensor: parallel degree.
    """
    return tokens * hidden * activation_bytes / tensor


@equation(symbol="k_act", unit="1", source="Korthikanti et al. 2022, section 4.2.3; Narayanan et al. 2021, section 2.2")
def in_flight_first(microbatches, pipeline, virtual):
    """Microbatches whose activations the first stage holds.

    microbatches: of one step; pipeline: stages; virtual: model chunks of a stage. 1F1B holds p; interleaving holds
    1 + (p - 1)/(p v) times as many.
    """
    return np.minimum(microbatches, np.where(virtual > 1, pipeline + (pipeline - 1) / virtual, pipeline))


@equation(symbol="k_act", unit="1", source="Narayanan et al. 2021, section 2.2")
def in_flight_last(microbatches, pipeline, virtual):
    """Microbatches whose activations the last stage holds.

    microbatches: of one step; pipeline: stages; virtual: model chunks of a stage.
    """
    return np.minimum(microbatches, np.where(virtual > 1, ((virtual - 1) * pipeline + 1) / virtual, 1))


@equation(symbol="A_stage", unit="byte", source="Korthikanti et al. 2022, section 4.2.3")
def stage_activation_bytes(stage_layers, in_flight, layer_bytes):
    """Activations that a stage holds.

    stage_layers: layers on the stage; in_flight: microbatches held; layer_bytes: activations of one layer and
    microbatch [byte].
    """
    return stage_layers * in_flight * layer_bytes


@equation(symbol="M_logit", unit="byte", source="Korthikanti et al. 2022, section 4.3 (logits in 32 bits)")
def logit_memory(tokens, vocab, tensor, logit_bytes):
    """Logits of one microbatch.

    tokens: of the microbatch on the accelerator [token]; vocab: entries; tensor: parallel degree; logit_bytes: of one
    logit and its gradient [byte].
    """
    return tokens * vocab / tensor * logit_bytes


@equation(symbol="M_logit", unit="byte", source="the first stage computes logits only where it is the last one too")
def first_stage_logits(logits, pipeline):
    """Logits on the first stage.

    logits: of one microbatch [byte]; pipeline: stages.
    """
    return np.where(pipeline > 1, 0, logits)


@equation(symbol="M_buf", unit="byte", source="one layer on its way out and one on its way in")
def transfer_buffers(layer_bytes):
    """Activations on their way to and from the host.

    layer_bytes: activations of one layer and microbatch [byte].
    """
    return 2 * layer_bytes


@equation(symbol="M_here", unit="byte", source="Rajbhandari et al. 2021 (ZeRO-Infinity), section 3: held by the host")
def none_held(offloaded):
    """What remains on the accelerator of data that lie in the host's memory.

    offloaded: bytes in the host's memory [byte].
    """
    return 0 * offloaded
