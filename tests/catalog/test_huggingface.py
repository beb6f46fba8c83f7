"""Configs of real models import with the count that their makers publish, or are refused with the mechanism."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from navarch.catalog import CatalogError
from navarch.catalog.huggingface import FAMILIES, from_config
from navarch.fleet.scale.parameters import parameter_count

CONFIGS = Path(__file__).parents[3] / "shared" / "data" / "catalog" / "model_configs"

# Published counts in billions (model card, report or metadata of the weights): total, active (None: dense), and how the
# active ones are counted:
# "all", "without the embedding", or "label" where only a rounded label of two digits is published.
PUBLISHED: dict[str, tuple[float, float | None, str]] = {
    "MiniMaxAI--MiniMax-M2.5": (230, 10, "label"),
    "MiniMaxAI--MiniMax-M2.7": (230, 10, "label"),
    "nvidia--MiniMax-M2.5-NVFP4": (230, 10, "label"),
    "nvidia--MiniMax-M2.7-NVFP4": (230, 10, "label"),
    "Qwen--Qwen3-0.6B": (0.6, None, ""),
    "Qwen--Qwen3-1.7B": (1.72, None, ""),
    "Qwen--Qwen3-32B": (32.8, None, ""),
    "Qwen--Qwen3-32B-FP8": (32.8, None, ""),
    "Qwen--Qwen3-32B-FP8-Static-PerTensor": (32.8, None, ""),
    "Qwen--Qwen3-30B-A3B": (30.5, 3.3, "label"),
    "Qwen--Qwen3-30B-A3B-FP8": (30.5, 3.3, "label"),
    "Qwen--Qwen3-235B-A22B": (235.1, 22.2, "all"),
    "Qwen--Qwen3-235B-A22B-FP8": (235.1, 22.2, "all"),
    "nvidia--Qwen3-235B-A22B-NVFP4": (235.1, 22.2, "all"),
    "Qwen--Qwen3-Coder-480B-A35B-Instruct": (480.2, 35, "label"),
    "Qwen--Qwen3-VL-2B-Instruct": (2.1275, None, ""),
    "Qwen--Qwen3-VL-4B-Instruct": (4.438, None, ""),
    "Qwen--Qwen3-VL-8B-Instruct": (8.767, None, ""),
    "Qwen--Qwen3-VL-32B-Instruct": (33.4, None, ""),
    "Qwen--Qwen3-VL-32B-Thinking": (33.4, None, ""),
    "Qwen--Qwen3-VL-30B-A3B-Instruct": (31.1, 3.3, "label"),
    "Qwen--Qwen3-VL-235B-A22B-Instruct": (235.7, 22.2, "all"),
    "deepseek-ai--DeepSeek-V3": (671, 36.7, "without the embedding"),
    "deepseek-ai--DeepSeek-R1": (671, 36.7, "without the embedding"),
    "nvidia--DeepSeek-V3.1-NVFP4": (671, 36.7, "without the embedding"),
    "meta-llama--Llama-4-Maverick-17B-128E-Instruct": (400, 17, "label"),
    "meta-llama--Meta-Llama-3.1-8B": (8.03, None, ""),
    "meta-llama--Meta-Llama-3.1-70B": (70.6, None, ""),
    "meta-llama--Meta-Llama-3.1-405B": (405.9, None, ""),
    "nvidia--Llama-3.1-70B-Instruct-FP8": (70.6, None, ""),
    "mistralai--Mixtral-8x7B-v0.1": (46.7, 12.9, "all"),
    "moonshotai--Kimi-K2-Instruct": (1026.5, 32.6, "all"),
    "moonshotai--Kimi-K2.5": (1026.5, 32.6, "all"),
    "nvidia--Kimi-K2.5-NVFP4": (1026.5, 32.6, "all"),
    "nvidia--Kimi-K2.6-NVFP4": (1026.5, 32.6, "all"),
    "nvidia--Kimi-K2.7-Code-NVFP4": (1026.5, 32.6, "all"),
    "openai--gpt-oss-20b": (20.91, 3.61, "without the embedding"),
    "openai--gpt-oss-120b": (116.83, 5.13, "without the embedding"),
}  # fmt: skip

REFUSED = {
    "MiniMax-M3": "block-sparse attention",
    "Qwen3.5": "linear attention (gated delta net)",
    "MiMo-7B": "multi-token-prediction layer",
    "MiMo-V2": "sliding-window layers with heads of their own",
    "DeepSeek-V3.2": "indexer (DSA)",
    "DeepSeek-V4": "compressed sparse attention",
    "emma-4": "global-attention layers with heads of their own",
    "GLM-5": "indexer (DSA)",
    "Nemotron-Super-49B": "layers of different shapes",
    "Nemotron": "Mamba layers",
    "Step-3.7": "head-wise gates",
}

configs = pytest.mark.skipif(not CONFIGS.is_dir(), reason="the collected configs are not beside this checkout")
FILES = sorted(CONFIGS.glob("*.json")) if CONFIGS.is_dir() else []


@configs
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_each_config_imports_with_its_published_count_or_is_refused(path: Path) -> None:
    if path.stem not in PUBLISHED:
        mechanism = next(words for name, words in REFUSED.items() if name in path.stem)
        with pytest.raises(CatalogError) as caught:
            from_config(path)
        assert mechanism in str(caught.value) and path.name in str(caught.value)
        return
    total, active, way = PUBLISHED[path.stem]
    count = parameter_count(from_config(path))
    assert count.total == pytest.approx(total * 1e9, rel=0.01)
    if active is None:
        return
    counted = count.active_without_embedding if way == "without the embedding" else count.active
    if way == "label":
        low, high = count.active_without_embedding / 1e9, count.active / 1e9
        assert low - 0.5 <= active <= high + 0.5
    else:
        assert counted == pytest.approx(active * 1e9, rel=0.01)


@configs
def test_an_import_equals_the_entry_of_the_catalog() -> None:
    from navarch.catalog import load

    catalog = load()
    for stem, name in (
        ("meta-llama--Meta-Llama-3.1-405B", "llama3.1-405b"),
        ("Qwen--Qwen3-235B-A22B", "qwen3-235b-a22b"),
        ("deepseek-ai--DeepSeek-V3", "deepseek-v3"),
        ("openai--gpt-oss-120b", "gpt-oss-120b"),
        ("mistralai--Mixtral-8x7B-v0.1", "mixtral-8x7b"),
    ):
        imported, shipped = from_config(CONFIGS / f"{stem}.json"), catalog.get("model", name)
        assert parameter_count(imported).total == parameter_count(shipped).total
        for attribute in ("layers", "heads", "kv_heads", "head_dim", "sliding_layers", "experts", "moe_layers"):
            one, other = getattr(imported, attribute), getattr(shipped, attribute)
            assert (one and one.value) == (other and other.value), attribute


LLAMA = {
    "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": 100,
    "max_position_embeddings": 128, "intermediate_size": 256,
}  # fmt: skip


def test_a_small_config_and_its_defaults() -> None:
    model = from_config(LLAMA, "Tiny Llama")
    assert (model.id, model.attention, model.head_dim.value, model.tied_embeddings) == ("tiny-llama", "mha", 16, False)
    assert parameter_count(model).total == 2 * 100 * 64 + 2 * (4 * 64 * 64 + 3 * 64 * 256) + 5 * 64
    assert model.layers.source == "config.json of Tiny Llama"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "lama"}, ["lama", "did you mean 'llama'"]),
        ({"model_type": None}, ["model_type"]),
        ({"hidden_size": None}, ["hidden_size is missing"]),
        ({"hidden_size": "64"}, ["hidden_size", "whole number"]),
        ({"hidden_size": True}, ["hidden_size", "whole number"]),
        ({"hidden_size": 10**12}, ["hidden_size", "whole number"]),
        ({"num_hidden_layers": -2}, ["num_hidden_layers", "whole number"]),
        ({"num_key_value_heads": 3}, ["multiple of kv_heads"]),
        ({"num_key_value_heads": 8}, ["kv_heads 8 exceeds heads 4"]),
        ({"num_attention_heads": 128}, ["head_dim"]),
        ({"wide_residual_lanes": 4}, ["wide_residual_lanes", "not known"]),
        ({"num_experts": 8}, ["experts"]),
        ({"mlp_bias": True}, ["mlp_bias"]),
        ({"audio_config": {"layers": 2}}, ["audio tower"]),
        ({"vision_config": {"layers": 2}}, ["vision_config"]),
        ({"layer_types": ["full_attention", "state_space"], "sliding_window": 64}, ["layer_types", "state_space"]),
        ({"attn_output_gate": True}, ["gates on the output of attention"]),
        ({"text_config": 4}, ["text_config"]),
    ],
)
def test_what_is_not_understood_is_refused(change: dict, words: list[str]) -> None:
    with pytest.raises(CatalogError) as caught:
        from_config({**LLAMA, **change})
    for word in words:
        assert word in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_an_empty_config_of_any_family_says_what_is_missing(family: str) -> None:
    with pytest.raises(CatalogError, match="is missing"):
        from_config({"model_type": family})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
        ("[1, 2]", "is an object, not list"),
        ('{"model_type": "llama", "model_type": "llama"}', "given twice"),
        ("[" * 100_000, "nested too deeply"),
        ('{"hidden_size": ' + "9" * 10_000 + "}", "not valid JSON"),
        (json.dumps(LLAMA)[:-40], "not valid JSON"),
        ('{"pad": "' + "x" * (9 * 2**20) + '"}', "larger than"),
    ],
)
def test_a_bad_file_gives_one_message(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(CatalogError, match=word) as caught:
        from_config(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_folder_stands_for_its_config_and_names_the_model(tmp_path: Path) -> None:
    folder = tmp_path / "My-Model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(LLAMA))
    assert from_config(folder).id == from_config(folder / "config.json").id == "my-model"
    with pytest.raises(CatalogError, match="cannot be read"):
        from_config(tmp_path / "nothing.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogError, match="not valid JSON"):
        from_config(tmp_path / "binary.json")
