"""Time of matrix products, attention and memory-bound kernels on one accelerator.

A kernel bound by arithmetic takes its operations over the achieved rate; one bound by memory takes the bytes that it
reads and writes over the achieved bandwidth. Elements moved are counted for a fused implementation.
"""

from __future__ import annotations

from navarch.distributed.training.notation import equation

TRAFFIC = "counted: tensors read and written by memory-bound kernels"


@equation(symbol="F_sust", unit="FLOP/s", source="definition", valid="sustained > 0 and sustained <= 1")
def sustained_peak(peak, sustained):
    """Peak that kernels within a training step refer to.

    peak: of the accelerator [FLOP/s]; sustained: rate of kernels within a step against alone [fraction]. Clocks fall
    under sustained power, and communication takes some of the processors.
    """
    return peak * sustained


@equation(symbol="T_fwd", unit="s", source="operations over the achieved rate")
def matmul_time(parameters, tokens, split, peak, efficiency):
    """Forward time of the matrix products of one layer.

    parameters: that multiply each token [parameter]; tokens: of the microbatch on the accelerator [token]; split:
    ways in which the work is divided; peak: of the accelerator [FLOP/s]; efficiency: achieved share [fraction].
    """
    return 2 * parameters * tokens / (split * peak * efficiency)


@equation(symbol="T_fwd", unit="s", source="operations over the achieved rate")
def expert_matmul_time(parameters, tokens, split, peak, efficiency, expert_efficiency):
    """Forward time of the routed experts of one layer.

    parameters: of the experts that a token visits [parameter]; tokens: of the microbatch on the accelerator [token];
    split: ways in which the work is divided; peak: of the accelerator [FLOP/s]; efficiency: achieved share in dense
    products [fraction]; expert_efficiency: of grouped products against dense ones [fraction]. Experts evenly loaded.
    """
    return 2 * parameters * tokens / (split * peak * efficiency * expert_efficiency)


@equation(symbol="T_fwd", unit="s", source="operations over the achieved rate")
def attention_time(flops, tokens, split, peak, efficiency):
    """Forward time of the attention core of one layer.

    flops: forward operations [FLOP/token]; tokens: of the microbatch on the accelerator [token]; split: ways in which
    the heads are divided; peak: of the accelerator [FLOP/s]; efficiency: achieved share [fraction].
    """
    return flops * tokens / (split * peak * efficiency)


@equation(symbol="T_pass", unit="s", source="the backward pass has two products for each one forward")
def trained_time(forward):
    """Forward and backward time.

    forward: time of the forward pass [s].
    """
    return 3 * forward


@equation(symbol="T_pass", unit="s", source="Narayanan et al. 2021, eq. 3")
def recomputed_time(forward):
    """Forward, repeated forward and backward time.

    forward: time of the forward pass [s].
    """
    return 4 * forward


@equation(symbol="T_pass", unit="s", source="Dao 2023, section 3.1.2 (five products backward, two forward)")
def flash_trained_time(forward):
    """Forward and backward time of a flash attention kernel.

    forward: time of the forward pass [s].
    """
    return 3.5 * forward


@equation(symbol="T_pass", unit="s", source="Dao 2023, section 3.1.2; Narayanan et al. 2021, eq. 3")
def flash_recomputed_time(forward):
    """Forward, repeated forward and backward time of a flash attention kernel.

    forward: time of the forward pass [s].
    """
    return 4.5 * forward


@equation(symbol="q_h", unit="1", source=TRAFFIC)
def residual_traffic(hidden):
    """Elements moved per token and layer forward on the residual stream.

    hidden: width of the residual stream. Two normalisations (read, write) and two residual additions (two read, one
    written).
    """
    return 10 * hidden


@equation(symbol="q_norm", unit="1", source=TRAFFIC)
def norm_traffic(hidden):
    """Elements moved per token and layer to recompute the normalisations.

    hidden: width of the residual stream.
    """
    return 4 * hidden


@equation(symbol="q_rot", unit="1", source=TRAFFIC)
def rotary_traffic(query_width, key_width):
    """Elements moved per token and layer forward between the projections and attention.

    query_width: of all query heads; key_width: of all key heads. Read and written once (rotary position, or bias and
    transposition).
    """
    return 2 * (query_width + key_width)


@equation(symbol="q_ffn", unit="1", source=TRAFFIC)
def activation_traffic(ffn_hidden, ffn_matrices):
    """Elements moved per token forward by the activation function of a feed-forward block.

    ffn_hidden: inner width; ffn_matrices: 3 where gated (two read, one written), 2 where not (one read, one written).
    """
    return ffn_matrices * ffn_hidden


@equation(symbol="q_moe", unit="1", source=TRAFFIC)
def routed_traffic(experts_per_token, hidden, inner_elements):
    """Elements moved per token and layer forward by the routed experts.

    experts_per_token: visited; hidden: width of the residual stream; inner_elements: moved by the activation function
    of one expert. Permuted to the experts and back (read, write each).
    """
    return experts_per_token * (4 * hidden + inner_elements)


@equation(
    symbol="q_score",
    unit="1",
    source="counted: scores written, softmax and dropout (read, write each), values weighted",
)
def score_traffic(heads, sequence):
    """Elements of attention scores moved per token and layer forward.

    heads: of attention; sequence: length [token].
    """
    return 6 * heads * sequence


@equation(symbol="Q_pass", unit="1", source="forward, then backward in proportion")
def trained_traffic(moved, backward_traffic):
    """Elements moved forward and backward.

    moved: elements moved forward; backward_traffic: elements moved backward for each one forward.
    """
    return moved * (1 + backward_traffic)


@equation(symbol="Q_pass", unit="1", source="forward twice, then backward in proportion")
def recomputed_traffic(moved, backward_traffic):
    """Elements moved forward, forward again and backward.

    moved: elements moved forward; backward_traffic: elements moved backward for each one forward.
    """
    return moved * (2 + backward_traffic)


@equation(symbol="Q_pass", unit="1", source="forward and backward, and again what is recomputed")
def selective_traffic(moved, backward_traffic, again):
    """Elements moved forward and backward, and again by what is recomputed.

    moved: elements moved forward; backward_traffic: elements moved backward for each one forward; again: elements moved
    once more.
    """
    return moved * (1 + backward_traffic) + again


@equation(symbol="T_mem", unit="s", source="bytes over the achieved memory bandwidth")
def traffic_time(tokens, replicated, divided, tensor, activation_bytes, bandwidth, efficiency):
    """Time of the memory-bound kernels of one layer and microbatch.

    tokens: of the microbatch on the accelerator [token]; replicated: elements per token on the residual stream;
    divided: elements per token in the blocks; tensor: parallel degree; activation_bytes: of one element [byte];
    bandwidth: of the memory [byte/s]; efficiency: achieved share of it [fraction].
    """
    return tokens * (replicated + divided / tensor) * activation_bytes / (bandwidth * efficiency)


@equation(
    symbol="T_mem", unit="s", source="bytes over the achieved memory bandwidth; Korthikanti et al. 2022, section 4.2.2"
)
def traffic_time_sequence_parallel(tokens, replicated, divided, tensor, activation_bytes, bandwidth, efficiency):
    """Time of the memory-bound kernels of one layer and microbatch with sequence parallelism.

    tokens: of the microbatch on the accelerator [token]; replicated: elements per token on the residual stream;
    divided: elements per token in the blocks; tensor: parallel degree; activation_bytes: of one element [byte];
    bandwidth: of the memory [byte/s]; efficiency: achieved share of it [fraction].
    """
    return tokens * (replicated + divided) / tensor * activation_bytes / (bandwidth * efficiency)


@equation(
    symbol="T_acc", unit="s", source="gradients read and written once a microbatch, at the achieved memory bandwidth"
)
def accumulation_time(layer_parameters, split, gradient_bytes, bandwidth, efficiency):
    """Time to accumulate the gradients of one layer.

    layer_parameters: of a mean layer [parameter]; split: ways in which they are divided; gradient_bytes: of one
    gradient [byte]; bandwidth: of the memory [byte/s]; efficiency: achieved share of it [fraction].
    """
    return 2 * layer_parameters / split * gradient_bytes / (bandwidth * efficiency)


@equation(symbol="T_gap", unit="s", source="forward, forward again and backward, one gap each")
def gaps_time_recomputed(kernel_gap):
    """Time between kernels in one layer and microbatch with full recomputation.

    kernel_gap: of one pass through the layer [s].
    """
    return 3 * kernel_gap


@equation(symbol="T_gap", unit="s", source="forward and backward, one gap each")
def gaps_time(kernel_gap):
    """Time between kernels in one layer and microbatch.

    kernel_gap: of one pass through the layer [s].
    """
    return 2 * kernel_gap


@equation(symbol="T_loss", unit="s", source="counted: logits and their gradients moved six times in 32 bits")
def loss_traffic_time(tokens, vocab, tensor, logit_bytes, bandwidth, efficiency):
    """Time of the memory-bound kernels of the loss, per microbatch.

    tokens: of the microbatch on the accelerator [token]; vocab: entries; tensor: parallel degree; logit_bytes: of one
    logit and its gradient [byte]; bandwidth: of the memory [byte/s]; efficiency: achieved share of it [fraction].
    """
    return 3 * tokens * vocab / tensor * logit_bytes / (bandwidth * efficiency)


@equation(symbol="T_opt", unit="s", source="counted: states read and written, gradients read, weights written")
def optimiser_time(parameters, optimiser_bytes, gradient_bytes, weight_bytes, bandwidth, efficiency):
    """Time of the optimiser's update.

    parameters: updated by the accelerator [parameter]; optimiser_bytes: of the states of one parameter [byte];
    gradient_bytes: of one gradient [byte]; weight_bytes: of one weight [byte]; bandwidth: of the memory [byte/s];
    efficiency: achieved share of it [fraction].
    """
    return parameters * (2 * optimiser_bytes + gradient_bytes + weight_bytes) / (bandwidth * efficiency)
