"""Routes: sound on every network, collisions and their absence, and the routes of SimGrid's networks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.fleet.fabric import routers
from navarch.fleet.fabric.clos_graph import fat_tree, leaf_spine, rail_optimised, three_tier
from navarch.fleet.fabric.dragonfly_graph import dragonfly, dragonfly_plus
from navarch.fleet.fabric.graph import GraphError, Network
from navarch.fleet.fabric.grid_graph import hypercube, torus, twisted_torus
from navarch.fleet.fabric.measures import ways
from navarch.fleet.fabric.routing import GRIDS, POLICIES, Paths, router_for
from navarch.fleet.fabric.scaleup_graph import in_planes, with_scale_up

NETWORKS = [
    fat_tree(4), three_tier(3, 2, 4, 2, 4, 4, 2), leaf_spine(6, 4, 3, 6), rail_optimised(8, 4, 4, 4, 8),
    torus((4, 4, 4)), torus((5, 3)), torus((2, 3, 2)), twisted_torus((4, 8)), hypercube(5), dragonfly(2, 4, 2, 9),
    dragonfly(2, 8, 1, 4, links=1, chassis=2, arrangement="by number"), dragonfly_plus(2, 2, 3, 2, 5),
    with_scale_up(rail_optimised(8, 4, 4, 4, 4), 8, 3, 9.0), in_planes(leaf_spine(4, 4, 2, 4), 2),
]  # fmt: skip
MINIMAL = ("first", "modulo", "ecmp", "adaptive", "dimension-order")


def flows(network: Network, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.integers(0, network.hosts, count), random.integers(0, network.hosts, count)


def sound(network: Network, a: np.ndarray, b: np.ndarray, paths: Paths) -> None:
    """Every path starts and ends where it should, and hosts on it pass on only where they are routers."""
    for flow in range(len(a)):
        links = paths.of(flow)
        if a[flow] == b[flow] or not paths.reached[flow]:
            assert len(links) == 0
            continue
        assert network.source[links[0]] == a[flow]
        assert network.target[links[-1]] == b[flow]
        assert (network.source[links[1:]] == network.target[links[:-1]]).all()
        assert network.forwards[network.target[links[:-1]]].all()
        assert network.live[links // 2].all()


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n.name)
@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_on_every_network(network: Network, policy: str) -> None:
    if policy == "dimension-order" and network.kind not in GRIDS:
        with pytest.raises(GraphError, match="of a torus or a hypercube"):
            router_for(network, policy)
        return
    a, b = flows(network, 300)
    paths = router_for(network, policy, seed=3).paths(a, b)
    assert len(paths) == 300 and paths.reached.all()
    if policy == "spray":
        carried = np.bincount(paths.links, paths.weights, 2 * network.cables)
        out = np.bincount(network.source, carried, network.nodes) - np.bincount(network.target, carried, network.nodes)
        apart = a != b
        sent = np.bincount(a[apart], minlength=network.nodes) - np.bincount(b[apart], minlength=network.nodes)
        assert out == pytest.approx(sent)
        return
    sound(network, a, b, paths)
    if policy in MINIMAL:
        for flow in range(0, 300, 25):
            assert paths.hops()[flow] == ways(network, int(a[flow]), int(b[flow])).length


def test_a_hash_is_of_the_pair_and_the_seed() -> None:
    network = fat_tree(8)
    a, b = np.arange(64), np.arange(64, 128)
    one, same, other = (router_for(network, "ecmp", seed) for seed in (1, 1, 2))
    assert (one.paths(a, b).links == same.paths(a, b).links).all()
    assert (one.paths(a, b).links != other.paths(a, b).links).any()
    backwards = one.paths(a[::-1], b[::-1])
    assert (backwards.of(63) == one.paths(a, b).of(0)).all()  # whatever is sent beside it
    twins = one.paths(np.zeros(50, dtype=int), np.full(50, 127))
    assert len({tuple(twins.of(flow)) for flow in range(50)}) > 4  # flows of one pair part ways


def test_hashes_collide_as_balls_in_bins() -> None:
    """Of k flows over n links the share of links that stay empty is (1 - 1/n)^k."""
    network = leaf_spine(2, 64, 64, 64)
    empty = []
    for seed in range(40):
        load = router_for(network, "ecmp", seed).paths(np.arange(64), np.arange(64, 128)).load(network)
        up = 2 * network.cables_of("leaf to spine")[:64]
        empty.append(np.mean(load[up] == 0))
        assert load[up].sum() == 64
    assert np.mean(empty) == pytest.approx((1 - 1 / 64) ** 64, rel=0.05)


def test_collisions_and_their_absence() -> None:
    """A shift by half of the hosts on a full fat-tree: no two flows need share a link, and a hash makes them."""
    network = fat_tree(8)
    a = np.arange(network.hosts)
    b = (a + network.hosts // 2) % network.hosts
    worst = {
        p: router_for(network, p, 1).paths(a, b).load(network).max() for p in ("modulo", "ecmp", "adaptive", "spray")
    }
    assert worst["modulo"] == 1
    assert worst["spray"] == pytest.approx(1)
    assert worst["ecmp"] >= 3
    assert 1 <= worst["adaptive"] < worst["ecmp"]


def test_sizes_weigh_what_a_link_carries() -> None:
    network = leaf_spine(2, 4, 2, 2)
    router = router_for(network, "adaptive")
    a, b = np.array([0, 1, 2]), np.array([4, 5, 6])
    up = router.paths(a, b, sizes=np.array([10.0, 1.0, 1.0])).links.reshape(3, 4)[:, 1]
    assert up[0] != up[1] == up[2]  # two small flows share what the large one leaves


def test_minimal_paths_of_a_dragonfly_take_one_global_link() -> None:
    for network in (dragonfly(2, 4, 2, 9), dragonfly_plus(2, 2, 2, 2, 5), dragonfly(4, 4, 4, 5)):
        a, b = flows(network, 500)
        minimal = router_for(network, "ecmp").paths(a, b)
        far = router_for(network, "valiant").paths(a, b)
        global_ = network.cable_tiers.index("between groups")
        group = network.places["group"]
        for flow in range(500):
            taken = np.count_nonzero(network.tier[minimal.of(flow)] == global_)
            assert taken == (group[a[flow]] != group[b[flow]])
            if group[a[flow]] != group[b[flow]]:
                assert np.count_nonzero(network.tier[far.of(flow)] == global_) == 2


def test_valiant_saves_a_dragonfly_from_one_bad_pattern() -> None:
    """All of a group send to the next group: one link carries everything, unless sent by way of other groups."""
    network = dragonfly(2, 4, 2, 9)
    a = np.arange(network.hosts)
    b = (a + 8) % network.hosts
    worst = {p: router_for(network, p).paths(a, b).load(network).max() for p in ("ecmp", "valiant", "ugal")}
    assert worst["ecmp"] == 8
    assert worst["valiant"] < worst["ecmp"]
    assert worst["ugal"] < worst["ecmp"]
    near = router_for(network, "ugal").paths(a[:1], b[:1])
    assert near.hops()[0] == router_for(network, "ecmp").paths(a[:1], b[:1]).hops()[0]  # alone: the short way


def test_dimension_order_is_the_shorter_way_round() -> None:
    network = torus((8, 8, 8))
    a, b = flows(network, 400)
    paths = router_for(network, "dimension-order").paths(a, b)
    at = np.stack([network.places[f"axis{axis}"] for axis in range(3)], axis=1)
    for flow in range(400):
        nodes = [a[flow], *network.target[paths.of(flow)]]
        turned = [int(np.flatnonzero(at[m] != at[n])[0]) for m, n in itertools.pairwise(nodes)]
        assert turned == sorted(turned)
        ahead = (at[b[flow]] - at[a[flow]]) % 8
        assert len(turned) == np.minimum(ahead, 8 - ahead).sum()


def test_dimension_order_does_not_go_round_a_failure() -> None:
    network = torus((4, 4))
    whole = router_for(network, "dimension-order").paths([0, 0], [1, 4])
    cut = network.without(cables=[int(whole.of(0)[0]) // 2])
    fixed = router_for(cut, "dimension-order").paths([0, 0], [1, 4])
    assert fixed.reached.tolist() == [False, True]
    assert (fixed.of(1) == whole.of(1)).all()
    assert router_for(cut, "ecmp").paths([0], [1]).hops().tolist() == [3]


@given(st.floats(0, 0.4), st.integers(0, 1000))
@settings(max_examples=20)
def test_routes_avoid_what_has_failed(share: float, seed: int) -> None:
    from navarch.fleet.fabric.failures import failed

    for whole in (fat_tree(4), dragonfly(2, 4, 2, 5), torus((4, 4))):
        network = failed(whole, share, seed=seed)
        a, b = flows(network, 60, seed)
        for policy in ("ecmp", "adaptive", "ugal"):
            sound(network, a, b, router_for(network, policy).paths(a, b))


def test_a_dragonfly_that_lost_a_pair_of_groups_goes_by_a_third() -> None:
    whole = dragonfly(2, 4, 2, 9)
    ends = whole.places["group"][whole.ends]
    between = np.flatnonzero((ends.min(axis=1) == 0) & (ends.max(axis=1) == 1))
    paths = router_for(whole.without(cables=between), "ecmp").paths(np.arange(8), np.arange(8, 16))
    assert paths.reached.all()
    assert np.count_nonzero(whole.tier[paths.of(0)] == whole.cable_tiers.index("between groups")) == 2


def test_blocks_of_destinations_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network = torus((6, 6))
    a, b = flows(network, 200)
    whole = {p: router_for(network, p, 5).paths(a, b) for p in ("ecmp", "modulo", "first")}
    monkeypatch.setattr(routers, "KEPT", 4 * network.nodes)
    for policy, paths in whole.items():
        pieces = router_for(network, policy, 5).paths(a, b)
        assert (pieces.links == paths.links).all() and (pieces.offsets == paths.offsets).all()


# The networks of SimGrid, whose recorded runs are matched by the flow simulator


def test_modulo_is_the_fat_tree_routing_of_simgrid() -> None:
    """Up by the destination's number: at a leaf dst mod 8, at a spine dst / 8 mod 8."""
    network = three_tier(8, 8, 8, 8, 8, 64, 8)
    a, b = np.array([0, 0, 100]), np.array([511, 63, 3])
    paths = router_for(network, "modulo").paths(a, b)
    spine, core = network.nodes_of("spine"), network.nodes_of("core")
    up = network.target[paths.of(0)]
    assert up[1] == spine[511 % 8] and up[2] == core[511 % 8 * 8 + 511 // 8 % 8]
    assert network.target[paths.of(1)][1] == spine[63 % 8]
    assert paths.hops().tolist() == [6, 4, 6]


def test_first_is_the_minimal_dragonfly_routing_of_simgrid() -> None:
    """By row, then by column to the first chassis, the global link of the router numbered like the other group, and
    back likewise."""
    network = dragonfly(2, 8, 1, 4, links=1, chassis=2, arrangement="by number")
    a, b = 13, 63  # router 6 of group 0, router 7 of group 3
    router = network.nodes_of("router").reshape(4, 2, 4)  # group, chassis, place in the chassis
    visited = network.target[router_for(network, "first").paths([a], [b]).of(0)].tolist()
    assert visited == [
        router[0, 1, 2], router[0, 1, 3], router[0, 0, 3], router[3, 0, 0], router[3, 0, 3], router[3, 1, 3], 63,
    ]  # fmt: skip


# Mistakes


def test_mistakes_are_told() -> None:
    network = fat_tree(4)
    with pytest.raises(GraphError, match='no routing "magic"; allowed: first, modulo, ecmp'):
        router_for(network, "magic")
    with pytest.raises(GraphError, match="2 sources and 1 destinations"):
        router_for(network).paths([0, 1], [2])
    with pytest.raises(GraphError, match="between hosts 0 to 15, not 3 to 16"):
        router_for(network).paths([0, 1], [3, 16])


def test_a_host_that_lost_its_cable_is_not_reached() -> None:
    network = fat_tree(4).without(cables=[3])
    for policy in ("ecmp", "spray", "valiant", "adaptive"):
        paths = router_for(network, policy).paths([0, 3, 0, 3], [3, 0, 1, 3])
        assert paths.reached.tolist() == [False, False, True, True]


def test_no_flows_are_no_paths() -> None:
    for policy in POLICIES:
        paths = router_for(torus((4, 4)), policy).paths([], [])
        assert len(paths) == 0 and len(paths.links) == 0
