"""The known answers of fault tolerance, each derived by the equations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.core.formula import formula
from navarch.core.ledger import Ledger, registry
from navarch.distributed.faults import estimate, levels
from navarch.distributed.faults.resilience import goodput_curve, resilience, two_levels

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

times = st.floats(1.0, 1e4)
mttfs = st.floats(1e3, 1e7)


def llama3_rate() -> float:
    return estimate.failure_rate(419, 16384, 54 * DAY)


def test_ten_thousand_nodes_at_a_permille_a_day():
    rate = estimate.failure_rate_from_share(0.001, DAY)
    mttf = estimate.job_mttf(10_000, rate)
    assert estimate.expected_failures(10_000, rate, DAY) == pytest.approx(10)
    assert mttf == pytest.approx(2.4 * HOUR)
    assert estimate.probability_of_no_failure(DAY, mttf) == pytest.approx(4.54e-5, rel=1e-3)
    assert estimate.probability_of_no_failure(HOUR, mttf) == pytest.approx(0.6592, rel=1e-4)


@pytest.mark.parametrize(
    ("confidence", "days", "spares"),
    [(0.95, 3, 39), (0.99, 3, 43), (0.999, 3, 48), (0.99, 1, 18), (0.99, 7, 90), (0.99, 14, 168)],
)
def test_spares(confidence, days, spares):
    rate = estimate.failure_rate_from_share(0.001, DAY)
    down = estimate.nodes_down(10_000, rate, days * DAY)
    assert down == pytest.approx(10 * days)
    assert estimate.hot_spares(down, confidence) == spares


def test_llama3():
    rate = llama3_rate()
    assert estimate.job_mttf(16384, rate) == pytest.approx(3.093 * HOUR, rel=1e-4)
    assert rate * HOUR == pytest.approx(1.973e-5, rel=1e-3)
    assert estimate.node_mttf(rate) == pytest.approx(50_677 * HOUR, rel=1e-4)
    assert estimate.node_failure_rate(rate, 8) * DAY == pytest.approx(3.79e-3, rel=1e-3)
    assert estimate.expected_failures(16384, rate, 54 * DAY) == pytest.approx(419)


def test_twenty_five_thousand_accelerators_for_ninety_days():
    mttf = estimate.job_mttf(25_000, llama3_rate())
    assert estimate.expected_interruptions(90 * DAY, mttf) == pytest.approx(1066, abs=0.5)
    assert mttf == pytest.approx(2.03 * HOUR, rel=2e-3)
    rsc1 = estimate.failure_rate_from_share(6.5e-3, DAY)
    assert estimate.expected_failures(25_000 / 8, rsc1, 90 * DAY) == pytest.approx(1828.1, rel=1e-4)


@pytest.mark.parametrize(("accelerators", "hours"), [(1024, 28.8), (16384, 1.803), (131072, 0.225)])
def test_rsc1(accelerators, hours):
    rate = estimate.failure_rate_from_share(6.5e-3, DAY)
    assert estimate.job_mttf(accelerators / 8, rate) == pytest.approx(hours * HOUR, rel=2e-3)


@pytest.mark.parametrize(("accelerators", "hours"), [(1024, 80.1), (16384, 5.0), (131072, 0.63)])
def test_rsc2(accelerators, hours):
    rate = estimate.failure_rate_from_share(2.34e-3, DAY)
    assert estimate.job_mttf(accelerators / 8, rate) == pytest.approx(hours * HOUR, rel=1e-2)


def test_young_and_daly_worked_numbers():
    c, m = 5 * MINUTE, 180 * MINUTE
    assert estimate.young_interval(c, m) == pytest.approx(42.4 * MINUTE, rel=1e-3)
    assert estimate.daly_interval_first_order(c, m) == pytest.approx(37.4 * MINUTE, rel=1e-3)
    assert estimate.daly_interval_higher_order(c, m) == pytest.approx(39.159 * MINUTE, rel=1e-4)
    assert estimate.daly_interval(c, m) == pytest.approx(39.161 * MINUTE, rel=1e-4)
    assert estimate.daly_interval_higher_order(60, 180) == pytest.approx(109.69, abs=0.01)
    assert estimate.daly_interval(60, 180) == pytest.approx(110.00, abs=0.01)


@pytest.mark.parametrize(("mttf", "interval"), [(24 * 60, 116.7), (6 * 60, 56.7), (15, 9.14)])
def test_intervals_that_daly_published(mttf, interval):
    assert estimate.daly_interval_higher_order(5, mttf) == pytest.approx(interval, rel=1e-3)


def test_completion_time():
    m, c, r, tau = 180.0, 5.0, 10.0, 39.16
    run = estimate.completion_time(100 * tau, tau, c, r, m)
    assert run == pytest.approx(5290.8, abs=0.2)
    assert estimate.goodput(tau, c, r, m) == pytest.approx(0.740, abs=5e-4)
    assert estimate.goodput(tau, c, r, m) == pytest.approx(100 * tau / run)


def test_lost_work():
    assert estimate.lost_work_per_failure(60, 108.2) == pytest.approx(27.241, abs=1e-3)


@pytest.mark.parametrize(
    ("accelerators", "rate", "write", "restart", "interval", "first_order", "exact"),
    [
        (16384, 6.5e-3, 5, 5, 32.9, 0.696, 0.692),
        (3072, 6.5e-3, 5, 5, 60, 0.867, 0.865),
        (100_000, 2.34e-3, 1e-9, 2, 2, 0.939, 0.941),
        (100_000, 6.5e-3, 1, 5, None, 0.471, 0.527),
    ],
)
def test_ettr_beside_the_exact_model(accelerators, rate, write, restart, interval, first_order, exact):
    node_rate = estimate.failure_rate_from_share(rate, DAY)
    nodes = accelerators / 8
    mttf = estimate.job_mttf(nodes, node_rate)
    dt = interval * MINUTE if interval else estimate.young_interval(write * MINUTE, mttf)
    best = dt if interval else estimate.daly_interval(write * MINUTE, mttf)
    ettr = estimate.effective_training_time_ratio(nodes, node_rate, restart * MINUTE, dt, write * MINUTE)
    assert ettr == pytest.approx(first_order, abs=2e-3)
    assert estimate.goodput(best, write * MINUTE, restart * MINUTE, mttf) == pytest.approx(exact, abs=3e-3)


def test_effective_time_of_llama3():
    for checkpoint, expected in ((0.5, 0.904), (1, 0.876)):
        m, c, r = 3.09 * HOUR, checkpoint * MINUTE, 5 * MINUTE
        assert estimate.goodput(estimate.daly_interval(c, m), c, r, m) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("shape", "hours"), [(0.7, 0.0687), (1.0, 1.803), (1.5, 22.90)])
def test_weibull_first_failure(shape, hours):
    scale = estimate.weibull_scale(153.8 * DAY, shape)
    assert estimate.weibull_first_failure(2048, scale, shape) == pytest.approx(hours * HOUR, rel=2e-3)


def test_two_levels():
    found = two_levels(mttf=3.09 * HOUR, near_share=0.85, near_time=10.0, far_time=300.0)
    assert found.near_interval == pytest.approx(8.5 * MINUTE, rel=0.01)
    assert found.far_interval == pytest.approx(111 * MINUTE, rel=0.01)
    assert found.waste == pytest.approx(0.129, abs=5e-4)
    assert found.goodput == pytest.approx(1 - found.waste)
    assert levels.level_waste(300, 1 / (3.09 * HOUR)) == pytest.approx(0.232, abs=5e-4)


@given(checkpoint=times, mttf=mttfs, factor=st.floats(0.2, 5).filter(lambda f: abs(f - 1) > 0.01), restart=times)
def test_goodput_is_highest_at_the_exact_interval(checkpoint, mttf, factor, restart):
    best = estimate.daly_interval(checkpoint, mttf)
    at_best = estimate.goodput(best, checkpoint, restart, mttf)
    assert at_best >= estimate.goodput(best * factor, checkpoint, restart, mttf) * (1 - 1e-12)


@given(interval=times, checkpoint=times, restart=times, mttf=mttfs)
def test_shares_of_the_run_sum_to_one(interval, checkpoint, restart, mttf):
    costs = (interval, checkpoint, restart, mttf)
    parts = estimate.goodput(*costs) + estimate.checkpoint_share(*costs) + estimate.rework_share(*costs)
    assert parts + estimate.restart_share(restart, mttf) == pytest.approx(1)


@given(down=st.floats(0, 1e4), more=st.floats(0, 100), confidence=st.floats(0.5, 0.9999))
def test_spares_grow_with_failures_and_cover_the_mean(down, more, confidence):
    spares = estimate.hot_spares(down, confidence)
    assert estimate.hot_spares(down + more, confidence) >= spares
    assert spares >= np.floor(down) - 1


@given(checkpoint=st.floats(1e-3, 1e3), mttf=mttfs)
def test_exact_interval_lies_between_daly_and_young(checkpoint, mttf):
    exact = estimate.daly_interval(checkpoint, mttf)
    assert exact <= estimate.young_interval(checkpoint, mttf) * (1 + 1e-9)
    assert exact >= estimate.daly_interval_first_order(checkpoint, mttf) * (1 - 1e-9)


@given(segment=times, mttf=mttfs)
def test_lost_work_stays_below_half_a_segment(segment, mttf):
    assert 0 < estimate.lost_work_per_failure(segment, mttf) <= segment / 2 * (1 + 1e-6)


@given(restart=times, interval=times, checkpoint=times, mttf=mttfs, more=st.floats(1.01, 10))
def test_goodput_falls_with_restart_time_and_rises_with_mttf(restart, interval, checkpoint, mttf, more):
    base = estimate.goodput(interval, checkpoint, restart, mttf)
    assert estimate.goodput(interval, checkpoint, restart * more, mttf) <= base
    assert estimate.goodput(interval, checkpoint, restart, mttf * more) >= base


def inputs(nodes):
    return {
        "nodes": nodes, "node_rate": 4e-8, "work": 50 * DAY, "checkpoint_time": 30.0, "restart_time": 600.0,
        "repair_time": 3 * DAY, "confidence": 0.99, "hour": HOUR, "day": DAY,
    }  # fmt: skip


def test_composition_on_arrays_is_the_composition_on_each():
    nodes = np.array([100.0, 1000.0, 4000.0])
    together = resilience(**inputs(nodes))
    for i, n in enumerate(nodes):
        one = resilience(**inputs(float(n)))
        for field in one.__dataclass_fields__:
            assert np.broadcast_to(getattr(together, field), 3)[i] == pytest.approx(float(getattr(one, field))), field


def test_longer_runs_are_interrupted_more():
    found = resilience(**inputs(2048.0))
    assert found.run_time > 50 * DAY
    assert found.expected_interruptions == pytest.approx(found.run_time / found.job_mttf)
    assert resilience(**inputs(2048.0), interval=10.0).goodput < found.goodput


def test_curve_peaks_at_the_best_interval():
    best = estimate.daly_interval(30.0, 1e4)
    intervals, shares = goodput_curve(checkpoint_time=30.0, restart_time=600.0, mttf=1e4, best=best)
    assert intervals[np.argmax(shares)] == pytest.approx(best, rel=0.05)


def test_every_number_has_an_origin():
    with Ledger() as ledger:
        given = {name: ledger.field(name, value, "1", name) for name, value in inputs(2048.0).items()}
        found = resilience(**given)
        near = ledger.field("near", 0.85, "fraction", "near share")
        two_levels(
            mttf=found.job_mttf, near_share=near, near_time=given["checkpoint_time"], far_time=given["restart_time"]
        )
    assert ledger.orphans() == []
    assert ledger.exceeded() == []
    plain = resilience(**inputs(2048.0))
    for name in plain.__dataclass_fields__:
        assert getattr(found, name) == pytest.approx(float(getattr(plain, name))), name


@pytest.mark.parametrize("dialect", ["latex", "typst", "mathml", "text"])
def test_every_equation_prints(dialect):
    mine = [e for name, e in registry().items() if name.startswith("distributed.faults.")]
    assert len(mine) >= 25
    assert all(formula(e, dialect) for e in mine)
