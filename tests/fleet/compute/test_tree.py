"""The machine as a tree: published machines level by level, ranks and groups, failure domains."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.catalog import load
from navarch.core.ledger import Ledger
from navarch.fleet.compute.machine import Network, machine
from navarch.fleet.compute.tree import Machine

CATALOG = load()
INFINIBAND = Network("ib-ndr", "qm9700", 1.0)
ETHERNET = Network("roce-400gbe", "sn5600", 2.0)


def built(node: str, accelerators: float, network: Network = INFINIBAND) -> Machine:
    return machine(CATALOG, node, accelerators, network)


H100 = built("dgx-h100", 16384.0)


def test_a_cluster_of_dgx_h100() -> None:
    """NVLink 4: 450 GB/s each and 3.6 TB/s in both directions across the middle; 400 Gb/s a rail to the leaves."""
    node = H100.unit("node")
    assert [u.level for u in H100.units] == ["chip", "node", "rack", "pod", "cluster"]
    assert (node.accelerators, node.units, node.power) == (8, 2048, 10_200)
    assert node.link is not None and node.link.joining == "switches"
    assert (node.link.bandwidth, node.link.bisection) == (450e9, 1.8e12)
    pod = H100.unit("pod")
    assert pod.link is not None and pod.link.bandwidth == 50e9
    assert pod.accelerators == 30 * 8
    assert H100.root.power == pytest.approx(2048 * 10_200)
    assert H100.root.link is not None and H100.root.link.bisection == 8192 * 50e9


def test_a_rack_of_nvl72_is_one_scale_up_domain() -> None:
    rack = built("gb200-nvl72", 1152.0).unit("rack")
    assert (rack.accelerators, rack.children, rack.units, rack.power) == (72, 18, 16, 132_000)
    assert rack.link is not None and (rack.link.bandwidth, rack.link.bisection) == (900e9, 36 * 900e9)
    shared = built("azure-nd-gb200-v6", 1152.0).unit("rack")
    assert (shared.accelerators, shared.children) == (72, 18)


def test_a_pod_of_tpu_v4_is_a_torus() -> None:
    """4,096 chips, 16 a side: 2 x 256 links of 45 GB/s across the middle."""
    tree = built("tpu-v4-pod", 8192.0, ETHERNET)
    pod = tree.unit("pod")
    assert pod.link is not None and pod.link.joining == "3D torus"
    assert pod.link.pair == pytest.approx(45e9)
    assert pod.link.bisection == pytest.approx(2 * 16**2 * 45e9)
    assert tree.root.link is not None and tree.root.link.bandwidth is None


def test_a_mesh_shares_its_links() -> None:
    node = built("mi300x-8-oam", 2048.0, ETHERNET).unit("node")
    assert node.link is not None and node.link.joining == "full mesh"
    assert node.link.pair == pytest.approx(64e9)
    assert node.link.bisection == pytest.approx(16 * 64e9)


def test_without_a_scale_up_link_the_host_joins() -> None:
    tree = built("univ-4xl40s", 8.0)
    node = tree.unit("node")
    assert node.link is not None and (node.link.joining, node.link.name) == ("host", "PCIe 4.0 x16")
    assert [u.level for u in tree.units] == ["chip", "node", "cluster"]


def test_oversubscription_bears_on_the_cluster_alone() -> None:
    tree = built("mi300x-8-oam", 2048.0, ETHERNET)
    pod, cluster = tree.unit("pod").link, tree.root.link
    assert pod is not None and cluster is not None
    assert (pod.bandwidth, cluster.bandwidth) == (50e9, 25e9)
    assert cluster.latency > pod.latency


def test_where_ranks_meet() -> None:
    levels = [(0, 0, "chip"), (0, 7, "node"), (7, 8, "rack"), (0, 239, "pod"), (239, 240, "cluster")]
    for first, second, level in levels:
        assert H100.meeting(float(first), float(second)).level == level
    assert H100.bandwidth_between(0.0, 7.0) == 450e9
    assert H100.bandwidth_between(0.0, 9000.0) == 50e9
    assert H100.latency_between(0.0, 7.0) < H100.latency_between(0.0, 16.0) < H100.latency_between(0.0, 9000.0)


@given(st.integers(0, 16383), st.integers(0, 16383))
def test_two_ranks_meet_where_they_meet_the_other_way(first: int, second: int) -> None:
    there, back = H100.meeting(float(first), float(second)), H100.meeting(float(second), float(first))
    assert there is back
    assert first // there.accelerators == second // there.accelerators


def test_where_a_group_lies() -> None:
    """Tensor parallelism of 8 stays in a node; data parallelism at stride 8 leaves it; 6 cut across nodes of 8."""
    assert H100.group(8.0, 1.0).level == "node"
    assert H100.group(4.0, 2.0).level == "node"
    assert H100.group(6.0, 1.0).level == "rack"
    assert H100.group(3.0, 8.0).level == "rack"
    assert H100.group(64.0, 8.0).level == "cluster"
    with pytest.raises(ValueError, match="exceeds 16384 ranks"):
        H100.group(16384.0, 2.0)


def test_a_rank_outside_is_refused() -> None:
    with pytest.raises(ValueError, match="rank 16384 is none of 0 to 16383"):
        H100.meeting(0.0, 16384.0)
    with pytest.raises(KeyError, match="no level rack"):
        built("univ-4xl40s", 8.0).unit("rack")


def test_what_one_failure_takes() -> None:
    """Llama 3: 419 interruptions of 16,384 accelerators in 54 days, 220 of them by accelerators."""
    lost = {d.what: d for d in H100.failure_domains()}
    assert [d.accelerators for d in H100.failure_domains()] == sorted(d.accelerators for d in H100.failure_domains())
    assert lost["accelerator"].accelerators == 1
    assert lost["accelerator"].total_rate == pytest.approx(220 / (54 * 86400))
    assert lost["node"].total_rate == pytest.approx(419 / (54 * 86400))
    assert lost["leaf switch"].accelerators == 240


def test_it_prints_and_tabulates() -> None:
    frame = H100.to_frame()
    assert frame["level"].to_list() == ["chip", "node", "rack", "pod", "cluster"]
    assert frame["accelerators"].to_list() == [1, 8, 24, 240, 16384]
    lines = str(H100).splitlines()
    assert len(lines) == 6
    assert "2,048 x node NVIDIA DGX H100" in str(H100)
    assert "<table" in H100._repr_html_()


@pytest.mark.parametrize("node", CATALOG.ids("node"))
def test_every_node_of_the_catalog_makes_a_tree(node: str) -> None:
    tree = built(node, 4096.0)
    sizes = [float(u.accelerators) for u in tree.units]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 4096
    assert str(tree)


def test_a_ledger_remembers_every_level() -> None:
    with Ledger() as ledger:
        total = ledger.field("cluster.accelerators", 16384.0, "1", "Accelerators")
        network = Network("ib-ndr", "qm9700", ledger.field("o", 1.5, "1", "Oversubscription"))
        tree = machine(CATALOG, "dgx-h100", total, network, take=ledger.fact)
        tree.group(ledger.field("tp", 8.0, "1", "ranks"), ledger.field("stride", 1.0, "1", "stride"))
    assert ledger.orphans() == []
    assert tree.root.link is not None and tree.root.link.bandwidth.entry.kind == "calculation"
