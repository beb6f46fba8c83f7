"""What the keys of a `config.json` mean for the shape of a model: nothing, something, or a mechanism not modelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from navarch.catalog.errors import CatalogError

_LARGEST_SIZE = 10**8
_MISSING = object()


class Keys:
    """The keys of a config, which remembers those that were read."""

    def __init__(self, given: Mapping[str, Any], origin: str) -> None:
        self._given, self._origin = given, origin
        self._read: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return self._given.get(key) is not None

    def refuse(self, key: str, mechanism: str) -> NoReturn:
        """Say that the model has a mechanism that is not modelled."""
        raise CatalogError(f"{self._origin}: {key}: the model has {mechanism}, which is not modelled")

    def size(self, key: str, default: Any = _MISSING, *, at_least: int | None = None) -> int:
        """A whole number: at least 1 where the config must state it, unless `at_least` says otherwise."""
        value = self._value(key, default)
        least = at_least if at_least is not None else 1 if default is _MISSING else 0
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _LARGEST_SIZE:
            self._wrong(key, value, f"a whole number from {least} to {_LARGEST_SIZE:,}")
        return int(value)

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._value(key, default)
        return value if isinstance(value, bool) else self._wrong(key, value, "true or false")

    def text(self, key: str) -> str:
        """A text, empty where it is not given."""
        value = self._value(key, "")
        return value if isinstance(value, str) else self._wrong(key, value, "a text")

    def texts(self, key: str) -> list[str]:
        """A list of texts, empty where it is not given."""
        value = self._value(key, [])
        fits = isinstance(value, list) and all(isinstance(v, str) for v in value)
        return value if fits else self._wrong(key, value, "a list of texts")

    def numbers(self, key: str) -> list[int]:
        """A list of whole numbers, empty where it is not given."""
        value = self._value(key, [])
        fits = isinstance(value, list) and all(isinstance(v, int) and 0 <= v <= _LARGEST_SIZE for v in value)
        return value if fits else self._wrong(key, value, "a list of whole numbers")

    def inner(self, key: str) -> Keys:
        """The keys of an object within the config."""
        value = self._value(key, _MISSING)
        return (
            Keys(value, f"{self._origin}: {key}") if isinstance(value, dict) else self._wrong(key, value, "an object")
        )

    def states(self, key: str) -> bool:
        """Whether the config has the key, be it null; the key counts as read."""
        self._read.add(key)
        return key in self._given

    def unread(self) -> set[str]:
        """The keys that were given, and not read."""
        return {str(key) for key in self._given} - self._read

    def _value(self, key: str, default: Any) -> Any:
        self._read.add(key)
        value = self._given.get(key)
        if value is not None:
            return value
        if default is _MISSING:
            raise CatalogError(f"{self._origin}: {key} is missing")
        return default

    def _wrong(self, key: str, value: Any, allowed: str) -> NoReturn:
        raise CatalogError(f"{self._origin}: {key} must be {allowed}, not {repr(value)[:60]}")


Found = Callable[[str, Mapping[str, Any]], bool]


def _any_of(*keys: str) -> Found:
    return lambda kind, config: any(config.get(key) for key in keys)


def _linear(kind: str, config: Mapping[str, Any]) -> bool:
    kinds = config.get("layer_types")
    named = isinstance(kinds, list) and "linear_attention" in kinds
    return named or bool(config.get("linear_num_key_heads") or config.get("linear_attn_config"))


# What is not modelled, by its name, and how a config shows it. The first that is found is named.
MECHANISMS: tuple[tuple[str, Found], ...] = (
    ("linear attention (gated delta net)", _linear),
    (
        "Mamba layers (a hybrid of state space and attention)",
        _any_of("hybrid_override_pattern", "mamba_num_heads", "ssm_cfg"),
    ),
    ("compressed sparse attention and hyper-connections", _any_of("compress_ratios", "hc_mult")),
    ("sparse attention with an indexer (DSA)", _any_of("index_n_heads", "index_topk")),
    ("block-sparse attention with an indexer", _any_of("sparse_attention_config")),
    ("layers of different shapes (found by architecture search)", _any_of("block_configs")),
    ("sliding-window layers with heads of their own", _any_of("swa_num_key_value_heads", "swa_head_dim")),
    ("global-attention layers with heads of their own", _any_of("global_head_dim", "num_global_key_value_heads")),
    (
        "gates on the output of attention",
        _any_of("attn_output_gate", "attention_output_gate", "use_head_wise_attn_gate"),
    ),
    ("sliding-window layers with more heads and head-wise gates", lambda kind, _: kind.startswith("step3p")),
    (
        "a multi-token-prediction layer that its published count includes",
        lambda kind, config: kind == "mimo" and bool(config.get("num_nextn_predict_layers")),
    ),
    ("an audio tower", _any_of("audio_config")),
    ("embeddings of each layer", _any_of("hidden_size_per_layer_input")),
    ("layers that share keys and values", _any_of("num_kv_shared_layers")),
    ("heads that were pruned", _any_of("pruned_heads")),
    ("cross-attention", _any_of("add_cross_attention", "is_encoder_decoder")),
)

# Keys that shape neither weights nor cache: precision, rotary settings, routing rules, tokens, text generation.
UNSHAPING = frozenset(
    """
    _name_or_path _attn_implementation architectures attention_dropout attention_value_scale attn_implementation
    attn_logit_softcapping attn_type_list auto_map aux_loss_alpha bad_words_ids begin_suppress_tokens boi_token_index
    bos_token_id cache_implementation chunk_size_feed_forward cross_attention_hidden_size decoder_start_token_id
    diversity_penalty do_sample dtype early_stopping embd_pdrop encoder_no_repeat_ngram_size eoi_token_index
    eos_token_id ep_size exponential_decay_length_penalty final_logit_softcapping finetuning_task forced_bos_token_id
    forced_eos_token_id hidden_act hidden_activation id2label ignore_index image_token_id image_token_index
    initial_context_length initializer_range is_decoder label2id length_penalty max_length media_placeholder_token_id
    min_length model_type mtp_transformer_layers n_group no_repeat_ngram_size norm_topk_prob num_beam_groups num_beams
    num_mtp_modules num_nextn_predict_layers num_return_sequences original_max_position_embeddings output_attentions
    output_hidden_states output_router_logits output_scores pad_token_id partial_rotary_factor prefix pretraining_tp
    problem_type quantization_config query_pre_attn_scalar remove_invalid_values repetition_penalty resid_pdrop
    return_dict return_dict_in_generate rms_norm_eps rope_interleave rope_parameters rope_scaling rope_theta rotary_dim
    routed_scaling_factor router_aux_loss_coef router_jitter_noise scoring_func sep_token_id seq_aux suppress_tokens
    swiglu_limit task_specific_params temperature tf_legacy_loss tie_encoder_decoder tokenizer_class top_k top_p
    topk_group torch_dtype torchscript transformers_version typical_p unsloth_version use_bfloat16 use_cache use_mrope
    use_mtp use_unified_vision_chunk video_placeholder video_token_id vision_end_token_id vision_start_token_id
    pruned_heads add_cross_attention is_encoder_decoder audio_config
    """.split()  # noqa: SIM905 (a list of a hundred and forty names reads no better)
)
