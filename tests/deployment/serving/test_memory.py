"""Known answers of serving memory: GPT-3 in fp16, latent attention, sliding windows, mixtures of experts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.catalog import load
from navarch.deployment.serving import engine_of, hardware_of, precision_of, shape_of
from navarch.deployment.serving import estimate as room
from navarch.deployment.serving.replica import kv_per_sequence, kv_per_token


def test_gpt3_to_a_hundred_users() -> None:
    catalog = load()
    shape = shape_of(catalog.get("model", "gpt3-175b"), catalog)
    precision = precision_of("bf16", catalog.get("accelerator", "a100-sxm-80gb"), catalog)
    weights = room.weight_bytes(175e9, precision.weight)
    per_token = kv_per_token(shape, precision)
    cache = room.kv_bytes_of_users(kv_per_sequence(shape, per_token, 2048), 100, room.kv_copies(8, shape.kv_heads))
    engine = engine_of(catalog)
    hardware = hardware_of(catalog.get("accelerator", "a100-sxm-80gb"), catalog)
    assert weights == 350e9
    assert per_token == 4_718_592 == 4.5 * 2**20
    assert cache == 4_718_592 * 2048 * 100 == pytest.approx(966.4e9, rel=1e-4)
    # (350 + 966.4) GB over 0.9 * 80 GiB - 2 GB
    assert room.accelerators_to_hold(weights, cache, hardware.memory, engine.memory_utilisation, engine.reserve) == 18


def test_latent_attention_caches_one_vector() -> None:
    catalog = load()
    shape = shape_of(catalog.get("model", "deepseek-v3"), catalog)
    precision = precision_of("bf16", catalog.get("accelerator", "h200-sxm"), catalog)
    assert kv_per_token(shape, precision) == 61 * (512 + 64) * 2 == 70_272
    assert room.kv_copies(8, shape.single) == 8


def test_sliding_layers_stop_at_the_window() -> None:
    catalog = load()
    shape = shape_of(catalog.get("model", "gpt-oss-20b"), catalog)
    precision = precision_of("bf16", catalog.get("accelerator", "h100-sxm"), catalog)
    per_token = kv_per_token(shape, precision)
    assert kv_per_sequence(shape, per_token, 128.0) == pytest.approx(per_token * 128)
    assert kv_per_sequence(shape, per_token, 100_000.0) == pytest.approx(per_token * (100_000 + 128) / 2)


def test_routed_parameters_of_mixtral_and_deepseek() -> None:
    assert room.routed_parameters(32, 8, 4096, 14336) == pytest.approx(45.1e9, rel=0.001)
    assert room.routed_parameters(58, 256, 7168, 2048) == pytest.approx(653.9e9, rel=0.001)


@given(experts=st.integers(1, 512), tokens=st.integers(1, 4096), data=st.data())
def test_touched_experts_lie_between_one_token_and_all(experts: int, tokens: int, data: st.DataObject) -> None:
    chosen = data.draw(st.integers(1, experts))
    touched = room.touched_experts(float(experts), float(chosen), float(tokens))
    assert chosen * (1 - 1e-9) <= touched <= experts * (1 + 1e-9)
    drawn = np.mean([len({*np.random.default_rng(i).integers(0, 4, 3)}) for i in range(2000)])
    assert room.touched_experts(4.0, 1.0, 3.0) == pytest.approx(drawn, rel=0.05)


def test_weights_read_grow_from_active_to_all() -> None:
    few = room.routed_weight_bytes_read(46.7e9, 45.1e9, 8.0, room.touched_experts(8.0, 2.0, 1.0), 2.0)
    many = room.routed_weight_bytes_read(46.7e9, 45.1e9, 8.0, room.touched_experts(8.0, 2.0, 256.0), 2.0)
    assert few == pytest.approx(2 * 12.9e9, rel=0.01)
    assert many == pytest.approx(2 * 46.7e9, rel=1e-6)


def test_a_model_without_a_decoder_is_refused() -> None:
    catalog = load()
    with pytest.raises(ValueError, match="serving is modelled for decoders"):
        shape_of(catalog.get("model", "bert-large"), catalog)


def test_a_precision_that_the_accelerator_lacks_is_refused() -> None:
    catalog = load()
    with pytest.raises(ValueError, match="a100-sxm-80gb has no 'fp8' rate; it serves in bf16, fp16"):
        precision_of("fp8", catalog.get("accelerator", "a100-sxm-80gb"), catalog)
