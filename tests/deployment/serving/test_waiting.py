"""Waiting and rates against exact queueing results."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from navarch.core.queueing import single_server_wait
from navarch.deployment.serving import throughput, waiting


@pytest.mark.parametrize("load", [0.1, 0.5, 0.9])
def test_one_server_with_random_arrivals_is_exact(load: float) -> None:
    mean = load / (1 - load)  # M/M/1, service time 1
    probability = waiting.wait_probability(load, 1.0)
    assert probability == pytest.approx(load)
    assert waiting.slot_wait(probability, 1.0, 1.0, load, 1.0, 1.0) == pytest.approx(mean)
    assert single_server_wait(load, 1.0, 1.0) == pytest.approx(mean)
    assert single_server_wait(load, 1.0, 0.0) == pytest.approx(mean / 2)  # M/D/1
    tail = waiting.tail_wait(mean, probability, 0.99)
    assert load * math.exp(-tail * (1 - load)) == pytest.approx(0.01)


@pytest.mark.parametrize(("load", "servers"), [(0.8, 4), (0.9, 16), (0.95, 64)])
def test_many_servers_are_near_erlang(load: float, servers: int) -> None:
    offered = load * servers
    blocked = stats.poisson.pmf(servers, offered) / stats.poisson.cdf(servers, offered)
    delayed = blocked / (1 - load * (1 - blocked))
    exact = delayed / (servers * (1 - load))
    found = waiting.slot_wait(waiting.wait_probability(load, servers), 1.0, 1.0, load, servers, 1.0)
    assert found == pytest.approx(exact, rel=0.15)


def test_few_who_wait_leave_no_tail() -> None:
    assert waiting.tail_wait(1.0, 0.005, 0.99) == 0


def test_length_quantile_is_lognormal() -> None:
    drawn = np.random.default_rng(1).lognormal(0, math.sqrt(math.log(2)), 400_000)
    drawn *= 1000 / drawn.mean()
    assert waiting.length_quantile(1000.0, 1.0, 0.99) == pytest.approx(np.quantile(drawn, 0.99), rel=0.03)


def test_batch_quantile_is_poisson_and_capped() -> None:
    assert waiting.batch_quantile(100.0, 1e9, 0.99) == pytest.approx(stats.poisson.ppf(0.99, 100), abs=1)
    assert waiting.batch_quantile(100.0, 110.0, 0.99) == 110


def test_speculation_against_leviathan_figure() -> None:
    # Leviathan et al. 2023, section 3: alpha 0.8, gamma 5 gives 3.69 tokens a step
    tokens = throughput.speculative_tokens(0.8, 5.0)
    assert tokens == pytest.approx((1 - 0.8**6) / 0.2) == pytest.approx(3.69, abs=0.01)
    assert throughput.speculative_speedup(tokens, 5.0, 0.0) == tokens


def test_cost_and_energy_of_a_million_tokens() -> None:
    assert throughput.cost_per_million_tokens(2 / 3600, 8, 4000.0) == pytest.approx(1.111, rel=1e-3)
    assert throughput.energy_per_million_tokens(1000.0, 8, 4000.0) == pytest.approx(2e6)


def test_replicas_round_up() -> None:
    assert throughput.replicas_needed(100.0, 3.0, 0.8) == 42
