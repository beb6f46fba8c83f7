"""Rows of published runs as models, accelerators, plans and software; whatever a table says is a run or a reason."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.catalog import Catalog, load
from navarch.validation import spellings
from navarch.validation.rows import UnpredictableError
from navarch.validation.runs import cells, run_of
from navarch.validation.training import predict_all, published

Rows = dict[str, dict[str, Any]]
CATALOG = load()
ROWS = [dict(row) for row in published(CATALOG)]


def reason(row: dict[str, Any], catalog: Catalog) -> str:
    with pytest.raises(UnpredictableError) as caught:
        run_of(row, catalog)
    return str(caught.value)


def test_a_row_of_narayanan_is_the_run_of_the_paper(runs: Rows, shipped: Catalog) -> None:
    run = run_of(runs["T010"], shipped)  # the model of a trillion parameters on 3072 A100
    assert (run.shape.layers, run.shape.hidden, run.shape.heads, run.shape.ffn_hidden) == (128, 25600, 160, 102400)
    assert (run.stack, run.accelerator, run.precision) == ("megatron-lm", "a100-sxm-80gb", "bf16")
    plan = run.candidates[0]
    assert (plan.tensor, plan.pipeline, plan.data, plan.recomputation) == (8, 64, 6, "full")
    assert (plan.attention_kernel, plan.sequence_parallel, plan.zero_stage) == ("unfused", False, 0)
    assert {p.microbatch for p in run.candidates} == {1, 2, 4, 8}
    assert run.assumed == ("fastest microbatch that fits",)
    assert run.hardware.scaleout_bandwidth == pytest.approx(25e9)  # eight cards of 200 Gb/s for eight accelerators


def test_a_row_of_korthikanti_leaves_nothing_open(runs: Rows, shipped: Catalog) -> None:
    run = run_of(runs["T024"], shipped)
    assert len(run.candidates) == 1
    assert run.assumed == ()
    assert (run.candidates[0].recomputation, run.candidates[0].sequence_parallel) == ("selective", True)
    assert run.shape.dropout


def test_a_row_of_mosaicml_is_sharded_and_flash(runs: Rows, shipped: Catalog) -> None:
    run = run_of(runs["T078"], shipped)
    plan = run.candidates[0]
    assert (run.stack, plan.zero_stage, plan.data, plan.microbatch) == ("fsdp", 3, 256, 8)
    assert (plan.attention_kernel, run.shape.ffn_matrices) == ("flash", 2)


def test_the_bloom_sweep_knows_when_its_cluster_was_mended(runs: Rows, shipped: Catalog) -> None:
    before = run_of(runs["T619"], shipped)  # its notes begin with the day, 02-20
    assert before.stack == "megatron-deepspeed-misbound"
    assert run_of(runs["T619"] | {"notes": "02-26"}, shipped).stack == "megatron-deepspeed"
    assert before.hardware.scaleout_bandwidth == pytest.approx(6.25e9)  # four cards of 100 Gb/s for eight accelerators
    assert "heads 128 wide" in before.assumed


def test_a_mixture_of_experts_comes_from_the_catalog(runs: Rows, shipped: Catalog) -> None:
    run = run_of(runs["T355"], shipped)  # DeepSeek-V3 on 256 GB200
    assert (run.shape.experts, run.shape.experts_per_token, run.shape.prediction_modules) == (256, 8, 1)
    assert (run.shape.layers, run.precision, run.stack) == (62, "fp8_block", "megatron-bridge-2026.06")
    assert (run.candidates[0].expert, run.hardware.scaleup_domain) == (64, 72)
    assert run_of(runs["T589"], shipped).shape.layers == 61  # without multi-token prediction
    truncated = run_of(runs["T753"], shipped)
    assert (truncated.shape.layers, truncated.shape.moe_layers, truncated.shape.dropout) == (4, 3, False)


@pytest.mark.parametrize(
    ("written", "accelerator"),
    [
        ("A100-SXM4-80GB", "a100-sxm-80gb"), ("NVIDIA A100 80GB", "a100-sxm-80gb"), ("A100-40GB", "a100-sxm-40gb"),
        ("NVIDIA H100 80GB HBM3", "h100-sxm"), ("H100 SXM5", "h100-sxm"), ("H200-141GB", "h200-sxm"),
        ("B200", "b200-sxm"), ("B300", "b300-sxm"), ("GB200 NVL72", "gb200"), ("DGX-GB300", "gb300"),
        ("AMD Instinct MI300X", "mi300x"), ("TPUv4", "tpu-v4"), ("TPU v5p", "tpu-v5p"), ("V100-32GB", "v100-sxm2-32gb"),
        ("aws-p5-48xlarge", "h100-sxm"), ("h100-sxm", "h100-sxm"), ("H800", "h100-sxm"), ("L40S", "l40s"),
    ],
)  # fmt: skip
def test_accelerators_are_known_by_usual_names(written: str, accelerator: str, shipped: Catalog) -> None:
    assert spellings.place_named(written, shipped).accelerator == accelerator


@pytest.mark.parametrize("written", ["H100 PCIe", "V100-16GB", "RTX 4090", "abacus", "", "A100-64GB"])
def test_accelerators_that_no_node_holds_are_refused(written: str, shipped: Catalog) -> None:
    with pytest.raises(UnpredictableError):
        spellings.place_named(written, shipped)


@pytest.mark.parametrize(
    ("written", "model"),
    [
        ("Qwen3_235B_a22B", "qwen3-235b-a22b"), ("Qwen/Qwen3-235B-A22B-Instruct", "qwen3-235b-a22b"),
        ("Qwen3-235B", "qwen3-235b-a22b"), ("DeepSeekV3 (w/o MTP)", "deepseek-v3"), ("DeepSeek V3 671B", "deepseek-v3"),
        ("deepseek-ai/DeepSeek-V3-Base", "deepseek-v3"), ("GPT OSS 120B", "gpt-oss-120b"), ("Kimi_K2", "kimi-k2"),
        ("Mixtral-8x22B-v0.1", "mixtral-8x22b"), ("LLAMA3.1_405B", "llama3.1-405b"), ("Llama 3 405B", "llama3.1-405b"),
        ("meta-llama/Llama-3.1-405B-Instruct", "llama3.1-405b"), ("Meta-Llama-3-70B", "llama3-70b"),
        ("GPT3-1.3B", "gpt3-1.3b"), ("GPT3-13B", "gpt3-13b"), ("OPT-1.3B", "opt-1.3b"), ("opt-13b", "opt-13b"),
        ("LLAMA3-70B-truncated-12L", "llama3-70b"), ("MPT-7b", None), ("llama-1B(nanotron bench)", None), ("", None),
    ],
)  # fmt: skip
def test_models_are_known_by_usual_names(written: str, model: str | None, shipped: Catalog) -> None:
    assert spellings.model_named(written, shipped) == model


def test_every_model_of_the_catalog_is_known_by_its_own_name(shipped: Catalog) -> None:
    assert [name for name in shipped.ids("model") if spellings.model_named(name, shipped) != name] == []


@pytest.mark.parametrize(
    ("written", "precision"),
    [
        ("", "bf16"), ("bfloat16", "bf16"), ("bf16/fp16", "bf16"), ("amp_bf16", "bf16"), ("float16", "bf16"),
        ("FP8-CS (25.09: first value)", "fp8"), ("amp_fp8", "fp8"), ("FP8-MX", "fp8_block"), ("MXFP8", "fp8_block"),
        ("fp8 blockwise", "fp8_block"), ("FP8-SC", "fp8_block"), ("NVFP4", "fp4"), ("mxfp4", "fp4"),
    ],
)  # fmt: skip
def test_precisions_are_known_by_usual_names(written: str, precision: str) -> None:
    assert spellings.precision_named(written) == precision


def test_precisions_that_nobody_trains_in_are_refused() -> None:
    for written in ("fp32", "tf32", "int8", "4 bits"):
        with pytest.raises(UnpredictableError, match="is not one of"):
            spellings.precision_named(written)


@pytest.mark.parametrize(
    ("written", "stage"),
    [
        ("", None), ("0", 0), ("1.0", 1), ("1(dist-opt, assumed)", 1), ("ZeRO-2", 2), ("zero3", 3), ("FSDP", 3),
        ("FSDP(no-reshard)", 1), ("distributed optimizer", 1), ("SHARD_GRAD_OP", 2), ("none", 0), ("odd", None),
    ],
)  # fmt: skip
def test_stages_of_zero(written: str, stage: int | None) -> None:
    assert spellings.zero_stage_named(written) == stage


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("", None), ("full", "full"), ("Full recompute", "full"), ("none", "none"), ("False", "none"), ("yes", "full"),
        ("selective(attention)", "selective"), ("core_attn", "selective"), ("mlp, moe_act", "selective"), ("?", None),
    ],
)  # fmt: skip
def test_what_is_recomputed(written: str, kind: str | None) -> None:
    assert spellings.recomputation_named(written) == kind


def test_hybrid_sharding_stays_within_a_host(runs: Rows, shipped: Catalog) -> None:
    plan = run_of(runs["T078"] | {"zero_stage": "HSDP"}, shipped).candidates[0]
    assert (plan.zero_stage, plan.shard) == (3, 8)


@pytest.mark.parametrize(
    ("network", "bandwidth"),
    [
        ("8x400G NDR IB", 50e9), ("NVSwitch + 8 x 400 Gb/s", 50e9), ("1600G/node RoCE", 25e9), ("400G IB", 50e9),
        ("EFA 3200 Gbps", 50e9), ("", 50e9), ("something", 50e9), ("0x0G", 50e9), ("0G", 50e9),
    ],
)  # fmt: skip
def test_networks(network: str, bandwidth: float, runs: Rows, shipped: Catalog) -> None:
    run = run_of(runs["T078"] | {"network": network}, shipped)
    assert run.hardware.scaleout_bandwidth == pytest.approx(bandwidth)


def test_a_host_of_four_is_a_domain_of_four_and_a_rack_stays_one(runs: Rows, shipped: Catalog) -> None:
    assert run_of(runs["T078"] | {"gpus_per_node": 4, "network": ""}, shipped).hardware.scaleup_domain == 4
    assert run_of(runs["T355"] | {"gpus_per_node": 4}, shipped).hardware.scaleup_domain == 72


def test_an_unknown_model_is_made_of_its_columns(runs: Rows, shipped: Catalog) -> None:
    row = runs["T389"]
    known, own = run_of(row, shipped).shape, run_of(row | {"model": "Ours"}, shipped)
    assert (own.shape.ffn_matrices, own.shape.head_dim, own.shape.kv_heads) == (3, known.head_dim, known.kv_heads)
    assert any("by the parameters" in told for told in own.assumed)
    plain = run_of(row | {"model": "Ours", "ffn": 4 * row["hidden"]}, shipped)
    assert plain.shape.ffn_matrices == 2
    assert run_of(row | {"model": "Ours", "params_b": None}, shipped).shape.ffn_matrices == 3


def test_columns_win_over_a_name_of_the_catalog_that_they_contradict(runs: Rows, shipped: Catalog) -> None:
    run = run_of(runs["T389"] | {"hidden": 8192, "heads": 64}, shipped)
    assert run.shape.hidden == 8192
    assert any("not llama3.1-405b of the catalog" in told for told in run.assumed)
    assert "has another hidden than qwen3-30b-a3b" in reason(runs["T401"] | {"hidden": 8192}, shipped)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model": "Nemotron_3_Super"}, "Mamba-2 layers beside attention and experts, which is not modelled"),
        ({"model": "DeepSeekV4 Flash"}, "compressed sparse attention"),
        ({"model": "Unknown-MoE", "ep": 8}, "has experts and is not a model of the catalog"),
        ({"model": "Unknown", "active_params_b": 20}, "has experts and is not a model of the catalog"),
        ({"model": "Unknown", "layers": None, "vocab": ""}, "layers, vocab is empty"),
        ({"model": "T5-11B"}, "encoder-decoder"),
        ({"gpu": "A100-80GB"}, "a100-sxm-80gb does not compute in fp8"),
        ({"pp": 7}, "the layout uses 112 accelerators and the row has 256"),
        ({"dp": 2.5}, "is not a whole number"),
        ({"tp": 0.5}, "is not between 1"),
        ({"n_gpus": None}, "n_gpus is empty"),
        ({"seq": "long"}, 'seq "long" is not a number'),
        ({"gbs": 2}, "data ranks cannot share 2 sequences"),
        ({"mbs": 1024}, "exceed the batch"),
        ({"vpp": 99}, "virtual stages cannot share"),
        ({"hidden": 1e30}, "is not between 1 and 1e+09"),
    ],
)
def test_what_cannot_be_run_says_why(changed: dict[str, Any], said: str, runs: Rows, shipped: Catalog) -> None:
    assert said in reason(runs["T389"] | changed, shipped)


@pytest.mark.parametrize(
    ("date", "stack"),
    [("2022-05", "megatron-lm"), ("2023-01", "megatron-core"), ("2024", "megatron-core"), ("", "megatron-lm"),
     ("25.09", "megatron-lm"), ("20231", "megatron-lm")],
)  # fmt: skip
def test_a_late_report_of_megatron_lm_has_flash_attention(runs: Rows, shipped: Catalog, date: str, stack: str) -> None:
    run = run_of(runs["T001"] | {"date": date, "attn_impl": ""}, shipped)
    assert run.stack == stack
    assert {plan.attention_kernel for plan in run.candidates} == {"unfused" if stack == "megatron-lm" else "flash"}


def test_cells_that_say_nothing_are_left_out() -> None:
    row = cells({"tp": "nan", "gbs": "1,536", "recompute": "none", "vpp": "-", "ep": None, "pp": " 8 ", "cp": math.nan})
    assert row == {"gbs": "1536", "recompute": "none", "pp": " 8 "}


def test_numbers_may_be_written_in_any_way(runs: Rows, shipped: Catalog) -> None:
    row = runs["T389"]
    spelt = row | {"tp": " 4 ", "pp": "16.0", "n_gpus": "256", "gbs": "1,536", "hidden": "16384.0", "vpp": 4, "cp": "1"}
    assert run_of(spelt, shipped) == run_of(row, shipped)


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 2000), st.floats(), st.floats(0.1, 1e10), st.text(max_size=12),
    st.sampled_from([
        "", "nan", "8", "8.0", " 8 ", "1,024", "1e9", "1e-300", "eight", "none", "full", "FSDP", "HSDP", "H200",
        "GB300", "MI300X", "V100", "fp8", "nvfp4", "bf16", "Qwen3-235B-A22B", "DeepSeek-V3", "llama3-8b", "bert-large",
        "Mixtral 8x7B", "NVLink 0GB/s + 0x400G", "99999G", "Megatron-LM", "torchtitan", "02-99; x", "[red]", "é",
    ]),
)  # fmt: skip


@settings(max_examples=250)
@given(
    row=st.sampled_from(ROWS),
    changed=st.dictionaries(st.sampled_from(sorted(ROWS[0])), ODD, max_size=6),
    dropped=st.sets(st.sampled_from(sorted(ROWS[0])), max_size=4),
)
def test_whatever_the_cells_hold_a_row_is_predicted_or_skipped_with_a_reason(
    row: dict[str, Any], changed: dict[str, Any], dropped: set[str]
) -> None:
    odd = {name: cell for name, cell in {**row, **changed}.items() if name not in dropped}
    told = predict_all([odd], CATALOG)
    assert len(told.predictions) + len(told.skipped) == 1
    assert all(skipped.reason for skipped in told.skipped)
    for prediction in told.predictions:
        assert 0 < prediction.predicted < math.inf
        assert prediction.low is not None
        assert prediction.high is not None
        assert prediction.low <= prediction.predicted <= prediction.high
