"""Time of attention and memory-bound kernels on one accelerator, and of the host that launches them.

A kernel bound by arithmetic takes its operations over the achieved rate; one bound by memory takes the bytes that it
reads and writes over the achieved bandwidth. Elements moved are counted for a fused implementation. Matrix products are
in `products`.
"""

from __future__ import annotations

import numpy as np

from navarch.distributed.training.notation import equation

TRAFFIC = "counted: tensors read and written by memory-bound kernels"


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


@equation(symbol="q_score", unit="1", source="scores written, softmax and dropout (read, write each), values weighted")
def score_traffic(heads, sequence, score_passes):
    """Elements of attention scores moved per token and layer forward.

    heads: of attention; sequence: length [token]; score_passes: times that each score is read or written.
    """
    return score_passes * heads * sequence


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
def traffic_time(tokens, replicated, divided, tensor, activation_bytes, traffic_factor, bandwidth, efficiency):
    """Time of the memory-bound kernels of one layer and microbatch.

    tokens: of the microbatch on the accelerator [token]; replicated: elements per token on the residual stream;
    divided: elements per token in the blocks; tensor: parallel degree; activation_bytes: of one element [byte];
    traffic_factor: bytes moved for each byte counted; bandwidth: of the memory [byte/s]; efficiency: achieved share of
    it [fraction].
    """
    moved = tokens * (replicated + divided / tensor) * activation_bytes * traffic_factor
    return moved / (bandwidth * efficiency)


@equation(
    symbol="T_mem", unit="s", source="bytes over the achieved memory bandwidth; Korthikanti et al. 2022, section 4.2.2"
)
def traffic_time_sequence_parallel(
    tokens, replicated, divided, tensor, activation_bytes, traffic_factor, bandwidth, efficiency
):
    """Time of the memory-bound kernels of one layer and microbatch with sequence parallelism.

    tokens: of the microbatch on the accelerator [token]; replicated: elements per token on the residual stream;
    divided: elements per token in the blocks; tensor: parallel degree; activation_bytes: of one element [byte];
    traffic_factor: bytes moved for each byte counted; bandwidth: of the memory [byte/s]; efficiency: achieved share of
    it [fraction].
    """
    moved = tokens * (replicated + divided) / tensor * activation_bytes * traffic_factor
    return moved / (bandwidth * efficiency)


@equation(symbol="T_route", unit="s", source="sorting, index tables and copies in proportion to the tokens routed")
def routing_time(tokens, tensor, experts_per_token, routing, layers, moe_layers):
    """Time to route tokens to experts and back in one mean layer, over all passes.

    tokens: of the microbatch on the accelerator [token]; tensor: parallel degree, over which the tokens are divided;
    experts_per_token: visited; routing: time for one token and expert [s]; layers: of the model; moe_layers: of them
    with experts.
    """
    return tokens / tensor * experts_per_token * routing * moe_layers / layers


@equation(
    symbol="T_acc", unit="s", source="gradients read and written once a microbatch, at the achieved memory bandwidth"
)
def accumulation_time(layer_parameters, split, gradient_bytes, bandwidth, efficiency):
    """Time to accumulate the gradients of one layer.

    layer_parameters: of a mean layer [parameter]; split: ways in which they are divided; gradient_bytes: of one
    gradient [byte]; bandwidth: of the memory [byte/s]; efficiency: achieved share of it [fraction].
    """
    return 2 * layer_parameters / split * gradient_bytes / (bandwidth * efficiency)


@equation(symbol="f_fwd", unit="fraction", source="forward, then backward in proportion")
def forward_share(backward_traffic):
    """Share of the memory-bound kernels' time that is in the forward pass.

    backward_traffic: elements moved backward for each one forward.
    """
    return 1 / (1 + backward_traffic)


@equation(symbol="f_fwd", unit="fraction", source="forward twice, then backward in proportion")
def forward_share_recomputed(backward_traffic):
    """Share of the memory-bound kernels' time that is in the first forward pass.

    backward_traffic: elements moved backward for each one forward.
    """
    return 1 / (2 + backward_traffic)


@equation(symbol="T_fwd", unit="s", source="definition")
def forward_traffic_time(time, share):
    """Time of the memory-bound kernels of the forward pass.

    time: over all passes [s]; share: of it forward [fraction].
    """
    return time * share


@equation(symbol="T_fwd", unit="s", source="as many collectives forward as backward")
def communication_forward(time):
    """Communication of the forward pass.

    time: over all passes [s].
    """
    return time / 2


@equation(symbol="T_fwd", unit="s", source="as many collectives forward, forward again and backward")
def communication_forward_recomputed(time):
    """Communication of the first forward pass.

    time: over all passes [s].
    """
    return time / 3


@equation(symbol="T_launch", unit="s", source="weighted mean")
def share_of_launch(expert_launch, layers, moe_layers):
    """Host time of one pass through the experts of a mean layer.

    expert_launch: of one pass through the experts of a layer [s]; layers: of the model; moe_layers: of them with
    experts.
    """
    return expert_launch * moe_layers / layers


@equation(symbol="T_gap", unit="s", source="the host launches ahead of the accelerator: the slower sets the pace")
def gaps_time(busy, launching):
    """Time that the accelerator waits for the host in one pass through a layer.

    busy: time of the accelerator [s]; launching: time of the host [s]. A soft maximum of the two (power 4), less the
    accelerator's own time.
    """
    busy_2 = busy * busy
    launching_2 = launching * launching
    return np.sqrt(np.sqrt(busy_2 * busy_2 + launching_2 * launching_2)) - busy


WEIGHTS = "counted: half of the kernels of a backward pass"


@equation(symbol="T_host,W", unit="s", source=WEIGHTS)
def launch_time_of_weights(layer_launch):
    """Time of the host to launch the gradients of the weights of one layer.

    layer_launch: of one pass through the layer [s].
    """
    return layer_launch / 2


@equation(symbol="T_host,B", unit="s", source=WEIGHTS)
def launch_time_of_inputs(layer_launch):
    """Time of the host to launch the gradients of the inputs of one layer.

    layer_launch: of one pass through the layer [s].
    """
    return layer_launch / 2


@equation(symbol="T_host,B", unit="s", source=f"{WEIGHTS}, after the forward pass once more")
def launch_time_of_inputs_recomputed(layer_launch):
    """Time of the host to launch the gradients of the inputs of one layer with full recomputation.

    layer_launch: of one pass through the layer [s].
    """
    return 1.5 * layer_launch


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
