"""Where parameters lie: layers of a stage, parts of a layer, replicas, and the bytes of each state."""

from __future__ import annotations

import numpy as np

from navarch.distributed.training.notation import equation

NARAYANAN = "Narayanan et al. 2021, section 2.2"
ZERO = "Rajbhandari et al. 2020, section 3 and figure 1"


@equation(symbol="L_stage", unit="1", source=NARAYANAN)
def layers_per_stage(layers, pipeline, virtual):
    """Layers on the fullest pipeline stage.

    layers: of the model; pipeline: stages; virtual: model chunks of a stage.
    """
    return virtual * np.ceil(layers / (pipeline * virtual))


@equation(
    symbol="N_exp",
    unit="1",
    source="experts spread over the expert group, or cut by tensor parallelism where that is larger",
)
def expert_split(tensor, expert):
    """Parts into which the routed experts of a layer are divided.

    tensor: parallel degree; expert: parallel degree.
    """
    return np.maximum(tensor, expert)


@equation(symbol="P_dev", unit="parameter", source="Shoeybi et al. 2019, section 3")
def dense_parameters_per_device(stage_layers, layer_dense, vocabulary_held, tensor):
    """Parameters on one accelerator, routed experts aside.

    stage_layers: layers on the stage; layer_dense: parameters of a mean layer, routed experts aside [parameter];
    vocabulary_held: parameters of the vocabulary matrices on the stage [parameter]; tensor: parallel degree.
    """
    return (stage_layers * layer_dense + vocabulary_held) / tensor


@equation(symbol="P_edev", unit="parameter", source="Lepikhin et al. 2020, section 3.1")
def expert_parameters_per_device(stage_layers, layer_experts, split, layers, moe_layers):
    """Parameters of routed experts on one accelerator.

    stage_layers: layers on the stage; layer_experts: parameters of the routed experts of a mean layer [parameter];
    split: parts into which they are divided; layers: of the model; moe_layers: of them with experts. The fullest stage
    holds layers with experts only, as far as there are so many.
    """
    return np.minimum(stage_layers, moe_layers) * layers / moe_layers * layer_experts / split


@equation(
    symbol="P_held",
    unit="parameter",
    source="the first stage holds the embedding; a single stage the output matrix too",
)
def vocabulary_held(vocabulary, pipeline):
    """Vocabulary parameters on an end stage, embedding and output matrix apart.

    vocabulary: of one matrix [parameter]; pipeline: stages.
    """
    return np.where(pipeline > 1, 1, 2) * vocabulary


@equation(symbol="N_dp", unit="1", source="weights are replicated over data and context ranks")
def dense_replicas(data, context):
    """Replicas of the dense weights.

    data: parallel degree; context: parallel degree.
    """
    return data * context


@equation(symbol="N_edp", unit="1", source="expert group folded into tensor, context and data ranks (Liu et al. 2025)")
def expert_replicas(tensor, data, context, split):
    """Replicas of the routed experts.

    tensor: parallel degree; data: parallel degree; context: parallel degree; split: parts of the experts.
    """
    return tensor * data * context / split


@equation(symbol="N_shard", unit="1", source="Zhao et al. 2023 (PyTorch FSDP), section 3.2.2: hybrid sharding")
def shards_of(replicas, shard):
    """Replicas among which states are sharded.

    replicas: accelerators that hold the same parameters; shard: greatest number among which the plan shards.
    """
    return np.minimum(replicas, shard)


@equation(symbol="N_grp", unit="1", source="Zhao et al. 2023 (PyTorch FSDP), section 3.2.2: hybrid sharding")
def groups_of_shards(replicas, shards):
    """Groups of shards, each of which holds all states once.

    replicas: accelerators that hold the same parameters; shards: replicas that share the states.
    """
    return replicas / shards


@equation(symbol="M_state", unit="byte", source=ZERO)
def state_bytes(parameters, bytes_each):
    """Bytes of a state held for each parameter.

    parameters: on the accelerator [parameter]; bytes_each: of the state, for one parameter [byte].
    """
    return parameters * bytes_each


@equation(symbol="M_state", unit="byte", source=ZERO)
def sharded_state_bytes(parameters, bytes_each, shards):
    """Bytes of a state held for each parameter, sharded over the replicas.

    parameters: on the accelerator and its replicas [parameter]; bytes_each: of the state, for one parameter [byte];
    shards: replicas that share it.
    """
    return parameters * bytes_each / shards


@equation(symbol="P_shard", unit="parameter", source=ZERO)
def sharded_parameters(parameters, shards):
    """Parameters that one accelerator updates.

    parameters: on the accelerator and its replicas [parameter]; shards: replicas that share the update.
    """
    return parameters / shards


@equation(symbol="M_gather", unit="byte", source="one layer in use and one prefetched (Zhao et al. 2023, section 3.3)")
def gathered_weights_bytes(layer_parameters, split, weight_bytes):
    """Weights of the layers that are gathered at a time.

    layer_parameters: of a mean layer [parameter]; split: ways in which they are divided; weight_bytes: of one weight
    [byte].
    """
    return 2 * layer_parameters / split * weight_bytes
