"""Networks as graphs: counts against the equations, published instances, distances, failures, placement."""

from __future__ import annotations

import numpy as np
import pytest
import rustworkx as rx
from hypothesis import assume, given
from hypothesis import strategies as st

from navarch.catalog import Catalog, load
from navarch.fleet.fabric import clos, dragonfly, estimate, hypercube, sizing, torus
from navarch.fleet.fabric.clos_graph import fat_tree, leaf_spine, one_switch, rail_optimised, three_tier
from navarch.fleet.fabric.comparison import compare, described, farthest
from navarch.fleet.fabric.dragonfly_graph import dragonfly as dragonfly_graph
from navarch.fleet.fabric.dragonfly_graph import dragonfly_plus
from navarch.fleet.fabric.failures import damage, failed
from navarch.fleet.fabric.families import FAMILIES, Asked, graph_of, made
from navarch.fleet.fabric.graph import GraphError, Network, Wires
from navarch.fleet.fabric.grid_graph import hypercube as hypercube_graph
from navarch.fleet.fabric.grid_graph import torus as torus_graph
from navarch.fleet.fabric.grid_graph import twisted_torus
from navarch.fleet.fabric.measures import lengths_of, ways
from navarch.fleet.fabric.parts import Parts, parts_of
from navarch.fleet.fabric.placement import MEDIA, Hall, hall_of, media_of, placed, wires_of
from navarch.fleet.fabric.scaleup_graph import in_planes, with_scale_up
from navarch.fleet.fabric.topology import build


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


@pytest.fixture(scope="module")
def parts(catalog: Catalog) -> Parts:
    return parts_of(catalog, "ib-ndr", "qm9700")


@pytest.fixture(scope="module")
def hall(catalog: Catalog) -> Hall:
    return hall_of(catalog)


def every_kind() -> list[Network]:
    return [
        one_switch(12), fat_tree(4), fat_tree(8), leaf_spine(6, 4, 3, 6), three_tier(3, 2, 4, 2, 4, 4, 2),
        rail_optimised(8, 4, 4, 4, 8), torus_graph((4, 4, 4)), torus_graph((5, 3)), torus_graph((2, 3, 4)),
        twisted_torus((4, 8)), twisted_torus((2, 4, 4)), hypercube_graph(5), dragonfly_graph(2, 4, 2, 9),
        dragonfly_graph(2, 8, 1, 4, chassis=2, arrangement="by number", links=1), dragonfly_plus(2, 2, 3, 2, 5),
        with_scale_up(rail_optimised(8, 4, 4, 4, 4), 8, 3, 9.0), in_planes(leaf_spine(4, 4, 2, 4), 2),
    ]  # fmt: skip


@pytest.mark.parametrize("network", every_kind(), ids=lambda n: n.name)
def test_a_network_is_sound(network: Network) -> None:
    assert len(network.machine) == len(network.half) == network.hosts
    assert network.half.sum() in (network.hosts // 2, network.hosts * 4 // 9, network.hosts * 2 // 5)
    assert (network.ends >= 0).all() and (network.ends < network.nodes).all()
    assert (network.ends[:, 0] != network.ends[:, 1]).all()
    assert (np.diff(network.node_tier) >= 0).all()  # hosts first, then tier by tier
    links = np.arange(2 * network.cables)
    assert (network.source[links] == network.target[links ^ 1]).all()
    assert network.capacity.shape == network.delay.shape == network.tier.shape == (2 * network.cables,)
    offsets, leaving = network.adjacency
    assert sorted(leaving.tolist()) == links.tolist()
    assert all((network.source[leaving[offsets[n] : offsets[n + 1]]] == n).all() for n in range(network.nodes))
    for places in network.places.values():
        assert len(places) == network.nodes
    graph = network.graph()
    assert (graph.num_nodes(), graph.num_edges()) == (network.nodes, network.cables)
    assert rx.is_connected(graph)


@given(st.integers(1, 8))
def test_fat_trees_have_the_counts_of_their_equations(half: int) -> None:
    k = 2 * half
    network = fat_tree(k)
    assert network.hosts == clos.fat_tree_hosts(float(k))
    assert network.switches == clos.fat_tree_switches(float(k))
    assert network.count("leaf") == network.count("spine") == clos.fat_tree_leaves(float(k))
    assert network.count("core") == clos.fat_tree_cores(float(k))
    for tier in ("host to leaf", "leaf to spine", "spine to core"):
        assert network.count(tier) == clos.fat_tree_cables_per_tier(float(k))
    assert (network.ports()[network.hosts :] == k).all()


@given(st.lists(st.integers(1, 7), min_size=3, max_size=3))
def test_tori_have_the_counts_of_their_equations(lengths: list[int]) -> None:
    assume(np.prod(lengths) > 1)
    network, shape = torus_graph(lengths), [float(side) for side in lengths]
    found = lengths_of(network)
    assert network.cables == torus.torus_links(*shape)
    assert found.farthest == torus.torus_diameter(*shape)
    assert found.mean == pytest.approx(torus.torus_mean_hops(*shape))


@pytest.mark.parametrize("dimensions", [1, 3, 6])
def test_hypercubes_have_the_counts_of_their_equations(dimensions: int) -> None:
    network, bits = hypercube_graph(dimensions), float(dimensions)
    found = lengths_of(network)
    assert (network.hosts, network.cables) == (hypercube.hypercube_hosts(bits), hypercube.hypercube_links(bits))
    assert found.farthest == hypercube.hypercube_diameter(bits)
    assert found.mean == pytest.approx(hypercube.hypercube_mean_hops(bits))


@pytest.mark.parametrize(("p", "a", "h", "g"), [(2, 4, 2, 9), (1, 3, 2, 4), (4, 8, 4, 33), (2, 4, 2, 3)])
def test_dragonflies_have_the_counts_of_their_equations(p: int, a: int, h: int, g: int) -> None:
    network = dragonfly_graph(p, a, h, g)
    between = dragonfly.links_between_groups(float(a), float(h), float(g))
    assert network.hosts == dragonfly.dragonfly_hosts(float(p), float(a), float(g))
    assert network.count("within groups") == dragonfly.local_links(float(a), float(g))
    assert network.count("between groups") == dragonfly.global_links(float(g), between)
    assert network.ports()[network.hosts :].max() <= dragonfly.dragonfly_radix(p, a, h)
    assert lengths_of(network).farthest - 2 <= dragonfly.dragonfly_diameter(float(g))


def test_dragonfly_plus_has_the_counts_of_its_equations() -> None:
    network = dragonfly_plus(4, 4, 4, 4, 5)
    assert network.count("leaf to spine") == dragonfly.leaf_links(4.0, 4.0, 5.0)
    assert lengths_of(network).mean - 2 == pytest.approx(dragonfly.dragonfly_plus_mean_hops(4.0, 4.0, 5.0))
    assert lengths_of(network).farthest == 5
    assert network.ports()[network.hosts :].max() == 8


@given(
    st.sampled_from(["fat-tree", "rail-optimised", "torus", "dragonfly"]), st.integers(1, 300), st.floats(1, 4),
    st.sampled_from([8, 16, 64]),
)  # fmt: skip
def test_a_sized_network_and_its_graph_count_alike(kind: str, machines: int, ratio: float, radix: int) -> None:
    rails = 8 if kind == "rail-optimised" else 1
    hosts = machines * 8
    wires = Wires()
    try:
        chosen = sizing.plan(kind, hosts, radix, ratio, rails=rails)
    except sizing.SizingError:
        assume(False)
    estimated = build(chosen, float(hosts), counting_parts(radix), ratio, nodes=hosts / rails, rails=float(rails))
    network = graph_of(estimated, wires, rails)
    for stock in (*estimated.switch_tiers, *estimated.cable_tiers):
        assert network.count(stock.name) == stock.count, stock.name
    assert network.hosts == (estimated.capacity if kind == "torus" else hosts)
    if network.switches:
        assert network.ports()[network.hosts :].max() <= radix


def counting_parts(radix: int) -> Parts:
    from navarch.fleet.fabric.parts import Cable

    cable = Cable(1.0, 1.0, 1.0)
    return Parts(1.0, 1e-6, float(radix), 1e-7, 1.0, 1.0, cable, cable, 5e-9)


def test_paths_of_a_tree_equal_the_closed_form() -> None:
    network = three_tier(4, 4, 4, 4, 4, 16, 4)
    found = lengths_of(network)
    assert found.farthest - 1 == clos.clos_switch_hops(3)
    assert found.mean - 1 == pytest.approx(clos.clos_mean_switch_hops(64.0, 3.0, 4.0, 16.0))
    assert found.exact and found.unreached == 0


@pytest.mark.parametrize("network", [n for n in every_kind() if n.hosts <= 72], ids=lambda n: n.name)
def test_lengths_equal_those_of_rustworkx(network: Network) -> None:
    """Hosts of switched networks pass nothing on: their edges are made so dear that no shortest path goes through."""
    graph = rx.PyGraph(multigraph=True)
    graph.add_nodes_from(range(network.nodes))
    dear = 0.0 if network.direct else 1000.0
    weights = 1.0 + dear * (network.ends < network.hosts).sum(axis=1)
    graph.add_edges_from([(a, b, w) for (a, b), w in zip(network.ends.tolist(), weights.tolist(), strict=True)])
    found = rx.all_pairs_dijkstra_path_lengths(graph, float)
    apart = [found[a][b] - 2 * dear for a in range(network.hosts) for b in range(network.hosts) if a != b]
    measured = lengths_of(network)
    assert measured.farthest == max(apart)
    assert measured.mean == pytest.approx(np.mean(apart))


def test_ways() -> None:
    tree = ways(fat_tree(8), 0, 127)
    assert (tree.length, tree.shortest, tree.disjoint) == (6, 16, 4)
    cube = ways(hypercube_graph(5), 0, 31)
    assert (cube.length, cube.shortest, cube.disjoint) == (5, 120, 5)
    grid = ways(torus_graph((5, 5)), 0, 12)
    assert (grid.length, grid.shortest, grid.disjoint) == (4, 6, 4)
    near = ways(fat_tree(4), 0, 1)
    assert (near.length, near.shortest, near.disjoint) == (2, 1, 1)
    fly = ways(dragonfly_graph(2, 4, 2, 9), 0, 71)
    assert fly.shortest == 1  # one link between two groups, minimal routing
    assert farthest(fat_tree(4)) == 15


# Failures


def test_failures_leave_numbers_as_they_are() -> None:
    whole = fat_tree(4)
    cut = whole.without(cables=[0], switches=whole.nodes_of("core")[:1])
    assert (cut.nodes, cut.cables) == (whole.nodes, whole.cables)
    assert np.count_nonzero(~cut.live) == 1 + 4
    assert (cut.capacity[:2] == 0).all()
    assert lengths_of(cut).unreached == pytest.approx(2 * 15 / (16 * 15))


def test_a_lost_core_costs_its_share_of_the_bisection() -> None:
    whole = fat_tree(8)
    lost = damage(whole, failed(whole, switches=1, tier="core"))
    assert lost.left == pytest.approx(15 / 16)
    assert (lost.cables, lost.lengths.unreached) == (8, 0)
    assert damage(whole, whole).left == 1


@given(st.floats(0, 0.5), st.integers(0, 100))
def test_failures_never_help(share: float, seed: int) -> None:
    for whole in (torus_graph((4, 4)), dragonfly_graph(2, 4, 2, 5)):
        after = failed(whole, share, seed=seed)
        lost = damage(whole, after)
        assert 0 <= lost.left <= 1
        assert lost.lengths.mean >= lengths_of(whole).mean - 1e-9 or lost.lengths.unreached > 0
        assert (failed(whole, share, seed=seed).live == after.live).all()


def test_failures_that_cannot_be_are_refused() -> None:
    with pytest.raises(GraphError, match="no cable 48"):
        fat_tree(4).without(cables=[48])
    with pytest.raises(GraphError, match="from 0 to 1, not 2"):
        failed(fat_tree(4), links=2)
    with pytest.raises(GraphError, match="has no switches"):
        failed(torus_graph((4,)), switches=1)
    with pytest.raises(GraphError, match='no tier "top"'):
        failed(fat_tree(4), switches=1, tier="top")
    with pytest.raises(GraphError, match="above 0 and at most 1"):
        fat_tree(4).slowed([0], 0)


# Refusals


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: fat_tree(5), "even number of ports, not 5"),
        (lambda: leaf_spine(0, 4, 2, 2), "leaves must be a whole number of at least 1, not 0"),
        (lambda: three_tier(2, 2, 2, 2, 2, 3, 1), "3 cores do not divide among the 2 spines"),
        (lambda: twisted_torus((4, 4)), "n x 2n, n x n x 2n or n x 2n x 2n, not 4 x 4"),
        (lambda: torus_graph((4, 0)), "length of dimension 2 must be"),
        (lambda: dragonfly_graph(2, 4, 1, 6), "6 groups need 5 global ports a group; there are 4"),
        (lambda: dragonfly_graph(2, 4, 2, 9, links=2), "allow 1 to 1"),
        (lambda: dragonfly_graph(2, 5, 2, 3, chassis=2), "do not divide into 2 chassis"),
        (lambda: dragonfly_graph(2, 4, 2, 9, arrangement="by number"), "a router for each of 9 groups"),
        (lambda: dragonfly_graph(2, 4, 2, 9, arrangement="odd"), 'no arrangement "odd"'),
        (lambda: dragonfly_graph(2, 4, 2, 9, hosts=73), "ports for 1 to 72"),
        (lambda: with_scale_up(torus_graph((4,)), 2, 1, 1.0), "need a switched network"),
        (lambda: with_scale_up(fat_tree(4), 3, 1, 1.0), "16 hosts do not divide into domains of 3"),
        (lambda: in_planes(torus_graph((4,)), 2), "switched networks"),
        (lambda: made("mesh", Asked(8, 64, 1.0, 1), counting_parts(64), Wires()), 'no family "mesh"'),
    ],
)
def test_what_cannot_be_built_is_refused(make: object, words: str) -> None:
    with pytest.raises(GraphError, match=words):
        make()  # type: ignore[operator]


# Placement, cost, comparison


def test_a_tpu_pod_is_copper_within_its_cubes(hall: Hall) -> None:
    """Jouppi et al. 2023: 64 racks of 4 x 4 x 4, 96 optical link ends a rack, 3,072 optical links in the pod."""
    pod = placed(torus_graph((16, 16, 16)), hall_with(hall, 64))
    media = media_of(pod, hall)
    assert np.count_nonzero(media == MEDIA.index("copper")) == 64 * 3 * 4 * 4 * 3
    assert np.count_nonzero(media != MEDIA.index("copper")) == 64 * 96 // 2


def hall_with(hall: Hall, rack_hosts: float) -> Hall:
    from dataclasses import replace

    return replace(hall, rack_hosts=rack_hosts)


def test_folding_keeps_ways_round_short(hall: Hall) -> None:
    ring = placed(torus_graph((512,)), hall)
    inside = ring.length == hall.in_rack
    assert inside.sum() == 512 - 16  # one cable leaves each of sixteen racks
    assert ring.length[~inside].max() <= 2 * hall.rack_run + 2 * hall.rack_pitch + hall.row_pitch


def test_latencies_of_a_placed_path_are_those_of_the_equation(parts: Parts, hall: Hall) -> None:
    network = placed(fat_tree(8), hall, parts)
    near, far = network.count("host to leaf"), network.count("leaf to spine")
    cables = [0, near, near + far, near + far, near, 0]  # up one way and down alike
    longest = {c: network.length[c] for c in set(cables)}
    trunk = (2 * longest[near] + 2 * longest[near + far]) / 4
    expected = estimate.switched_latency(
        parts.link_latency, 5.0, parts.switch_latency, longest[0], trunk, parts.delay
    )  # fmt: skip
    assert sum(network.latency[c] for c in cables) == pytest.approx(float(expected))


def test_a_network_that_is_not_placed_has_the_latency_of_its_estimate(parts: Parts) -> None:
    wires = wires_of(parts)
    sized = build(sizing.plan("fat-tree", 1024, parts.radix), 1024.0, parts)
    network = graph_of(sized, wires)
    assert 2 * wires.near + 2 * wires.far == pytest.approx(float(sized.latency_far))
    assert network.bandwidth.max() == parts.link_bandwidth


@pytest.mark.parametrize("hosts", [64, 1000, 1024])
def test_families_at_equal_hosts(hosts: int, parts: Parts, hall: Hall, catalog: Catalog) -> None:
    found = compare(Asked(hosts, 64, 4.0, 8), parts, hall, catalog)
    assert {row.name for row in found.rows} | set(found.refused) == set(FAMILIES)
    assert ("hypercube" in found.refused) == (hosts == 1000)
    for row in found.rows:
        assert row.network.hosts == hosts
        assert sum(row.bill.cables.values()) == row.network.cables
        assert row.bill.cost > 0 and row.bill.power > 0
        if row.bisection.theory is not None:
            assert row.bisection.flow == pytest.approx(row.bisection.theory)
        assert 0 < row.bisection_share <= 1
        assert 0 < row.latency_mean <= row.latency_far * 1.001 + 1e-6
    assert len(found.to_frame()) == len(found.rows)


def test_oversubscription_is_cheaper_and_thinner(parts: Parts, hall: Hall, catalog: Catalog) -> None:
    found = compare(Asked(4096, 64, 4.0, 8), parts, hall, catalog, ["fat-tree", "thinned fat-tree"])
    full, thin = found.rows
    assert thin.bill.cost < 0.6 * full.bill.cost
    assert thin.bisection_share == pytest.approx(0.25, rel=0.05)
    assert full.bisection_share == 1


def test_scale_up_switches_are_their_machines(parts: Parts, hall: Hall, catalog: Catalog) -> None:
    scale_out = rail_optimised(32, 8, 16, 8, 16, wires=wires_of(parts))
    plain = described(placed(scale_out, hall, parts), parts, hall, catalog)
    under = described(placed(with_scale_up(scale_out, 8, 4, 450e9), hall, parts), parts, hall, catalog)
    assert under.bill.cost == plain.bill.cost
    assert under.bill.switches == plain.bill.switches
    assert under.lengths.mean < plain.lengths.mean


def test_scale_is_no_obstacle(parts: Parts, hall: Hall, catalog: Catalog) -> None:
    tree = described(made("fat-tree", Asked(16_384, 64, 1.0, 8), parts, wires_of(parts)), parts, hall, catalog)
    assert (tree.bill.switches, tree.network.cables) == (1280, 49_152)
    assert tree.bisection.flow == tree.bisection.theory == 16_384 / 2 * parts.link_bandwidth
