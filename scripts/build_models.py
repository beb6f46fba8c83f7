"""Convert the collected model architectures into the catalog's YAML (called by build_catalog.py)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from build_catalog import Row, grouped, head, number, rows, write
from model_notes import ACTIVE_WITHOUT_EMBEDDING, DEEPSEEK_V3_ACTIVE, KIMI_K2_TOTAL, PARAMS_NOTE

COLUMNS = {
    "layers": "layers", "hidden": "hidden", "heads": "heads", "kv_heads": "kv_heads", "head_dim": "head_dim",
    "ffn_hidden": "ffn_hidden", "vocab": "vocab", "max_context": "max_context", "mla_q_lora": "mla_q_lora",
    "mla_kv_lora": "mla_kv_lora", "mla_rope_dim": "mla_rope_dim", "mla_nope_dim": "mla_nope_dim",
    "mla_v_dim": "mla_v_dim", "sliding_window": "sliding_window", "experts": "experts",
    "experts_per_token": "experts_per_token", "shared_experts": "shared_experts", "moe_ffn_hidden": "moe_ffn_hidden",
    "norms_per_layer": "norms_per_layer", "extra_params": "extra_params", "params_total_published": "params_total",
    "params_active_published": "params_active", "trained_tokens": "trained_tokens",
}  # fmt: skip
BIAS = {
    "all": "all",
    "none": "none",
    "qkv": "qkv",
    "all_head": "all_and_head",
    "attn_expert_router": "attention_and_experts",
}
NORM = {
    "ln": ("layer", "none"),
    "rms": ("rms", "none"),
    "rms_qk": ("rms", "head"),
    "ln_nobias": ("layer_no_bias", "none"),
}


def models(data: Path) -> None:
    comment = "Exact architectures; params_note says why a published label differs from the count of the columns."
    for family, group in grouped(rows(data, "catalog/models.csv"), lambda r: r["family"]).items():
        write(f"model/{family}.yaml", comment, {"collection": "model"}, [model(row) for row in group])


def model(row: Row) -> dict[str, Any]:
    entry = head(row, "published", family=row["family"]) | {"year": number(row["year"]), "type": row["type"]}
    norm, qk_norm = NORM[row["norm"]]
    heads, kv_heads = int(row["heads"]), int(row["kv_heads"])
    attention = row["attention"]
    if attention == "swa":
        attention = "mha" if heads == kv_heads else "mqa" if kv_heads == 1 else "gqa"
    entry |= {"attention": attention, "ffn_gated": row["ffn_gated"] == "true", "position": row["pos_embed"]}
    entry |= {"tied_embeddings": row["tied_embeddings"] == "true", "bias": BIAS[row["bias"]]}
    entry |= {"norm": norm, "qk_norm": qk_norm, "swa_pattern": row["swa_pattern"]}
    entry |= {new: number(row[old]) for old, new in COLUMNS.items() if row[old]}
    layers = int(row["layers"])
    if row["moe_layers"]:
        first = re.search(r"all but first (\d+)", row["moe_layers"])
        entry["moe_layers"] = layers - int(first.group(1)) if first else layers
    if row["sliding_window"]:
        entry["sliding_layers"] = sliding_layers(row["swa_pattern"], layers)
    if row["family"] == "gpt-oss":
        entry["attention_sinks"] = True
    if row["id"].startswith(("deepseek-v3", "deepseek-r1", "kimi")):
        entry["router_bias"] = True
    if row["params_check"] == "recalled" and row["source_check"] == "verified":
        entry["params_total"] = {"value": entry["params_total"], "kind": "estimate"}
    if row["type"] == "encoder-decoder":
        entry["extra_params"] = {
            "value": 2 * 32 * heads,
            "note": "relative positions: 32 buckets of all heads, each stack",
        }
    if row["id"] in ACTIVE_WITHOUT_EMBEDDING:
        entry["active_without_embedding"] = True
    if row["id"] in ("deepseek-v3", "deepseek-r1"):
        entry["params_active"] = DEEPSEEK_V3_ACTIVE
    if row["id"] == "kimi-k2":
        entry["params_total"] = KIMI_K2_TOTAL
    if row["id"] in PARAMS_NOTE:
        entry["params_note"] = PARAMS_NOTE[row["id"]]
    return entry


def sliding_layers(pattern: str, layers: int) -> int:
    if pattern == "all layers":
        return layers
    local, full = (int(n) for n in re.findall(r"(\d+) (?:sliding|full)", pattern))
    return layers - layers // (local + full) * full


def other_models(data: Path) -> None:
    entries = []
    for row in rows(data, "catalog/other_models.csv"):
        columns = {"params": "params_total", "forward_flops_per_sample": "forward_flop",
                   "activations_bytes_fp32_per_sample": "activations", "input_bytes": "input"}  # fmt: skip
        entries.append(head(row, "published") | {new: number(row[old]) for old, new in columns.items() if row[old]})
    header = {"collection": "other_model", "units": {"forward_flop": "FLOP", "activations": "B", "input": "B"}}
    write("other_model.yaml", "Totals of one sample; a multiply-add counts two.", header, entries)
