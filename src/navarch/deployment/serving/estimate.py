"""Memory and time of a serving replica: cache, rooflines of prefill and decode, throughput, cost.

All equations take floats or arrays in SI units. A replica is a group of accelerators that holds one copy of the
model; prefill reads the prompt, decode emits one token a step for each sequence of the batch.
"""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

KWON = "Kwon et al. 2023 (PagedAttention), section 2"
SHAZEER_MQA = "Shazeer 2019 (Multi-query attention), section 3"
POPE = "Pope et al. 2022 (Efficiently scaling transformer inference), section 2"
WILLIAMS = "Williams, Waterman and Patterson 2009 (Roofline), figure 1"
SHOEYBI = "Shoeybi et al. 2019 (Megatron-LM), section 3"


@equation(symbol="W", unit="byte", source=POPE, symbols={"parameters": "P", "element": "b_w"})
def weight_bytes(parameters, element):
    """Bytes of the model's weights.

    parameters: of the model [parameter]; element: bytes of one weight at the serving precision [byte].
    """
    return parameters * element


@equation(
    symbol="k_token",
    unit="byte/token",
    source=f"{SHAZEER_MQA}; {KWON}",
    symbols={"layers": "L", "kv_heads": "h_kv", "head_dim": "d_h", "element": "b_kv"},
)
def kv_bytes_per_token(layers, kv_heads, head_dim, element):
    """Key-value cache of one token.

    layers: with attention; kv_heads: key-value heads; head_dim: width of a head; element: bytes of one cached
    number [byte]. A key and a value per head and layer. Valid for multi-head, grouped and multi-query attention.
    """
    return 2 * layers * kv_heads * head_dim * element


@equation(
    symbol="k_token",
    unit="byte/token",
    source="DeepSeek-AI 2024 (DeepSeek-V2), section 2.1, table 1",
    symbols={"layers": "L", "latent": "d_c", "rope": "d_R", "element": "b_kv"},
)
def latent_kv_bytes_per_token(layers, latent, rope, element):
    """Key-value cache of one token, latent attention.

    layers: with attention; latent: width of the compressed key-value vector; rope: width of the shared rotary key;
    element: bytes of one cached number [byte]. Valid for multi-head latent attention.
    """
    return layers * (latent + rope) * element


@equation(symbol="K_seq", unit="byte", source=KWON, symbols={"per_token": "k_token", "context": "c"})
def kv_bytes_per_sequence(per_token, context):
    """Key-value cache of one sequence.

    per_token: cache of one token [byte/token]; context: tokens held [token].
    """
    return per_token * context


@equation(
    symbol="K_seq",
    unit="byte",
    source="Jiang et al. 2023 (Mistral 7B), section 2, rolling buffer cache",
    symbols={"per_token": "k_token", "layers": "L", "sliding": "L_w", "context": "c", "window": "w"},
    valid="sliding <= layers",
)
def windowed_kv_bytes_per_sequence(per_token, layers, sliding, context, window):
    """Key-value cache of one sequence with sliding-window layers.

    per_token: cache of one token, all layers [byte/token]; layers: with attention; sliding: layers of these that
    attend within the window only; context: tokens held [token]; window: of the sliding layers [token].
    """
    return per_token / layers * ((layers - sliding) * context + sliding * np.minimum(context, window))


@equation(symbol="K", unit="byte", source=KWON, symbols={"per_sequence": "K_seq", "users": "u", "copies": "m"})
def kv_bytes_of_users(per_sequence, users, copies):
    """Key-value cache of all concurrent users.

    per_sequence: of one [byte]; users: sequences held at once; copies: of each key-value head in the replica.
    """
    return per_sequence * users * copies


@equation(
    symbol="m",
    unit="1",
    source="Pope et al. 2022, section 3.3",
    symbols={"tensor_parallel": "n", "kv_heads": "h_kv"},
    valid="tensor_parallel >= 1 and kv_heads >= 1",
)
def kv_copies(tensor_parallel, kv_heads):
    """Copies of the cache that tensor parallelism makes.

    tensor_parallel: accelerators that split each layer; kv_heads: that can be split (1 for multi-query and latent
    attention). Past one head an accelerator heads are replicated.
    """
    return np.maximum(1, tensor_parallel / kv_heads)


@equation(
    symbol="M_kv",
    unit="byte",
    source=f"{KWON}; vLLM engine argument gpu_memory_utilization",
    symbols={"accelerators": "n", "memory": "M", "utilisation": "u", "reserve": "M_act", "weights": "W"},
)
def kv_memory(accelerators, memory, utilisation, reserve, weights):
    """Memory left for the key-value cache in a replica.

    accelerators: of the replica; memory: of one [byte]; utilisation: share that the engine may use [fraction];
    reserve: activations and graphs on one [byte]; weights: of the model [byte]. Negative where weights do not fit.
    """
    return accelerators * (memory * utilisation - reserve) - weights


@equation(
    symbol="b_mem",
    unit="1",
    source=KWON,
    symbols={"cache": "M_kv", "per_sequence": "K_seq", "copies": "m"},
    valid="cache >= 0",
)
def concurrent_sequences(cache, per_sequence, copies):
    """Largest number of concurrent sequences.

    cache: memory for the cache [byte]; per_sequence: mean cache of one [byte]; copies: of each key-value head.
    """
    return np.floor(np.maximum(cache, 0) / (per_sequence * copies))


@equation(
    symbol="b_max",
    unit="1",
    source="vLLM engine argument max_num_seqs",
    symbols={"by_memory": "b_mem", "by_engine": "b_eng"},
)
def largest_batch(by_memory, by_engine):
    """Largest batch that the engine runs.

    by_memory: sequences that the cache holds; by_engine: limit of the engine.
    """
    return np.minimum(by_memory, by_engine)


@equation(
    symbol="n_min",
    unit="1",
    source=KWON,
    symbols={"weights": "W", "cache": "K", "memory": "M", "utilisation": "u", "reserve": "M_act"},
    valid="memory * utilisation > reserve",
)
def accelerators_to_hold(weights, cache, memory, utilisation, reserve):
    """Least number of accelerators that hold weights and cache.

    weights: of the model [byte]; cache: of all users [byte]; memory: of one accelerator [byte]; utilisation: share
    that the engine may use [fraction]; reserve: activations and graphs on one [byte].
    """
    return np.ceil((weights + cache) / (memory * utilisation - reserve))


@equation(symbol="c", unit="token", source="mean of a linear growth", symbols={"prompt": "s", "output": "o"})
def mean_context(prompt, output):
    """Mean context of a sequence while it decodes.

    prompt: of a request [token]; output: of a request [token].
    """
    return prompt + output / 2


@equation(
    symbol="E_hit",
    unit="1",
    source="expectation of distinct draws, uniform routing (Fedus et al. 2022, section 2.1)",
    symbols={"experts": "E", "chosen": "k", "tokens": "t"},
    valid="chosen <= experts",
)
def touched_experts(experts, chosen, tokens):
    """Experts of a layer that a batch touches.

    experts: routed experts of a layer; chosen: experts of a token; tokens: in the batch [token]. Valid for
    balanced routing; skew touches fewer.
    """
    return experts * (1 - (1 - chosen / experts) ** tokens)


@equation(
    symbol="P_r",
    unit="parameter",
    source="Jiang et al. 2024 (Mixtral), section 2 (gated feed-forward: three matrices)",
    symbols={"moe_layers": "L_moe", "experts": "E", "hidden": "h", "expert_hidden": "f"},
)
def routed_parameters(moe_layers, experts, hidden, expert_hidden):
    """Parameters in routed experts.

    moe_layers: layers with experts; experts: routed experts of a layer; hidden: model width; expert_hidden: width of
    one expert. Valid for gated experts.
    """
    return 3 * moe_layers * experts * hidden * expert_hidden


@equation(
    symbol="W_read",
    unit="byte",
    source=POPE,
    symbols={"parameters": "P", "routed": "P_r", "experts": "E", "touched": "E_hit", "element": "b_w"},
    valid="routed <= parameters",
)
def routed_weight_bytes_read(parameters, routed, experts, touched, element):
    """Weight bytes read in one step of a mixture of experts.

    parameters: of the model [parameter]; routed: in routed experts [parameter]; experts: routed experts of a layer;
    touched: experts of a layer that the batch touches; element: bytes of one weight [byte].
    """
    return (parameters - routed * (1 - touched / experts)) * element


@equation(
    symbol="F",
    unit="FLOP",
    source="Kaplan et al. 2020, section 2.1 (2 FLOP a parameter and token)",
    symbols={"active": "P_a", "tokens": "t"},
)
def forward_flop(active, tokens):
    """Work of the matrix products in a forward pass.

    active: parameters that a token meets [parameter]; tokens: in the pass [token].
    """
    return 2 * active * tokens


@equation(
    symbol="F_attn",
    unit="FLOP",
    source="Dao 2023 (FlashAttention-2), section 4.1 (causal: half)",
    symbols={"layers": "L", "heads": "h", "head_dim": "d_h", "tokens": "s"},
)
def prefill_attention_flop(layers, heads, head_dim, tokens):
    """Work of causal attention over a prompt.

    layers: with attention; heads: query heads; head_dim: width of a head; tokens: of the prompt [token].
    """
    return 2 * layers * heads * head_dim * tokens**2


@equation(
    symbol="F_attn",
    unit="FLOP",
    source="Dao 2023 (FlashAttention-2), section 4.1",
    symbols={"layers": "L", "heads": "h", "head_dim": "d_h", "context": "c", "batch": "b"},
)
def decode_attention_flop(layers, heads, head_dim, context, batch):
    """Work of attention in one decode step.

    layers: with attention; heads: query heads; head_dim: width of a head; context: mean of a sequence [token];
    batch: sequences.
    """
    return 4 * layers * heads * head_dim * context * batch


@equation(
    symbol="F_attn",
    unit="FLOP",
    source="DeepSeek-AI 2024 (DeepSeek-V2), section 2.1.2 (absorbed projections)",
    symbols={"layers": "L", "heads": "h", "latent": "d_c", "rope": "d_R", "context": "c", "batch": "b"},
)
def latent_decode_attention_flop(layers, heads, latent, rope, context, batch):
    """Work of latent attention in one decode step.

    layers: with attention; heads: query heads; latent: width of the compressed vector; rope: width of the rotary
    key; context: mean of a sequence [token]; batch: sequences. Projections absorbed into the query and output.
    """
    return 2 * layers * heads * (2 * latent + rope) * context * batch


@equation(
    symbol="T_roof",
    unit="s",
    source=f"{WILLIAMS}; {POPE}",
    symbols={
        "flop": "F",
        "bytes_read": "B",
        "accelerators": "n",
        "peak": "R",
        "bandwidth": "beta",
        "compute_efficiency": "eta_c",
        "memory_efficiency": "eta_m",
    },
    valid="accelerators >= 1",
)
def roofline_time(flop, bytes_read, accelerators, peak, bandwidth, compute_efficiency, memory_efficiency):
    """Time of work that arithmetic or memory bounds.

    flop: work [FLOP]; bytes_read: from memory [byte]; accelerators: that split it evenly; peak: rate of one at the
    precision [FLOP/s]; bandwidth: memory bandwidth of one [byte/s]; compute_efficiency: attained share of the peak
    [fraction]; memory_efficiency: attained share of the bandwidth [fraction].
    """
    return np.maximum(
        flop / (accelerators * peak * compute_efficiency), bytes_read / (accelerators * bandwidth * memory_efficiency)
    )


@equation(
    symbol="T_arith",
    unit="s",
    source=WILLIAMS,
    symbols={"flop": "F", "accelerators": "n", "peak": "R", "efficiency": "eta_c"},
    valid="accelerators >= 1",
)
def arithmetic_time(flop, accelerators, peak, efficiency):
    """Time of work that arithmetic bounds.

    flop: work [FLOP]; accelerators: that split it evenly; peak: rate of one at the precision [FLOP/s]; efficiency:
    attained share of the peak [fraction].
    """
    return flop / (accelerators * peak * efficiency)


@equation(symbol="N_ar", unit="1", source=SHOEYBI, symbols={"layers": "L"})
def tensor_all_reduces(layers):
    """All-reduces in one forward pass of tensor parallelism.

    layers: of the model. One after attention, one after the feed-forward block.
    """
    return 2 * layers


@equation(
    symbol="T_ar",
    unit="s",
    source=f"{SHOEYBI}; Patarasuk and Yuan 2009, section 3",
    symbols={
        "reductions": "N_ar",
        "tokens": "t",
        "hidden": "h",
        "element": "b_a",
        "accelerators": "n",
        "bandwidth": "B_link",
        "efficiency": "eta_link",
        "latency": "alpha",
    },
    valid="accelerators >= 1",
)
def reduction_time(reductions, tokens, hidden, element, accelerators, bandwidth, efficiency, latency):
    """Time of the all-reduces in one forward pass.

    reductions: all-reduces in the pass; tokens: in the pass [token]; hidden: model width; element: bytes of one
    activation [byte]; accelerators: that take part; bandwidth: scale-up link of one, per direction [byte/s];
    efficiency: attained share of the link [fraction]; latency: of one all-reduce [s]. Zero for one accelerator.
    """
    transfer = 2 * (accelerators - 1) / accelerators * tokens * hidden * element / (bandwidth * efficiency)
    return reductions * (transfer + latency * np.minimum(accelerators - 1, 1))


@equation(
    symbol="T_a2a",
    unit="s",
    source="Lepikhin et al. 2020 (GShard), section 3.2 (dispatch and combine)",
    symbols={
        "moe_layers": "L_moe",
        "tokens": "t",
        "chosen": "k",
        "hidden": "h",
        "element": "b_a",
        "accelerators": "n",
        "bandwidth": "B_link",
        "efficiency": "eta_link",
        "latency": "alpha",
    },
    valid="accelerators >= 1",
)
def expert_exchange_time(moe_layers, tokens, chosen, hidden, element, accelerators, bandwidth, efficiency, latency):
    """Time to bring tokens to their experts and back, one forward pass.

    moe_layers: layers with experts; tokens: in the pass [token]; chosen: experts of a token; hidden: model width;
    element: bytes of one activation [byte]; accelerators: that hold the experts; bandwidth: scale-up link of one, per
    direction [byte/s]; efficiency: attained share of the link [fraction]; latency: of one exchange [s].
    """
    away = (accelerators - 1) / accelerators
    transfer = away * tokens * chosen * hidden * element / (accelerators * bandwidth * efficiency)
    return 2 * moe_layers * (transfer + latency * np.minimum(accelerators - 1, 1))


@equation(
    symbol="T_pass",
    unit="s",
    source="sum of the parts of one engine step (Agrawal et al. 2024, Vidur, section 4)",
    symbols={
        "products": "T_gemm",
        "attention": "T_attn",
        "communication": "T_comm",
        "layers": "L",
        "layer_overhead": "tau_layer",
        "step_overhead": "tau_step",
        "sequences": "b",
        "sequence_overhead": "tau_seq",
    },
)
def step_time(products, attention, communication, layers, layer_overhead, step_overhead, sequences, sequence_overhead):
    """Time of one engine step.

    products: matrix products [s]; attention: [s]; communication: not overlapped [s]; layers: of the model;
    layer_overhead: small kernels of a layer [s]; step_overhead: scheduling and sampling of a step [s]; sequences: in
    the step; sequence_overhead: input and output handling of one sequence [s].
    """
    return (
        products + attention + communication + layers * layer_overhead + step_overhead + sequences * sequence_overhead
    )
