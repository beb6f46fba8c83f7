"""How many parameters an architecture has: in all, and used by one token.

Each equation counts one part, of one layer where the part repeats. `parameter_count` puts them together for a model of
the catalog: on floats or arrays, or under a ledger on values that remember their facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from navarch.core.arithmetic import difference, product_of, sum_of
from navarch.core.equation import open_ledger
from navarch.core.ledger import Fact, equation

UNIT = "parameter"
TRANSFORMER = "Vaswani et al. 2017, section 3"
DEEPSEEK = "DeepSeek-V2 2024, section 2.1"
VISION = "Dosovitskiy et al. 2021, section 3.1"
_NORMS = {"layers": "L", "norms": "n", "hidden": "h"}
_HEADS = {"heads": "a", "kv_heads": "a_kv", "head_dim": "d"}


@equation(symbol="P_table", unit=UNIT, source=TRANSFORMER, symbols={"rows": "V", "hidden": "h"})
def table_parameters(rows, hidden):
    """Parameters of a table of vectors (embedding, positions or output head).

    rows: vectors in the table; hidden: size of a vector.
    """
    return rows * hidden


@equation(
    symbol="P_attn",
    unit=UNIT,
    source="Ainslie et al. 2023, section 2",
    symbols={"hidden": "h", **_HEADS},
    valid="kv_heads <= heads",
)
def attention_parameters(hidden, heads, kv_heads, head_dim):
    """Parameters of the query, key, value and output matrices of a layer.

    hidden: hidden size; heads: query heads; kv_heads: key-value heads; head_dim: size of a head.
    """
    return 2 * hidden * head_dim * (heads + kv_heads)


@equation(symbol="P_qkv_bias", unit=UNIT, source=TRANSFORMER, symbols=_HEADS)
def query_key_value_biases(heads, kv_heads, head_dim):
    """Biases of query, key and value of a layer.

    heads: query heads; kv_heads: key-value heads; head_dim: size of a head.
    """
    return head_dim * (heads + 2 * kv_heads)


@equation(symbol="P_qk_norm", unit=UNIT, source="Henry et al. 2020, section 3", symbols={"head_dim": "d"})
def head_norms(head_dim):
    """Parameters of the norms of query and key of a layer, one of each for all heads.

    head_dim: size of a head.
    """
    return 2 * head_dim


@equation(symbol="P_qk_norm", unit=UNIT, source="MiniMax-M2 2025, model code", symbols=_HEADS)
def wide_head_norms(heads, kv_heads, head_dim):
    """Parameters of the norms of query and key of a layer, over all heads.

    heads: query heads; kv_heads: key-value heads; head_dim: size of a head.
    """
    return (heads + kv_heads) * head_dim


@equation(
    symbol="P_rel",
    unit=UNIT,
    source="Dai et al. 2019, section 3.3",
    symbols={"hidden": "h", "heads": "a", "head_dim": "d"},
)
def relative_position_parameters(hidden, heads, head_dim):
    """Parameters of the relative-position matrix of a layer.

    hidden: hidden size; heads: attention heads; head_dim: size of a head.
    """
    return hidden * heads * head_dim


_MLA = {"hidden": "h", "heads": "a", "q_rank": "r_q", "kv_rank": "r_kv", "nope": "d_nope", "rope": "d_rope", "v": "d_v"}


def _mla(*names: str) -> dict[str, str]:
    return {name: _MLA[name] for name in names}


@equation(symbol="P_q", unit=UNIT, source=DEEPSEEK, symbols=_mla("hidden", "heads", "nope", "rope"))
def latent_query_parameters(hidden, heads, nope, rope):
    """Parameters of the queries of multi-head latent attention, not compressed.

    hidden: hidden size; heads: attention heads; nope: non-rotary part of a head; rope: rotary part of a head.
    """
    return hidden * heads * (nope + rope)


@equation(symbol="P_q", unit=UNIT, source=DEEPSEEK, symbols=_mla("hidden", "heads", "q_rank", "nope", "rope"))
def compressed_query_parameters(hidden, heads, q_rank, nope, rope):
    """Parameters of the queries of multi-head latent attention, compressed, with the norm between.

    hidden: hidden size; heads: attention heads; q_rank: rank of the compression; nope: non-rotary part of a head;
    rope: rotary part of a head.
    """
    return q_rank * (hidden + 1 + heads * (nope + rope))


@equation(symbol="P_kvo", unit=UNIT, source=DEEPSEEK, symbols=_mla("hidden", "heads", "kv_rank", "nope", "rope", "v"))
def latent_key_value_parameters(hidden, heads, kv_rank, nope, rope, v):
    """Parameters of keys, values and output of multi-head latent attention, with the norm between.

    hidden: hidden size; heads: attention heads; kv_rank: rank of the compression; nope: non-rotary part of a head;
    rope: rotary part of a head; v: value size of a head.
    """
    return hidden * (kv_rank + rope) + kv_rank * (1 + heads * (nope + v)) + heads * v * hidden


@equation(symbol="P_ffn", unit=UNIT, source=TRANSFORMER, symbols={"hidden": "h", "ffn_hidden": "f"})
def ffn_parameters(hidden, ffn_hidden):
    """Parameters of a plain feed-forward block (two matrices).

    hidden: hidden size; ffn_hidden: inner size.
    """
    return 2 * hidden * ffn_hidden


@equation(symbol="P_ffn", unit=UNIT, source="Shazeer 2020, section 2", symbols={"hidden": "h", "ffn_hidden": "f"})
def gated_ffn_parameters(hidden, ffn_hidden):
    """Parameters of a gated feed-forward block (three matrices).

    hidden: hidden size; ffn_hidden: inner size.
    """
    return 3 * hidden * ffn_hidden


@equation(symbol="P_ffn_bias", unit=UNIT, source="Shazeer 2020, section 2", symbols={"hidden": "h", "ffn_hidden": "f"})
def gated_ffn_biases(hidden, ffn_hidden):
    """Biases of a gated feed-forward block.

    hidden: hidden size; ffn_hidden: inner size.
    """
    return hidden + 2 * ffn_hidden


@equation(symbol="P_norm", unit=UNIT, source="Zhang and Sennrich 2019", symbols=_NORMS)
def norm_scales(layers, norms, hidden):
    """Scales of the norms of all layers and of the last one.

    layers: layers; norms: norms of a layer; hidden: hidden size.
    """
    return (layers * norms + 1) * hidden


@equation(symbol="P_norm", unit=UNIT, source="Ba et al. 2016", symbols=_NORMS)
def norm_scales_and_biases(layers, norms, hidden):
    """Scales and biases of the norms of all layers and of the last one.

    layers: layers; norms: norms of a layer; hidden: hidden size.
    """
    return 2 * (layers * norms + 1) * hidden


@equation(symbol="P_norm", unit=UNIT, source="Raffel et al. 2020, section 2.1", symbols=_NORMS)
def stacked_norm_scales(layers, norms, hidden):
    """Scales of the norms of an encoder and a decoder, whose layers have one more for the cross-attention.

    layers: layers of each stack; norms: norms of an encoder's layer; hidden: hidden size.
    """
    return (layers * (2 * norms + 1) + 2) * hidden


@equation(symbol="n_attn", unit="1", source="Raffel et al. 2020, section 2.1", symbols={"layers": "L"})
def stacked_attention_blocks(layers):
    """Attention blocks of an encoder and a decoder: own in both, cross-attention in the decoder.

    layers: layers of each stack.
    """
    return 3 * layers


@equation(symbol="n_ffn", unit="1", source="Raffel et al. 2020, section 2.1", symbols={"layers": "L"})
def stacked_ffn_blocks(layers):
    """Feed-forward blocks of an encoder and a decoder.

    layers: layers of each stack.
    """
    return 2 * layers


@equation(symbol="P_block", unit=UNIT, source=VISION, symbols={"hidden": "h_v", "ffn_hidden": "f_v"})
def vision_block_parameters(hidden, ffn_hidden):
    """Parameters of a block of a vision tower: attention, feed-forward and two norms, all with biases.

    hidden: hidden size of the tower; ffn_hidden: its inner size.
    """
    return 4 * hidden * hidden + 2 * hidden * ffn_hidden + 9 * hidden + ffn_hidden


@equation(
    symbol="P_patch", unit=UNIT, source=VISION, symbols={"values": "n_patch", "positions": "n_pos", "hidden": "h_v"}
)
def vision_input_parameters(values, positions, hidden):
    """Parameters of the patch projection and the positions of a vision tower.

    values: numbers in a patch; positions: positions in the table; hidden: hidden size of the tower.
    """
    return (values + 1 + positions) * hidden


@equation(
    symbol="P_merge",
    unit=UNIT,
    source="Qwen3-VL 2025, model code",
    symbols={"hidden": "h_v", "merge": "m", "output": "h"},
)
def vision_merger_parameters(hidden, merge, output):
    """Parameters of the two matrices that merge patches into a token of the language model, with their biases.

    hidden: hidden size of the tower; merge: patches in a token; output: hidden size of the language model.
    """
    return (hidden * merge + 1) * (hidden * merge + output)


@dataclass(frozen=True)
class ParameterCount:
    """Parameters of a model [parameter]: totals, their parts, and one layer's attention, feed-forward and expert.

    `active` is the total without the experts that a token of text does not use and without the vision tower; publishers
    who leave out the input embedding print `active_without_embedding` (the same where embedding and head are one). A
    part that a model lacks is None.
    """

    total: Any
    active: Any
    active_without_embedding: Any
    embedding: Any
    head: Any
    positions: Any
    attention: Any
    ffn: Any
    experts: Any
    norms: Any
    vision: Any
    attention_of_layer: Any
    ffn_of_layer: Any
    expert: Any


def parameter_count(model: Any) -> ParameterCount:
    """Count the parameters of a model: a catalog entry, or an object with its attributes as floats or values."""
    m = _numbers(model)
    embedding = None if m.vocab is None else table_parameters(m.vocab, m.hidden)
    head = None if embedding is None or m.tied_embeddings else _head(m)
    positions = table_parameters(m.max_context, m.hidden) if m.position == "learned" else None
    attention_of_layer, ffn_of_layer, expert = _attention(m), _ffn(m, m.ffn_hidden), _ffn(m, m.moe_ffn_hidden)
    stacked = m.type == "encoder-decoder"
    attention = _times(attention_of_layer, stacked_attention_blocks(m.layers) if stacked else m.layers, "attention")
    dense_layers = stacked_ffn_blocks(m.layers) if stacked else m.layers
    if expert is not None:
        dense_layers = difference(m.layers, m.moe_layers, unit="1", title="Layers without experts")
    ffn = None if ffn_of_layer is None else _times(ffn_of_layer, dense_layers, "dense feed-forward")
    experts = None if expert is None else _times(_moe(m, expert), m.moe_layers, "layers of experts")
    norms, vision = _norms(m), _vision(m)
    parts = (embedding, head, positions, attention, ffn, experts, norms, vision, m.extra_params)
    total = sum_of(*(p for p in parts if p is not None), unit=UNIT, title="Parameters", symbol="P")
    active = total
    for unused in (p for p in (None if expert is None else _idle(m, expert), vision) if p is not None):
        active = difference(active, unused, unit=UNIT, title="Parameters used by a token of text")
    lean = active
    if head is not None:
        lean = difference(active, embedding, unit=UNIT, title="Parameters used by a token, without the embedding")
    return ParameterCount(
        total, active, lean, embedding, head, positions, attention, ffn, experts, norms, vision,
        attention_of_layer, ffn_of_layer, expert,
    )  # fmt: skip


def active_as_published(model: Any, count: ParameterCount) -> Any:
    """The active parameters [parameter] in the way that the model's publisher counts them."""
    return count.active_without_embedding if model.active_without_embedding else count.active


def _numbers(model: Any) -> Any:
    """The model with its facts as values of the open ledger, or as floats where none is open."""
    if not isinstance(getattr(model, "layers", None), Fact):
        return model
    ledger = open_ledger.get()
    taken = ledger.fact if ledger is not None else float
    fields = {name: getattr(model, name) for name in type(model).model_fields}
    return SimpleNamespace(**{k: taken(v) if isinstance(v, Fact) else v for k, v in fields.items()})


def _times(each: Any, count: Any, what: str) -> Any:
    return product_of(count, each, unit=UNIT, title=f"Parameters of all {what}")


def _sum(parts: list[Any], title: str) -> Any:
    return parts[0] if len(parts) == 1 else sum_of(*parts, unit=UNIT, title=title)


def _head(m: Any) -> Any:
    parts = [table_parameters(m.vocab, m.hidden), *([m.vocab] if m.bias == "all_and_head" else [])]
    return _sum(parts, "Parameters of the output head")


def _attention(m: Any) -> Any:
    """Parameters of the attention of one layer."""
    if m.attention == "mla":
        compressed = m.mla_q_lora is not None and float(m.mla_q_lora) > 0
        query = (
            compressed_query_parameters(m.hidden, m.heads, m.mla_q_lora, m.mla_nope_dim, m.mla_rope_dim)
            if compressed
            else latent_query_parameters(m.hidden, m.heads, m.mla_nope_dim, m.mla_rope_dim)
        )
        rest = latent_key_value_parameters(
            m.hidden, m.heads, m.mla_kv_lora, m.mla_nope_dim, m.mla_rope_dim, m.mla_v_dim
        )
        return _sum([query, rest], "Parameters of the attention of a layer")
    parts = [attention_parameters(m.hidden, m.heads, m.kv_heads, m.head_dim)]
    if m.bias != "none":
        parts.append(query_key_value_biases(m.heads, m.kv_heads, m.head_dim))
    if m.bias not in ("none", "qkv"):
        parts.append(m.hidden)
    if m.qk_norm == "head":
        parts.append(head_norms(m.head_dim))
    if m.qk_norm == "all_heads":
        parts.append(wide_head_norms(m.heads, m.kv_heads, m.head_dim))
    if m.attention_sinks:
        parts.append(m.heads)
    if m.position == "relative_xl":
        parts.append(relative_position_parameters(m.hidden, m.heads, m.head_dim))
    return _sum(parts, "Parameters of the attention of a layer")


def _ffn(m: Any, size: Any) -> Any:
    """Parameters of one feed-forward block, or of one expert."""
    if size is None:
        return None
    parts = [gated_ffn_parameters(m.hidden, size) if m.ffn_gated else ffn_parameters(m.hidden, size)]
    if m.bias in ("all", "all_and_head", "attention_and_experts"):
        parts += [gated_ffn_biases(m.hidden, size)] if m.ffn_gated else [m.hidden, size]
    return _sum(parts, "Parameters of a feed-forward block")


def _moe(m: Any, expert: Any) -> Any:
    """Parameters of the experts of one layer with their router."""
    parts = [_times(expert, m.experts, "routed experts of a layer")]
    parts.append(table_parameters(m.experts, m.hidden))
    if m.router_bias or m.bias == "attention_and_experts":
        parts.append(m.experts)
    if m.shared_experts is not None:
        parts.append(_times(expert, m.shared_experts, "shared experts of a layer"))
    return sum_of(*parts, unit=UNIT, title="Parameters of the experts of a layer")


def _idle(m: Any, expert: Any) -> Any:
    idle = difference(m.experts, m.experts_per_token, unit="1", title="Experts of a layer that a token does not use")
    return product_of(m.moe_layers, idle, expert, unit=UNIT, title="Parameters that a token does not use")


def _norms(m: Any) -> Any:
    if m.type == "encoder-decoder":
        return stacked_norm_scales(m.layers, m.norms_per_layer, m.hidden)
    counted = norm_scales_and_biases if m.norm == "layer" else norm_scales
    return counted(m.layers, m.norms_per_layer, m.hidden)


def _vision(m: Any) -> Any:
    """Parameters of the vision tower, or None."""
    if m.vision_layers is None:
        return None
    block = vision_block_parameters(m.vision_hidden, m.vision_ffn_hidden)
    merger = vision_merger_parameters(m.vision_hidden, m.vision_merge, m.hidden)
    parts = [
        _times(block, m.vision_layers, "vision blocks"),
        vision_input_parameters(m.vision_patch_values, m.vision_positions, m.vision_hidden),
        product_of(m.vision_mergers, merger, unit=UNIT, title="Parameters of the mergers"),
    ]
    return sum_of(*parts, unit=UNIT, title="Parameters of the vision tower")
