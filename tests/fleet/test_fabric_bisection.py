"""Bisection three ways: closed form, greatest flow, all balanced partitions; over random parameters of every family."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from navarch.fleet.fabric import torus as torus_forms
from navarch.fleet.fabric.bisection import bisection_of, cut_of, least_cut, theory_of
from navarch.fleet.fabric.clos_graph import fat_tree, leaf_spine, one_switch, rail_optimised, three_tier
from navarch.fleet.fabric.dragonfly_graph import dragonfly, dragonfly_plus
from navarch.fleet.fabric.graph import GraphError, Network, Wires
from navarch.fleet.fabric.grid_graph import hypercube, torus, twisted_torus
from navarch.fleet.fabric.scaleup_graph import in_planes, with_scale_up

MOST = 1024
FULL_RATE = Wires(50e9)
few = st.integers(1, 8)


def even(hosts: int) -> None:
    """Keep to networks of an even number of hosts, up to a thousand: only these have halves."""
    assume(hosts % 2 == 0 and 2 <= hosts <= MOST)


def equal(network: Network) -> None:
    """Theory and the greatest flow agree; where hosts are few no balanced partition is worse."""
    found = bisection_of(network)
    assert found.theory is not None
    assert found.flow == pytest.approx(found.theory, rel=1e-12)
    if found.search is not None:
        assert found.search >= found.flow - 1e-9 * found.flow


@given(st.integers(1, 8))
def test_fat_trees(half: int) -> None:
    equal(fat_tree(2 * half, FULL_RATE))


@given(st.integers(1, 40), st.integers(1, 32), few, few)
def test_leaf_and_spine_at_any_oversubscription(leaves: int, leaf_hosts: int, spines: int, bundle: int) -> None:
    even(leaves * leaf_hosts)
    equal(leaf_spine(leaves, leaf_hosts, spines, spines * bundle, FULL_RATE))


@given(st.integers(1, 12), st.integers(1, 6), st.integers(1, 6), few, st.integers(1, 3), few, st.integers(1, 3))
def test_three_tiers_at_any_oversubscription(
    pods: int, leaves: int, hosts: int, spines: int, bundle: int, group: int, wide: int
) -> None:
    even(pods * leaves * hosts)
    equal(three_tier(pods, leaves, hosts, spines, spines * bundle, spines * group, group * wide, FULL_RATE))


@given(st.integers(2, 32), few, st.integers(1, 16), few, st.integers(1, 3))
def test_rails(nodes: int, rails: int, down: int, spines: int, bundle: int) -> None:
    even(nodes * rails)
    assume(nodes % down == 0 or (nodes < down and rails % max(1, min(rails, down // nodes)) == 0))
    equal(rail_optimised(nodes, rails, down, spines, spines * bundle, wires=FULL_RATE))


@given(st.lists(st.integers(1, 16), min_size=1, max_size=3))
def test_tori_even_and_odd(lengths: list[int]) -> None:
    assume(2 <= np.prod(lengths) <= MOST)
    equal(torus(lengths, FULL_RATE))


@given(st.integers(1, 11), st.sampled_from([(1, 2), (2, 1), (1, 1, 2), (1, 2, 2), (2, 1, 2)]))
def test_twisted_tori(half: int, shape: tuple[int, ...]) -> None:
    lengths = [2 * half * side for side in shape]
    even(int(np.prod(lengths)))
    network = twisted_torus(lengths, FULL_RATE)
    equal(network)
    plain = theory_of(torus(lengths, FULL_RATE))
    assert plain is not None
    twice = 2 * plain if min(lengths) > 2 else theory_of(network)  # along a length of 2 the plain torus has one link
    assert theory_of(network) == twice
    assert network.cables == torus_forms.twisted_torus_links(network.hosts, len(lengths))


@given(st.integers(1, 10))
def test_hypercubes(dimensions: int) -> None:
    equal(hypercube(dimensions, FULL_RATE))


@given(few, few, few, st.integers(2, 16), st.sampled_from([1, 2, 4]))
def test_dragonflies(hosts: int, routers: int, ports: int, groups: int, chassis: int) -> None:
    assume(ports <= hosts and routers * ports >= groups - 1 and routers % chassis == 0)
    side = routers if chassis == 1 else min(chassis, routers // chassis)
    assume(routers * (side - side % 2 / side) >= routers * ports // (groups - 1) * groups)  # well joined within
    assume(hosts * routers * groups <= MOST)
    equal(dragonfly(hosts, routers, ports, groups, chassis=chassis, wires=FULL_RATE))


@given(few, few, few, few, st.integers(2, 16))
def test_dragonflies_of_leaves_and_spines(hosts: int, leaves: int, spines: int, ports: int, groups: int) -> None:
    assume(ports <= leaves and spines * ports >= groups - 1 and hosts * leaves * groups <= MOST)
    assume(hosts <= spines)  # leaves pass on all that their hosts send
    equal(dragonfly_plus(hosts, leaves, spines, ports, groups, wires=FULL_RATE))


@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 6))
def test_scale_up_domains(domains: int, rails: int, planes: int) -> None:
    hosts = domains * rails * 2
    assume(domains == 1 or domains % 2 == 0)
    scale_out = rail_optimised(2 * domains, rails, 2, rails, 2 * rails, wires=FULL_RATE)
    network = with_scale_up(scale_out, hosts // domains, planes, 900e9)
    equal(network)


@given(st.integers(1, 3), st.integers(1, 8), few)
def test_planes_add_up(planes: int, half_leaves: int, hosts: int) -> None:
    plane = leaf_spine(2 * half_leaves, hosts, 2, 2, FULL_RATE)
    both = in_planes(plane, planes)
    equal(both)
    assert cut_of(both).flow == planes * cut_of(plane).flow
    assert both.switches == planes * plane.switches


SMALL: list[tuple[Callable[..., Network], tuple[object, ...]]] = [
    (one_switch, (16,)), (fat_tree, (4,)), (leaf_spine, (4, 4, 2, 2)), (leaf_spine, (3, 4, 2, 2)),
    (leaf_spine, (5, 2, 2, 2)), (leaf_spine, (2, 8, 3, 3)), (three_tier, (3, 2, 2, 2, 2, 2, 1)),
    (three_tier, (2, 3, 2, 2, 2, 2, 1)), (three_tier, (4, 2, 2, 2, 2, 2, 1)), (rail_optimised, (4, 4, 4, 2, 2)),
    (rail_optimised, (8, 2, 4, 2, 2)), (torus, ((4, 4),)), (torus, ((3, 4),)), (torus, ((3, 5),)), (torus, ((3, 3),)),
    (torus, ((2, 3),)), (torus, ((2, 5),)), (torus, ((4, 2, 2),)), (torus, ((2, 2, 2),)), (torus, ((3, 2, 2),)),
    (torus, ((16,),)), (torus, ((15,),)), (torus, ((7, 2),)), (torus, ((3, 5, 1),)), (twisted_torus, ((2, 4),)),
    (twisted_torus, ((2, 2, 4),)), (hypercube, (1,)), (hypercube, (4,)), (dragonfly, (1, 2, 1, 2)),
    (dragonfly, (1, 2, 1, 3)), (dragonfly, (2, 4, 2, 2)), (dragonfly, (1, 4, 1, 4)), (dragonfly, (1, 3, 1, 4)),
    (dragonfly, (2, 2, 1, 2)), (dragonfly_plus, (2, 2, 2, 2, 2)), (dragonfly_plus, (2, 2, 2, 2, 4)),
]  # fmt: skip


@pytest.mark.parametrize(("make", "arguments"), SMALL)
def test_all_balanced_partitions_agree_with_theory(make: Callable[..., Network], arguments: tuple[object, ...]) -> None:
    found = bisection_of(make(*arguments))
    assert found.flow == found.theory == found.search


@given(st.integers(2, 9), st.integers(0, 2**30))
@settings(max_examples=25)
def test_the_search_is_a_brute_force(hosts: int, seed: int) -> None:
    """Against a plain enumeration: a ring of cables of random rates."""
    random = np.random.default_rng(seed)
    network = torus((hosts,))
    rates = random.integers(1, 9, network.cables).astype(float)
    network = Network(**{**vars_of(network), "bandwidth": rates})
    best = min(
        sum(rate for (a, b), rate in zip(network.ends.tolist(), rates, strict=True) if (a in half) != (b in half))
        for half in map(set, itertools.combinations(range(hosts), hosts // 2))
    )
    found, half = least_cut(network)
    assert found == best
    assert half.sum() == hosts // 2
    assert cut_of(network, half).flow == best


def vars_of(network: Network) -> dict[str, object]:
    """The fields of a network, without what it worked out from them."""
    return {name: getattr(network, name) for name in network.__dataclass_fields__}


def test_the_cut_names_the_cables_that_limit() -> None:
    thin = leaf_spine(4, 8, 2, 2)
    found = cut_of(thin)
    assert found.flow == 4
    assert len(found.cables) == 4
    assert set(found.cables.tolist()) <= set(thin.cables_of("leaf to spine").tolist())


def test_theory_is_silent_where_it_does_not_hold() -> None:
    uneven = leaf_spine(3, 8, 2, 2, hosts=20)
    assert theory_of(uneven) is None
    assert theory_of(leaf_spine(4, 4, 2, 4).without(cables=[20])) is None
    assert theory_of(twisted_torus((3, 6))) is None
    assert theory_of(dragonfly(1, 4, 2, 4)) is None
    loose = dragonfly(2, 2, 2, 2)  # four links between two groups, one within each: halving groups cuts less
    assert theory_of(loose) is None
    assert least_cut(loose)[0] < cut_of(loose).flow
    assert theory_of(leaf_spine(4, 4, 2, 4).slowed([0], 0.5)) is None
    assert theory_of(leaf_spine(3, 8, 2, 8, hosts=20)) == 10  # nothing is thinned out, so uneven leaves do no harm


def test_of_unequal_cables_the_flow_is_exact() -> None:
    network = leaf_spine(2, 4, 2, 2, FULL_RATE)
    up = network.cables_of("leaf to spine")
    assert cut_of(network.slowed(up[:1], 0.5)).flow == 75e9
    assert cut_of(network.without(cables=up[:1])).flow == 50e9


def test_mistakes_are_told() -> None:
    with pytest.raises(GraphError, match="of each of the 16 hosts, not of 3"):
        cut_of(fat_tree(4), np.array([True, False, False]))
    with pytest.raises(GraphError, match="of 2 to 16 hosts, not of 54"):
        least_cut(fat_tree(6))
