"""Scaling laws, the roofline of several nodes and Little's law: known answers and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.core import queueing
from navarch.core.ledger import Ledger
from navarch.deployment.performance import bottleneck, cluster_roofline
from navarch.deployment.performance import estimate as room
from navarch.fleet.compute.estimate import ridge_point


def test_amdahl_and_gustafson_at_95_percent() -> None:
    assert room.amdahl_speedup(0.95, 20.0) == pytest.approx(10.256, abs=1e-3)
    assert room.amdahl_limit(0.95) == pytest.approx(20)
    assert room.gustafson_speedup(0.95, 20.0) == pytest.approx(19.05)


@given(parallel=st.floats(0, 0.999), workers=st.integers(1, 100_000))
def test_amdahl_stays_below_gustafson_and_the_limit(parallel: float, workers: int) -> None:
    fixed = room.amdahl_speedup(parallel, float(workers))
    assert 1 - 1e-9 <= fixed <= room.gustafson_speedup(parallel, float(workers)) * (1 + 1e-9)
    assert fixed <= room.amdahl_limit(parallel) * (1 + 1e-9)


@given(parallel=st.floats(0.001, 0.999), workers=st.integers(2, 10_000))
def test_karp_flatt_finds_the_serial_share(parallel: float, workers: int) -> None:
    assert room.serial_share(room.amdahl_speedup(parallel, workers), workers) == pytest.approx(1 - parallel, abs=1e-9)


@given(contention=st.floats(0, 1), workers=st.integers(1, 10_000))
def test_universal_law_without_coherency_is_amdahl(contention: float, workers: int) -> None:
    assert room.universal_speedup(float(workers), contention, 0.0) == pytest.approx(
        room.amdahl_speedup(1 - contention, float(workers))
    )


def test_universal_law_has_a_maximum() -> None:
    speedup = room.universal_speedup(np.arange(1.0, 1000.0), 0.02, 0.0005)
    assert np.argmax(speedup) + 1 == pytest.approx(math.sqrt((1 - 0.02) / 0.0005), abs=1)


def test_efficiencies() -> None:
    assert room.strong_scaling_efficiency(100.0, 14.0, 8.0) == pytest.approx(0.893, abs=1e-3)
    assert room.weak_scaling_efficiency(10.0, 12.5) == 0.8
    # Llama 3 405B (table 4): MFU 43 % on 8,192 and 41 % on 16,384 GPUs
    assert room.throughput_scaling_efficiency(430.0, 820.0, 2.0) == pytest.approx(0.953, abs=1e-3)


def test_roofline_of_h100() -> None:
    # 989.4 TFLOP/s over 3.35 TB/s: 295 FLOP a byte
    assert ridge_point(989.4e12, 3.35e12) == pytest.approx(295.3, abs=0.1)
    bound = cluster_roofline(8.0, 1e15, 1e12, 1e10, 989.4e12, 3.35e12, 50e9)
    assert bound.bottleneck.binding == "compute"
    assert bound.rate == pytest.approx(8 * 989.4e12)
    assert cluster_roofline(8.0, 1e15, 1e13, 1e10, 989.4e12, 3.35e12, 50e9).bottleneck.binding == "memory"
    assert cluster_roofline(8.0, 1e15, 1e12, 1e11, 989.4e12, 3.35e12, 50e9).bottleneck.binding == "network"


@given(
    work=st.floats(1e9, 1e18),
    memory=st.floats(1e3, 1e15),
    network=st.floats(1e3, 1e13),
    workers=st.integers(1, 100_000),
)
def test_rate_is_that_of_the_slowest_resource(work: float, memory: float, network: float, workers: int) -> None:
    bound = cluster_roofline(float(workers), work, memory, network, 1e15, 3e12, 5e10)
    assert bound.rate == pytest.approx(workers * work / bound.bottleneck.longest, rel=1e-9)
    assert sum(bound.bottleneck.shares.values()) == pytest.approx(1)


def test_arrays_agree_with_scalars() -> None:
    memory = np.array([1e11, 1e12, 1e13, 1e14])
    many = cluster_roofline(8.0, 1e15, memory, 1e10, 989.4e12, 3.35e12, 50e9)
    assert many.bottleneck.binding == ""
    for i, one in enumerate(memory):
        assert many.rate[i] == cluster_roofline(8.0, 1e15, one, 1e10, 989.4e12, 3.35e12, 50e9).rate


def test_little_and_the_asymptotic_bound() -> None:
    assert queueing.number_in_system(50.0, 2.0) == 100
    assert queueing.time_in_system(100.0, 50.0) == 2
    assert room.throughput_bound(1.0, 0.5, 0.2, 1.5) == 0.5
    assert room.throughput_bound(100.0, 0.5, 0.2, 1.5) == 5


def test_bottleneck_keeps_the_trail() -> None:
    with Ledger() as ledger:
        parts = {n: ledger.field(f"t.{n}", v, "s", n) for n, v in {"compute": 3.0, "exposed": 1.0}.items()}
        found = bottleneck(parts)
    assert ledger.orphans() == []
    assert found.binding == "compute"
    assert found.shares["compute"] == 0.75
    assert found.total.entry.unit == "s"
