"""What a training step is estimated from: a transformer, its hardware, a plan, and the constants of the software.

Numbers may be floats, NumPy arrays (of candidate plans) or ledger values; categories are plain Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Number = Any
"""A float, a NumPy array of floats, or a ledger value."""

Recomputation = Literal["none", "selective", "full"]
AttentionKernel = Literal["flash", "unfused"]
Schedule = Literal["1f1b", "gpipe", "zero-bubble", "zero-bubble-2", "zero-bubble-v", "dualpipe"]
ContextKind = Literal["ring", "ulysses"]
Offload = Literal["none", "optimiser", "activations", "both"]

RECOMPUTATIONS: tuple[Recomputation, ...] = ("none", "selective", "full")
ATTENTION_KERNELS: tuple[AttentionKernel, ...] = ("flash", "unfused")
SCHEDULES: tuple[Schedule, ...] = ("1f1b", "gpipe", "zero-bubble", "zero-bubble-2", "zero-bubble-v", "dualpipe")
CONTEXT_KINDS: tuple[ContextKind, ...] = ("ring", "ulysses")
OFFLOADS: tuple[Offload, ...] = ("none", "optimiser", "activations", "both")


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
    prediction_modules: output matrices beside the one (multi-token prediction; their layers count among the others;
    None where there is none).
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
    prediction_modules: Number | None = None


@dataclass(frozen=True, slots=True)
class Hardware:
    """One accelerator and the networks around it.

    peak: dense, at the precision trained in [FLOP/s]; attention_peak: at the precision of attention, 16 bits [FLOP/s];
    matmul: constants of its matrix products at the precision trained in (`fleet.compute.matmul.MatmulKernel`);
    memory [byte]; memory_bandwidth [byte/s]; memory_efficiency: achieved share of it [fraction];
    scaleup_domain: accelerators joined by the scale-up network; scaleup_bandwidth: of one accelerator, per direction
    [byte/s]; scaleout_bandwidth: of one accelerator out of its domain, per direction, after oversubscription [byte/s];
    library: its collectives on both (`distributed.collectives.library.Library`); host_bandwidth: between an accelerator
    and its host, per direction [byte/s].
    """

    peak: Number
    attention_peak: Number
    matmul: Any
    memory: Number
    memory_bandwidth: Number
    memory_efficiency: Number
    scaleup_domain: Number
    scaleup_bandwidth: Number
    scaleout_bandwidth: Number
    library: Any
    host_bandwidth: Number


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model is spread over accelerators and trained.

    tensor, pipeline, data, context, expert: degrees; accelerators = tensor x pipeline x data x context, and the
    expert group lies within tensor x data x context; virtual_stages: model chunks of a stage (1: plain 1F1B, more:
    interleaved); microbatch and global_batch: sequences; sequence_length [token]; zero_stage: 0 to 3 (ZeRO over
    data x context; 3 is FSDP); shard: ranks over which ZeRO shards (None: all of data x context; fewer: hybrid
    sharding, HSDP, replicated between the groups); sequence_parallel: norms and residuals split over the tensor group;
    recomputation: none, selective (the attention core where unfused; norms and activation functions where flash) or
    full (all but each layer's input); attention_kernel: flash or unfused; schedule: of the pipeline; context_kind: ring
    attention or Ulysses (heads exchanged for tokens); offload: what lies in host memory.
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
    shard: Number | None = None
    sequence_parallel: bool = True
    recomputation: Recomputation = "none"
    attention_kernel: AttentionKernel = "flash"
    schedule: Schedule = "1f1b"
    context_kind: ContextKind = "ring"
    offload: Offload = "none"

    @property
    def offloads_optimiser(self) -> bool:
        return self.offload in ("optimiser", "both")

    @property
    def offloads_activations(self) -> bool:
        return self.offload in ("activations", "both")
