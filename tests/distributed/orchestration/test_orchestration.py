"""Queues against exact sums and known values, and the laws of what scheduling strands."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.core.formula import formula
from navarch.core.ledger import Ledger, registry
from navarch.core.queueing import single_server_wait, wait_probability
from navarch.distributed.orchestration import estimate
from navarch.distributed.orchestration.scheduling import scheduling, sharing

HOUR = 3600.0


def erlang_c_by_sum(load: float, servers: int) -> float:
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = load * blocked / (k + load * blocked)
    rho = load / servers
    return blocked / (1 - rho * (1 - blocked))


@given(servers=st.integers(1, 300), rho=st.floats(0.05, 0.99))
def test_erlang_c_is_the_recursion(servers, rho):
    load = rho * servers
    assert wait_probability(load, servers) == pytest.approx(erlang_c_by_sum(load, servers), rel=1e-8)


def test_erlang_c_of_large_and_overloaded_clusters():
    assert wait_probability(9900.0, 10_000) == pytest.approx(erlang_c_by_sum(9900.0, 10_000), rel=1e-6)
    assert wait_probability(20.0, 10) == 1
    assert np.all(np.diff(wait_probability(8.0, np.arange(9, 20))) < 0)


def test_one_server_waits():
    rho, service = 0.8, HOUR
    probability = wait_probability(rho, 1)
    exact = rho * service / (1 - rho)
    assert probability == pytest.approx(rho)
    assert estimate.mmc_wait(probability, service, 1, rho) == pytest.approx(exact)
    assert single_server_wait(rho, service, 1) == pytest.approx(exact)
    assert estimate.job_wait(rho, 1, service, 1, 1) == pytest.approx(exact)
    assert single_server_wait(rho, service, 0) == pytest.approx(exact / 2)
    assert estimate.late_share(probability, service, 1, rho, 0.0) == pytest.approx(rho)


@given(servers=st.integers(2, 200), rho=st.floats(0.8, 0.98))
def test_sakasegawa_is_near_the_exact_queue_in_heavy_traffic(servers, rho):
    load = rho * servers
    exact = estimate.mmc_wait(wait_probability(load, servers), HOUR, servers, load)
    near = estimate.job_wait(rho, servers, HOUR, 1, 1)
    assert near == pytest.approx(exact, rel=0.2, abs=0.01 * HOUR)


@given(load=st.floats(100, 1e4), beta=st.floats(0.3, 3))
def test_staffing_keeps_waits_at_the_halfin_whitt_level(load, beta):
    servers = estimate.square_root_staffing(load, beta)
    cdf, pdf = 0.5 * (1 + math.erf(beta / math.sqrt(2))), math.exp(-(beta**2) / 2) / math.sqrt(2 * math.pi)
    limit = 1 / (1 + beta * cdf / pdf)
    assert wait_probability(load, servers) <= limit * 1.15 + 0.02


def test_fragmentation():
    stranded = estimate.stranded_accelerators(6212, 0.954)
    assert estimate.stranded_accelerators(6212, 0.875) - stranded == pytest.approx(490.7, abs=0.1)
    assert estimate.fragmentation_cost(stranded, 2.0 / HOUR, HOUR) == pytest.approx(2 * stranded)
    assert estimate.fragmentation_node_time(stranded, 8, HOUR) == pytest.approx(stranded / 8 * HOUR)


@given(gang=st.integers(1, 5000), per_node=st.sampled_from([1, 4, 8, 72]))
def test_rounding_loss(gang, per_node):
    loss = estimate.rounding_loss(gang, per_node)
    assert 0 <= loss < 1
    if gang % per_node == 0:
        assert loss == pytest.approx(0, abs=1e-12)


@given(gang=st.floats(1, 900), more=st.floats(1, 50))
def test_larger_gangs_cost_more(gang, more):
    for loss in (estimate.gang_loss, lambda g, n: estimate.drain_time(g, n, HOUR)):
        assert loss(gang + more, 1000.0) >= loss(gang, 1000.0)


def test_drain_is_the_integral_of_the_free_accelerators():
    gang, accelerators = 300.0, 1000.0
    end = estimate.drain_time(gang, accelerators, HOUR)
    t = np.linspace(0, end, 20_001)
    free = accelerators * -np.expm1(-t / HOUR)
    assert free[-1] == pytest.approx(gang)
    assert estimate.drain_idle_time(gang, accelerators, HOUR) == pytest.approx(np.trapezoid(free, t), rel=1e-6)


def test_a_gang_starts_with_its_last_member():
    assert estimate.gang_start_time(1, 60, 15) == pytest.approx(75)
    assert estimate.gang_start_time(4, 60, 12) == pytest.approx(60 + 12 * 25 / 12)
    rng = np.random.default_rng(1)
    last = 60 + rng.exponential(15, (4000, 256)).max(axis=1).mean()
    assert estimate.gang_start_time(256, 60, 15) == pytest.approx(last, rel=0.02)


def cluster(**changes):
    given = {
        "accelerators": 1024.0, "accelerators_per_node": 8.0, "servers": 128.0, "arrival_rate": 27 / HOUR,
        "service_time": 4 * HOUR, "arrival_variation": 3.0, "service_variation": 3.0, "quality": 1.0, "gang": 12.0,
        "gang_nodes": 2.0, "allocated": 0.931, "start_common": 60.0, "start_jitter": 15.0, "price": 2 / HOUR,
        "period": 8760 * HOUR,
    }  # fmt: skip
    return scheduling(**{**given, **changes})


def test_composition_on_arrays_is_the_composition_on_each():
    rates = np.array([10.0, 20.0, 30.0]) / HOUR
    together = cluster(arrival_rate=rates)
    for i, rate in enumerate(rates):
        one = cluster(arrival_rate=float(rate))
        for name in one.__dataclass_fields__:
            assert np.broadcast_to(getattr(together, name), 3)[i] == pytest.approx(float(getattr(one, name))), name
    assert np.all(np.diff(together.wait) > 0)


def test_a_target_utilisation_stands_for_the_arrivals():
    found = cluster(arrival_rate=None, target=0.85)
    assert found.utilisation == pytest.approx(0.85)
    assert found.offered_load == pytest.approx(0.85 * 128)
    with pytest.raises(TypeError, match="arrival_rate or target"):
        cluster(arrival_rate=None)


def test_an_overloaded_cluster_waits_for_ever():
    assert cluster(arrival_rate=40 / HOUR).wait == np.inf
    assert cluster(arrival_rate=40 / HOUR).mmc_wait == np.inf


def test_cluster():
    found = cluster()
    assert found.utilisation == pytest.approx(108 / 128)
    assert found.headroom + found.utilisation == pytest.approx(1)
    assert found.rounding_loss == pytest.approx(0.25)
    assert found.effective_utilisation < found.utilisation


@given(mean=st.floats(0, 500), peak=st.floats(1, 4), margin=st.floats(0, 1), lent=st.floats(0, 1))
def test_sharing(mean, peak, margin, lent):
    found = sharing(accelerators=5000.0, serving_mean=mean, peak_ratio=peak, margin=margin, lent=lent)
    assert found.reserve + found.for_training == pytest.approx(5000)
    assert 0 <= found.harvest <= found.reserve - mean + 1e-9


def test_every_number_has_an_origin():
    given = {
        "accelerators": 1024.0, "accelerators_per_node": 8.0, "servers": 128.0, "target": 0.85, "service_time": 14400.0,
        "arrival_variation": 3.0, "service_variation": 3.0, "quality": 1.0, "gang": 64.0, "gang_nodes": 8.0,
        "allocated": 0.931, "start_common": 60.0, "start_jitter": 15.0, "price": 2 / HOUR, "period": 8760 * HOUR,
    }  # fmt: skip
    with Ledger() as ledger:
        fields = {name: ledger.field(name, value, "1", name) for name, value in given.items()}
        found = scheduling(**fields)
        sharing(
            accelerators=fields["accelerators"], serving_mean=fields["servers"], peak_ratio=fields["service_variation"],
            margin=fields["target"], lent=fields["target"],
        )  # fmt: skip
    assert ledger.orphans() == []
    assert ledger.exceeded() == []
    assert found.wait == pytest.approx(float(scheduling(**given).wait))


@pytest.mark.parametrize("dialect", ["latex", "typst", "mathml", "text"])
def test_every_equation_prints(dialect):
    mine = [e for name, e in registry().items() if name.startswith("distributed.orchestration.")]
    assert len(mine) >= 20
    assert all(formula(e, dialect) for e in mine)
