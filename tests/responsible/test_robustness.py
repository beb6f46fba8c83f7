"""Known values of certification, corruption and drift, and their laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from navarch.responsible.robustness import estimate
from navarch.responsible.robustness.hardening import corruption, hardening

DAY = 86400.0
shares = st.floats(0.0, 1.0)


def test_adversarial_training():
    assert estimate.adversarial_training_bound(7) == 8
    for steps, measured in ((3, 2.25), (7, 4.63)):
        assert estimate.adversarial_training_stretch(steps, 0.5) == pytest.approx(measured, rel=0.12)
        assert measured <= estimate.adversarial_training_bound(steps)


@given(steps=st.integers(0, 50), share=st.floats(0.01, 1))
def test_stretch_stays_under_the_bound(steps, share):
    assert 1 <= estimate.adversarial_training_stretch(steps, share) <= estimate.adversarial_training_bound(steps)


def test_certified_radius():
    assert estimate.largest_certified_radius(1.0, 100_000, 0.001) == pytest.approx(3.8, abs=0.02)
    assert estimate.certified_radius(0.5, 0.9, 0.1) == pytest.approx(0.5 * stats.norm.ppf(0.9))
    assert estimate.smoothing_compute(100, 4e9) == 4e11


@given(noise=st.floats(0.01, 2), top=st.floats(0.5, 0.999), more=st.floats(0, 0.4))
def test_surer_predictions_are_certified_further(noise, top, more):
    surer = min(top + more, 0.9999)
    assert estimate.certified_radius(noise, surer, 1 - surer) >= estimate.certified_radius(noise, top, 1 - top)


def test_llama3_corruptions():
    rate = 6 / (16384 * 54 * DAY)
    assert rate == pytest.approx(7.85e-11, rel=1e-3)
    found = corruption(
        rate=rate, accelerators=16384.0, period=54 * DAY, coverage=0.7, repeated=0.0025, copies=2.0, interval=1800.0,
        delay=28800.0,
    )  # fmt: skip
    assert found.events == pytest.approx(6)
    assert found.probability == pytest.approx(1 - np.exp(-6))
    assert found.undetected == pytest.approx(1.8)
    assert found.overhead == pytest.approx(0.0025)
    assert found.rework == pytest.approx(6 * (900 + 28800))


@given(correct=st.floats(0.5, 1))
def test_a_vote_of_three_helps_where_one_is_mostly_right(correct):
    assert estimate.majority_of_three(correct) >= correct - 1e-12
    assert estimate.majority_of_three(correct) == pytest.approx(stats.binom.sf(1, 3, correct))


def test_drift():
    sample = int(estimate.drift_sample(0.2, 0.01, 0.9))
    rng = np.random.default_rng(1)
    before, after = rng.normal(0, 1, (4000, sample)).mean(1), rng.normal(0.2, 1, (4000, sample)).mean(1)
    z = (after - before) / np.sqrt(2 / sample)
    assert np.mean(z > stats.norm.ppf(0.99)) == pytest.approx(0.9, abs=0.02)
    assert estimate.drift_delay(1000, 100, 0.01) == pytest.approx(1000)
    assert estimate.drift_sample_hoeffding(0.1, 0.002) == pytest.approx(1382, abs=1)


def test_stability_index_floor():
    assert estimate.stability_index_floor(10, 5000, 1000) == pytest.approx(0.010, abs=1e-3)
    rng = np.random.default_rng(2)
    p = rng.multinomial(5000, [0.1] * 10, 500) / 5000
    q = rng.multinomial(1000, [0.1] * 10, 500) / 1000
    found = np.mean(np.sum((p - q) * np.log(p / q), axis=1))
    assert estimate.stability_index_floor(10, 5000, 1000) == pytest.approx(found, rel=0.1)


def watch(**changes):
    given = {
        "attack_steps": 7.0, "step_share": 0.5, "accelerator_time": 1e6, "adversarial_share": 0.02, "shift": 0.1,
        "alpha": 0.001, "power": 0.9, "request_rate": 100.0, "labelled": 0.01,
    }  # fmt: skip
    return hardening(**{**given, **changes})


def test_hardening_on_arrays():
    steps = np.array([1.0, 3.0, 7.0])
    together = watch(attack_steps=steps)
    assert together.extra_time[2] == pytest.approx(watch().extra_time)
    assert np.all(np.diff(together.extra_time) > 0)
    assert watch(shift=0.2).drift_delay < watch().drift_delay
