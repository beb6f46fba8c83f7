"""Operations of a run and the scale wall.

Conventions: a multiply-add is 2 FLOP; the backward pass costs twice the forward pass, so training costs 3 forward
passes; recomputation is not counted (model FLOP, not hardware FLOP). Attention is counted apart from `6 N D` because it
grows with the context and not with the parameters.
"""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

KAPLAN = "Kaplan et al. 2020, section 2.1"
KAPLAN_URL = "https://arxiv.org/abs/2001.08361"
PALM = "Chowdhery et al. 2022 (PaLM), appendix B"
PALM_URL = "https://arxiv.org/abs/2204.02311"
HOFFMANN = "Hoffmann et al. 2022 (Chinchilla)"
HOFFMANN_URL = "https://arxiv.org/abs/2203.15556"


# Operations of a run


@equation(symbol="C_dense", unit="FLOP", source=KAPLAN, url=KAPLAN_URL, symbols={"parameters": "N", "tokens": "D"})
def dense_training_compute(parameters, tokens):
    """Training compute in the weights' matrix products.

    parameters: active in each token [parameter]; tokens: trained on [token]. Each parameter multiplies and adds once
    forward and twice backward: 6 FLOP a token. Attention over the context is counted apart.
    """
    return 6 * parameters * tokens


@equation(
    symbol="w_attn",
    unit="1",
    source=PALM,
    url=PALM_URL,
    symbols={"heads": "n_heads", "query_dimension": "d_qk", "value_dimension": "d_v"},
)
def attention_width(heads, query_dimension, value_dimension):
    """Width over which attention multiplies, all heads together.

    heads: query heads; query_dimension: of one head's queries and keys; value_dimension: of one head's values. Equals
    the hidden size where heads times head size is the hidden size.
    """
    return heads * (query_dimension + value_dimension) / 2


@equation(symbol="c_causal", unit="token", source="mean of 1..s", symbols={"sequence": "s"})
def causal_context(sequence):
    """Mean tokens attended to under a causal mask.

    sequence: length of a training sequence [token].
    """
    return (sequence + 1) / 2


@equation(
    symbol="c_window", unit="token", source="mean of min(i, w) for i = 1..s", symbols={"sequence": "s", "window": "w"}
)
def window_context(sequence, window):
    """Mean tokens attended to under a causal mask and a sliding window.

    sequence: length of a training sequence [token]; window: tokens kept in view [token].
    """
    seen = np.minimum(window, sequence)
    return seen - seen * (seen - 1) / (2 * sequence)


@equation(
    symbol="c_mean",
    unit="token",
    source="weighted mean over layers",
    symbols={"windowed_share": "f_window", "full": "c_full", "windowed": "c_window"},
    valid="windowed_share >= 0 and windowed_share <= 1",
)
def mixed_context(windowed_share, full, windowed):
    """Mean tokens attended to where only some layers use a window.

    windowed_share: layers with a window [fraction]; full: tokens attended to in the other layers [token];
    windowed: tokens attended to in the layers with a window [token].
    """
    return windowed_share * windowed + (1 - windowed_share) * full


@equation(
    symbol="C_attn",
    unit="FLOP",
    source=PALM,
    url=PALM_URL,
    symbols={"layers": "L", "width": "w_attn", "context": "c", "tokens": "D"},
)
def attention_training_compute(layers, width, context, tokens):
    """Training compute of attention over the context.

    layers: with attention; width: heads times head size; context: tokens attended to by a token on average [token];
    tokens: trained on [token]. Two products (scores, values) of 2 FLOP, three passes. With the whole sequence as
    context this is PaLM's 12 L H Q T a token, which counts masked scores too; with `causal_context` it counts only
    those that a causal kernel computes.
    """
    return 12 * layers * width * context * tokens


@equation(
    symbol="C_attn",
    unit="FLOP",
    source="half of " + PALM + ": the causal mask halves the scores",
    url=PALM_URL,
    symbols={"layers": "L", "width": "w_attn", "sequence": "s", "tokens": "D"},
)
def causal_attention_training_compute(layers, width, sequence, tokens):
    """Training compute of attention, only the unmasked half counted.

    layers: with attention; width: heads times head size; sequence: length of a training sequence [token];
    tokens: trained on [token]. Convention of Llama 3 and of FlashAttention's causal counts.
    """
    return 6 * layers * width * sequence * tokens


@equation(symbol="C", unit="FLOP", source=PALM, url=PALM_URL, symbols={"dense": "C_dense", "attention": "C_attn"})
def training_compute(dense, attention):
    """Training compute.

    dense: in the weights' matrix products [FLOP]; attention: over the context [FLOP].
    """
    return dense + attention


@equation(symbol="C_fwd", unit="FLOP", source=KAPLAN, url=KAPLAN_URL, symbols={"parameters": "N", "tokens": "D"})
def forward_compute(parameters, tokens):
    """Forward-pass compute in the weights' matrix products.

    parameters: active in each token [parameter]; tokens: passed through the model [token].
    """
    return 2 * parameters * tokens


@equation(
    symbol="C_fwd,attn",
    unit="FLOP",
    source=PALM,
    url=PALM_URL,
    symbols={"layers": "L", "width": "w_attn", "context": "c", "tokens": "D"},
)
def attention_forward_compute(layers, width, context, tokens):
    """Forward-pass compute of attention over the context.

    layers: with attention; width: heads times head size; context: tokens attended to by a token on average [token];
    tokens: passed through the model [token].
    """
    return 4 * layers * width * context * tokens


@equation(
    symbol="N_active",
    unit="parameter",
    source="Fedus et al. 2022 (Switch Transformer), section 2",
    url="https://arxiv.org/abs/2101.03961",
    symbols={"parameters": "N", "layers": "L_moe", "experts": "E", "experts_per_token": "k", "expert": "P_expert"},
    valid="experts_per_token <= experts",
)
def active_parameters(parameters, layers, experts, experts_per_token, expert):
    """Parameters that a token passes through in a mixture of experts.

    parameters: of the whole model [parameter]; layers: that hold experts; experts: routed experts a layer;
    experts_per_token: routed experts that a token visits; expert: of one expert of one layer [parameter]. Shared
    experts are always active and so are not taken off.
    """
    return parameters - layers * (experts - experts_per_token) * expert


@equation(symbol="D", unit="token", source=KAPLAN, url=KAPLAN_URL, symbols={"compute": "C", "parameters": "N"})
def affordable_tokens(compute, parameters):
    """Tokens that a compute budget trains.

    compute: budget [FLOP]; parameters: active in each token [parameter]. Attention over the context left out.
    """
    return compute / (6 * parameters)


@equation(symbol="N", unit="parameter", source=KAPLAN, url=KAPLAN_URL, symbols={"compute": "C", "tokens": "D"})
def affordable_parameters(compute, tokens):
    """Parameters that a compute budget trains on given tokens.

    compute: budget [FLOP]; tokens: trained on [token]. Attention over the context left out.
    """
    return compute / (6 * tokens)


@equation(
    symbol="D_opt",
    unit="token",
    source=HOFFMANN + ", table 3 (approach 1)",
    url=HOFFMANN_URL,
    symbols={"parameters": "N", "tokens_per_parameter": "rho"},
)
def tokens_at_ratio(parameters, tokens_per_parameter):
    """Compute-optimal tokens at a fixed ratio to the parameters.

    parameters: of the model [parameter]; tokens_per_parameter: compute-optimal ratio [token/parameter].
    """
    return tokens_per_parameter * parameters


@equation(
    symbol="N_opt",
    unit="parameter",
    source=HOFFMANN + ", approach 1, with C = 6 N D",
    url=HOFFMANN_URL,
    symbols={"compute": "C", "tokens_per_parameter": "rho"},
)
def parameters_at_ratio(compute, tokens_per_parameter):
    """Compute-optimal parameters at a fixed ratio of tokens to parameters.

    compute: budget [FLOP]; tokens_per_parameter: compute-optimal ratio [token/parameter].
    """
    return np.sqrt(compute / (6 * tokens_per_parameter))


# The scale wall


@equation(
    symbol="T",
    unit="s",
    source="definition of MFU: " + PALM,
    url=PALM_URL,
    symbols={"compute": "C", "accelerators": "n", "peak": "P", "utilisation": "u"},
    valid="utilisation > 0 and utilisation <= 1",
)
def time_at_utilisation(compute, accelerators, peak, utilisation):
    """Time to do the work at a given utilisation.

    compute: to be done [FLOP]; accelerators: working together; peak: of one accelerator [FLOP/s];
    utilisation: share of the peak that becomes model FLOP [fraction].
    """
    return compute / (accelerators * peak * utilisation)


@equation(
    symbol="T_1",
    unit="s",
    source="definition of MFU: " + PALM,
    url=PALM_URL,
    symbols={"compute": "C", "peak": "P", "utilisation": "u"},
    valid="utilisation > 0 and utilisation <= 1",
)
def time_on_one(compute, peak, utilisation):
    """Time to do the work on one accelerator.

    compute: to be done [FLOP]; peak: of the accelerator [FLOP/s]; utilisation: share of the peak that becomes model
    FLOP [fraction].
    """
    return compute / (peak * utilisation)


@equation(
    symbol="n",
    unit="1",
    source="definition of MFU: " + PALM,
    url=PALM_URL,
    symbols={"compute": "C", "deadline": "T", "peak": "P", "utilisation": "u", "availability": "a"},
    valid="utilisation > 0 and utilisation <= 1 and availability > 0 and availability <= 1",
)
def accelerators_for_deadline(compute, deadline, peak, utilisation, availability):
    """Accelerators needed to finish by the deadline.

    compute: to be done [FLOP]; deadline: time allowed [s]; peak: of one accelerator [FLOP/s];
    utilisation: share of the peak that becomes model FLOP [fraction]; availability: share of the time that is
    productive [fraction].
    """
    return np.ceil(compute / (deadline * peak * utilisation * availability))


@equation(
    symbol="C",
    unit="FLOP",
    source="definition of MFU: " + PALM,
    url=PALM_URL,
    symbols={"accelerators": "n", "peak": "P", "utilisation": "u", "duration": "T"},
)
def compute_budget(accelerators, peak, utilisation, duration):
    """Compute that a fleet delivers in a given time.

    accelerators: working together; peak: of one accelerator [FLOP/s]; utilisation: share of the peak that becomes
    model FLOP [fraction]; duration: of the run [s].
    """
    return accelerators * peak * utilisation * duration


@equation(
    symbol="T_acc",
    unit="s",
    source="definition of MFU: " + PALM,
    url=PALM_URL,
    symbols={"compute": "C", "peak": "P", "utilisation": "u", "availability": "a"},
    valid="utilisation > 0 and utilisation <= 1 and availability > 0 and availability <= 1",
)
def accelerator_time(compute, peak, utilisation, availability):
    """Accelerator time that a run takes, all accelerators together.

    compute: to be done [FLOP]; peak: of one accelerator [FLOP/s]; utilisation: share of the peak that becomes model
    FLOP [fraction]; availability: share of the time that is productive [fraction].
    """
    return compute / (peak * utilisation * availability)


@equation(
    symbol="S",
    unit="1",
    source="Amdahl 1967",
    symbols={"workers": "n", "serial_share": "f_serial"},
    valid="serial_share >= 0 and serial_share <= 1 and workers >= 1",
)
def amdahl_speedup(workers, serial_share):
    """Speed-up of a fixed amount of work.

    workers: sharing the work; serial_share: of one worker's time that cannot be shared [fraction].
    """
    return 1 / (serial_share + (1 - serial_share) / workers)


@equation(
    symbol="C_t",
    unit="FLOP",
    source="exponential trend",
    symbols={"compute": "C_0", "growth": "g", "years": "t"},
    valid="growth > 0",
)
def compute_after(compute, growth, years):
    """Compute of a frontier run after some years of the trend.

    compute: of a frontier run today [FLOP]; growth: factor a year; years: from today, in years.
    """
    return compute * growth**years
