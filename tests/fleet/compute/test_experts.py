"""Loads of experts and the time of their products."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.catalog import Catalog, load
from navarch.core.formula import formula
from navarch.core.ledger import Ledger
from navarch.fleet.compute import routing
from navarch.fleet.compute.kernels import ExpertKernel, expert_kernel, expert_time

CATALOG = load()
H100 = expert_kernel(CATALOG, "h100-sxm", "bf16")
KERNELS = st.sampled_from(
    [H100, expert_kernel(CATALOG, "b200-sxm", "fp8_block"), expert_kernel(CATALOG, "b200-sxm", "fp4")]
)
LAYER = {"hidden": 7168.0, "inner": 2048.0, "experts": 256.0, "chosen": 8.0, "matrices": 3.0, "groups": 8.0}


def sample(skew: float, least: float, most: float) -> np.ndarray:
    """Quantiles of the power law, evenly spaced."""
    a = 1 - skew
    spread = (np.arange(200_000) + 0.5) / 200_000
    return (least**a + spread * (most**a - least**a)) ** (1 / a)


@given(st.sampled_from([0.5, 1.01, 1.2, 1.7]), st.floats(10, 1e4))
def test_closed_forms_agree_with_quantiles(skew: float, most: float) -> None:
    drawn = sample(skew, 1.0, most)
    mean = routing.mean_load(skew, 1.0, most)
    assert mean == pytest.approx(drawn.mean(), rel=1e-3)
    assert routing.load_variation(skew, 1.0, most, mean) == pytest.approx(drawn.std() / drawn.mean(), rel=5e-3)
    tokens = drawn / drawn.mean() * 40.0
    experts = routing.experts_above(64.0, 40.0, skew, 1.0, most, mean)
    shares = routing.tokens_above(64.0, 40.0, skew, 1.0, most, mean)
    assert experts == pytest.approx((tokens >= 64).mean(), abs=1e-3)
    assert shares == pytest.approx(tokens[tokens >= 64].sum() / tokens.sum(), abs=1e-3)


def test_equal_loads_by_hand() -> None:
    """4,096 tokens, 8 of 256 experts in 8 groups: 128 tokens for each of 32 experts, one tile of 128 rows each."""
    load = routing.tokens_per_expert(4096.0, 8.0, 256.0, 1.0)
    assert load == 128
    assert routing.equal_active_experts(32.0, load) == 32
    assert routing.equal_tiles(32.0, 32.0, load, 128.0) == 32


def test_one_group_has_no_heaviest() -> None:
    assert routing.heaviest_group(3.0, 1.0, 256.0, 100.0, 1.0) == 1
    assert routing.heaviest_group(3.0, 256.0, 1.0, 5.0, 1.0) == 5


def test_few_tokens_are_bound_by_the_weights() -> None:
    """16 tokens, 8 of 256 experts: 128 choices of 44 million BF16 weights each, at most."""
    time = expert_time(H100, 16.0, 7168.0, 2048.0, 256.0, 8.0, 3.0, 1.0)
    weights = 128 * 3 * 7168 * 2048 * 2 / H100.memory_bandwidth
    assert 1 < time / weights < 1.5


def test_many_tokens_are_bound_by_arithmetic() -> None:
    time = expert_time(H100, 65536.0, 7168.0, 2048.0, 256.0, 8.0, 3.0, 1.0)
    assert 0.4 < 6 * 65536 * 8 * 7168 * 2048 / time / H100.peak < 0.8


@given(KERNELS, st.integers(1, 30000), st.sampled_from([1.0, 8.0, 64.0]))
def test_unequal_loads_are_never_faster_for_the_heaviest_group(
    kernel: ExpertKernel, tokens: int, groups: float
) -> None:
    """Where every expert is in use, equal loads are the best case."""
    shape = (float(tokens) + 4096, 7168.0, 2048.0, 256.0, 8.0, 3.0, groups)
    assert expert_time(kernel, *shape, skew=1.2) > 0.9 * expert_time(kernel, *shape)


@given(KERNELS, st.integers(1, 60000))
def test_more_tokens_are_never_much_faster(kernel: ExpertKernel, tokens: int) -> None:
    def time(count: float) -> float:
        return float(expert_time(kernel, count, *LAYER.values()))

    assert time(2.0 * tokens) > 0.95 * time(float(tokens))


def test_arrays_give_what_scalars_give() -> None:
    tokens = np.array([1.0, 300.0, 20000.0])
    for skew in (None, 1.01):
        times = expert_time(H100, tokens, *LAYER.values(), skew=skew)
        alone = [float(expert_time(H100, t, *LAYER.values(), skew=skew)) for t in tokens]
        assert times == pytest.approx(alone)


@pytest.mark.parametrize("skewed", [False, True])
def test_a_ledger_remembers_where_it_came_from(
    catalog: Catalog, entered: Callable[..., list[float]], skewed: bool
) -> None:
    with Ledger() as ledger:
        kernel = expert_kernel(catalog, "h100-sxm", "bf16", take=ledger.fact)
        skew = entered(ledger, skew=1.2)[0] if skewed else None
        time = expert_time(kernel, *entered(ledger, tokens=4096.0, **LAYER), skew=skew)
    assert float(time) == pytest.approx(float(expert_time(H100, 4096.0, *LAYER.values(), skew=1.2 if skewed else None)))
    assert ledger.orphans() == []
    assert all(formula(entry, "latex") for entry in time.entry.ancestors() if entry.kind == "calculation")


def test_formats_of_four_bits(catalog: Catalog) -> None:
    kernel = expert_kernel(catalog, "h100-sxm", "int4")
    assert (kernel.element, kernel.activation) == (0.5, 2)
    assert kernel.peak == catalog.fact("accelerator", "h100-sxm", "bf16").value


def test_marlin_takes_the_lowest_tile_that_the_choices_do_not_fill() -> None:
    """vLLM, fused_marlin_moe: the first of 8, 16, 32, 48 and 64 rows with less than 0.9 of a tile for each expert."""
    choices = np.array([1.0, 7.19, 7.21, 14.39, 14.41, 28.79, 28.81, 43.19, 43.21, 57.6, 500.0])
    rows = [next((size for size in (8, 16, 32, 48, 64) if choice / size < 0.9), 64) for choice in choices.tolist()]
    taken = routing.marlin_tile_rows(choices * 4.0, 8.0, 32.0, 0.9, 8.0, 16.0, 64.0)
    assert taken.tolist() == rows


def test_marlin_counts_the_choices_of_all_groups_for_the_experts_of_one() -> None:
    """64 tokens, 8 of 256 experts: two for each, but 16 for each of the 32 that a rank of eight holds."""
    assert routing.marlin_tile_rows(64.0, 8.0, 256.0, 0.9, 8.0, 16.0, 64.0) == 8
    assert routing.marlin_tile_rows(64.0, 8.0, 32.0, 0.9, 8.0, 16.0, 64.0) == 32


def test_checkpoints_packed_otherwise_take_another_kernel(catalog: Catalog) -> None:
    """On Blackwell, Marlin reaches a third of the rate of the kernels that gpt-oss has."""
    layer = LAYER | {"hidden": 3584.0, "inner": 3072.0}
    own, packed = (expert_kernel(catalog, "b200-sxm", name) for name in ("mxfp4", "mxfp4-marlin"))
    assert own.tile_fill is None and packed.tile_fill == 0.9
    assert expert_time(packed, 65536.0, **layer) > 2 * expert_time(own, 65536.0, **layer)


def test_experts_spread_over_ranks_take_longer_to_launch_where_choices_are_mapped(catalog: Catalog) -> None:
    kernel = expert_kernel(catalog, "h100-sxm", "mxfp4")
    layer = {"hidden": 2880.0, "inner": 2880.0, "chosen": 4.0, "matrices": 3.0}
    alone = expert_time(kernel, 1.0, experts=4.0, groups=1.0, **layer)
    spread = expert_time(kernel, 1.0, experts=32.0, groups=8.0, **layer)
    assert kernel.mapping > 1e-5
    assert spread > kernel.launch + kernel.mapping > kernel.launch
    assert spread - kernel.mapping < alone * 1.2


def test_a_library_that_knows_two_tiles(catalog: Catalog) -> None:
    assert routing.default_tile_rows(np.array([1.0, 32.0, 33.0]), 32.0, 16.0, 64.0).tolist() == [16, 16, 64]
    assert expert_kernel(catalog, "a100-sxm-80gb", "bf16").many_rows == 64
    assert H100.many_rows is None
