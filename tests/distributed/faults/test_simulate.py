"""A fleet run failure by failure, against the closed forms that its means must tend to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.distributed.faults import estimate
from navarch.distributed.faults.simulate import FleetRuns, run_fleet

HOUR, DAY = 3600.0, 86400.0
FLEET = {
    "nodes": 3125, "node_rate": 4.4e-8, "period": 90 * DAY, "restart_time": 600.0, "interval": 1800.0,
    "checkpoint_time": 30.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def runs() -> FleetRuns:
    return run_fleet(**FLEET, replications=400, seed=3)


def _error(sample: np.ndarray) -> float:
    """Four standard errors of a mean."""
    return 4 * float(np.std(sample, ddof=1)) / np.sqrt(len(sample))


@settings(max_examples=25)
@given(
    nodes=st.integers(1, 4000),
    expected=st.floats(0.5, 300.0),
    restart=st.floats(0.0, 0.5),
    interval=st.floats(0.05, 3.0),
    checkpoint=st.floats(0.001, 0.3),
    seed=st.integers(0, 2**32),
)
def test_means_tend_to_the_closed_forms(
    nodes: int, expected: float, restart: float, interval: float, checkpoint: float, seed: int
) -> None:
    """Times in units of the job's mean time to failure; the end of a run is worth one segment and one restart."""
    rate = 1.0 / nodes
    runs = run_fleet(
        nodes=nodes, node_rate=rate, period=expected, restart_time=restart, interval=interval,
        checkpoint_time=checkpoint, replications=300, seed=seed,
    )  # fmt: skip
    mean = float(estimate.expected_failures(nodes, rate, expected))
    assert abs(runs.interruptions.mean() - mean) <= 5 * np.sqrt(mean / 300)
    ends = (interval + checkpoint + restart) / expected
    costs = (interval, checkpoint, restart, 1.0)
    for found, closed in (
        (runs.useful, estimate.goodput(*costs)),
        (runs.checkpointing, estimate.checkpoint_share(*costs)),
        (runs.repeated, estimate.rework_share(*costs)),
        (runs.restarting, estimate.restart_share(restart, 1.0)),
    ):
        assert abs(found.mean() - closed) <= _error(found) + ends + 1e-9


def test_interruptions_of_one_run_scatter_as_poisson(runs: FleetRuns) -> None:
    mean = float(estimate.expected_failures(FLEET["nodes"], FLEET["node_rate"], FLEET["period"]))
    assert runs.interruptions.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / 400))
    assert runs.interruptions.var() == pytest.approx(mean, rel=0.35)


def test_the_shares_are_the_whole_time(runs: FleetRuns) -> None:
    total = runs.useful + runs.checkpointing + runs.repeated + runs.restarting
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)
    for share in (runs.useful, runs.checkpointing, runs.repeated, runs.restarting):
        assert (share >= 0).all()


def test_a_long_run_has_the_goodput_of_the_closed_form(runs: FleetRuns) -> None:
    mttf = float(estimate.job_mttf(FLEET["nodes"], FLEET["node_rate"]))
    closed = float(estimate.goodput(FLEET["interval"], FLEET["checkpoint_time"], FLEET["restart_time"], mttf))
    assert runs.useful.mean() == pytest.approx(closed, abs=5e-4)


def test_new_nodes_that_die_young_fail_first_as_the_weibull_minimum() -> None:
    nodes, rate, shape = 500, 1e-6, 0.7
    scale = float(estimate.weibull_scale(1 / rate, shape))
    closed = float(estimate.weibull_first_failure(nodes, scale, shape))
    runs = run_fleet(
        nodes=nodes, node_rate=rate, period=200 * closed, restart_time=0.0, interval=HOUR, checkpoint_time=1.0,
        shape=shape, replications=400, seed=1,
    )  # fmt: skip
    first = np.array([struck[0] for struck in runs.failures])
    assert abs(first.mean() - closed) <= _error(first)


def test_a_run_does_not_depend_on_how_many_there_are() -> None:
    few, many = (run_fleet(**FLEET, replications=n, seed=9) for n in (2, 5))
    for one, other in zip(few.failures, many.failures, strict=False):
        np.testing.assert_array_equal(one, other)


def test_a_fleet_that_never_fails_only_works_and_writes() -> None:
    runs = run_fleet(
        nodes=1, node_rate=1e-30, period=10.0, restart_time=5.0, interval=1.5, checkpoint_time=0.5, replications=3
    )
    assert (runs.interruptions == 0).all()
    np.testing.assert_allclose(runs.useful, 0.75)
    np.testing.assert_allclose(runs.longest_quiet, 10.0)
