"""Topologies against the published instances and by their properties."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rustworkx as rx
from hypothesis import assume, given
from hypothesis import strategies as st

from navarch.catalog import Catalog, load
from navarch.core.ledger import Ledger
from navarch.fleet.fabric import clos, dragonfly, estimate, sizing, torus
from navarch.fleet.fabric.parts import Cable, Parts, parts_of
from navarch.fleet.fabric.sizing import SizingError, plan
from navarch.fleet.fabric.topology import FabricEstimate, build

PUBLISHED = Path(__file__).parents[3] / "shared/data/network/topologies.csv"
RADIX = {"H100": 64, "B200": 64, "XDR": 144}
RAILS = 8


def parts(radix: float = 64.0) -> Parts:
    """400 Gb/s links, priced switches and optical cables."""
    cable = Cable(1600.0, 15.0, 10.0)
    return Parts(50e9, 1e-6, radix, 0.33e-6, 35_000.0, 747.0, cable, Cable(2100.0, 17.0, 40.0), 4.9e-9)


def fabric(kind: str, hosts: float, radix: float = 64.0, ratio: float = 1.0, pod_ratio: float = 1.0) -> FabricEstimate:
    return build(plan(kind, hosts, radix, ratio, pod_ratio), hosts, parts(radix), ratio, pod_ratio)


def railed(nodes: float, radix: float = 64.0, rails: int = RAILS) -> FabricEstimate:
    hosts = nodes * rails
    chosen = plan("rail-optimised", hosts, radix, rails=rails)
    return build(chosen, hosts, parts(radix), nodes=nodes, rails=float(rails))


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


def published() -> list[dict[str, str]]:
    """The rows of the table of published topologies; the test is skipped where it is absent."""
    if not PUBLISHED.exists():
        pytest.skip("the table of published topologies (../shared/data/network) is not on this machine")
    with PUBLISHED.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


# Published instances


def test_published_fat_trees() -> None:
    rows = [r for r in published() if r["name"].startswith("fat-tree k=")]
    assert len(rows) == 5
    for row in rows:
        k = float(row["name"].removeprefix("fat-tree k="))
        assert clos.fat_tree_hosts(k) == float(row["hosts"])
        assert clos.fat_tree_switches(k) == float(row["switches_total"])
        assert clos.fat_tree_leaves(k) == float(row["leaf"]) == float(row["spine"])
        assert clos.fat_tree_cores(k) == float(row["core"])
        assert clos.fat_tree_bisection(k) == float(row["bisection"])
        assert clos.fat_tree_cables_per_tier(k) == float(row["cables_spine_core"])
        sized = fabric("fat-tree", float(row["hosts"]), k)  # the sized network is the same one
        assert sized.switches == float(row["switches_total"])
        assert sized.count("core") == float(row["core"])
        assert sized.cables == 3 * float(row["cables_host_leaf"])
        assert sized.bisection_links == float(row["bisection"])
        assert sized.diameter == float(row["diameter_switch_hops"])


def test_published_superpods() -> None:
    """Leaf, spine and core counts of NVIDIA's reference architectures (single plane), and their cables."""
    rows = [r for r in published() if re.match(r"DGX SuperPOD (H100|B200|B300 XDR)", r["name"])]
    assert len(rows) == 14
    for row in rows:
        radix = next(k for word, k in RADIX.items() if word in row["name"])
        nodes = float(row["hosts"])
        found = railed(nodes, float(radix))
        assert found.count("leaf") == float(row["leaf"]), row["name"]
        assert found.count("spine") == float(row["spine"]), row["name"]
        assert (found.count("core") or 0) == float(row["core"] or 0), row["name"]
        assert found.switches == float(row["switches_total"]), row["name"]
        assert found.count("leaf to spine") == float(row["cables_leaf_spine"]), row["name"]
        assert found.diameter == float(row["diameter_switch_hops"]), row["name"]
        if "B200" in row["name"]:
            assert found.count("host to leaf") == float(row["cables_host_leaf"])
            assert found.bisection_links == float(row["bisection"])


def test_published_tori() -> None:
    rows = [r for r in published() if r["name"].startswith("3-D torus")]
    assert len(rows) == 3
    for row in rows:
        d = round(float(row["hosts"]) ** (1 / 3))
        found = fabric("torus", float(row["hosts"]))
        assert tuple(found.plan.values.values()) == (d, d, d)
        assert found.diameter == float(row["diameter_switch_hops"])
        assert found.bisection_links == float(row["bisection"])
        links = re.search(r"links in total (\d+)", row["formula_or_fact"])
        assert links is not None and found.cables == float(links.group(1))
        assert found.switches is None


def test_published_dragonflies() -> None:
    rows = [r for r in published() if r["name"].startswith("balanced dragonfly")]
    assert len(rows) == 4
    for row in rows:
        shape = re.search(r"p=h=(\d+), a=(\d+)", row["name"])
        assert shape is not None
        p, a = float(shape.group(1)), float(shape.group(2))
        groups = dragonfly.most_groups(a, p)
        between = dragonfly.links_between_groups(a, p, groups)
        assert dragonfly.dragonfly_hosts(p, a, groups) == float(row["hosts"])
        assert dragonfly.dragonfly_routers(a, groups) == float(row["switches_total"])
        assert dragonfly.dragonfly_bisection(groups, between) == float(row["bisection"])
        assert dragonfly.dragonfly_diameter(groups) == float(row["diameter_switch_hops"])
        radix = dragonfly.dragonfly_radix(p, a, p)
        assert sizing.balanced_dragonfly(int(float(row["hosts"])), int(radix)) == (p, a, p, groups)


def test_frontier() -> None:
    """74 groups of 32 switches with 4 links between each two: 37 x 37 x 4 links of 25 GB/s are 136.9 TB/s."""
    links = dragonfly.dragonfly_bisection(74.0, 4.0)
    assert dragonfly.dragonfly_routers(32.0, 74.0) == 2368
    assert estimate.bisection_bandwidth(links, 25e9) == pytest.approx(136.9e12)


def test_tpu_v4_pod() -> None:
    """16 x 16 x 16: 512 links across the bisection, about 24 TB/s at 45 to 50 GB/s a link."""
    pod = (16.0, 16.0, 16.0)
    assert torus.torus_bisection(*pod) == 512
    assert estimate.bisection_bandwidth(torus.torus_bisection(*pod), 46.9e9) == pytest.approx(24e12, rel=0.01)


def test_al_fares_example() -> None:
    """Al-Fares et al. 2008: 27,648 hosts from 48-port switches, 2,880 of them; k = 4 has 16 hosts and 20 switches."""
    assert (clos.fat_tree_hosts(48.0), clos.fat_tree_switches(48.0)) == (27_648, 2880)
    assert (clos.fat_tree_hosts(4.0), clos.fat_tree_switches(4.0)) == (16, 20)
    assert (clos.leaf_spine_hosts(64.0), clos.leaf_spine_switches(64.0)) == (2048, 96)


def test_oversubscription_thins_the_bisection() -> None:
    """64-port leaves with 48 ports down and 16 up: a third of full bisection."""
    found = fabric("fat-tree", 1536.0, ratio=3.0)
    assert found.count("leaf") == 32
    assert found.count("leaf to spine") == 512
    assert found.bisection_share == pytest.approx(1 / 3)
    assert estimate.effective_oversubscription(found.bisection_share) == pytest.approx(3)


def test_taper_between_pods() -> None:
    """Pods without taper inside and 7 to 1 above: about a seventh of full bisection."""
    found = fabric("fat-tree", 24_576.0, pod_ratio=7.0)
    assert found.plan["levels"] == 3
    assert found.bisection_share == pytest.approx(1 / 7, rel=0.15)


# Small networks built as graphs, and measured


def torus_graph(x: int, y: int, z: int) -> rx.PyGraph:
    graph = rx.PyGraph(multigraph=False)
    places = list(itertools.product(range(x), range(y), range(z)))
    graph.add_nodes_from(places)
    index = {p: i for i, p in enumerate(places)}
    for (a, b, c), i in index.items():
        for n in (((a + 1) % x, b, c), (a, (b + 1) % y, c), (a, b, (c + 1) % z)):
            if index[n] != i:
                graph.add_edge(i, index[n], None)
    return graph


@pytest.mark.parametrize(
    "lengths", [(4, 4, 4), (3, 3, 3), (5, 4, 3), (4, 2, 2), (6, 4, 1), (7, 1, 1), (2, 1, 1), (3, 2, 1)]
)
def test_torus_equals_its_graph(lengths: tuple[int, int, int]) -> None:
    graph = torus_graph(*lengths)
    distances = rx.distance_matrix(graph)
    apart = distances[~np.eye(len(distances), dtype=bool)]
    given_ = tuple(float(d) for d in lengths)
    assert torus.torus_links(*given_) == graph.num_edges()
    assert torus.torus_diameter(*given_) == apart.max()
    assert torus.torus_mean_hops(*given_) == pytest.approx(apart.mean())


@pytest.mark.parametrize(("p", "a", "h"), [(2, 4, 2), (1, 3, 1), (3, 6, 3)])
def test_dragonfly_equals_its_graph(p: int, a: int, h: int) -> None:
    groups = a * h + 1
    graph = rx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(groups * a))
    for g in range(groups):
        graph.add_edges_from([(g * a + i, g * a + j, None) for i, j in itertools.combinations(range(a), 2)])
        for port in range(a * h):  # port i of a group leads to the group i + 1 further on
            other = (g + port + 1) % groups
            back = (g - other - 1) % groups
            graph.add_edge(g * a + port // h, other * a + back // h, None)
    distances = rx.distance_matrix(graph)
    hosts = np.repeat(np.repeat(distances, p, 0), p, 1)
    mean = hosts[~np.eye(len(hosts), dtype=bool)].mean()
    shape = (float(p), float(a), float(h), float(groups))
    between = dragonfly.links_between_groups(shape[1], shape[2], shape[3])
    links = dragonfly.local_links(shape[1], shape[3]) + dragonfly.global_links(shape[3], between)
    assert links == graph.num_edges()
    assert distances.max() == dragonfly.dragonfly_diameter(shape[3])
    assert dragonfly.dragonfly_mean_hops(*shape) >= mean * 0.999  # minimal routing never takes two global links
    assert dragonfly.dragonfly_mean_hops(*shape) == pytest.approx(mean, rel=0.12)


def test_clos_mean_hops_by_counting() -> None:
    hosts, leaf, pod = 64, 4, 16
    pairs = [(a, b) for a, b in itertools.permutations(range(hosts), 2)]
    hops = [1 if a // leaf == b // leaf else 3 if a // pod == b // pod else 5 for a, b in pairs]
    assert clos.clos_mean_switch_hops(64.0, 3.0, 4.0, 16.0) == pytest.approx(np.mean(hops))
    assert clos.clos_mean_switch_hops(16.0, 2.0, 4.0, 16.0) == pytest.approx(3 - 2 * 3 / 15)


# Properties


@given(st.integers(2, 60_000), st.sampled_from([16, 32, 64, 128]))
def test_non_blocking_fat_tree_has_full_bisection(hosts: int, radix: int) -> None:
    assume(hosts <= radix**3 // 4)
    found = fabric("fat-tree", float(hosts), float(radix))
    assert found.bisection_links == hosts / 2
    assert found.bisection_share == 1
    assert found.capacity >= hosts
    assert 1 <= found.mean_hops <= found.diameter


@given(st.integers(2, 50_000), st.sampled_from([32, 64, 128]), st.floats(1, 4), st.floats(1, 4))
def test_no_switch_has_more_cables_than_ports(hosts: int, radix: int, ratio: float, pod_ratio: float) -> None:
    assume(hosts <= radix**3 // 4)
    found = fabric("fat-tree", float(hosts), float(radix), ratio, pod_ratio)
    names = [stock.name for stock in found.switch_tiers]
    cables = [stock.count for stock in found.cable_tiers]
    for tier, name in enumerate(names):
        ends = cables[tier] + (cables[tier + 1] if tier + 1 < len(cables) else 0)
        assert ends <= found.count(name) * radix, (name, found)
    assert found.cables == sum(cables)
    assert found.switches == sum(stock.count for stock in found.switch_tiers)


@given(st.integers(1, 200_000), st.integers(1, 3))
def test_torus_holds_its_hosts(hosts: int, dimensions: int) -> None:
    x, y, z = sizing.torus_dimensions(hosts, dimensions)
    assert x >= y >= z >= 1
    assert x * y * z >= hosts
    assert dimensions == 1 or x <= 2 * (z if dimensions == 3 else y)


@given(st.integers(513, 200_000))
def test_dragonfly_holds_its_hosts(hosts: int) -> None:
    p, a, h, g = sizing.balanced_dragonfly(hosts, 64)
    assert a * p * g >= hosts
    assert p + a + h - 1 <= 64
    assert g <= a * h + 1
    found = fabric("dragonfly", float(hosts))
    assert found.capacity == a * p * g
    assert 0 <= found.mean_hops - 1 <= found.diameter


@given(st.sampled_from(sizing.KINDS[:1] + sizing.KINDS[2:]), st.integers(513, 15_000), st.integers(2, 4))
def test_more_hosts_cost_no_less(kind: str, hosts: int, factor: int) -> None:
    small, large = fabric(kind, float(hosts)), fabric(kind, float(hosts * factor))
    assert large.cost >= small.cost * 0.999
    assert large.power >= small.power * 0.999
    assert large.bisection_links >= small.bisection_links or kind == "dragonfly"
    assert large.latency_far >= small.latency_far


def test_a_small_cluster_needs_one_switch() -> None:
    found = fabric("fat-tree", 32.0)
    assert (found.switches, found.cables, found.diameter) == (1, 32, 1)
    assert found.latency_mean == pytest.approx(1e-6 + 2 * 10 * 4.9e-9)
    assert railed(4.0).switches == 1


def test_rails_share_leaves_where_nodes_are_few() -> None:
    assert clos.rail_leaves(16.0, 8.0, 32.0) == 4  # two rails of sixteen nodes on each leaf
    assert clos.rail_leaves(32.0, 8.0, 32.0) == 8
    assert clos.rail_leaves(33.0, 8.0, 32.0) == 16


def test_rails_shorten_the_mean_path() -> None:
    tree, rail = fabric("fat-tree", 16_384.0), railed(2048.0)
    assert rail.switches == tree.switches
    assert rail.mean_hops < tree.mean_hops
    assert railed(32.0).mean_hops == 1  # one unit: a rail is one leaf


# Refusals


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fat-tree", 70_000, 64), "70000 hosts exceed the 65536"),
        (("dragonfly", 1e9, 64), "exceed the 262656"),
        (("dragonfly", 10, 2), "at least 3 ports"),
        (("dragonfly", 512, 64), "two groups or more"),
        (("mesh", 10, 64), "allowed: fat-tree, rail-optimised, torus, dragonfly"),
        (("torus", 0, 64), "at least one host"),
        (("fat-tree", 10, 1), "at least 2 ports"),
    ],
)
def test_what_cannot_be_built_is_refused(arguments: tuple[str, float, float], words: str) -> None:
    with pytest.raises(SizingError, match=words):
        plan(*arguments)


def test_a_plan_refuses_a_number_that_it_lacks() -> None:
    with pytest.raises(KeyError, match="levels"):
        plan("torus", 64, 64).with_values({"levels": 2})


# Catalog and ledger


def switches(catalog: Catalog) -> Iterator[str]:
    for name in catalog.ids("fabric"):
        entry = catalog.get("fabric", name)
        if entry.kind == "switch" and entry.ports is not None and entry.port_bandwidth is not None:
            yield name


def test_radix_is_the_port_count(catalog: Catalog) -> None:
    for name in switches(catalog):
        entry = catalog.get("fabric", name)
        radix = clos.switch_radix(float(entry.bandwidth), float(entry.port_bandwidth))
        assert radix == float(entry.ports), name


def test_every_switch_can_be_priced(catalog: Catalog) -> None:
    for name in switches(catalog):
        found = parts_of(catalog, "ib-ndr", name)
        assert found.switch_price > 0 and found.switch_power > 0 and found.switch_latency > 0


def test_copper_is_cheaper_than_optics(catalog: Catalog) -> None:
    copper = parts_of(catalog, "ib-ndr", "qm9700", host_cable="dac-400g")
    assert copper.host_cable.price == 150
    assert copper.host_cable.price < copper.trunk_cable.price


def test_a_cable_without_figures_is_refused(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="xcvr-800g-2xfr4"):
        parts_of(catalog, "ib-ndr", "qm9700", host_cable="xcvr-800g-2xfr4")


@pytest.mark.parametrize(
    ("kind", "nodes"), [(k, n) for k in sizing.KINDS for n in (4, 128, 2048) if k != "dragonfly" or n > 64]
)
def test_the_trail_is_unbroken(catalog: Catalog, kind: str, nodes: int) -> None:
    with Ledger() as ledger:
        count = ledger.field("cluster.nodes", nodes, "1", "Nodes")
        rails = ledger.field("cluster.rails", RAILS, "1", "Network interfaces of a node")
        ratio = ledger.field("cluster.oversubscription", 1.0, "1", "Oversubscription")
        hosts = ledger.field("cluster.hosts", nodes * RAILS, "1", "Endpoints")
        built = parts_of(catalog, "ib-ndr", "qm9700", ledger.fact)
        chosen = plan(kind, hosts, built.radix, ratio, ratio, rails)
        chosen = chosen.with_values(
            {c.name: ledger.choice(f"fabric.{c.name}", c.value, "1", c.title, c.reason) for c in chosen.choices}
        )
        found = build(chosen, hosts, built, ratio, ratio, count, rails)
        ledger.name("fabric.cost", found.cost)
        ledger.name("fabric.latency", found.latency_mean)
    assert ledger.orphans() == []
    assert ledger.exceeded() == []
    plain = build(
        plan(kind, nodes * RAILS, 64, rails=RAILS),
        nodes * RAILS,
        parts_of(catalog, "ib-ndr", "qm9700"),
        1.0,
        1.0,
        nodes,
        RAILS,
    )
    assert float(found.cost) == pytest.approx(plain.cost)
    assert float(found.bisection_bandwidth) == pytest.approx(plain.bisection_bandwidth)


def test_build_runs_on_arrays() -> None:
    hosts = np.array([1024.0, 1536.0, 2048.0])
    found = build(plan("fat-tree", 2048, 64), hosts, parts())
    assert list(found.switches) == [32 + 16, 48 + 32, 64 + 32]
    assert (np.diff(found.cost) > 0).all()
