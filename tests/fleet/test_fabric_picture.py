"""Pictures of networks: well-formed, of all families, small and large, nothing outside the frame."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from navarch.fleet.fabric.clos_graph import fat_tree, leaf_spine, one_switch, rail_optimised, three_tier
from navarch.fleet.fabric.dragonfly_graph import dragonfly, dragonfly_plus
from navarch.fleet.fabric.edge_list import read_network
from navarch.fleet.fabric.graph import Network
from navarch.fleet.fabric.grid_graph import hypercube, torus, twisted_torus
from navarch.fleet.fabric.picture import HEIGHT, WIDTH, drawing, is_cut, picture
from navarch.fleet.fabric.scaleup_graph import in_planes, with_scale_up

NETWORKS = [
    three_tier(4, 4, 4, 4, 4, 16, 4), leaf_spine(8, 8, 4, 4), one_switch(64), torus((64,)), torus((8, 8)),
    torus((4, 4, 4)), torus((2, 2, 2)), torus((2, 2, 2, 2)), torus((1,)), twisted_torus((4, 4, 8)), hypercube(1),
    hypercube(6), dragonfly(2, 4, 2, 8), dragonfly_plus(4, 4, 4, 4, 4), three_tier(16, 32, 32, 32, 32, 256, 16),
    torus((128, 128)), torus((32, 32, 16)), hypercube(14), dragonfly(16, 32, 16, 32),
    dragonfly_plus(32, 32, 32, 32, 16),
    with_scale_up(rail_optimised(36, 4, 36, 4, 36), 72, 18, 50e9), in_planes(leaf_spine(4, 4, 2, 4), 2), fat_tree(2),
]  # fmt: skip
LEAST_NODES = 10
FILE_LIMIT = 150_000


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n.name)
def test_a_picture_of_every_family(network: Network) -> None:
    svg = picture(network, 1e12)
    root = ET.fromstring(svg)  # noqa: S314
    assert len(svg) < FILE_LIMIT
    text = " ".join(node.text or "" for node in root.iter("{http://www.w3.org/2000/svg}text"))
    assert f"{network.hosts:,} hosts" in text
    assert f"{network.cables:,} cables" in text
    assert "bisection 1 TB/s" in text
    boxes = [n for n in root.iter() if n.tag.endswith(("rect", "circle"))]
    assert len(boxes) >= min(LEAST_NODES, network.nodes)
    for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", svg):
        assert 0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT
    for name, value in re.findall(r' c?([xy])="(-?[\d.]+)"', svg):
        assert -1 <= float(value) <= (WIDTH if name == "x" else HEIGHT)


def test_a_small_network_is_drawn_whole() -> None:
    svg = picture(torus((4, 4, 4)))
    assert svg.count("<circle") == 64
    assert picture(three_tier(4, 4, 4, 4, 4, 16, 4)).count('fill="#dd8434"') == 64
    assert picture(hypercube(6)).count("<circle") == 64


def test_an_own_network_is_drawn(tmp_path: Path) -> None:
    lines = [
        "from,to",
        *(f"host{i},leaf{i % 3}" for i in range(9)),
        *(f"leaf{i},spine<{j}" for i in range(3) for j in range(2)),
    ]
    (tmp_path / "own.csv").write_text("\n".join(lines), "utf-8")
    svg = picture(read_network(tmp_path / "own.csv"), 2e9, title="Ours & theirs")
    assert ET.fromstring(svg) is not None  # noqa: S314
    assert svg.count("<circle") == 14
    assert "Ours &amp; theirs" in svg


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n.name)
def test_a_drawing_for_a_page_has_no_heading_and_no_empty_space(network: Network) -> None:
    svg = drawing(network)
    root = ET.fromstring(svg)  # noqa: S314
    _, top, width, high = map(float, str(root.get("viewBox")).split())
    assert width == WIDTH and 0 < high <= HEIGHT
    assert f"{network.cables:,} cables" not in svg
    ys = [float(y) for y in re.findall(r' c?y="(-?[\d.]+)"', svg)]
    assert top <= min(ys[1:]) and max(ys) <= top + high
    assert is_cut(network) == ('stroke-dasharray="7 5"' in svg)
