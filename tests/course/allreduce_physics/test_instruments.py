"""The instruments of Lab 06 against what is known of them, and the bucket equations against a run bucket by bucket."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.course.allreduce_physics import bus, columns, compression, figures, measured, ranks, sizes
from navarch.course.allreduce_physics.desk import links
from navarch.course.allreduce_physics.surprise import bus_inputs, exchange_inputs, pair_inputs, rank_inputs
from navarch.course.allreduce_physics.variant import variant_of
from navarch.course.errors import CourseError
from navarch.course.frame.figure import drawn
from navarch.course.frame.recorded import recorded_result
from navarch.course.instrument import Shown, differences
from navarch.distributed.collectives.buckets import exposed_buckets, fed_bandwidth, slowed_time

VARIANT = variant_of(3)
ASKED: list[tuple[Any, dict[str, Any], Any, Any, Any]] = [
    (ranks.more_ranks, rank_inputs(VARIANT), figures.ranks, figures.ranks_told, columns.RANKS),
    (sizes.ring_or_tree, pair_inputs(VARIANT), figures.sizes, figures.sizes_told, columns.SIZES),
    (bus.bus_bandwidth, bus_inputs(VARIANT), figures.bus, figures.bus_told, columns.BUS),
    (bus.on_a_fabric, {**bus_inputs(VARIANT), "taper": "4"}, figures.fabric, figures.fabric_told, columns.FABRIC),
    (compression.exchange, exchange_inputs(VARIANT), figures.methods, figures.methods_told, columns.METHODS),
]


@pytest.mark.parametrize(("asked", "inputs", "figure", "told", "titles"), ASKED, ids=lambda x: getattr(x, "name", ""))
def test_an_instrument_replays_and_is_drawn(asked: Any, inputs: Any, figure: Any, told: Any, titles: Any) -> None:
    shown = asked(**inputs)
    assert differences(Shown.from_plain(shown.as_plain()), asked(**inputs)) == []
    assert drawn(figure(shown)).startswith("<svg")
    assert len(told(shown)) > 40
    assert set(titles) == set(shown.rows[0])


def test_the_large_message_hardly_takes_longer_and_the_small_one_does() -> None:
    shown = ranks.more_ranks(**rank_inputs(VARIANT))
    by_count = {row["accelerators"]: row for row in shown.rows}
    few, many = by_count[8], by_count[VARIANT.many]
    assert many["large"] == pytest.approx(shown["time"].value)
    assert few["large"] == pytest.approx(shown["few"].value)
    assert many["small_ring"] / few["small_ring"] == pytest.approx((VARIANT.many - 1) / 7, rel=0.02)
    assert shown["time"].low < shown["time"].value < shown["time"].high
    assert "T_sched" in shown["time"].derivation


def test_the_few_are_told_as_they_are_measured_against() -> None:
    shown = ranks.among_few(link=VARIANT.link, message=VARIANT.message)
    assert shown["few"].value == pytest.approx(ranks.more_ranks(**rank_inputs(VARIANT))["few"].value)


def test_ring_and_tree_take_the_same_where_they_cross() -> None:
    shown = sizes.ring_or_tree(**pair_inputs(VARIANT))
    assert shown["ring"].value == pytest.approx(shown["tree"].value, rel=1e-6)
    assert shown["crossing_more"].value / shown["crossing"].value == pytest.approx(shown["growth"].value)


def test_latency_and_bandwidth_are_all_of_the_time() -> None:
    shown = bus.bus_bandwidth(**bus_inputs(VARIANT))
    assert shown["latency"].value + shown["moving"].value == pytest.approx(shown["time"].value)
    assert shown["bus"].value < shown["limit"].value
    assert max(row["bus"] for row in shown.rows) < shown["limit"].value * 1.0001


def test_flows_of_a_ring_in_order_take_what_the_estimate_says() -> None:
    asked = {**bus_inputs(VARIANT), "taper": "1"}
    rows = {(row["algorithm"], row["order"]): row for row in bus.on_a_fabric(**asked).rows}
    assert rows["ring", "in order"]["difference"] == pytest.approx(0, abs=0.02)
    assert rows["ring", "in random order"]["simulated"] > rows["ring", "in order"]["simulated"]
    tapered = {(row["algorithm"], row["order"]): row for row in bus.on_a_fabric(**{**asked, "taper": "4"}).rows}
    assert tapered["ring", "in order"]["simulated"] == pytest.approx(rows["ring", "in order"]["simulated"], rel=0.02)
    assert all(tapered[key]["simulated"] >= rows[key]["simulated"] * 0.999 for key in rows)


def test_what_is_gathered_falls_with_the_ranks_and_what_is_added_does_not() -> None:
    rows = compression.by_ranks(link=VARIANT.link, model=VARIANT.model, fewer=10).rows
    gains = {(row["method"], row["ranks"]): row["faster"] for row in rows}
    assert gains["top-k", 8] > 1 > gains["top-k", 64] > gains["top-k", 512]
    assert gains["8-bit integers", 512] == pytest.approx(gains["8-bit integers", 64], rel=0.02)
    told = figures.by_ranks_told(compression.by_ranks(link=VARIANT.link, model=VARIANT.model, fewer=10))
    assert "top-k" in told


def test_the_matrices_of_a_model_hold_nearly_all_its_parameters() -> None:
    held = sum(rows * cols for rows, cols in compression.shapes_of("llama2-13b"))
    assert 0.95 * 13e9 < held < 13.1e9


@pytest.mark.parametrize("recorded", [measured.RECORDED_RING, measured.RECORDED_TRAINING])
def test_what_was_recorded_was_measured(recorded: str) -> None:
    found = recorded_result(recorded).shown
    assert len(found.rows) >= 3
    if recorded == measured.RECORDED_RING:
        assert found["correct"].value == "as they must be"
        assert found["alpha"].value > 0
        assert drawn(figures.ring(found)).startswith("<svg")
        assert set(columns.RING) == set(found.rows[0])
    else:
        assert found["fewer"].value > 10
        assert drawn(figures.trained(found)).startswith("<svg")
        assert set(columns.TRAINED) == set(found.rows[0])


def test_the_fit_is_carried_over_to_more_processes() -> None:
    shown = measured.from_the_fit(alpha=2e-4, bandwidth=3e8, message=3e8, many=1000, recorded=False)
    assert shown["few"].value == pytest.approx(14 / 8 * 1.0 + 14 * 2e-4)
    assert shown["longer"].value == pytest.approx((1998 / 1000 + 1998 * 2e-4) / shown["few"].value)


@pytest.mark.slow
def test_a_ring_and_a_training_really_run() -> None:
    ring = measured.ring_on_this_machine(processes=2, size=1e6)
    assert ring["correct"].value == "as they must be"
    assert ring["bandwidth"].value > 1e6
    trained = measured.training_compressed(processes=2, steps=5, methods=["top-k"])
    assert [row["method"] for row in trained.rows] == ["none", "top-k"]
    assert trained.rows[1]["sent"] < trained.rows[0]["sent"]


def test_a_link_that_is_not_known_is_told() -> None:
    with pytest.raises(Exception, match="string-and-can"):
        ranks.among_few(link="string-and-can", message=1e6)
    with pytest.raises(CourseError, match="missing"):
        ranks.among_few(link=next(iter(links())))


times = st.floats(1e-6, 10)


@given(times, st.floats(0.01, 1), st.integers(1, 60), times, times)
def test_buckets_one_after_the_other_end_when_the_equation_says(
    backward: float, body: float, buckets: int, bucket: float, last: float
) -> None:
    end = 0.0
    for number in range(1, buckets + 1):
        end = max(end, number / buckets * body * backward) + bucket
    end = max(end, backward) + last
    assert exposed_buckets(backward, body, buckets, bucket, last) == pytest.approx(end - backward, rel=1e-6, abs=1e-9)


def test_processors_that_communicate_feed_the_link_and_slow_the_rest() -> None:
    assert fed_bandwidth(50e9, 0.075, 0.15) == pytest.approx(25e9)
    assert fed_bandwidth(50e9, 0.3, 0.15) == pytest.approx(50e9)
    assert slowed_time(0.9, 0.1) == pytest.approx(1.0)
