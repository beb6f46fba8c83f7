"""What a training step is estimated from: a transformer, its hardware, a plan, and the constants of the runtime.

Numbers may be floats, NumPy arrays (of candidate plans) or ledger values; categories are plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal

Number = Any
"""A float, a NumPy array of floats, or a ledger value."""

Recomputation = Literal["none", "selective", "full"]
AttentionKernel = Literal["flash", "unfused"]

RECOMPUTATIONS: tuple[Recomputation, ...] = ("none", "selective", "full")


@dataclass(frozen=True, slots=True)
class TransformerShape:
    """A transformer, by the dimensions of its matrices.

    layers; hidden: width of the residual stream; heads: query heads; kv_heads: key-value heads; head_dim: width of a
    head; ffn_hidden: inner width of the dense feed-forward layers (None where there
    are none); ffn_matrices: 3 where gated (SwiGLU), else 2;
    vocab: padded vocabulary; tied: one matrix for embedding and output; causal: decoder (True) or encoder;
    dropout: masks are stored.
    Mixture of experts (None where dense): experts, experts_per_token, moe_ffn_hidden, moe_layers (layers with experts),
    shared_ffn_hidden (inner width of all shared experts together).
    Latent attention (None where plain): kv_rank, q_rank (None where queries are not compressed), nope_dim, rope_dim,
    value_dim.
    Sliding window (None where every layer attends in full): window [token], window_layers.
    """

    layers: Number
    hidden: Number
    heads: Number
    kv_heads: Number
    head_dim: Number
    ffn_hidden: Number | None
    ffn_matrices: Number
    vocab: Number
    tied: bool = False
    causal: bool = True
    dropout: bool = False
    experts: Number | None = None
    experts_per_token: Number | None = None
    moe_ffn_hidden: Number | None = None
    moe_layers: Number | None = None
    shared_ffn_hidden: Number | None = None
    kv_rank: Number | None = None
    q_rank: Number | None = None
    nope_dim: Number | None = None
    rope_dim: Number | None = None
    value_dim: Number | None = None
    window: Number | None = None
    window_layers: Number | None = None


@dataclass(frozen=True, slots=True)
class Hardware:
    """One accelerator and the network around it.

    peak: dense, at the precision trained in [FLOP/s]; matmul_efficiency: achieved share of it in large matrix
    products [fraction]; memory [byte]; memory_bandwidth [byte/s]; memory_efficiency: achieved share of it [fraction];
    scaleup_domain: accelerators joined by the scale-up network; scaleup_bandwidth: of one accelerator, per direction
    [byte/s]; scaleup_efficiency [fraction]; scaleup_latency: of one step of a collective [s]; scaleout_bandwidth: of
    one accelerator out of its domain, per direction, after oversubscription [byte/s]; scaleout_efficiency [fraction];
    scaleout_latency [s].
    """

    peak: Number
    matmul_efficiency: Number
    memory: Number
    memory_bandwidth: Number
    memory_efficiency: Number
    scaleup_domain: Number
    scaleup_bandwidth: Number
    scaleup_efficiency: Number
    scaleup_latency: Number
    scaleout_bandwidth: Number
    scaleout_efficiency: Number
    scaleout_latency: Number


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model is spread over accelerators and trained.

    tensor, pipeline, data, context, expert: degrees; accelerators = tensor x pipeline x data x context, and the
    expert group lies within tensor x data x context; virtual_stages: model chunks of a stage (1: plain 1F1B);
    microbatch and global_batch: sequences; sequence_length [token]; zero_stage: 0 to 3 (ZeRO over data x context);
    sequence_parallel: norms and residuals split over the tensor group; recomputation: none, selective (the attention
    core where unfused; norms and activation functions where flash) or full (all but each layer's input);
    attention_kernel: flash or unfused.
    """

    tensor: Number
    pipeline: Number
    data: Number
    context: Number
    expert: Number
    virtual_stages: Number
    microbatch: Number
    global_batch: Number
    sequence_length: Number
    zero_stage: int = 1
    sequence_parallel: bool = True
    recomputation: Recomputation = "none"
    attention_kernel: AttentionKernel = "flash"


RUNTIME_CONSTANTS = {
    "weight_bytes": "precision.bf16.bytes",
    "gradient_bytes": "training.gradient-bytes",
    "optimiser_bytes": "training.optimiser-bytes",
    "activation_bytes": "precision.bf16.bytes",
    "mask_bytes": "training.mask-bytes",
    "logit_bytes": "training.logit-bytes",
    "sustained": "training.sustained-rate",
    "attention_efficiency": "training.attention-efficiency",
    "expert_efficiency": "training.expert-efficiency",
    "backward_traffic": "training.backward-traffic",
    "kernel_gap": "training.kernel-gap",
    "tensor_overlap": "training.tensor-overlap",
    "context_overlap": "training.context-overlap",
    "pipeline_overlap": "training.pipeline-overlap",
    "expert_overlap": "training.expert-overlap",
    "data_overlap": "training.data-overlap",
    "straggler": "training.straggler-factor",
    "memory_reserve": "training.memory-reserve",
}
"""Field of `Runtime` -> id of the catalog constant that it is taken from."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Constants of the training software: bytes by kind of number, efficiencies, overlaps, overheads.

    weight_bytes, gradient_bytes, optimiser_bytes (master weights and both moments), activation_bytes, mask_bytes,
    logit_bytes: per element [byte]; sustained: rate of kernels within a
    training step against alone [fraction]; attention_efficiency: share of peak of a flash attention kernel [fraction];
    expert_efficiency: grouped expert products against dense ones [fraction]; backward_traffic: bytes moved by
    memory-bound kernels backward against forward; kernel_gap: of a layer and pass [s]; *_overlap: share of the
    computation beside a communication that can hide it [fraction]; straggler: stretch of a step; memory_reserve:
    context, communication buffers, fragmentation [byte].
    """

    weight_bytes: Number
    gradient_bytes: Number
    optimiser_bytes: Number
    activation_bytes: Number
    mask_bytes: Number
    logit_bytes: Number
    sustained: Number
    attention_efficiency: Number
    expert_efficiency: Number
    backward_traffic: Number
    kernel_gap: Number
    tensor_overlap: Number
    context_overlap: Number
    pipeline_overlap: Number
    expert_overlap: Number
    data_overlap: Number
    straggler: Number
    memory_reserve: Number

    @classmethod
    def from_constants(cls, constant: Callable[[str], Number]) -> Runtime:
        """The runtime whose every field is `constant(id)` of its catalog constant."""
        return cls(**{f.name: constant(RUNTIME_CONSTANTS[f.name]) for f in fields(cls)})
