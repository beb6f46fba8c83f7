"""Roofline, node, rack and cluster sums, and the measured matrix-product efficiencies."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.catalog import Catalog, load
from navarch.core.ledger import Ledger
from navarch.fleet.compute import cluster, estimate
from navarch.fleet.compute.efficiency import matmul_efficiency

ROOT = Path(__file__).parents[2]
GEMM = ROOT.parent / "shared/data/silicon/gemm.parquet"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


def test_h100_ridge_point() -> None:
    """989.4 TFLOP/s over 3.35 TB/s: 295 FLOP a byte."""
    assert estimate.ridge_point(989.4e12, 3.35e12) == pytest.approx(295, rel=0.002)


@given(st.floats(1e6, 1e18), st.floats(1e3, 1e15))
def test_roofline_is_the_longer(work: float, traffic: float) -> None:
    time = estimate.roofline_time(work, 989.4e12, 0.8, traffic, 3.35e12, 0.9)
    assert time == max(estimate.compute_time(work, 989.4e12, 0.8), estimate.memory_time(traffic, 3.35e12, 0.9))
    intensity = estimate.arithmetic_intensity(work, traffic)
    assert estimate.attainable_rate(intensity, 989.4e12, 3.35e12) <= 989.4e12


def test_large_matmul_is_bound_by_arithmetic() -> None:
    work = estimate.matmul_work(8192.0, 8192.0, 8192.0)
    traffic = estimate.matmul_traffic(8192.0, 8192.0, 8192.0, 2.0, 2.0)
    assert work == 2 * 8192**3
    assert estimate.arithmetic_intensity(work, traffic) == pytest.approx(8192 / 3)


def node() -> cluster.NodeParts:
    """A DGX H100."""
    return cluster.NodeParts(8.0, 989.4e12, 80e9, 3.35e12, 450e9, 8.0, 50e9, 10_200.0, 8.0)


def test_superpod_of_dgx_h100() -> None:
    """127 nodes: 1,016 accelerators, 1.005 EFLOP/s at bf16; four nodes in a rack of 42 kW."""
    pod = cluster.cluster(127.0, node(), 42_000.0, 42.0)
    assert pod.accelerators == 1016
    assert pod.peak == pytest.approx(1.005e18, rel=0.001)
    assert pod.nodes_per_rack == 4
    assert pod.racks == 32
    assert pod.scaleout_bandwidth == 50e9
    assert pod.bandwidth_ratio == 9
    assert pod.power == pytest.approx(1.2954e6)


def test_a_node_above_the_rack_limit_is_reported() -> None:
    with Ledger() as ledger:
        inputs = [
            ledger.field(n, v, u, n)
            for n, v, u in (("a", 40e3, "W"), ("b", 132e3, "W"), ("c", 42, "1"), ("d", 48, "1"))
        ]
        assert estimate.nodes_per_rack(*inputs) == 1
    assert len(ledger.exceeded()) == 1


def test_cluster_runs_on_arrays() -> None:
    pods = cluster.cluster(np.array([1.0, 127.0, 2048.0]), node(), 42_000.0, 42.0)
    assert list(pods.accelerators) == [8, 1016, 16384]
    assert list(pods.racks) == [1, 32, 512]


def test_nodes_round_up() -> None:
    assert estimate.nodes_for(1017.0, 8.0) == 128


def test_measured_efficiencies_load(catalog: Catalog) -> None:
    measured = [i for i in catalog.ids("constant") if i.startswith("compute.matmul-efficiency.") and "default" not in i]
    assert len(measured) >= 12
    for identifier in measured:
        fact = catalog.fact("constant", identifier)
        assert fact.kind == "measured"
        assert 0 < fact.low < fact.value < fact.high < 1


@pytest.mark.parametrize(
    ("accelerator", "precision", "kind", "words"),
    [
        ("h100-sxm", "bf16", "measured", "h100-sxm at bf16"),
        ("h100-sxm", "fp16", "estimate", "measured at bf16"),
        ("a100-sxm-40gb", "bf16", "estimate", "measured on a100-sxm-80gb"),
        ("gh200-96gb", "bf16", "estimate", "measured on h"),
        ("mi300x", "bf16", "estimate", "no accelerator of this family"),
        ("tpu-v5p", "fp8", "estimate", "no accelerator of this family"),
    ],
)
def test_matmul_efficiency_says_what_it_is(
    catalog: Catalog, accelerator: str, precision: str, kind: str, words: str
) -> None:
    fact = matmul_efficiency(catalog, accelerator, precision)
    assert fact.kind == kind
    assert words in fact.title
    assert 0 < fact.value < 1
    assert fact.low is not None and fact.high is not None


def test_every_accelerator_has_an_efficiency(catalog: Catalog) -> None:
    for accelerator in catalog.ids("accelerator"):
        assert 0 < float(matmul_efficiency(catalog, accelerator, "bf16")) < 1


def test_the_fit_gives_the_shipped_constants(catalog: Catalog) -> None:
    if not GEMM.exists():
        pytest.skip("the measured matrix products (../shared/data/silicon) are not on this machine")
    import polars as pl

    spec = importlib.util.spec_from_file_location("fit_matmul", ROOT / "scripts/fit_matmul.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for row in script.efficiencies(pl.read_parquet(GEMM)).iter_rows(named=True):
        fact = catalog.fact("constant", f"compute.matmul-efficiency.{row['accelerator']}.{row['precision']}")
        assert fact.value == pytest.approx(row["median"], abs=1e-4)
        assert (fact.low, fact.high) == pytest.approx((row["low"], row["high"]), abs=1e-4)


def test_constants_load_with_intervals(catalog: Catalog) -> None:
    for identifier in catalog.ids("constant"):
        if identifier.split(".")[0] in ("scale", "compute", "storage") or identifier.startswith("fabric."):
            fact = catalog.fact("constant", identifier)
            assert fact.source
            if fact.low is not None and fact.high is not None:
                assert fact.low <= fact.value <= fact.high
