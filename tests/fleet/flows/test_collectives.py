"""Collectives as flows: equal to the closed form where theory says so, alike rounds once, changes during a run."""

from __future__ import annotations

import math
import resource
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.distributed.collectives.algorithms import COLLECTIVES, schedule_of
from navarch.distributed.collectives.estimate import ring_all_reduce_time
from navarch.distributed.collectives.schedule import CollectiveError
from navarch.distributed.collectives.simulate import Event, Setting, simulate, simulate_by_need
from navarch.fleet.fabric import clos_graph, grid_graph
from navarch.fleet.fabric.graph import GraphError, Network, Wires

BANDWIDTH, LATENCY = 50e9, 5e-7
WIRES = Wires(BANDWIDTH, LATENCY, LATENCY, LATENCY)
MESSAGE = 2.0**28
EXACT = 1e-9


def even(network: Network, **more: Any) -> Setting:
    return Setting(network, "dimension-order" if network.direct else "modulo", **more)


@given(st.integers(2, 40), st.floats(1.0, 1e10))
@settings(max_examples=30)
def test_a_ring_on_one_switch_is_its_closed_form(ranks: int, message: float) -> None:
    network = clos_graph.one_switch(ranks, WIRES)
    run = simulate(schedule_of("all_reduce", "ring", ranks), message, even(network))
    assert run.time == pytest.approx(ring_all_reduce_time(message, ranks, BANDWIDTH, 2 * LATENCY), rel=EXACT)
    assert run.bus_bandwidth <= BANDWIDTH
    assert run.simulated <= 1


@pytest.mark.parametrize("algorithm", ["ring", "halving_doubling", "hierarchical", "in_network"])
def test_a_network_with_nothing_in_the_way_gives_the_estimate(leaves: Network, algorithm: str) -> None:
    shape = (16, 16) if algorithm == "hierarchical" else ()
    run = simulate(schedule_of("all_reduce", algorithm, 256, shape=shape), MESSAGE, even(leaves))
    assert run.time == pytest.approx(run.estimate(BANDWIDTH), rel=EXACT)


def test_long_messages_converge_to_bytes_over_bandwidth(leaves: Network) -> None:
    """The share of latency falls in proportion to the message."""
    schedule = schedule_of("all_reduce", "ring", 256)
    apart = [
        simulate(schedule, message, even(leaves)).time / (2 * 255 / 256 * message / BANDWIDTH) - 1
        for message in (1e8, 1e10, 1e12)
    ]
    assert apart[0] == pytest.approx(100 * apart[1], rel=1e-6)
    assert apart[2] < 1e-3


@pytest.mark.parametrize(("collective", "algorithm"), [(c, a) for c, named in COLLECTIVES.items() for a in named])
def test_every_algorithm_moves_its_bytes(collective: str, algorithm: str) -> None:
    """What leaves the hosts is what the schedule sends, and no link is over its capacity."""
    network = clos_graph.leaf_spine(4, 4, 4, 4, WIRES)
    shape = {"hierarchical": (4, 4), "torus": (4, 4)}.get(algorithm, ())
    schedule = schedule_of(collective, algorithm, 16, shape=shape)
    run = simulate(schedule, MESSAGE, Setting(network, seed=3))
    out = network.source < network.hosts
    by_hosts = [each.count[each.source < 16].sum() * each.repeats for each in schedule.rounds]
    assert run.carried[out].sum() == pytest.approx(sum(by_hosts) / schedule.chunks * MESSAGE, rel=1e-9)
    assert 0 < max(run.busiest().values()) <= 1 + EXACT
    assert run.time >= schedule.cost_of_links.sent * MESSAGE / BANDWIDTH / 16


@given(st.sampled_from(["ring", "halving_doubling", "double_binary_tree"]), st.floats(1.1, 8.0), st.integers(0, 99))
@settings(max_examples=20)
def test_more_bandwidth_is_never_slower(algorithm: str, factor: float, seed: int) -> None:
    schedule = schedule_of("all_reduce", algorithm, 32)
    times = [
        simulate(
            schedule, MESSAGE, Setting(clos_graph.leaf_spine(4, 8, 4, 8, Wires(bandwidth, 0, 0, 0)), seed=seed)
        ).time
        for bandwidth in (BANDWIDTH, BANDWIDTH * factor)
    ]
    assert times[1] == pytest.approx(times[0] / factor, rel=1e-9)


def test_a_torus_of_rings_keeps_all_its_links_busy() -> None:
    network = grid_graph.torus([4, 4, 4], WIRES)
    run = simulate(schedule_of("all_reduce", "torus", 64, shape=(4, 4, 4)), 2.0**32, even(network))
    assert run.busiest()["host to host"] > 0.99
    assert run.time == pytest.approx(2 * 63 / 64 * 2.0**32 / (6 * BANDWIDTH), rel=0.01)


def test_without_a_barrier_an_even_ring_takes_as_long(leaves: Network) -> None:
    network = clos_graph.leaf_spine(4, 4, 4, 4, WIRES)
    schedule = schedule_of("all_reduce", "ring", 16)
    together, alone = simulate(schedule, MESSAGE, even(network)), simulate_by_need(schedule, MESSAGE, even(network))
    assert alone.time <= together.time * (1 + EXACT)
    assert alone.time == pytest.approx(together.time, rel=1e-3)
    assert alone.carried == pytest.approx(together.carried, rel=EXACT)


def test_without_a_barrier_nobody_waits_for_a_slow_leaf() -> None:
    """Trees: parts go up one branch while another waits."""
    network = clos_graph.leaf_spine(4, 4, 4, 4, WIRES)
    schedule = schedule_of("all_reduce", "binary_tree", 16)
    slow = network.slowed([0], 0.25)
    assert simulate_by_need(schedule, MESSAGE, even(slow)).time < simulate(schedule, MESSAGE, even(slow)).time


def test_each_step_may_take_time_of_its_own(leaves: Network) -> None:
    schedule = schedule_of("all_reduce", "ring", 256)
    bare, loaded = simulate(schedule, 1e6, even(leaves)), simulate(schedule, 1e6, even(leaves, step=5e-6))
    assert loaded.time - bare.time == pytest.approx(510 * 5e-6, rel=1e-6)


def test_adding_up_takes_time(leaves: Network) -> None:
    schedule = schedule_of("all_reduce", "ring", 256)
    bare, loaded = simulate(schedule, 1e9, even(leaves)), simulate(schedule, 1e9, even(leaves, reduction=1e11))
    assert loaded.time - bare.time == pytest.approx(255 / 256 * 1e9 / 1e11, rel=1e-6)


@pytest.mark.parametrize("collective", ["all_reduce", "reduce_scatter"])
@pytest.mark.parametrize("ranks", [2, 16])
def test_nor_without_a_barrier_is_it_free(collective: str, ranks: int) -> None:
    """Whoever has added up what came goes on, and the last to arrive are added up too."""
    network = clos_graph.leaf_spine(4, 4, 4, 4, WIRES)
    schedule = schedule_of(collective, "ring", ranks)
    rate = 1e8
    bare, loaded = (simulate_by_need(schedule, 1e9, even(network, **more)) for more in ({}, {"reduction": rate}))
    assert loaded.time - bare.time == pytest.approx((ranks - 1) / ranks * 1e9 / rate, rel=1e-6)
    assert loaded.time == pytest.approx(simulate(schedule, 1e9, even(network, reduction=rate)).time, rel=1e-3)


@pytest.mark.parametrize("algorithm", [name for name in COLLECTIVES["all_reduce"] if name != "in_network"])
def test_adding_up_is_between_free_and_with_a_barrier(algorithm: str) -> None:
    network = clos_graph.one_switch(16, WIRES)
    shape = {"hierarchical": (4, 4), "torus": (4, 4)}.get(algorithm, ())
    schedule = schedule_of("all_reduce", algorithm, 16, shape=shape)
    bare, loaded = (simulate_by_need(schedule, 1e9, even(network, reduction=rate)).time for rate in (math.inf, 1e9))
    assert bare < loaded <= simulate(schedule, 1e9, even(network, reduction=1e9)).time * (1 + EXACT)
    assert loaded - bare >= 0.9 * schedule.cost.reduced


def test_a_link_that_fails_during_a_ring_costs_what_it_was_away() -> None:
    network = clos_graph.one_switch(8, WIRES)
    schedule = schedule_of("all_reduce", "ring", 8)
    sound = simulate(schedule, MESSAGE, even(network))
    broken = network.without(cables=[3])
    at, away = 0.3 * sound.time, 2.0
    run = simulate(schedule, MESSAGE, even(network), [Event(at, broken), Event(at + away, network)])
    assert run.time == pytest.approx(sound.time + away, rel=1e-6)
    assert run.carried == pytest.approx(sound.carried, rel=1e-6)
    assert simulate(schedule, MESSAGE, even(network), [Event(at, broken)]).time == math.inf


def test_routing_that_follows_a_lost_spine_brings_the_ring_home(leaves: Network) -> None:
    schedule = schedule_of("all_reduce", "ring", 256)
    setting = even(leaves)
    sound = simulate(schedule, MESSAGE, setting).time
    broken = leaves.without(switches=leaves.nodes_of("spine")[:1])
    waits = 0.05
    run = simulate(schedule, MESSAGE, setting, [Event(0.4 * sound, broken, reroute_after=waits)])
    assert sound + 0.9 * waits < run.time < 1.1 * (sound + waits)
    at_once = simulate(schedule, MESSAGE, setting, [Event(0.4 * sound, broken, reroute_after=0)])
    assert at_once.time == pytest.approx(sound, rel=0.01)


def test_a_change_that_changes_nothing_changes_nothing(leaves: Network) -> None:
    schedule = schedule_of("all_reduce", "halving_doubling", 256)
    sound = simulate(schedule, MESSAGE, even(leaves))
    run = simulate(schedule, MESSAGE, even(leaves), [Event(sound.time / 3, leaves, reroute_after=0)])
    assert run.time == pytest.approx(sound.time, rel=EXACT)


def test_ranks_that_do_not_fit_are_refused(leaves: Network) -> None:
    with pytest.raises(CollectiveError, match="ranks: 300 do not fit"):
        simulate(schedule_of("all_reduce", "ring", 300), 1.0, even(leaves))


def test_an_all_reduce_of_16384_hosts_on_three_tiers_is_quick_and_small() -> None:
    """The bar: under 60 s and 4 GiB; a ring in order, one in random order with hashed paths, and halving-doubling."""
    begun = time.perf_counter()
    network = clos_graph.three_tier(16, 32, 32, 32, 32, 1024, 32, WIRES)
    ring = schedule_of("all_reduce", "ring", 16384)
    run = simulate(ring, 1e9, even(network))
    assert network.hosts == 16384
    assert run.time == pytest.approx(run.estimate(BANDWIDTH), rel=EXACT)
    assert (run.simulated, sum(step.rounds for step in run.steps)) == (1, 32766)
    order = np.random.default_rng(0).permutation(16384)
    assert simulate(ring, 1e9, Setting(network, hosts=order)).time > 2 * run.time
    halved = simulate(schedule_of("all_reduce", "halving_doubling", 16384), 1e9, even(network))
    assert halved.time == pytest.approx(halved.estimate(BANDWIDTH), rel=0.01)
    assert time.perf_counter() - begun < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 4 * 2**20


def test_a_torus_of_4096_hosts() -> None:
    network = grid_graph.torus([16, 16, 16], WIRES)
    rings = simulate(schedule_of("all_reduce", "torus", 4096, shape=(16, 16, 16)), 1e9, even(network))
    assert rings.time == pytest.approx(2 * 4095 / 4096 * 1e9 / (6 * BANDWIDTH), rel=0.05)


def test_switches_that_reduce_need_barriers(leaves: Network) -> None:
    with pytest.raises(CollectiveError, match="with barriers only"):
        simulate_by_need(schedule_of("all_reduce", "in_network", 16), 1.0, even(leaves))


def test_in_network_reduction_needs_switches() -> None:
    torus = grid_graph.torus([4, 4], WIRES)
    with pytest.raises(GraphError, match="needs switches"):
        simulate(schedule_of("all_reduce", "in_network", 16), 1.0, even(torus))


def test_flows_may_share_by_latency(leaves: Network) -> None:
    """Two flows into one host, from near and from far: the near one is first where latency decides."""
    schedule = schedule_of("all_reduce", "binary_tree", 256)
    evenly = simulate(schedule, MESSAGE, even(leaves))
    weighed = simulate(schedule, MESSAGE, even(leaves, by_latency=True))
    assert weighed.time >= evenly.time * (1 - EXACT)
    assert weighed.carried == pytest.approx(evenly.carried, rel=EXACT)


def test_a_run_tells_its_steps(leaves: Network) -> None:
    run = simulate(schedule_of("all_reduce", "halving_doubling", 256), MESSAGE, even(leaves))
    frame = run.to_frame()
    assert frame.columns == ["rounds", "time", "flows", "latency"]
    assert (frame["rounds"] * frame["time"]).sum() == pytest.approx(run.time, rel=EXACT)
    assert "<table" in run._repr_html_()
