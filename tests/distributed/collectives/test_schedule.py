"""Schedules: every contribution once, costs as the closed forms say, and large ones small to hold."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.distributed.collectives import estimate as eq
from navarch.distributed.collectives.algorithms import COLLECTIVES, all_reduce, names, schedule_of
from navarch.distributed.collectives.choice import Link, candidates, least_traffic, regimes
from navarch.distributed.collectives.replay import bounds, contributions, expected_contributions, replay
from navarch.distributed.collectives.schedule import CollectiveError, Schedule, Span, timeline, transfers
from navarch.distributed.collectives.trees import double_binary_tree

FLAT = [(c, a) for c, a in names() if a not in ("hierarchical", "torus")]
SHAPED = [(c, a) for c, a in names() if a in ("hierarchical", "torus")]
SUMMED = sorted(COLLECTIVES["all_reduce"])


def _once(schedule: Schedule) -> None:
    np.testing.assert_array_equal(contributions(schedule), expected_contributions(schedule))


@pytest.mark.parametrize(("collective", "algorithm"), FLAT)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_every_contribution_arrives_exactly_once(collective: str, algorithm: str, data: st.DataObject) -> None:
    ranks = data.draw(st.integers(2, 33 if collective != "all_to_all" else 17))
    root = data.draw(st.integers(0, ranks - 1))
    segments = data.draw(st.integers(1, 4))
    _once(schedule_of(collective, algorithm, ranks, segments=segments, root=root))


@pytest.mark.parametrize(("collective", "algorithm"), SHAPED)
@settings(max_examples=12, deadline=None)
@given(sides=st.lists(st.integers(1, 4), min_size=2, max_size=3))
def test_every_contribution_arrives_exactly_once_on_a_grid(collective: str, algorithm: str, sides: list[int]) -> None:
    shape = sides[:2] if algorithm == "hierarchical" else sides
    _once(schedule_of(collective, algorithm, math.prod(shape), shape=shape))


def test_a_missing_or_doubled_transfer_is_seen() -> None:
    ring = all_reduce("ring", 5)
    first, *rest = ring.rounds
    doubled = dataclasses.replace(ring, rounds=(first, first, *rest))
    missing = dataclasses.replace(ring, rounds=(dataclasses.replace(first, repeats=3), *rest))
    for wrong in (doubled, missing):
        assert not np.array_equal(contributions(wrong), expected_contributions(wrong))


@given(st.integers(1, 600))
def test_in_the_two_trees_no_rank_has_children_in_both(ranks: int) -> None:
    first, second = ({int(p) for p in tree.parent if p >= 0} for tree in double_binary_tree(ranks, None))
    assert len(first & second) <= (1 if ranks % 2 else 0)
    for tree in double_binary_tree(ranks, None):
        assert (tree.parent < 0).sum() == 1
        assert np.bincount(tree.parent[tree.parent >= 0], minlength=1).max(initial=0) <= 2
        assert tree.height <= math.ceil(math.log2(ranks + 1))


MESSAGE, BANDWIDTH, LATENCY, ADDING = 1e9, 50e9, 5e-6, 200e9


def _time(schedule: Schedule, links: bool = False) -> float:
    cost = schedule.cost_of_links if links else schedule.cost
    return float(eq.schedule_time(MESSAGE, cost.rounds, cost.sent, cost.reduced, LATENCY, BANDWIDTH, np.inf))


@given(st.integers(2, 300))
def test_rings_cost_what_the_closed_forms_say(ranks: int) -> None:
    given = (MESSAGE, ranks, BANDWIDTH, LATENCY)
    assert _time(all_reduce("ring", ranks)) == pytest.approx(eq.ring_all_reduce_time(*given))
    assert _time(schedule_of("all_gather", "ring", ranks)) == pytest.approx(eq.all_gather_time(*given))
    assert _time(schedule_of("reduce_scatter", "ring", ranks)) == pytest.approx(eq.reduce_scatter_time(*given))
    assert _time(schedule_of("all_to_all", "pairwise", ranks)) == pytest.approx(eq.all_to_all_time(*given))
    half = eq.ring_all_reduce_time(MESSAGE / 2, ranks, BANDWIDTH, LATENCY)
    if ranks > 2:
        assert _time(all_reduce("bidirectional_ring", ranks), links=True) == pytest.approx(half)


@given(st.integers(2, 12), st.integers(2, 40))
def test_a_hierarchy_costs_what_its_closed_form_says(local: int, groups: int) -> None:
    found = _time(all_reduce("hierarchical", local * groups, shape=(groups, local)))
    closed = eq.hierarchical_all_reduce_time(MESSAGE, local, groups, BANDWIDTH, BANDWIDTH, LATENCY, LATENCY)
    assert found == pytest.approx(closed)


@given(st.integers(2, 300), st.integers(1, 32))
@settings(max_examples=40, deadline=None)
def test_halving_trees_and_switches_cost_what_their_closed_forms_say(ranks: int, segments: int) -> None:
    halving = eq.halving_doubling_all_reduce_time(MESSAGE, ranks, BANDWIDTH, LATENCY)
    assert _time(all_reduce("halving_doubling", ranks)) == pytest.approx(float(halving))
    switch = eq.in_network_all_reduce_time(MESSAGE, segments, BANDWIDTH, LATENCY)
    assert _time(all_reduce("in_network", ranks, segments=segments)) == pytest.approx(float(switch))
    chain = schedule_of("broadcast", "chain", ranks, segments=segments)
    assert _time(chain) == pytest.approx(float(eq.pipelined_chain_time(MESSAGE, ranks, segments, BANDWIDTH, LATENCY)))


@given(st.integers(2, 5), st.integers(1, 3))
def test_a_torus_of_equal_sides_uses_every_link(side: int, axes: int) -> None:
    found = _time(all_reduce("torus", side**axes, shape=[side] * axes), links=True)
    closed = eq.torus_all_reduce_time(MESSAGE, side, axes, BANDWIDTH, LATENCY)
    # between two ranks of an axis of two, both directions are the same link
    assert found == pytest.approx(float(closed if side > 2 else found))
    if side > 2:
        assert found == pytest.approx(float(closed))


@pytest.mark.parametrize("ranks", [2, 3, 8, 17, 64])
def test_no_schedule_beats_the_bounds(ranks: int) -> None:
    for algorithm in SUMMED:
        shape = (ranks, 1) if algorithm in ("hierarchical", "torus") else ()
        schedule = all_reduce(algorithm, ranks, shape=shape)
        if not schedule.reducers:
            assert schedule.cost.sent >= least_traffic("all_reduce", 1.0, ranks) * (1 - 1e-12)
            assert schedule.cost.rounds >= float(eq.latency_bound(ranks, 1.0))
            assert schedule.cost.reduced >= (ranks - 1) / ranks * (1 - 1e-12)


def test_a_ring_on_a_link_without_latency_takes_the_least_time() -> None:
    least = eq.bandwidth_bound(least_traffic("all_reduce", MESSAGE, 12), BANDWIDTH)
    assert eq.ring_all_reduce_time(MESSAGE, 12, BANDWIDTH, 0.0) == pytest.approx(least)


def test_a_switch_that_reduces_passes_the_bound_of_the_ranks() -> None:
    assert all_reduce("in_network", 64, segments=64).cost.sent < least_traffic("all_reduce", 1.0, 64)


def test_the_ring_of_sixteen_thousand_is_two_rounds() -> None:
    ring = all_reduce("ring", 16_384)
    assert len(ring.rounds) == 2
    assert ring.steps == 2 * 16_383
    assert sum(len(each) for each in ring.rounds) == 2 * 16_384
    exchange = schedule_of("all_to_all", "pairwise", 16_384)
    assert len(exchange.rounds) == 16_383
    assert len(exchange.rounds[-1]) == 16_384


def test_repetitions_move_within_their_windows() -> None:
    ring = all_reduce("ring", 4)
    first = [each.begin.tolist() for each in ring.each()][:3]
    assert first == [[3, 0, 1, 2], [2, 3, 0, 1], [1, 2, 3, 0]]


def test_a_timeline_cuts_where_a_span_begins_or_ends() -> None:
    long = Span(0, transfers([0], [1], 0, repeats=5, shift=1, window=8))
    short = Span(2, transfers([1], [0], 0, repeats=2, shift=1, window=8))
    rounds = timeline([long, short])
    assert [(len(each), each.repeats) for each in rounds] == [(1, 2), (2, 2), (1, 1)]
    assert rounds[1].begin.tolist() == [2, 0]


@given(st.integers(2, 9), st.integers(0, 50), st.sampled_from(SUMMED))
@settings(deadline=None)
def test_a_replay_sums(ranks: int, elements: int, algorithm: str) -> None:
    shape = (ranks, 1) if algorithm in ("hierarchical", "torus") else ()
    schedule = all_reduce(algorithm, ranks, shape=shape, segments=3)
    inputs = [np.random.default_rng(r).integers(-(2**63), 2**63 - 1, elements) for r in range(ranks)]
    total = np.sum(inputs, axis=0, dtype=np.int64)
    assert bounds(schedule, elements)[-1] == elements
    for held in replay(schedule, inputs, elements):
        np.testing.assert_array_equal(held, total)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("gossip", "ring", 4), "collective: 'gossip' is not one; there are: all_reduce"),
        (("all_reduce", "star", 4), "algorithm: 'star' is not one of all_reduce; there are: ring"),
        (("all_reduce", "ring", 0), "ranks: 0 is not allowed; at least 1"),
        (("all_reduce", "torus", 4), "shape: torus needs one"),
    ],
)
def test_what_cannot_be_made_is_said(given: tuple[str, str, int], message: str) -> None:
    with pytest.raises(CollectiveError, match=message):
        schedule_of(*given)


def test_a_shape_must_hold_the_ranks() -> None:
    with pytest.raises(CollectiveError, match="shape: 2 x 3 is not allowed; the product of its sides must be the 8"):
        schedule_of("all_reduce", "hierarchical", 8, shape=(2, 3))


def test_latency_decides_small_messages_and_bandwidth_large_ones() -> None:
    link = Link(5e-6, 50e9)
    found = regimes("all_reduce", 1024, link)
    assert found[0].algorithm in ("double_binary_tree", "binary_tree", "halving_doubling")
    assert found[-1].algorithm in ("halving_doubling", "ring")
    small, large = (candidates("all_reduce", 1000, size, link) for size in (1e3, 1e12))
    assert small[0].algorithm != large[0].algorithm
    assert small[-1].algorithm in ("ring", "bidirectional_ring")
    assert large[0].optimality == pytest.approx(1.0)
    assert [each.time for each in small] == sorted(each.time for each in small)


def test_a_switch_that_reduces_wins_where_there_is_one() -> None:
    link = Link(5e-6, 50e9)
    with_switch = candidates("all_reduce", 64, 1e9, link, switches_reduce=True)[0]
    assert with_switch.algorithm == "in_network" and with_switch.segments > 8 and with_switch.optimality > 1.5
    assert all(each.algorithm != "in_network" for each in candidates("all_reduce", 64, 1e9, link))


@given(st.floats(1e3, 1e10), st.integers(2, 512))
@settings(max_examples=30, deadline=None)
def test_the_best_number_of_segments_is_near_its_equation(message: float, ranks: int) -> None:
    times = [
        float(eq.pipelined_chain_time(message, ranks, segments, BANDWIDTH, LATENCY))
        for segments in (
            float(eq.best_segments(message, max(ranks - 2, 1e-9), 1.0, BANDWIDTH, LATENCY)) * f for f in (0.5, 1, 2)
        )
        if segments >= 1
    ]
    best = float(eq.best_segments(message, max(ranks - 2, 1e-9), 1.0, BANDWIDTH, LATENCY))
    assert float(eq.pipelined_chain_time(message, ranks, best, BANDWIDTH, LATENCY)) == pytest.approx(min(times))
