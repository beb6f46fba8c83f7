"""A model straight from its Hugging Face `config.json`.

Only what is understood is imported: a family that is known, keys that are known not to shape it, and values that agree
with each other. Anything else is refused with the name of the mechanism or key, so that no model is miscounted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from navarch.catalog.config_keys import MECHANISMS, UNSHAPING, Keys
from navarch.catalog.errors import CatalogError, listed, nearest
from navarch.catalog.facts import Context
from navarch.catalog.loader import checked
from navarch.catalog.models import Model

_LARGEST = 8 * 2**20
Said = dict[str, Any]


def from_config(config: Path | str | Mapping[str, Any], name: str = "") -> Model:
    """The catalog entry of a model from its `config.json` (a path, its folder, or the parsed mapping).

    Raises CatalogError, in one message, for a file that is not such a config and for an architecture with a mechanism
    that is not modelled. Multi-token-prediction layers are left out, as published counts leave them out; the vision
    tower of the families that have one is counted.
    """
    return checked(Model, *_entry(config, name))


def said_by_config(config: Path | str | Mapping[str, Any], name: str = "") -> Said:
    """What a catalog file would say of the model of a config: plain numbers and texts, checked."""
    said, context = _entry(config, name)
    checked(Model, said, context)
    return said


def _entry(config: Path | str | Mapping[str, Any], name: str) -> tuple[Said, Context]:
    given, origin, named = (config, "config", "model") if isinstance(config, Mapping) else _read(Path(config))
    said = _architecture(given, origin)
    name = name or named
    said = {"id": _slug(name), "name": name, "source": f"config.json of {name}", "evidence": "published", **said}
    return said, Context("model", origin)


def _read(path: Path) -> tuple[Mapping[str, Any], str, str]:
    """The parsed file, how errors name it, and the model's name (the file's, or its folder's for a config.json)."""
    path = path / "config.json" if path.is_dir() else path
    try:
        if path.stat().st_size > _LARGEST:
            raise CatalogError(f"{path}: larger than {_LARGEST // 2**20} MiB: not a model's config.json")
        given = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_unique)
    except OSError as error:
        raise CatalogError(f"{path}: cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise CatalogError(f"{path}: nested too deeply to be a model's config.json") from error
    except ValueError as error:
        raise CatalogError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(given, dict):
        raise CatalogError(f"{path}: a model's config.json is an object, not {type(given).__name__}")
    stem = path.absolute().parent.name if path.stem == "config" else path.stem
    return given, str(path), stem.split("--")[-1] or "model"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [key for key, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} is given twice")
    return made


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() or c in ".-_" else "-" for c in name.lower()).strip("-") or "model"


def _architecture(config: Mapping[str, Any], origin: str) -> Said:
    kind = config.get("model_type")
    if not isinstance(kind, str):
        raise CatalogError(f"{origin}: has no model_type: not a model's config.json")
    text = config.get("text_config", {})
    if not isinstance(text, Mapping):
        raise CatalogError(f"{origin}: text_config must be an object")
    for mechanism, found in MECHANISMS:
        if found(kind, {**config, **text}):
            raise CatalogError(f"{origin}: {kind} has {mechanism}, which is not modelled")
    family = FAMILIES.get(kind)
    if family is None:
        raise CatalogError(
            f"{origin}: model_type {kind!r} is not modelled{nearest(kind, FAMILIES)}; modelled are: {listed(FAMILIES)}"
        )
    outer = Keys(config, origin)
    keys = Keys({**{k: v for k, v in config.items() if k != "text_config"}, **text}, origin) if text else outer
    said = {"type": "decoder", "family": kind, **family.read(keys, family)}
    unknown = keys.unread() - UNSHAPING
    if unknown:
        raise CatalogError(f"{origin}: what {listed(unknown)} does to the shape of a {kind} model is not known here")
    return said


@dataclass(frozen=True)
class Family:
    """How the configs of a model type are read."""

    read: Callable[[Keys, Family], Said]
    bias: str = ""
    qk_norm: str = "none"
    norms_per_layer: int = 2
    tied: bool = False
    derived_heads: bool = False  # head_dim and num_key_value_heads follow from the others where they are not stated
    full_every: int = 0  # of so many layers one sees everything, the others a window


def _shared(keys: Keys, family: Family) -> Said:
    """Size, heads, vocabulary, norms and window, which all families state alike."""
    hidden, heads = keys.size("hidden_size"), keys.size("num_attention_heads")
    derived = (heads, hidden // heads) if family.derived_heads else ()
    kv_heads = keys.size("num_key_value_heads", *derived[:1])
    said: Said = {
        "layers": keys.size("num_hidden_layers"),
        "hidden": hidden,
        "heads": heads,
        "kv_heads": kv_heads,
        "head_dim": keys.size("head_dim", *derived[1:]),
        "attention": "mha" if kv_heads == heads else "mqa" if kv_heads == 1 else "gqa",
        "vocab": keys.size("vocab_size"),
        "max_context": keys.size("max_position_embeddings"),
        "tied_embeddings": keys.flag("tie_word_embeddings", family.tied),
        "ffn_gated": True,
        "position": "rope",
        "norm": "rms",
        "norms_per_layer": family.norms_per_layer,
        "qk_norm": family.qk_norm,
    }
    attention_bias = keys.flag("attention_bias", False)
    said["bias"] = family.bias or ("attention" if attention_bias else "none")
    if keys.flag("mlp_bias", False):
        said["bias"] = "all" if attention_bias else keys.refuse("mlp_bias", "biases in the feed-forward blocks alone")
    return said | _window(keys, family, said["layers"])


def _window(keys: Keys, family: Family, layers: int) -> Said:
    """The sliding window and how many layers have it."""
    window = keys.size("sliding_window", 0)
    kinds = keys.texts("layer_types")
    pattern = keys.size("sliding_window_pattern", family.full_every)
    from_layer = keys.size("max_window_layers", 0)
    if not keys.flag("use_sliding_window", True) or not window:
        return {}
    if kinds:
        if len(kinds) != layers or set(kinds) - {"full_attention", "sliding_attention"}:
            keys.refuse("layer_types", f"layers of the kinds {listed(set(kinds))} in {len(kinds)} of {layers} layers")
        count = kinds.count("sliding_attention")
    elif pattern > 1:
        count = layers - layers // pattern
    else:
        count = layers - from_layer if from_layer else layers
    return {"sliding_window": window, "sliding_layers": count} if count > 0 else {}


def _dense(keys: Keys, family: Family) -> Said:
    said = _shared(keys, family)
    if keys.size("num_experts", 0) or keys.size("num_local_experts", 0):
        keys.refuse("num_experts", "experts in a family that has none")
    return said | {"ffn_hidden": keys.size("intermediate_size")}


def _mixtral(keys: Keys, family: Family) -> Said:
    """All layers have experts of `intermediate_size`."""
    said = _shared(keys, family)
    if keys.size("shared_intermediate_size", 0):
        keys.refuse("shared_intermediate_size", "a shared expert in a family that has none")
    normed = family.qk_norm != "none"
    if keys.flag("use_qk_norm", normed) != normed or keys.text("qk_norm_type") not in ("", "per_layer"):
        keys.refuse("use_qk_norm", "other norms of query and key than its family")
    return said | {
        "experts": keys.size("num_local_experts"),
        "experts_per_token": keys.size("num_experts_per_tok"),
        "moe_ffn_hidden": keys.size("intermediate_size"),
        "moe_layers": said["layers"],
        "router_bias": keys.flag("use_routing_bias", False),
    }


def _gpt_oss(keys: Keys, family: Family) -> Said:
    keys.size("experts_per_token", 0)
    return _mixtral(keys, family) | {"bias": "attention_and_experts", "attention_sinks": True}


def _qwen_moe(keys: Keys, family: Family) -> Said:
    """Experts in every layer but those of `mlp_only_layers`."""
    said = _shared(keys, family)
    dense = keys.numbers("mlp_only_layers")
    if keys.size("decoder_sparse_step", 1) != 1:
        keys.refuse("decoder_sparse_step", "experts in some layers only")
    if keys.size("shared_expert_intermediate_size", 0):
        keys.refuse("shared_expert_intermediate_size", "a shared expert with a gate of its own")
    if keys.flag("qkv_bias", False) or not keys.flag("use_qk_norm", True):
        keys.refuse("qkv_bias", "another attention than that of Qwen3")
    said |= {
        "experts": keys.size("num_experts"),
        "experts_per_token": keys.size("num_experts_per_tok"),
        "moe_ffn_hidden": keys.size("moe_intermediate_size"),
        "moe_layers": said["layers"] - len(dense),
    }
    inner = keys.size("intermediate_size", 0)
    return said | ({"ffn_hidden": inner} if dense else {})


def _llama4(keys: Keys, family: Family) -> Said:
    """Every `interleave_moe_layer_step`-th layer has experts and a shared one of the same size; chunks as windows."""
    said = _shared(keys, family)
    step, layers = keys.size("interleave_moe_layer_step"), said["layers"]
    chunk = keys.size("attention_chunk_size", 0)
    keys.flag("use_qk_norm", False)
    keys.states("vision_config")
    said |= {
        "ffn_hidden": keys.size("intermediate_size_mlp"),
        "experts": keys.size("num_local_experts"),
        "experts_per_token": keys.size("num_experts_per_tok"),
        "shared_experts": 1,
        "moe_ffn_hidden": keys.size("intermediate_size"),
        "moe_layers": layers // step,
        "params_note": "The text model; the vision tower is left out.",
    }
    window = {"sliding_window": chunk, "sliding_layers": layers - layers // 4, "swa_pattern": "3 chunked : 1 full"}
    return said | (window if chunk else {})


def _deepseek(keys: Keys, family: Family) -> Said:
    """Multi-head latent attention; experts after the first dense layers, with shared ones."""
    nope, rope = keys.size("qk_nope_head_dim"), keys.size("qk_rope_head_dim")
    if not keys.states("q_lora_rank"):
        keys.size("q_lora_rank")
    keys.states("head_dim")
    said = _shared(keys, family)
    if keys.size("moe_layer_freq", 1) != 1:
        keys.refuse("moe_layer_freq", "experts in some layers only")
    said |= {
        "attention": "mla",
        "head_dim": nope + rope,
        "mla_q_lora": keys.size("q_lora_rank", 0),
        "mla_kv_lora": keys.size("kv_lora_rank"),
        "mla_rope_dim": rope,
        "mla_nope_dim": nope,
        "mla_v_dim": keys.size("v_head_dim"),
        "ffn_hidden": keys.size("intermediate_size"),
        "experts": keys.size("n_routed_experts"),
        "experts_per_token": keys.size("num_experts_per_tok"),
        "moe_ffn_hidden": keys.size("moe_intermediate_size"),
        "moe_layers": said["layers"] - keys.size("first_k_dense_replace", at_least=0),
        "router_bias": keys.text("topk_method") == "noaux_tc",
    }
    shared = keys.size("n_shared_experts", at_least=0)
    return said | ({"shared_experts": shared} if shared else {})


def _kimi_k25(keys: Keys, family: Family) -> Said:
    said = _deepseek(keys, family)
    vision = keys.inner("vision_config")
    patch = vision.size("patch_size")
    merge = vision.numbers("merge_kernel_size")
    return said | {
        "vision_layers": vision.size("vt_num_hidden_layers"),
        "vision_hidden": vision.size("vt_hidden_size"),
        "vision_ffn_hidden": vision.size("vt_intermediate_size"),
        "vision_patch_values": 3 * patch * patch,
        "vision_positions": vision.size("init_pos_emb_height") * vision.size("init_pos_emb_width"),
        "vision_merge": merge[0] * merge[1]
        if len(merge) == 2
        else vision.refuse("merge_kernel_size", "another merger"),
        "vision_mergers": 1,
    }


def _qwen_vl(keys: Keys, family: Family) -> Said:
    said = (_qwen_moe if "num_experts" in keys else _dense)(keys, family)
    vision = keys.inner("vision_config")
    patch, side = vision.size("patch_size"), vision.size("spatial_merge_size")
    if vision.size("out_hidden_size") != said["hidden"]:
        vision.refuse("out_hidden_size", "a vision tower of another width than the language model")
    return said | {
        "vision_layers": vision.size("depth"),
        "vision_hidden": vision.size("hidden_size"),
        "vision_ffn_hidden": vision.size("intermediate_size"),
        "vision_patch_values": vision.size("in_channels") * vision.size("temporal_patch_size") * patch * patch,
        "vision_positions": vision.size("num_position_embeddings"),
        "vision_merge": side * side,
        "vision_mergers": 1 + len(vision.numbers("deepstack_visual_indexes")),
    }


FAMILIES: dict[str, Family] = {
    "llama": Family(_dense, derived_heads=True),
    "mistral": Family(_dense, derived_heads=True),
    "mixtral": Family(_mixtral, derived_heads=True),
    "qwen2": Family(_dense, bias="qkv", derived_heads=True),
    "qwen3": Family(_dense, qk_norm="head"),
    "qwen3_moe": Family(_qwen_moe, qk_norm="head"),
    "qwen3_vl": Family(_qwen_vl, qk_norm="head"),
    "qwen3_vl_moe": Family(_qwen_vl, qk_norm="head"),
    "gemma": Family(_dense, tied=True),
    "gemma2": Family(_dense, tied=True, norms_per_layer=4, full_every=2),
    "phi3": Family(_dense, derived_heads=True),
    "deepseek_v2": Family(_deepseek, derived_heads=True),
    "deepseek_v3": Family(_deepseek, derived_heads=True),
    "kimi_k2": Family(_deepseek, derived_heads=True),
    "kimi_k25": Family(_kimi_k25, derived_heads=True),
    "gpt_oss": Family(_gpt_oss),
    "minimax_m2": Family(_mixtral, qk_norm="all_heads"),
    "llama4": Family(_llama4),
}
