"""Time of a matrix product: known answers of tiling, the shape of the model, and what it says of its constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.catalog import Catalog, load
from navarch.catalog.errors import CatalogError
from navarch.core.formula import formula
from navarch.core.ledger import Ledger
from navarch.fleet.compute import tiles
from navarch.fleet.compute.kernels import MatmulKernel, matmul_kernel, matmul_time

CATALOG = load()
KERNELS = [matmul_kernel(CATALOG, *name) for name in (
    ("a100-sxm-80gb", "bf16"), ("h100-sxm", "bf16"), ("h100-sxm", "fp8"), ("b200-sxm", "fp4"), ("l40s", "fp8"),
)]  # fmt: skip
SIZES = st.integers(1, 65536).map(float)


def test_waves_of_tiles() -> None:
    """132 cores, tiles of 128 x 128: 11 x 12 tiles are one wave, 12 x 12 are two."""
    shared = (1024.0, 128.0, 128.0, 1.0, 132.0, 1.0, 5e12, 2.0, 1e12, 0.0)
    one, two = tiles.tiles_time(1408.0, 1536.0, *shared), tiles.tiles_time(1536.0, 1536.0, *shared)
    assert one == pytest.approx(2 * 128 * 128 * 1024 / 5e12)
    assert two == pytest.approx(2 * one)


def test_waves_that_flow_into_each_other() -> None:
    shared = (1024.0, 128.0, 128.0, 1.0, 132.0, 0.0, 5e12, 2.0, 1e12, 0.0)
    assert tiles.tiles_time(1536.0, 1536.0, *shared) == pytest.approx(144 / 132 * 2 * 128 * 128 * 1024 / 5e12)


def test_few_tiles_are_split_over_the_cores() -> None:
    assert tiles.split_parts(128.0, 256.0, 8192.0, 128.0, 128.0, 132.0, 512.0) == 16
    assert tiles.split_parts(128.0, 256.0, 65536.0, 128.0, 128.0, 132.0, 512.0) == 66
    assert tiles.split_parts(8192.0, 8192.0, 8192.0, 128.0, 128.0, 132.0, 512.0) == 1


def test_data_are_lost_between_one_and_two_times_the_cache() -> None:
    times = tiles.repeated_time(1.0, np.array([0.5, 1.0, 1.5, 2.0, 9.0]), 1.0, 1.0, 4.0)
    assert times == pytest.approx([0.25, 0.25, 0.625, 1, 1])


def test_the_corner_of_the_roofline_is_soft() -> None:
    assert tiles.kernel_time(1.0, 3.0, 4.0, 2.0) == pytest.approx(6.0)
    assert tiles.kernel_time(0.0, 1.0, 100.0, 3.0) == pytest.approx(100, rel=1e-5)


def test_clocks_fall_with_time() -> None:
    times = tiles.sustained_time(np.array([1e-6, 1e-3, 1.0]), 0.2, 1e-3)
    assert times / np.array([1e-6, 1e-3, 1.0]) == pytest.approx([1, 1.1, 1.2], abs=1e-3)


@pytest.mark.parametrize(
    ("accelerator", "precision", "low", "high"),
    [("h100-sxm", "bf16", 0.65, 0.85), ("a100-sxm-80gb", "bf16", 0.75, 0.95), ("b200-sxm", "bf16", 0.6, 0.8)],
)
def test_large_products_reach_what_large_products_reach(
    catalog: Catalog, accelerator: str, precision: str, low: float, high: float
) -> None:
    """Shares of the peak that 8,192-cubed products reach, as the median of measured large products says."""
    kernel = matmul_kernel(catalog, accelerator, precision).in_a_model()
    assert low < 2 * 8192**3 / matmul_time(kernel, 8192.0, 8192.0, 8192.0) / float(kernel.peak) < high


@given(st.sampled_from(KERNELS), SIZES, SIZES, SIZES)
def test_no_product_beats_the_roofline(kernel: MatmulKernel, rows: float, columns: float, depth: float) -> None:
    time = matmul_time(kernel.in_a_model(), rows, columns, depth)
    moved = kernel.element * (rows + columns) * depth + kernel.output * rows * columns
    assert time > 2 * rows * columns * depth / kernel.peak
    if kernel.store is None:
        assert time > moved / kernel.memory_bandwidth


@given(st.sampled_from(KERNELS), SIZES, SIZES, SIZES, st.floats(1.05, 4))
def test_more_bandwidth_and_a_higher_peak_are_never_slower(
    kernel: MatmulKernel, rows: float, columns: float, depth: float, more: float
) -> None:
    time = matmul_time(kernel, rows, columns, depth)
    faster = replace(kernel, memory_bandwidth=kernel.memory_bandwidth * more, peak=kernel.peak * more)
    assert matmul_time(faster, rows, columns, depth) <= time * (1 + 1e-12)


@given(st.sampled_from(KERNELS), SIZES, SIZES, SIZES)
def test_a_longer_sum_is_never_faster(kernel: MatmulKernel, rows: float, columns: float, depth: float) -> None:
    alone = replace(kernel.in_a_model(), split=None)
    assert matmul_time(alone, rows, columns, 2 * depth) >= matmul_time(alone, rows, columns, depth)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: f"{k.accelerator}-{k.precision}")
def test_arrays_give_what_scalars_give(kernel: MatmulKernel) -> None:
    rows, columns = np.array([1.0, 17.0, 4096.0])[:, None], np.array([64.0, 7168.0])
    times = matmul_time(kernel, rows, columns, 2048.0)
    assert times.shape == (3, 2)
    for i, j in np.ndindex(3, 2):
        assert times[i, j] == pytest.approx(float(matmul_time(kernel, rows[i, 0], columns[j], 2048.0)))


@pytest.mark.parametrize("precision", ["bf16", "fp8", "fp8_block", "fp4"])
def test_a_ledger_remembers_where_it_came_from(
    catalog: Catalog, entered: Callable[..., list[float]], precision: str
) -> None:
    plain = matmul_time(matmul_kernel(catalog, "b200-sxm", precision), 4096.0, 7168.0, 2048.0)
    with Ledger() as ledger:
        kernel = matmul_kernel(catalog, "b200-sxm", precision, take=ledger.fact)
        time = matmul_time(kernel, *entered(ledger, rows=4096.0, columns=7168.0, depth=2048.0))
    assert float(time) == pytest.approx(float(plain))
    assert ledger.orphans() == []
    assert ledger.exceeded() == []
    assert all(formula(entry, "latex") for entry in time.entry.ancestors() if entry.kind == "calculation")


@pytest.mark.parametrize(
    ("accelerator", "precision", "words"),
    [
        ("h100-sxm", "bf16", ""),
        ("h100-sxm", "fp16", "measured at bf16"),
        ("a100-sxm-40gb", "bf16", "measured on a100-sxm-80gb"),
        ("b300-sxm", "fp4", "measured on b200-sxm"),
        ("mi300x", "bf16", "no accelerator of its family was measured"),
        ("tpu-v5p", "bf16", "no accelerator of its family was measured"),
    ],
)
def test_a_stand_in_says_so(catalog: Catalog, accelerator: str, precision: str, words: str) -> None:
    kernel = matmul_kernel(catalog, accelerator, precision)
    assert words in kernel.stand_in if words else kernel.stand_in == ""
    assert 0 < matmul_time(kernel, 4096.0, 4096.0, 4096.0) < 0.1


def test_a_borrowed_constant_is_an_estimate(catalog: Catalog) -> None:
    with Ledger() as ledger:
        matmul_kernel(catalog, "a100-sxm-40gb", "bf16", take=ledger.fact)
    kinds = {e.fact.kind for e in ledger.entries if e.fact is not None and "stand-in" in e.title}
    assert kinds == {"estimate"}


def test_a_precision_without_a_peak_is_refused(catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match="fp8 of accelerator 'a100-sxm-80gb' is not known"):
        matmul_kernel(catalog, "a100-sxm-80gb", "fp8")


def test_every_accelerator_with_a_peak_has_a_time(catalog: Catalog) -> None:
    for accelerator in catalog.ids("accelerator"):
        entry = catalog.get("accelerator", accelerator)
        for precision in ("bf16", "fp8", "fp4"):
            if getattr(entry, precision) is not None and entry.memory_bandwidth is not None:
                time = matmul_time(matmul_kernel(catalog, accelerator, precision), 512.0, 4096.0, 4096.0)
                assert 2 * 512 * 4096 * 4096 / getattr(entry, precision).value < time < 1


def test_a_captured_graph_leaves_the_host_out(catalog: Catalog) -> None:
    kernel = matmul_kernel(catalog, "b200-sxm", "fp8_block")
    assert matmul_time(kernel, 8.0, 1024.0, 1024.0) > 1e-4
    assert matmul_time(kernel.in_a_model(), 8.0, 1024.0, 1024.0) < 2e-5
