"""What is believed of the constants of training software before any run is looked at.

For each stack: (constant, scope, value, spread of its logarithm, unit where it is no share). Values come from
measurements of single kernels and links, from papers and from counting; the general constants of the catalog
(constants/training.yaml) have the sources.
"""

from __future__ import annotations

from typing import Any

SUSTAINED = "training.sustained-rate"
ATTENTION = "training.attention-efficiency"
TRAFFIC = "training.traffic-factor"
LAUNCH = "training.layer-launch"
EXPERT_LAUNCH = "training.expert-launch"
EXPERTS = "training.expert-rate"
STEP = "training.step-overhead"
SLOPE = "training.straggler-slope"
ROUTING = "training.routing-time"
LIBRARY_RATE = "training.library-rate"
NETWORK_RATE = "training.network-rate"
UNFUSED = "training.unfused-efficiency"
PASSES = "training.score-passes"
GATHER = "training.gather-overlap"
SEND = "training.send-overhead"
EXPOSED = "training.data-exposed"
OVERLAP = "training.data-overlap"
RAGGED = "training.ragged-rate"
RAGGED_HEADS = "training.ragged-heads-rate"
TENSOR = "training.tensor-hidden"
PIPELINE = "training.pipeline-hidden"
EXCHANGE = "training.exchange-rate"

BELOW_ONE = frozenset(
    {
        ATTENTION,
        EXPERTS,
        EXPOSED,
        GATHER,
        NETWORK_RATE,
        OVERLAP,
        PIPELINE,
        RAGGED,
        RAGGED_HEADS,
        SUSTAINED,
        TENSOR,
        UNFUSED,
    }
)
"""Constants that are shares."""

PRIORS: dict[str, list[tuple[Any, ...]]] = {
    "fsdp": [
        (SUSTAINED, "fsdp/a100-sxm-80gb", 0.93, 0.1),
        (SUSTAINED, "fsdp/h100-sxm", 0.85, 0.15),
        (ATTENTION, "fsdp/a100-sxm-80gb", 0.4, 0.3),
        (ATTENTION, "fsdp/h100-sxm", 0.25, 0.3),
        (TRAFFIC, "fsdp", 1.5, 0.3, "1"),
        (LAUNCH, "fsdp", 0.0002, 0.5, "s"),
        (STEP, "fsdp", 0.01, 0.7, "s"),
        (GATHER, "fsdp", 0.8, 0.2),
        (NETWORK_RATE, "fsdp", 0.8, 0.2),
        (SLOPE, "fsdp", 0.004, 0.5),
    ],
    "megatron-lm": [
        (SUSTAINED, "megatron-lm", 0.93, 0.1),
        (UNFUSED, "megatron-lm", 0.42, 0.3),
        (PASSES, "megatron-lm", 6.0, 0.2, "1"),
        (TRAFFIC, "megatron-lm", 1.2, 0.3, "1"),
        (LIBRARY_RATE, "megatron-lm", 1.0, 0.1),
        (SLOPE, "megatron-lm", 0.004, 0.5),
        (LAUNCH, "megatron-lm", 0.0002, 0.5, "s"),
        (STEP, "megatron-lm", 0.01, 0.7, "s"),
    ],
    "megatron-deepspeed": [
        (SUSTAINED, "megatron-deepspeed", 0.9, 0.1),
        (UNFUSED, "megatron-deepspeed", 0.42, 0.3),
        (PASSES, "megatron-deepspeed", 6.0, 0.2, "1"),
        (TRAFFIC, "megatron-deepspeed", 1.2, 0.3, "1"),
        (LIBRARY_RATE, "megatron-deepspeed", 0.8, 0.3),
        (NETWORK_RATE, "megatron-deepspeed", 0.75, 0.3),
        (NETWORK_RATE, "megatron-deepspeed-misbound", 0.35, 0.5),
        (SEND, "megatron-deepspeed", 0.0005, 0.7, "s"),
        (EXPOSED, "megatron-deepspeed", 0.9, 0.1),
        (RAGGED_HEADS, "megatron-deepspeed", 0.25, 0.5),
        (RAGGED, "megatron-deepspeed", 0.8, 0.2),
        (SLOPE, "megatron-deepspeed", 0.004, 0.5),
    ],
    "megatron-bridge": [
        (SUSTAINED, "megatron-bridge/h100-sxm/bf16", 0.82, 0.05),
        (SUSTAINED, "megatron-bridge/h100-sxm/fp8", 0.85, 0.2),
        (SUSTAINED, "megatron-bridge/b200-sxm/fp8", 0.85, 0.2),
        (SUSTAINED, "megatron-bridge/b200-sxm/fp8_block", 0.85, 0.2),
        (SUSTAINED, "megatron-bridge/gb200/bf16", 0.8, 0.2),
        (SUSTAINED, "megatron-bridge/gb200/fp8", 0.85, 0.2),
        (SUSTAINED, "megatron-bridge/gb200/fp8_block", 0.85, 0.2),
        (SUSTAINED, "megatron-bridge/gb200/fp4", 0.85, 0.2),
        (ATTENTION, "megatron-bridge/h100-sxm", 0.5, 0.2),
        (ATTENTION, "megatron-bridge/gb200", 0.45, 0.2),
        (EXPERTS, "megatron-bridge", 0.7, 0.3),
        (UNFUSED, "megatron-bridge", 0.42, 0.3),
        (PASSES, "megatron-bridge", 6.0, 0.2, "1"),
        (TRAFFIC, "megatron-bridge", 1.5, 0.3, "1"),
        (LAUNCH, "megatron-bridge", 0.0003, 0.5, "s"),
        (EXPERT_LAUNCH, "megatron-bridge", 0.004, 0.3, "s"),
        (EXPERT_LAUNCH, "megatron-bridge/gb200", 0.0025, 0.3, "s"),
        (EXPERT_LAUNCH, "megatron-bridge-2026.06/gb200", 0.0015, 0.5, "s"),
        (ROUTING, "megatron-bridge", 2e-08, 0.7, "s"),
        (ROUTING, "megatron-bridge-2026.06", 1e-08, 0.7, "s"),
        (EXPERT_LAUNCH, "megatron-bridge-capacity", 0.002, 0.3, "s"),
        (LIBRARY_RATE, "megatron-bridge", 1.0, 0.1),
        (TENSOR, "megatron-bridge", 0.3, 0.3),
        (EXCHANGE, "megatron-bridge", 1.0, 0.3),
        (PIPELINE, "megatron-bridge", 0.6, 0.3),
        (OVERLAP, "megatron-bridge", 0.6, 0.2),
        (SLOPE, "megatron-bridge", 0.004, 0.5),
        (STEP, "megatron-bridge", 0.01, 0.7, "s"),
    ],
    "megatron-core": [
        (SUSTAINED, "megatron-core/b200-sxm/bf16", 0.75, 0.2),
        (ATTENTION, "megatron-core/b200-sxm", 0.45, 0.2),
        (EXPERTS, "megatron-core", 0.7, 0.3),
        (TRAFFIC, "megatron-core", 1.5, 0.3, "1"),
        (LAUNCH, "megatron-core", 0.0003, 0.5, "s"),
        (EXPERT_LAUNCH, "megatron-core/b200-sxm", 0.004, 0.3, "s"),
        (TENSOR, "megatron-core", 0.2, 0.4),
        (PIPELINE, "megatron-core", 0.5, 0.4),
        (OVERLAP, "megatron-core", 0.5, 0.3),
        (STEP, "megatron-core", 0.01, 0.7, "s"),
    ],
}
