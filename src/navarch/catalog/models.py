"""Model architectures as the catalog holds them: every number that shapes the weights, the cache or the compute."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from navarch.catalog.schema import Entry, quantity
from navarch.core.ledger import Fact

ModelType = Literal["decoder", "encoder", "encoder-decoder", "vit"]
Attention = Literal["mha", "gqa", "mqa", "mla"]
Position = Literal["rope", "learned", "alibi", "relative_xl", "t5_relative", "none"]
Norm = Literal["rms", "layer", "layer_no_bias"]
Bias = Literal["none", "all", "all_and_head", "qkv", "attention", "attention_and_experts"]
QkNorm = Literal["none", "head", "all_heads"]

_EXPERTS = ("experts", "experts_per_token", "moe_ffn_hidden", "moe_layers")
_LATENT = ("mla_q_lora", "mla_kv_lora", "mla_rope_dim", "mla_nope_dim", "mla_v_dim")
_VISION = tuple(
    f"vision_{part}" for part in ("layers", "hidden", "ffn_hidden", "patch_values", "positions", "merge", "mergers")
)
_ORDERED = (
    ("kv_heads", "heads"),
    ("experts_per_token", "experts"),
    ("moe_layers", "layers"),
    ("sliding_layers", "layers"),
    ("params_active", "params_total"),
)
_NOT_WHOLE = ("params_total", "params_active", "trained_tokens", "extra_params")


class Model(Entry):
    """A transformer. In an encoder-decoder, `layers` counts each stack."""

    collection: ClassVar[str] = "model"
    family: str = ""
    year: int | None = None
    type: ModelType = "decoder"
    layers: Fact = quantity("1", "Layers", required=True)
    hidden: Fact = quantity("1", "Hidden size", required=True)
    heads: Fact = quantity("1", "Attention heads", required=True)
    kv_heads: Fact = quantity("1", "Key-value heads", required=True)
    head_dim: Fact = quantity("1", "Head size", required=True)
    ffn_hidden: Fact | None = quantity("1", "Feed-forward hidden size")
    ffn_gated: bool = False
    vocab: Fact | None = quantity("1", "Vocabulary")
    max_context: Fact | None = quantity("token", "Maximum context")
    attention: Attention = "mha"
    mla_q_lora: Fact | None = quantity("1", "Query compression rank (0: none)")
    mla_kv_lora: Fact | None = quantity("1", "Key-value compression rank")
    mla_rope_dim: Fact | None = quantity("1", "Rotary part of a head")
    mla_nope_dim: Fact | None = quantity("1", "Non-rotary part of a head")
    mla_v_dim: Fact | None = quantity("1", "Value size of a head")
    sliding_window: Fact | None = quantity("token", "Sliding window")
    sliding_layers: Fact | None = quantity("1", "Layers with a sliding window")
    swa_pattern: str = ""
    experts: Fact | None = quantity("1", "Routed experts of a layer")
    experts_per_token: Fact | None = quantity("1", "Routed experts used by a token")
    shared_experts: Fact | None = quantity("1", "Shared experts of a layer")
    moe_ffn_hidden: Fact | None = quantity("1", "Hidden size of an expert")
    moe_layers: Fact | None = quantity("1", "Layers with experts")
    tied_embeddings: bool = False
    position: Position = "rope"
    bias: Bias = "none"
    norm: Norm = "rms"
    norms_per_layer: Fact = quantity("1", "Norms of a layer", required=True)
    qk_norm: QkNorm = "none"
    router_bias: bool = False
    attention_sinks: bool = False
    extra_params: Fact | None = quantity("parameter", "Parameters outside the regular structure", signed=True)
    vision_layers: Fact | None = quantity("1", "Layers of the vision tower")
    vision_hidden: Fact | None = quantity("1", "Hidden size of the vision tower")
    vision_ffn_hidden: Fact | None = quantity("1", "Feed-forward hidden size of the vision tower")
    vision_patch_values: Fact | None = quantity("1", "Values in a patch (channels x frames x height x width)")
    vision_positions: Fact | None = quantity("1", "Positions of the vision tower")
    vision_merge: Fact | None = quantity("1", "Patches merged into one token")
    vision_mergers: Fact | None = quantity("1", "Deep-stack mergers beside the last one")
    params_total: Fact | None = quantity("parameter", "Published parameters")
    params_active: Fact | None = quantity("parameter", "Published parameters used by a token")
    active_without_embedding: bool = False
    params_note: str = ""
    trained_tokens: Fact | None = quantity("token", "Training tokens")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        """Attributes that belong together are given together and fit each other."""
        for name in ("layers", "hidden", "heads", "kv_heads", "head_dim"):
            if getattr(self, name).value < 1:
                raise ValueError(f"{name} must be at least 1")
        for group in (_EXPERTS, _LATENT if self.attention == "mla" else (), _VISION):
            missing = [name for name in group if getattr(self, name) is None]
            if missing and (group is _LATENT or len(missing) < len(group)):
                raise ValueError(
                    f"{', '.join(missing)} is missing beside {', '.join(set(group) - set(missing)) or 'mla'}"
                )
        if self.ffn_hidden is None and self.experts is None:
            raise ValueError("a model has ffn_hidden, or experts, or both")
        for smaller, larger in _ORDERED:
            low, high = getattr(self, smaller), getattr(self, larger)
            if low is not None and high is not None and low.value > high.value:
                raise ValueError(f"{smaller} {low.value:g} exceeds {larger} {high.value:g}")
        if any(not fact.value.is_integer() for name, fact in self.facts.items() if name not in _NOT_WHOLE):
            name = next(n for n, f in self.facts.items() if n not in _NOT_WHOLE and not f.value.is_integer())
            raise ValueError(f"{name} must be a whole number")
        if self.heads.value % self.kv_heads.value:
            raise ValueError(f"heads {self.heads.value:g} is not a multiple of kv_heads {self.kv_heads.value:g}")
        return self


class OtherModel(Entry):
    """A convolutional, recommendation or diffusion model, by its totals for one sample."""

    collection: ClassVar[str] = "other_model"
    params_total: Fact | None = quantity("parameter", "Parameters")
    forward_flop: Fact | None = quantity("FLOP", "Forward compute of one sample")
    activations: Fact | None = quantity("byte", "Activations of one sample in FP32")
    input: Fact | None = quantity("byte", "Input of one sample")
