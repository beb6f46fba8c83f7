"""Messages of each form of parallelism, how often each is sent, and what computation does not hide.

What a collective takes is in `collectives`; here is how many there are in a layer, a microbatch or a step.
"""

from __future__ import annotations

import numpy as np

from navarch.distributed.training.notation import equation

SHOEYBI = "Shoeybi et al. 2019, section 3"
LEPIKHIN = "Lepikhin et al. 2020, section 3.2"


@equation(symbol="M_act", unit="byte", source="Shoeybi et al. 2019, section 3")
def layer_message(tokens, hidden, activation_bytes):
    """Activations that one tensor-parallel collective carries.

    tokens: of the microbatch on the accelerator [token]; hidden: width of the residual stream; activation_bytes: of one
    element [byte].
    """
    return tokens * hidden * activation_bytes


@equation(symbol="T_tp", unit="s", source="Shoeybi et al. 2019, section 3: two all-reduces forward, two backward")
def tensor_time(all_reduce):
    """Tensor-parallel communication of one layer and microbatch.

    all_reduce: time of one (or of the reduce-scatter and all-gather that replace it) [s].
    """
    return 4 * all_reduce


@equation(
    symbol="T_tp", unit="s", source="Shoeybi et al. 2019, section 3: two all-reduces forward, two again, two backward"
)
def tensor_time_recomputed(all_reduce):
    """Tensor-parallel communication of one layer and microbatch with full recomputation.

    all_reduce: time of one (or of the reduce-scatter and all-gather that replace it) [s].
    """
    return 6 * all_reduce


@equation(symbol="M_kv", unit="byte", source="Liu, Zaharia and Abbeel 2023, section 3")
def key_value_message(tokens, key_width, value_width, tensor, activation_bytes):
    """Keys and values of one context rank, layer and microbatch.

    tokens: of the microbatch on the accelerator [token]; key_width: of all key heads; value_width: of all value heads;
    tensor: parallel degree; activation_bytes: of one element [byte].
    """
    return tokens * (key_width + value_width) / tensor * activation_bytes


@equation(
    symbol="T_cp",
    unit="s",
    source="Liu, Zaharia and Abbeel 2023, section 3: once forward, twice backward (values and gradients)",
)
def context_time(message, context, bandwidth, latency):
    """Ring attention communication of one layer and microbatch.

    message: keys and values of one rank [byte]; context: parallel degree; bandwidth: of the ring, per direction
    [byte/s]; latency: of one step [s].
    """
    return 3 * (context - 1) * (message / bandwidth + latency)


@equation(symbol="M_route", unit="byte", source="Lepikhin et al. 2020, section 3.2; tokens split over the tensor group")
def dispatch_message(tokens, hidden, experts_per_token, tensor, activation_bytes):
    """Activations that one expert all-to-all carries, per accelerator.

    tokens: of the microbatch on the accelerator [token]; hidden: width of the residual stream; experts_per_token:
    visited; tensor: parallel degree; activation_bytes: of one element [byte].
    """
    return tokens / tensor * experts_per_token * hidden * activation_bytes


@equation(
    symbol="T_ep", unit="s", source="Lepikhin et al. 2020, section 3.2: dispatch and combine, forward and backward"
)
def expert_time(all_to_all, layers, moe_layers):
    """Expert-parallel communication of one mean layer and microbatch.

    all_to_all: time of one [s]; layers: of the model; moe_layers: of them with experts.
    """
    return 4 * all_to_all * moe_layers / layers


@equation(
    symbol="T_ep",
    unit="s",
    source="Lepikhin et al. 2020, section 3.2: dispatch and combine, forward, again and backward",
)
def expert_time_recomputed(all_to_all, layers, moe_layers):
    """Expert-parallel communication of one mean layer and microbatch with full recomputation.

    all_to_all: time of one [s]; layers: of the model; moe_layers: of them with experts.
    """
    return 6 * all_to_all * moe_layers / layers


@equation(
    symbol="M_stage",
    unit="byte",
    source="Narayanan et al. 2021, section 4.1 (scatter and gather over the tensor group)",
)
def boundary_message(tokens, hidden, tensor, activation_bytes):
    """Activations that one rank sends to the next stage, per microbatch.

    tokens: of the microbatch on the accelerator [token]; hidden: width of the residual stream; tensor: parallel degree;
    activation_bytes: of one element [byte].
    """
    return tokens * hidden / tensor * activation_bytes


@equation(symbol="T_pp", unit="s", source="Narayanan et al. 2021, section 2.2.2: v sends forward, v backward")
def pipeline_time(send, pipeline, virtual):
    """Pipeline communication of one microbatch on a stage.

    send: time of one [s]; pipeline: stages; virtual: model chunks of a stage.
    """
    return np.where(pipeline > 1, 2 * virtual * send, 0)


@equation(symbol="T_exp", unit="s", source="definition")
def exposed_time(communication, beside, overlap):
    """Communication that computation does not hide.

    communication: time of it [s]; beside: computation that can run at the same time [s]; overlap: share of that
    computation that does hide [fraction].
    """
    return np.maximum(0, communication - overlap * beside)
