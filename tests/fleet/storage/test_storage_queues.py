"""The simulation converges to theory where there is one: M/M/c, M/D/1, M/G/1, Little's law; and caches to theirs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.core.queueing import number_in_system, wait_probability
from navarch.fleet.storage import queueing
from navarch.fleet.storage.caching import least_recent_share
from navarch.fleet.storage.draws import four_uniform, philox
from navarch.fleet.storage.expected import expected, variation_of
from navarch.fleet.storage.model import Metadata, Readers, Service, Store, Tier
from navarch.fleet.storage.simulate import StorageRun, simulate

SERVICE = 1e-3


def queue(
    channels: int, load: float, service: Service, steps: int, seed: int, shape: float = 4.5
) -> tuple[Tier, StorageRun]:
    """One reader whose steps are random, always far ahead: its requests are a Poisson process."""
    tier = Tier("queue", 1, channels, SERVICE, SERVICE, service=service, shape=shape)
    reader = Readers(1, SERVICE / (load * channels), 1, 1.0, workers=150, prefetch=150, variation=1.0)
    return tier, simulate(Store((tier,)), reader, steps, seed=seed)


def theory(tier: Tier, load: float) -> float:
    busy = load * tier.channels
    waiting = wait_probability(busy, tier.channels)
    return float(queueing.channel_wait(waiting, tier.read, tier.channels, busy, 1.0, variation_of(tier)))


@settings(max_examples=8)
@given(st.integers(1, 12), st.floats(0.3, 0.75), st.integers(0, 10_000))
def test_many_channels_with_exponential_service_wait_as_erlang_says(channels: int, load: float, seed: int) -> None:
    tier, run = queue(channels, load, "exponential", 120_000, seed)
    found = run.tiers[0]
    assert found.wait == pytest.approx(theory(tier, load), rel=0.15, abs=0.02 * SERVICE)
    assert found.utilisation == pytest.approx(load, rel=0.03)


@settings(max_examples=8)
@given(st.floats(0.2, 0.8), st.sampled_from(["fixed", "pareto"]), st.integers(0, 10_000))
def test_one_channel_with_any_service_waits_as_pollaczek_and_khinchine_say(
    load: float, service: Service, seed: int
) -> None:
    tier, run = queue(1, load, service, 60_000, seed)
    assert run.tiers[0].wait == pytest.approx(theory(tier, load), rel=0.15, abs=0.01 * SERVICE)


def test_longer_runs_come_closer() -> None:
    errors = []
    for steps in (1_000, 100_000):
        runs = [queue(4, 0.7, "exponential", steps, seed) for seed in range(5)]
        errors.append(np.mean([abs(run.tiers[0].wait / theory(tier, 0.7) - 1) for tier, run in runs]))
    assert errors[1] < 0.3 * errors[0]
    assert errors[1] < 0.03


@settings(max_examples=10)
@given(
    st.integers(1, 40), st.integers(1, 6), st.integers(1, 4), st.integers(1, 3), st.integers(1, 5),
    st.sampled_from(["fixed", "exponential", "pareto"]), st.booleans(), st.integers(0, 1000),
)  # fmt: skip
def test_littles_law(
    accelerators: int, requests: int, workers: int, depth: int, prefetch: int, service: Service, together: bool,
    seed: int,
) -> None:  # fmt: skip
    """Requests inside = rate x time, whatever the mechanism: of long runs, nothing left out."""
    store = Store((Tier("t", 3, 2, 2e-3, 2e-3, latency=1e-3, spread=0.5, service=service),))
    readers = Readers(accelerators, 0.02, requests, 1.0, workers, depth, prefetch, together=together)
    run = simulate(store, readers, 300, warm=0, seed=seed)
    rate = run.tiers[0].requests / run.duration
    assert run.inside == pytest.approx(number_in_system(rate, run.tiers[0].response), rel=0.05)


def test_a_batch_of_one_request_is_late_as_often_as_the_tail_of_the_response_says() -> None:
    """Random steps, one random server each request: P(R > t) = exp(-(mu - lambda) t)."""
    store = Store((Tier("t", 50, 1, 8e-3, 8e-3, service="exponential"),))
    readers = Readers(500, 0.1, 1, 1.0, workers=60, prefetch=60, together=False, variation=1.0)
    seen = simulate(store, readers, 1000, seed=7).tiers[0]
    rate = 1 / 8e-3 - 100
    for level in (0.5, 0.9, 0.99):
        assert seen.quantile(level) == pytest.approx(-math.log(1 - level) / rate, rel=0.08)
    mean = 1 / rate
    assert float(queueing.late_batch(mean, mean**2, 0.0, 0.3)) == pytest.approx(math.exp(-rate * 0.3))


def test_regular_readers_starve_about_as_often_as_random_ones() -> None:
    """The estimate takes requests as random; those of regular steps are nearly, and a reader that waits asks less."""
    store = Store((Tier("t", 50, 1, 8e-3, 8e-3, service="exponential"),))
    readers = Readers(500, 0.1, 1, 1.0, workers=2, prefetch=2, together=False)
    told, run = expected(store, readers), simulate(store, readers, 800, seed=5)
    assert told.starvation == pytest.approx(math.exp(-25 * 0.2), rel=0.02)
    assert run.tiers[0].response == pytest.approx(told.tiers[0].response, rel=0.04)
    assert 0.4 * told.starvation < run.starvation < 1.6 * told.starvation


@pytest.mark.parametrize("together", [True, False])
def test_estimate_beside_simulation_of_a_parallel_file_system(together: bool) -> None:
    store = Store((Tier("pfs", 8, 8, 1e-3, 1e-3, latency=5e-4, spread=0.5, service="pareto"),))
    readers = Readers(256, 0.1, 16, 1e6, workers=4, depth=2, prefetch=4, together=together)
    told, run = expected(store, readers), simulate(store, readers, 80, seed=1)
    assert run.tiers[0].utilisation == pytest.approx(told.tiers[0].utilisation, rel=0.05)
    assert run.tiers[0].response == pytest.approx(told.tiers[0].response, rel=0.25)
    assert run.rate == pytest.approx(told.demand, rel=0.01)
    assert run.starvation == pytest.approx(told.starvation, abs=1e-3)


def test_metadata_servers_are_a_queue_of_their_own() -> None:
    tier = Tier("t", 64, 8, 1e-6, 1e-6, lookup=True)
    store = Store((tier,), Metadata(2, 1e-3))
    reader = Readers(1, 1e-3 / 1.4, 1, 1.0, workers=300, prefetch=300, variation=1.0)
    run = simulate(store, reader, 300_000, seed=2)
    busy = 1.4
    wait = queueing.channel_wait(wait_probability(busy, 2), 1e-3, 2, busy, 1.0, 1.0)
    assert run.lookup == pytest.approx(wait + 1e-3, rel=0.05)


@settings(max_examples=6)
@given(st.floats(0.05, 0.99))
def test_a_cache_that_evicts_serves_as_the_formula_says(kept: float) -> None:
    items = 4000
    found = least_recent_share(items, max(int(kept * items), 1), 5, seed=1)
    assert found == pytest.approx(float(queueing.lru_share(kept)), abs=0.02)


def test_a_cache_that_evicts_serves_much_less_than_its_size() -> None:
    assert queueing.kept_share(0.5, 1.0) == 0.5
    assert float(queueing.lru_share(0.5)) == pytest.approx(0.153, abs=0.001)
    assert float(queueing.lru_share(1.0)) == 1.0
    assert queueing.share_of_run(0.5, 10.0) == 0.45


def test_philox_gives_the_published_words() -> None:
    """Known answers of Random123 for Philox 4x32-10."""
    zero, ones = np.uint64(0), np.uint64(0xFFFFFFFF)
    assert [int(w) for w in philox(zero, zero, zero, zero, zero, zero)] == [
        0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8,
    ]  # fmt: skip
    assert [int(w) for w in philox(ones, ones, ones, ones, ones, ones)] == [
        0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD,
    ]  # fmt: skip


def test_draws_are_uniform_and_differ_by_entity() -> None:
    drawn = np.array([four_uniform(3, 0, entity, count) for entity in range(50) for count in range(50)])
    assert drawn.min() > 0
    assert drawn.max() < 1
    assert np.allclose(drawn.mean(axis=0), 0.5, atol=0.02)
    assert len(np.unique(drawn)) == drawn.size


def test_erlang_of_published_tables() -> None:
    """Erlang C with 10 channels and 8 busy: 0.4092; with one channel it is the load."""
    assert float(wait_probability(8.0, 10.0)) == pytest.approx(0.4092, abs=1e-4)
    assert float(wait_probability(0.3, 1.0)) == pytest.approx(0.3)
    assert float(queueing.channel_wait(1.0, 1.0, 1.0, 1.0, 1.0, 1.0)) == math.inf
