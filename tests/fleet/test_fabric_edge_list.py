"""A user's own network: what is read, what is refused and in which words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from navarch.fleet.fabric.bisection import bisection_of
from navarch.fleet.fabric.clos_graph import leaf_spine
from navarch.fleet.fabric.edge_list import read_network
from navarch.fleet.fabric.graph import GraphError, Network, Wires
from navarch.fleet.fabric.grid_graph import torus
from navarch.fleet.fabric.measures import lengths_of
from navarch.fleet.fabric.routing import router_for


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def as_list(network: Network, path: Path) -> Path:
    """The network as a list of cables."""
    name = [network.tiers[tier] + str(node) for node, tier in enumerate(network.node_tier)]
    lines = [f"{name[a]},{name[b]}" for a, b in network.ends.tolist()]
    return written(path, "\n".join(["from,to", *lines, ""]))


@pytest.mark.parametrize("network", [leaf_spine(4, 4, 2, 2), leaf_spine(6, 8, 4, 8)], ids=lambda n: n.name)
def test_a_known_network_is_read_as_it_was(network: Network, tmp_path: Path) -> None:
    read = read_network(as_list(network, tmp_path / "cables.csv"))
    assert (read.hosts, read.switches, read.cables) == (network.hosts, network.switches, network.cables)
    assert read.tiers == network.tiers
    assert lengths_of(read) == lengths_of(network)
    assert bisection_of(read).flow == bisection_of(network).flow  # the spectrum finds the halves
    a, b = np.arange(read.hosts), np.roll(np.arange(read.hosts), 3)
    assert router_for(read, "spray").paths(a, b).reached.all()


def test_a_network_without_switches(tmp_path: Path) -> None:
    read = read_network(as_list(torus((4, 4)), tmp_path / "grid.csv"), hosts="none")
    assert read.direct and read.hosts == 16 and read.switches == 0
    found = bisection_of(read)
    assert found.search == 8
    assert found.flow >= found.search


def test_what_a_line_says(tmp_path: Path) -> None:
    text = "from,to,bandwidth,latency,length,count\nhost1,leaf1,400 Gb/s,1 us,2 m,\nhost2,leaf1,,,,2\n"
    read = read_network(written(tmp_path / "two.csv", text), Wires(1e9, 5e-7))
    assert read.bandwidth.tolist() == [50e9, 1e9, 1e9]
    assert read.latency.tolist() == [1e-6, 5e-7, 5e-7]
    assert read.length.tolist() == [2, 0, 0]
    assert read.cable_tiers == ("host to leaf",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "its first line must name the columns from and to"),
        ("a,b\nx,y\n", "its first line must name the columns"),
        ("from,to,colour\nx,y,red\n", "unknown column 'colour'; allowed: from, to, bandwidth"),
        ("from,to\n", "lists no cable"),
        ("from,to\nhost1,\n", "line 2: to is empty"),
        ("from,to\nhost1,leaf1\nleaf1,leaf1\n", "line 3: joins 'leaf1' to itself"),
        ("from,to\nhost1,leaf1,9\n", "line 2: has more cells"),
        ("from,to,bandwidth\nhost1,leaf1,fast\n", 'line 2: bandwidth: "fast": .* for example 400 Gb/s'),
        ("from,to,bandwidth\nhost1,leaf1,0 Gb/s\n", "bandwidth is 0 Gb/s; it must be more than 0"),
        ("from,to,length\nhost1,leaf1,3 s\n", "line 2: length: "),
        ("from,to,count\nhost1,leaf1,1.5\n", "count is 1.5; allowed is a whole number from 1 to 4096"),
        ("from,to\nhost1,leaf1\nhost1,host2\n", "host1 and host2 are hosts joined directly"),
        ("from,to\nhost1,leaf1\nhost2,leaf2\n", "cannot be reached from host1"),
    ],
)
def test_mistakes_are_told(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=words):
        read_network(written(tmp_path / "bad.csv", text))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="there is no such file"):
        read_network(tmp_path / "nothing.csv")
    with pytest.raises(GraphError, match="is a folder"):
        read_network(tmp_path)
    (tmp_path / "bytes.csv").write_bytes(b"from,to\nhost\xff,leaf\n")
    with pytest.raises(GraphError, match="is not UTF-8"):
        read_network(tmp_path / "bytes.csv")
