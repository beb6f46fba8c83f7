"""Messages of each form of parallelism, how often each is sent, and what computation does not hide.

What a collective takes is in `collectives`; here is how many there are in a layer, a microbatch or a step.
"""

from __future__ import annotations

import numpy as np

from navarch.distributed.training.notation import equation


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


@equation(
    symbol="M_ulysses",
    unit="byte",
    source="Jacobs et al. 2023 (DeepSpeed-Ulysses), section 3.2: queries, keys, values, output",
)
def ulysses_message(tokens, query_width, key_width, value_width, output_width, tensor, activation_bytes):
    """Activations of one context rank that Ulysses exchanges in one layer and microbatch forward.

    tokens: of the microbatch on the accelerator [token]; query_width: of all query heads; key_width: of all key heads;
    value_width: of all value heads; output_width: into the output projection; tensor: parallel degree;
    activation_bytes: of one element [byte].
    """
    return tokens * (query_width + key_width + value_width + output_width) / tensor * activation_bytes


@equation(
    symbol="T_cp", unit="s", source="Jacobs et al. 2023 (DeepSpeed-Ulysses), section 3.2: the same exchanges backward"
)
def ulysses_time(all_to_all):
    """Ulysses communication of one layer and microbatch.

    all_to_all: time to exchange the activations of the forward pass [s].
    """
    return 2 * all_to_all


@equation(symbol="M_token", unit="byte", source="tokens split over the tensor group (Liu et al. 2025, section 3)")
def token_message(tokens, hidden, tensor, activation_bytes):
    """Activations that one accelerator has to route to experts, each token once.

    tokens: of the microbatch on the accelerator [token]; hidden: width of the residual stream; tensor: parallel degree;
    activation_bytes: of one element [byte].
    """
    return tokens * hidden / tensor * activation_bytes


@equation(symbol="N_dom", unit="1", source="definition")
def domains_of(expert, domain):
    """Scale-up domains that an expert group spans.

    expert: parallel degree; domain: accelerators in one scale-up domain.
    """
    return np.maximum(1, expert / domain)


@equation(
    symbol="k_near", unit="1", source="experts equally likely; one copy for each expert visited within the domain"
)
def copies_within(expert, domains, experts_per_token):
    """Copies of a token that cross the scale-up network.

    expert: parallel degree; domains: that the group spans; experts_per_token: visited. The share of the domain's other
    members.
    """
    return experts_per_token * (1 - domains / expert)


@equation(
    symbol="k_far",
    unit="1",
    source="DeepSeek-V3 2024, section 3.2.2: a token goes once to each node; experts equally likely",
)
def copies_across(domains, experts_per_token):
    """Copies of a token that cross the scale-out network.

    domains: scale-up domains that the group spans; experts_per_token: visited. The expected number of other domains
    visited: a token is sent once to each and spread within it.
    """
    return (domains - 1) * (1 - (1 - 1 / domains) ** experts_per_token)


@equation(symbol="Q_route", unit="byte", source="definition")
def routed_bytes(message, copies):
    """Bytes that an accelerator sends over one tier in an exchange of tokens between experts.

    message: activations of the accelerator, each token once [byte]; copies: of a token that cross the tier.
    """
    return message * copies


@equation(symbol="Q_near", unit="byte", source="every rank sends each other one an equal part")
def exchanged_within(message, ranks, local):
    """Bytes that a rank sends within its scale-up domain in an all-to-all.

    message: of one rank [byte]; ranks: of the group; local: of them in the domain.
    """
    return message * (local - 1) / ranks


@equation(symbol="Q_far", unit="byte", source="every rank sends each other one an equal part")
def exchanged_across(message, ranks, local):
    """Bytes that a rank sends out of its scale-up domain in an all-to-all.

    message: of one rank [byte]; ranks: of the group; local: of them in the domain.
    """
    return message * (ranks - local) / ranks


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
def pipeline_time(send, overhead, pipeline, virtual):
    """Pipeline communication of one microbatch on a stage.

    send: time of one [s]; overhead: of the software for one [s]; pipeline: stages; virtual: model chunks of a stage.
    """
    return np.where(pipeline > 1, 2 * virtual * (send + overhead), 0)


@equation(symbol="T_exp", unit="s", source="definition")
def exposed_share(communication, hidden_share):
    """Communication that computation does not hide, as a share.

    communication: time of it [s]; hidden_share: that runs beside computation [fraction].
    """
    return communication * (1 - hidden_share)


@equation(
    symbol="T_exp",
    unit="s",
    source="Zhao et al. 2023, section 3.3: the first and the last piece have nothing beside them",
)
def exposed_collective(communication, beside, overlap, exposed_share):
    """Communication of a step that computation does not hide.

    communication: time of all of it [s]; beside: computation that can run at the same time [s]; overlap: share of that
    computation that does hide [fraction]; exposed_share: of the communication that has nothing beside it [fraction].
    """
    return np.maximum(communication * exposed_share, communication - overlap * beside)


@equation(symbol="T_hid", unit="s", source="definition")
def hidden_time(communication, beside, overlap):
    """Communication that computation hides.

    communication: time of it [s]; beside: computation that can run at the same time [s]; overlap: share of that
    computation that does hide [fraction].
    """
    return np.minimum(communication, overlap * beside)


@equation(symbol="T_exp", unit="s", source="as of one collective; what hides one on a link hides no other on it")
def exposed_collective_after(communication, beside, overlap, exposed_share, taken):
    """Communication of a step that computation does not hide, where it hides another on the same link already.

    communication: time of all of it [s]; beside: computation that can run at the same time [s]; overlap: share of that
    computation that does hide [fraction]; exposed_share: of the communication that has nothing beside it [fraction];
    taken: by other communication beside that computation [s].
    """
    left = np.maximum(0, overlap * beside - taken)
    return np.maximum(communication * exposed_share, communication - left)


@equation(symbol="T_exp", unit="s", source="two links work at the same time: the slower sets the pace")
def exposed_beyond(exposed, other):
    """Exposed communication on one link that outlasts that on another.

    exposed: on the one [s]; other: on the other [s].
    """
    return np.maximum(0, exposed - other)


@equation(
    symbol="T_exp", unit="s", source="Zhao et al. 2023, section 3.3: the first layer's weights have nothing beside them"
)
def exposed_gathers(communication, beside, overlap, stage_layers):
    """Communication of sharded weights in one microbatch that computation does not hide.

    communication: time of all of it [s]; beside: computation of the microbatch [s]; overlap: share of it that does
    hide [fraction]; stage_layers: layers on the stage.
    """
    left = np.maximum(0, communication - overlap * beside)
    return np.minimum(communication, left + communication / stage_layers)


@equation(symbol="T_off", unit="s", source="Rajbhandari et al. 2021 (ZeRO-Infinity), section 4.1: out and back")
def offload_time(offloaded, host_bandwidth):
    """Time to move data to the host and back.

    offloaded: bytes moved each way [byte]; host_bandwidth: per direction [byte/s].
    """
    return 2 * offloaded / host_bandwidth


@equation(
    symbol="T_opt", unit="s", source="Ren et al. 2021 (ZeRO-Offload), section 4: gradients down, update, weights up"
)
def offloaded_optimiser_time(parameters, gradient_bytes, weight_bytes, host_bandwidth, optimiser_bytes, host_memory):
    """Time of an optimiser's update on the host.

    parameters: updated [parameter]; gradient_bytes: of one gradient [byte]; weight_bytes: of one weight [byte];
    host_bandwidth: between accelerator and host, per direction [byte/s]; optimiser_bytes: of the states of one
    parameter [byte]; host_memory: share of the host's memory bandwidth [byte/s].
    """
    moving = parameters * (gradient_bytes + weight_bytes) / host_bandwidth
    return moving + parameters * (2 * optimiser_bytes + gradient_bytes + weight_bytes) / host_memory


@equation(symbol="T_exp", unit="s", source="definition")
def exposed_time(communication, beside, overlap):
    """Communication that computation does not hide.

    communication: time of it [s]; beside: computation that can run at the same time [s]; overlap: share of that
    computation that does hide [fraction].
    """
    return np.maximum(0, communication - overlap * beside)
