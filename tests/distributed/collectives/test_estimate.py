"""Collectives: known answers, limits, and agreement with measured curves."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.catalog import load
from navarch.distributed.collectives import estimate as eq

RANKS = st.integers(1, 4096)
MESSAGE = st.floats(1e3, 1e11)
BANDWIDTH = st.floats(1e9, 1e12)
LATENCY = st.floats(0, 1e-4)
MEASURED = Path(__file__).parents[4] / "shared" / "data" / "silicon" / "nccl.parquet"


def test_ring_all_reduce_of_the_textbook() -> None:
    # 1 GB over 8 ranks at 50 GB/s and 5 us: 2 x 7/8 x 20 ms + 14 x 5 us
    assert eq.ring_all_reduce_time(1e9, 8, 50e9, 5e-6) == pytest.approx(35.07e-3, rel=1e-6)


def test_one_rank_costs_nothing() -> None:
    for collective in (eq.ring_all_reduce_time, eq.reduce_scatter_time, eq.all_gather_time, eq.all_to_all_time,
                       eq.broadcast_time, eq.tree_all_reduce_time):  # fmt: skip
        assert collective(1e9, 1, 50e9, 5e-6) == 0


@given(MESSAGE, RANKS, BANDWIDTH, LATENCY)
def test_an_all_reduce_is_a_reduce_scatter_and_an_all_gather(
    message: float, ranks: int, bandwidth: float, latency: float
) -> None:
    halves = eq.reduce_scatter_time(message, ranks, bandwidth, latency) + eq.all_gather_time(
        message, ranks, bandwidth, latency
    )
    assert eq.ring_all_reduce_time(message, ranks, bandwidth, latency) == pytest.approx(halves)


@given(MESSAGE, st.integers(2, 4096), BANDWIDTH, LATENCY)
def test_bus_bandwidth_of_a_ring_never_exceeds_the_link(
    message: float, ranks: int, bandwidth: float, latency: float
) -> None:
    time = eq.ring_all_reduce_time(message, ranks, bandwidth, latency)
    assert eq.all_reduce_bus_bandwidth(message, time, ranks) <= bandwidth * (1 + 1e-9)
    assert eq.all_reduce_bus_bandwidth(message, time, ranks) == pytest.approx(
        2 * (ranks - 1) / ranks * eq.algorithm_bandwidth(message, time)
    )


@given(MESSAGE, RANKS, BANDWIDTH, LATENCY, st.floats(1, 10))
def test_more_bandwidth_is_never_slower(
    message: float, ranks: int, bandwidth: float, latency: float, factor: float
) -> None:
    for collective in (eq.ring_all_reduce_time, eq.all_gather_time, eq.all_to_all_time, eq.tree_all_reduce_time):
        slow = collective(message, ranks, bandwidth, latency)
        assert collective(message, ranks, bandwidth * factor, latency) <= slow * (1 + 1e-12)


def test_a_tree_beats_a_ring_on_small_messages_and_many_ranks() -> None:
    small = (1e4, 1024, 50e9, 5e-6)
    assert eq.tree_all_reduce_time(*small) < eq.ring_all_reduce_time(*small)
    large = (1e10, 8, 50e9, 5e-6)
    assert eq.ring_all_reduce_time(*large) < eq.tree_all_reduce_time(*large)


@given(MESSAGE, st.integers(2, 16), st.integers(2, 512))
def test_hierarchy_of_equal_tiers_moves_what_one_ring_moves(message: float, local: int, groups: int) -> None:
    two = eq.hierarchical_all_reduce_time(message, local, groups, 50e9, 50e9, 0.0, 0.0)
    assert two == pytest.approx(eq.ring_all_reduce_time(message, local * groups, 50e9, 0.0))


def test_groups_take_the_tier_that_they_span() -> None:
    # 8 accelerators a domain; 300 GB/s within, 25 GB/s out of it for each
    within = eq.group_bandwidth(4, 2, 8, 300e9, 25e9)
    one_each = eq.group_bandwidth(16, 8, 8, 300e9, 25e9)
    all_of_a_node = eq.group_bandwidth(16, 1, 8, 300e9, 25e9)
    assert (within, one_each, all_of_a_node) == (300e9, 25e9, 200e9)
    assert eq.group_latency(16, 8, 8, 3e-6, 14e-6) == pytest.approx(14e-6)


def test_arrays_give_what_scalars_give() -> None:
    ranks = np.array([1, 2, 8, 1024])
    array = eq.group_bandwidth(ranks, 4, 8, 300e9, 25e9)
    assert [float(x) for x in array] == [float(eq.group_bandwidth(int(n), 4, 8, 300e9, 25e9)) for n in ranks]


@pytest.mark.skipif(not MEASURED.exists(), reason=f"measured collectives are not at {MEASURED}")
def test_constants_describe_measured_collectives() -> None:
    catalog = load()
    efficiency = float(catalog.fact("constant", "collectives.scaleup-efficiency"))
    latency = float(catalog.fact("constant", "collectives.scaleup-latency"))
    links = {"a100_sxm": 300e9, "h100_sxm": 450e9, "b200_sxm": 900e9}
    rows = pl.read_parquet(MEASURED).filter(
        pl.col("system").is_in(list(links))
        & (pl.col("dtype") == "half")
        & pl.col("collective").is_in(["all_gather", "reduce_scatter"])
        & (pl.col("message_elements") * 2 >= 64e6)
        & (pl.col("gpus") == 8)
    )
    errors = [
        eq.all_gather_time(2 * r["message_elements"], r["gpus"], links[r["system"]] * efficiency, latency)
        / (r["latency_ms"] / 1e3) - 1
        for r in rows.iter_rows(named=True)
    ]  # fmt: skip
    assert len(errors) >= 10
    assert math.fabs(float(np.median(errors))) < 0.15
