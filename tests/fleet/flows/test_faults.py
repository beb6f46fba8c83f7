"""Faults of networks: what each does to the links, its closed form, and the simulation beside it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.catalog import Catalog
from navarch.distributed.collectives.algorithms import schedule_of
from navarch.distributed.collectives.fault_cost import costs, estimated
from navarch.distributed.collectives.simulate import Setting
from navarch.fleet.fabric import clos_graph, faults, grid_graph, traffic
from navarch.fleet.fabric.graph import GraphError, Network, Wires

WIRES = Wires(50e9, 5e-7, 5e-7, 5e-7)
MESSAGE = 2.0**30
WRITTEN = ("slow-nic:3=0.5", "pcie:3=pcie3-x16", "lost:spine=1", "oversubscription=4")


@pytest.mark.parametrize("policy", ["modulo", "spray"])
@pytest.mark.parametrize(("algorithm", "shape"), [("ring", ()), ("halving_doubling", ()), ("hierarchical", (16, 16))])
def test_the_closed_form_is_the_simulation(
    leaves: Network, catalog: Catalog, algorithm: str, shape: tuple[int, ...], policy: str
) -> None:
    schedule = schedule_of("all_reduce", algorithm, 256, shape=shape)
    given_faults = [faults.read_fault(text, leaves, catalog) for text in WRITTEN]
    found = costs(schedule, MESSAGE, Setting(leaves, policy), given_faults)
    assert len(found.rows) == 5
    for row in found.rows:
        assert row.estimated == pytest.approx(row.simulated, rel=1e-6), row.fault


def test_one_wrong_pcie_setting_costs_three_times(leaves: Network, catalog: Catalog) -> None:
    """As measured: 30 against 93 GB/s of bus bandwidth (collectives.csv)."""
    found = costs(
        schedule_of("all_reduce", "ring", 256), MESSAGE, Setting(leaves, "modulo"),
        [faults.read_fault("pcie:7=pcie3-x16", leaves, catalog)],
    )  # fmt: skip
    assert found.rows[1].slower == pytest.approx(93 / 30, rel=0.05)


def test_a_ring_does_not_notice_what_halving_and_doubling_suffers(leaves: Network, catalog: Catalog) -> None:
    def slower(algorithm: str, fault: str) -> float:
        schedule = schedule_of("all_reduce", algorithm, 256)
        read = [faults.read_fault(fault, leaves, catalog)]
        return costs(schedule, MESSAGE, Setting(leaves, "modulo"), read).rows[1].slower

    for fault in ("lost:spine=1", "oversubscription=4", "ecmp=5"):
        assert slower("ring", fault) == pytest.approx(1, rel=1e-9)
    assert slower("halving_doubling", "oversubscription=4") > 3.5
    assert slower("halving_doubling", "lost:spine=1") == pytest.approx(2, rel=0.05)
    assert slower("halving_doubling", "ecmp=5") > 3


@pytest.mark.parametrize(
    ("algorithm", "shape", "within"), [("halving_doubling", (), 0.12), ("hierarchical", (16, 16), 0.05)]
)
def test_expected_collisions_are_those_of_many_seeds(
    leaves: Network, algorithm: str, shape: tuple[int, ...], within: float
) -> None:
    schedule = schedule_of("all_reduce", algorithm, 256, shape=shape)
    row = costs(schedule, MESSAGE, Setting(leaves, "modulo"), [faults.Collisions(20)]).rows[1]
    assert row.estimated == pytest.approx(row.simulated, rel=within)
    assert row.low < row.simulated < row.high


@given(st.integers(1, 60), st.integers(1, 32), st.integers(1, 40))
@settings(max_examples=15)
def test_the_expected_largest_load_is_that_of_draws(flows: int, paths: int, groups: int) -> None:
    draws, rng = 400, np.random.default_rng(flows * 1000 + paths)
    thrown = rng.integers(0, paths, (draws, groups, flows)) + paths * np.arange(groups)[:, None]
    loads = np.stack([np.bincount(each.ravel(), minlength=paths * groups) for each in thrown])
    largest = loads.max(axis=1)
    error = 5 * largest.std() / np.sqrt(draws) + 1e-9
    assert float(faults.expected_largest(flows, paths, groups)) == pytest.approx(largest.mean(), abs=error)


def test_equations_by_hand() -> None:
    assert faults.lanes_bandwidth(63e9, 8, 16) == 31.5e9
    assert faults.read_bandwidth(32, 512, 1e-6) == pytest.approx(16.4e9, rel=0.01)
    assert faults.adapter_share(15.75e9, 50e9) == 0.315
    assert faults.share_left(8, 2) == 0.75
    assert faults.uplink_share(50e9, 32, 16, 50e9) == 25e9
    assert faults.whole_flow_share(50e9, 17, 16, 50e9) == 25e9
    assert faults.hashed_bandwidth(50e9, 50e9, 1, 16, 1) == 50e9


def test_oversubscription_keeps_a_share_of_the_uplinks(leaves: Network) -> None:
    thin = faults.Oversubscription(4).of(leaves)
    near = (leaves.ends < leaves.hosts).any(axis=1)
    assert thin.live[near].all()
    assert thin.live[~near].sum() == leaves.live[~near].sum() / 4
    assert (np.bincount(thin.ends[~near & thin.live].min(axis=1))[256:272] == 4).all()


def test_elsewhere_there_is_no_closed_form() -> None:
    torus = grid_graph.torus([4, 4], WIRES)
    schedule = schedule_of("all_reduce", "ring", 16)
    assert estimated(schedule, MESSAGE, Setting(torus, "dimension-order"), None) is None
    row = costs(schedule, MESSAGE, Setting(torus, "dimension-order"), [faults.SlowHosts((3,), 0.5)]).rows[1]
    assert row.estimated is None
    assert row.slower == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fire", "is not one; allowed: slow-nic"),
        ("slow-nic:3=0", "is not allowed; slow-nic:HOSTS=SHARE"),
        ("slow-nic:x=0.5", "is not allowed; slow-nic:HOSTS=SHARE"),
        ("slow-nic:999=0.5", "there is no host 999; they are numbered 0 to 255"),
        ("pcie:3=pcie9-x16", "is not allowed; pcie:HOSTS=LINK"),
        ("lost:core=1", "has the tiers leaf, spine"),
        ("lost:spine=0", "is not allowed; lost:TIER=COUNT"),
        ("lost:spine=16", "16 is not allowed"),
        ("oversubscription=0.5", "a ratio of at least 1"),
    ],
)
def test_faults_that_cannot_be_are_refused(leaves: Network, catalog: Catalog, text: str, told: str) -> None:
    with pytest.raises(GraphError, match=told):
        faults.read_fault(text, leaves, catalog).of(leaves)


def test_hosts_are_read_as_people_write_them(leaves: Network, catalog: Catalog) -> None:
    fault = faults.read_fault("slow-nic:1,4-6=50 %", leaves, catalog)
    assert fault == faults.SlowHosts((1, 4, 5, 6), 0.5)
    assert fault.told == "slow adapter: 4 hosts at 50 %"


def test_incast_shares_one_link(leaves: Network) -> None:
    run = traffic.run(leaves, "incast", 1e8)
    assert run.time == pytest.approx(255 * 1e8 / 50e9, rel=1e-3)
    assert run.busiest()["host to leaf"] == pytest.approx(1, rel=1e-3)


def test_a_permutation_without_collisions_injects_everything(leaves: Network) -> None:
    run = traffic.run(leaves, "bisection", 1e9, policy="modulo")
    assert run.injected == pytest.approx(1, rel=1e-3)
    hashed = traffic.run(leaves, "bisection", 1e9, policy="ecmp")
    assert hashed.injected < 0.5
    assert hashed.slowest(0.5) < hashed.slowest(0.99) <= hashed.time


def test_all_to_all_fills_the_hosts(leaves: Network) -> None:
    small = clos_graph.leaf_spine(4, 4, 4, 4, WIRES)
    run = traffic.run(small, "all-to-all", 1e9, policy="spray")
    assert run.injected == pytest.approx(1, rel=1e-3)


def test_background_takes_no_more_than_its_rate() -> None:
    network = clos_graph.one_switch(8, WIRES)
    bare, loaded = (traffic.run(network, "neighbour", 1e9, background=share) for share in (0.0, 0.25))
    assert loaded.time / bare.time == pytest.approx(1 / 0.75, rel=0.01)


def test_a_lost_spine_stalls_its_flows_until_routing_follows(leaves: Network) -> None:
    broken = leaves.without(switches=leaves.nodes_of("spine")[:1])
    sound = traffic.run(leaves, "bisection", 1e9, policy="modulo")
    stuck = traffic.run(leaves, "bisection", 1e9, policy="modulo", changes=[(1e-3, broken, False)])
    assert stuck.time == float("inf")
    assert len(stuck.run.stalled) == 16
    late = traffic.run(leaves, "bisection", 1e9, policy="modulo", changes=[(1e-3, broken, False), (3e-3, broken, True)])
    at_once = traffic.run(leaves, "bisection", 1e9, policy="modulo", changes=[(1e-3, broken, True)])
    assert sound.time < at_once.time <= late.time < 2.2 * sound.time  # the flow that shares the path uses it meanwhile


@pytest.mark.parametrize(
    ("pattern", "background", "told"), [("gossip", 0.0, "allowed: neighbour"), ("incast", 1.0, "less than 1")]
)
def test_traffic_that_cannot_be_is_refused(leaves: Network, pattern: str, background: float, told: str) -> None:
    with pytest.raises(GraphError, match=told):
        traffic.run(leaves, pattern, 1.0, background=background)


def test_the_figure_has_a_bar_for_each_fault(leaves: Network, catalog: Catalog) -> None:
    read = [faults.read_fault(text, leaves, catalog) for text in ("slow-nic:3=0.5", "ecmp=3")]
    found = costs(schedule_of("all_reduce", "halving_doubling", 256), MESSAGE, Setting(leaves, "modulo"), read)
    drawn = found._repr_html_()
    for told in ("no fault", "slow adapter: host 3 at 50 %", "hash collisions (ECMP), mean of 3 seeds"):
        assert told in drawn
    assert found.plot("Costs").to_dict(validate=False)["title"]["text"] == "Costs"
    assert found.to_frame().height == 3
