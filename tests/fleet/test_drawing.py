"""Schematics of every topology: bounded, inside the unit square, with ends that exist."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from navarch.fleet.fabric import drawing, sizing
from navarch.fleet.fabric.parts import Cable, Parts
from navarch.fleet.fabric.topology import build

CABLE = Cable(1000.0, 10.0, 10.0)
PARTS = Parts(50e9, 1e-6, 64.0, 0.3e-6, 35_000.0, 747.0, CABLE, CABLE, 4.9e-9)


def drawn(kind: str, hosts: int, most: int = 90) -> drawing.Drawing:
    nodes, rails = -(-hosts // 8), 8
    chosen = sizing.plan(kind, nodes * rails, 64, rails=rails)
    found = build(chosen, nodes * rails, PARTS, 1.0, 1.0, nodes, rails)
    return drawing.layout(kind, drawing.parameters_of(found), most)


@given(st.sampled_from(sizing.KINDS), st.integers(1, 60_000))
def test_drawings_are_small_and_inside(kind: str, hosts: int) -> None:
    assume(kind != "dragonfly" or hosts > 512)
    picture = drawn(kind, hosts)
    assert 1 <= len(picture.nodes) <= 90
    assert all(0 <= n.x <= 1 and 0 <= n.y <= 1 for n in picture.nodes)
    assert all(0 <= e.start < len(picture.nodes) and 0 <= e.end < len(picture.nodes) for e in picture.edges)
    assert all(e.start != e.end for e in picture.edges)
    places = {(round(n.x, 6), round(n.y, 6)) for n in picture.nodes}
    assert len(places) == len(picture.nodes)
    assert picture.captions


@pytest.mark.parametrize("kind", sizing.KINDS)
def test_large_networks_are_abbreviated(kind: str) -> None:
    picture = drawn(kind, 16_384)
    assert any(n.tier == drawing.ELLIPSIS for n in picture.nodes)
    joined = {e.start for e in picture.edges} | {e.end for e in picture.edges}
    assert all(i in joined for i, n in enumerate(picture.nodes) if n.tier != drawing.ELLIPSIS)


def test_abbreviation_keeps_the_ends() -> None:
    assert list(drawing.abbreviated(4, 6)) == [0, 1, 2, 3]
    assert list(drawing.abbreviated(100, 5)) == [0, 1, 2, None, 99]


def test_captions_count() -> None:
    texts = [c.text for c in drawn("fat-tree", 16_384).captions]
    assert "256 cores" in texts
    assert any("16,384 hosts" in t for t in texts)
    assert any("512 leaves" in t for t in texts)
