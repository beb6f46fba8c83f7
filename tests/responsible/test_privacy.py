"""Published privacy budgets, and the laws of the accounting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from navarch.responsible.privacy import accounting, estimate
from navarch.responsible.privacy.budget import private_training

rates = st.floats(1e-4, 0.5)
noises = st.floats(0.5, 8)


@pytest.mark.parametrize(
    ("batch", "noise", "epochs", "published", "later"),
    [(256, 1.12, 60, 2.92, 2.52), (256, 0.6, 30, 9.74, 8.77), (256, 1.2, 10, 1.20, 0.93)],
)
def test_published_budgets_of_mnist(batch, noise, epochs, published, later):
    rate = estimate.sampling_rate(batch, 60_000)
    steps = estimate.training_steps(epochs, rate)
    assert estimate.privacy_spent_first_conversion(rate, noise, steps, 1e-5) == pytest.approx(published, rel=0.02)
    assert estimate.privacy_spent(rate, noise, steps, 1e-5) == pytest.approx(later, rel=0.02)


def test_abadi():
    assert estimate.privacy_spent_first_conversion(0.01, 4.0, 10_000, 1e-5) == pytest.approx(1.26, rel=0.01)
    assert estimate.privacy_spent(0.01, 4.0, 10_000, 1e-5) == pytest.approx(1.04, rel=0.02)


def test_every_record_in_every_step_is_the_plain_gaussian():
    assert accounting.rdp_of_step(1.0, 2.0) == pytest.approx(accounting.ORDERS / (2 * 4.0))
    assert accounting.rdp_of_step(0.0, 2.0) == pytest.approx(np.zeros(accounting.ORDERS.size))


@pytest.mark.parametrize(("rate", "noise", "order"), [(0.1, 1.0, 2), (0.3, 2.0, 5), (0.01, 0.8, 8)])
def test_rdp_is_the_divergence_of_the_mixture(rate, noise, order):
    def density(x, mean):
        return np.exp(-((x - mean) ** 2) / (2 * noise**2)) / (noise * np.sqrt(2 * np.pi))

    def integrand(x):
        return (1 - rate + rate * np.exp((2 * x - 1) / (2 * noise**2))) ** order * density(x, 0)

    moment, _ = integrate.quad(integrand, -30, 40, limit=500, points=[0, 1, order])
    index = int(np.flatnonzero(order == accounting.ORDERS)[0])
    assert accounting.rdp_of_step(rate, noise)[index] == pytest.approx(np.log(moment) / (order - 1), rel=1e-6)


def test_small_rates_lose_no_digits():
    q, sigma = 1e-7, 1.0
    assert accounting.rdp_of_step(q, sigma)[0] == pytest.approx(q**2 * np.expm1(1 / sigma**2), rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(rate=rates, noise=noises, steps=st.floats(1, 1e5), more=st.floats(1.01, 3))
def test_more_noise_spends_less_and_more_steps_more(rate, noise, steps, more):
    spent = estimate.privacy_spent(rate, noise, steps, 1e-6)
    assert estimate.privacy_spent(rate, noise * more, steps, 1e-6) <= spent + 1e-9
    assert estimate.privacy_spent(rate, noise, steps * more, 1e-6) >= spent - 1e-9
    assert estimate.privacy_spent_first_conversion(rate, noise, steps, 1e-6) >= spent - 1e-9


@settings(max_examples=20, deadline=None)
@given(rate=st.floats(1e-4, 0.2), steps=st.floats(10, 1e4), epsilon=st.floats(0.3, 10))
def test_noise_needed_meets_the_budget_and_no_more(rate, steps, epsilon):
    noise = estimate.noise_needed(epsilon, 1e-6, rate, steps)
    assert estimate.privacy_spent(rate, noise, steps, 1e-6) <= epsilon
    if noise > 0.011:
        assert estimate.privacy_spent(rate, noise * 0.999, steps, 1e-6) > epsilon


def test_accounting_on_arrays():
    q, sigma = np.array([0.01, 0.02, 0.01]), np.array([1.0, 2.0, 4.0])
    together = estimate.privacy_spent(q, sigma, 1000.0, 1e-5)
    assert list(together) == [float(estimate.privacy_spent(a, b, 1000.0, 1e-5)) for a, b in zip(q, sigma, strict=True)]
    needed = estimate.noise_needed(np.array([1.0, 8.0]), 1e-5, 0.01, 1000.0)
    assert needed[0] > needed[1]
    assert needed[1] == pytest.approx(float(estimate.noise_needed(8.0, 1e-5, 0.01, 1000.0)))


@given(epsilon=st.floats(0, 20), delta=st.floats(0, 1e-3), wrong=st.floats(0, 1))
def test_membership_bound(epsilon, delta, wrong):
    bound = estimate.membership_bound(epsilon, delta, wrong)
    assert min(wrong, 1 - delta) - 1e-9 <= bound <= 1
    assert bound <= np.exp(epsilon) * wrong + delta + 1e-12
    assert bound - wrong <= estimate.membership_advantage(epsilon, delta) + 1e-9


def test_membership_at_epsilon_one():
    assert estimate.membership_bound(1.0, 1e-5, 0.01) == pytest.approx(np.e * 0.01 + 1e-5)
    assert estimate.membership_advantage(0.0, 0.0) == 0


def test_price_of_privacy():
    assert estimate.private_training_time(100.0, 2.6) == pytest.approx(260)
    assert estimate.privacy_cost(100.0, 2.6) == pytest.approx(160)
    assert estimate.per_sample_gradient_memory(4, 7e6, 4) == 112e6
    assert estimate.confidential_latency(0.2, 0.05) == pytest.approx(0.21)
    assert estimate.handshake_time(2, 0.08) == pytest.approx(0.16)
    assert estimate.gradient_noise(1.0, 2.0, 100) == pytest.approx(0.02)


def test_composition_from_noise_and_from_budget():
    common = {
        "batch": 256.0, "records": 60_000.0, "epochs": 60.0, "delta": 1e-5, "accelerator_time": 3600.0,
        "stretch": 2.2, "false_positives": 0.001,
    }  # fmt: skip
    by_noise = private_training(**common, noise=1.12)
    by_budget = private_training(**common, epsilon=float(by_noise.epsilon))
    assert by_budget.noise == pytest.approx(1.12, rel=1e-6)
    assert by_noise.steps == pytest.approx(14062.5)
    assert by_noise.accelerator_time - by_noise.extra_time == pytest.approx(3600)
    with pytest.raises(TypeError, match="noise or epsilon"):
        private_training(**common)
