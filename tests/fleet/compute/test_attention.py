"""Time of attention: keys counted exactly, known limits, and the trail of a derivation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.catalog import Catalog, load
from navarch.core.formula import formula
from navarch.core.ledger import Ledger
from navarch.fleet.compute import flash
from navarch.fleet.compute.kernels import (
    AttentionKernel,
    attention_context_time,
    attention_generation_time,
    attention_kernel,
    latent_context_time,
    latent_generation_time,
    latent_kernel,
)
from navarch.fleet.compute.whole_cache import WholeCacheKernel

CATALOG = load()
H100 = attention_kernel(CATALOG, "h100-sxm")
B200 = attention_kernel(CATALOG, "b200-sxm", cache_precision="fp8")
KERNELS = st.sampled_from([H100, B200])


def keys_by_hand(queries: int, keys: int, window: int, tile: int) -> int:
    """Keys that each tile sees, one tile after another."""
    before = keys - queries
    return sum(min(before + end, window + tile, keys) for end in range(tile, queries + tile, tile))


@given(st.integers(1, 40), st.integers(0, 20), st.integers(1, 60))
def test_causal_keys_are_those_that_each_tile_sees(tiles: int, before: int, window: int) -> None:
    queries, tile = tiles * 128, 128.0
    keys = queries + before * 128
    seen = min(window * 128, keys)
    counted = flash.causal_keys(float(tiles), float(queries), float(keys), float(seen), 1.0, tile, 0.0)
    assert counted == pytest.approx(keys_by_hand(queries, keys, seen, 128))


def test_causal_attention_is_half_of_full_attention() -> None:
    """16,384 tokens: tile rounding adds little, so that masking halves the work."""
    arguments = (4.0, 16384.0, 16384.0, 32.0, 8.0, 128.0, 128.0)
    causal = attention_context_time(H100, *arguments)
    full = attention_context_time(H100, *arguments, causal=False)
    assert 1.8 < full / causal < 2.02


def test_long_prompts_reach_what_flash_attention_3_reports() -> None:
    """Shah et al. 2024, figure 5: forward, causal, head size 128, 16k tokens: 500 to 650 TFLOP/s on an H100."""
    time = attention_context_time(H100, 1.0, 16384.0, 16384.0, 16.0, 16.0, 128.0, 128.0)
    assert 450e12 < 2 * 16384**2 * 16 * 128 / time < 700e12


def test_a_window_bounds_the_work() -> None:
    arguments = (4.0, 16384.0, 16384.0, 32.0, 8.0, 128.0, 128.0)
    assert attention_context_time(H100, *arguments, window=128.0) < attention_context_time(H100, *arguments) / 5


def test_a_long_cache_is_bound_by_the_memory() -> None:
    """64 sequences of 32,768 tokens, 8 heads of 128: 8.6 GB of cache."""
    kernel = H100.in_a_model()
    time = attention_generation_time(kernel, 64.0, 32768.0, 32.0, 8.0, 128.0, 128.0, 256.0)
    moved = 64 * 32768 * 8 * 256 * 2 / kernel.generation.device.memory_bandwidth
    assert 1 < time / moved < 1.6


def test_latent_attention_moves_less_cache_than_plain() -> None:
    latent = latent_kernel(CATALOG, "h100-sxm")
    few = latent_generation_time(latent, 64.0, 8192.0, 16.0, 512.0, 64.0)
    plain = attention_generation_time(H100, 64.0, 8192.0, 128.0, 128.0, 128.0, 128.0, 256.0)
    assert few < plain / 5
    assert latent_context_time(latent, 1.0, 4096.0, 4096.0, 16.0, 192.0, 128.0) > 0


@given(KERNELS, st.integers(1, 64), st.integers(1, 32768), st.integers(1, 8))
def test_attention_grows_with_context(kernel: AttentionKernel, batch: int, tokens: int, heads: int) -> None:
    def time(keys: float) -> float:
        shape = (float(batch), keys, keys, 8.0 * heads, float(heads), 128.0, 128.0)
        return float(attention_context_time(kernel, *shape))

    assert time(2.0 * tokens + 256) > time(float(tokens))


@given(KERNELS, st.integers(1, 512), st.integers(1, 131072), st.floats(1.05, 4))
def test_more_bandwidth_is_never_slower(kernel: AttentionKernel, batch: int, keys: int, more: float) -> None:
    def time(given: AttentionKernel) -> float:
        return float(attention_generation_time(given, float(batch), float(keys), 32.0, 8.0, 128.0, 128.0, 256.0))

    device = kernel.generation.device
    faster = replace(device, memory_bandwidth=device.memory_bandwidth * more)
    assert time(replace(kernel, generation=replace(kernel.generation, device=faster))) <= time(kernel) * (1 + 1e-12)


def test_arrays_give_what_scalars_give() -> None:
    batch, tokens = np.array([1.0, 8.0])[:, None], np.array([1.0, 200.0, 8192.0])
    times = attention_context_time(H100, batch, tokens, tokens, 32.0, 8.0, 128.0, 128.0)
    assert times.shape == (2, 3)
    assert times[1, 2] == pytest.approx(
        float(attention_context_time(H100, 8.0, 8192.0, 8192.0, 32.0, 8.0, 128.0, 128.0))
    )


def test_a_ledger_remembers_where_it_came_from(catalog: Catalog, entered: Callable[..., list[float]]) -> None:
    shape = {"batch": 2.0, "queries": 4096.0, "keys": 8192.0, "heads": 32.0, "kv_heads": 8.0, "key_dim": 128.0}
    shape["value_dim"] = 128.0
    with Ledger() as ledger:
        kernel = attention_kernel(catalog, "h100-sxm", take=ledger.fact)
        time = attention_context_time(kernel, *entered(ledger, **shape))
        latent = latent_kernel(catalog, "h100-sxm", take=ledger.fact)
        sizes = entered(ledger, b=4.0, k=8192.0, h=16.0, latent=512.0, rotary=64.0)
        token = latent_generation_time(latent, *sizes)
    assert float(time) == pytest.approx(float(attention_context_time(H100, *shape.values())))
    assert ledger.orphans() == []
    for value in (time, token):
        assert all(formula(entry, "latex") for entry in value.entry.ancestors() if entry.kind == "calculation")


def test_a_stand_in_says_so(catalog: Catalog) -> None:
    assert H100.stand_in == ""
    assert "measured on" in attention_kernel(catalog, "gh200-96gb").stand_in
    assert "no accelerator of its family" in attention_kernel(catalog, "mi300x").stand_in
    assert attention_kernel(catalog, "h100-sxm", precision="fp16").stand_in == "measured at bf16-bf16"


def test_a_cache_that_is_not_split_leaves_cores_idle(catalog: Catalog) -> None:
    """L40S, 142 cores: 1 to 32 sequences take as long as one, and twice the keys twice as long."""
    kernel = latent_kernel(catalog, "l40s").in_a_model()
    assert isinstance(kernel.generation, WholeCacheKernel)
    one, many = (latent_generation_time(kernel, n, 8192.0, 64.0, 512.0, 64.0) for n in (1.0, 16.0))
    assert one < many < 1.1 * one
    assert latent_generation_time(kernel, 1.0, 16384.0, 64.0, 512.0, 64.0) == pytest.approx(2 * one, rel=0.05)
    assert latent_generation_time(kernel, 512.0, 8192.0, 64.0, 512.0, 64.0) > 5 * one


def test_heads_within_a_block_are_free_and_a_cache_of_eight_bits_saves_nothing(catalog: Catalog) -> None:
    kernels = [latent_kernel(catalog, "a100-sxm-80gb", cache_precision=name) for name in ("bf16", "fp8")]
    times = [float(latent_generation_time(k, 256.0, 16384.0, 16.0, 512.0, 64.0)) for k in kernels]
    assert times[0] == pytest.approx(times[1], rel=0.05)
    assert latent_generation_time(kernels[0], 256.0, 16384.0, 64.0, 512.0, 64.0) < 1.1 * times[0]
    assert latent_generation_time(kernels[0], 256.0, 16384.0, 128.0, 512.0, 64.0) > 1.7 * times[0]


def test_blocks_that_share_a_core_are_slower_each_and_faster_together() -> None:
    """108 cores that take two blocks at once: 108 are one wave, 216 one of 2^0.5, 324 both."""
    times = [flash.shared_cores_time(n, 108.0, 2.0, 0.5, 1.0) for n in (1.0, 108.0, 109.0, 216.0, 217.0, 324.0)]
    assert times == pytest.approx([1, 1, 2**0.5, 2**0.5, 2**0.5 + 1, 2**0.5 + 1])


def test_a_whole_cache_in_a_ledger(catalog: Catalog, entered: Callable[..., list[float]]) -> None:
    with Ledger() as ledger:
        kernel = latent_kernel(catalog, "l40s", take=ledger.fact)
        sizes = entered(ledger, b=4.0, k=8192.0, h=16.0, latent=512.0, rotary=64.0)
        time = latent_generation_time(kernel, *sizes)
    assert ledger.orphans() == []
    assert all(formula(entry, "latex") for entry in time.entry.ancestors() if entry.kind == "calculation")
    plain = latent_generation_time(latent_kernel(catalog, "l40s"), 4.0, 8192.0, 16.0, 512.0, 64.0)
    assert float(time) == pytest.approx(float(plain))


def test_larger_heads_take_longer_to_start_on_hopper(catalog: Catalog) -> None:
    """Measured on H200 with an FP8 cache and a few keys: 10.9, 13.0 and 15.8 µs for heads of 64, 128 and 256."""
    kernel = attention_kernel(catalog, "h200-sxm", cache_precision="fp8")
    times = [float(attention_generation_time(kernel, 4.0, 16.0, 8.0, 2.0, d, d, 2 * d)) for d in (64.0, 128.0, 256.0)]
    assert times == pytest.approx([10.9e-6, 13.0e-6, 15.8e-6], rel=0.1)
