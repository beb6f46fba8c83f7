"""What the instruments of Lab 03 show, held against known answers."""

from __future__ import annotations

import numpy as np
import pytest

from navarch.course.communication_topologies import collisions, exchange, fabrics, placement, wired
from navarch.course.communication_topologies.fabrics import THREE
from navarch.course.errors import CourseError
from navarch.course.instrument import differences

ASKED = {"hosts": 64, "dimensions": 2, "parts": "roce", "money": 1500.0}


def test_the_three_cost_the_same_to_the_dollar() -> None:
    shown = wired.same_money(**ASKED)
    for row in shown.rows:
        bill = fabrics.bill(row["family"], 64, 2, "roce")
        assert bill.fixed + bill.by_rate * row["rate"] == pytest.approx(1500.0 * 64)
    assert shown["money"].value == pytest.approx(96_000)


def test_the_bill_is_that_of_the_cables_and_the_ports() -> None:
    network = fabrics.fabric("torus", 64, 2, "roce", 50e9)
    bill = fabrics.bill_of(network)
    assert bill.ports == 64 * 5  # four to the neighbours, one to the host
    assert sum(bill.cables.values()) == 128
    assert fabrics.bill("fat-tree", 1024, 2, "roce").ports == 320 * 16  # all ports of a 16-ary fat-tree
    tree = fabrics.fabric("fat-tree", 1024, 2, "roce", 50e9)
    assert (tree.count("leaf"), tree.count("spine"), tree.count("core")) == (128, 128, 64)


@pytest.mark.parametrize("hosts", [64, 256, 1024])
def test_bisection_and_diameter_are_those_of_theory(hosts: int) -> None:
    rows = {row["family"]: row for row in wired.same_money(**{**ASKED, "hosts": hosts}).rows}
    for row in rows.values():
        assert row["closed_form"] == row["greatest_flow"]
        assert row["bisection"] == pytest.approx(row["greatest_flow"] * row["rate"])
    assert rows["fat-tree"]["greatest_flow"] == hosts / 2
    side = {64: 8, 256: 16, 1024: 32}[hosts]
    assert rows["torus"]["greatest_flow"] == 2 * side
    assert rows["torus"]["diameter"] == side
    assert rows["fat-tree"]["diameter"] == {64: 4, 256: 6, 1024: 6}[hosts]


def test_small_networks_have_one_bisection_however_it_is_found() -> None:
    for dimensions in (2, 3):
        for row in wired.halves(dimensions=dimensions).rows:
            assert row["closed_form"] == row["greatest_flow"] == row["all_partitions"]


def test_a_ring_takes_what_the_closed_form_says_and_an_exchange_at_least_that() -> None:
    shown = exchange.collectives(**ASKED, message=256e6)
    for row in shown.rows:
        if row["collective"] == exchange.RING:
            assert row["simulated"] == pytest.approx(row["estimate"])
        else:
            assert row["simulated"] >= row["estimate"] * (1 - 1e-9)
            assert row["at_once"] <= row["simulated"]
    assert shown["exchange_torus"].value > 2 * shown["ring_torus"].value


def test_the_order_of_the_ranks_is_the_students_draw() -> None:
    asked = {**ASKED, "message": 256e6}
    one, other = (exchange.in_random_order(**asked, draw=draw) for draw in (1, 2))
    assert [row["in_order"] for row in one.rows] == [row["in_order"] for row in other.rows]
    assert all(row["times"] > 1.5 for row in one.rows)
    assert [row["random"] for row in one.rows] != [row["random"] for row in other.rows]


def test_placement_is_the_closed_form_and_in_order_costs_nothing() -> None:
    for algorithm in placement.ALGORITHMS:
        shown = placement.ring_on_leaves(shape="8x8", ratio=4, algorithm=algorithm, gradient=256e6, draw=1)
        for row in shown.rows:
            assert row["simulated"] == pytest.approx(row["estimate"], rel=1e-6)
    ring = placement.ring_on_leaves(shape="8x8", ratio=4, algorithm=placement.RING, gradient=256e6, draw=1)
    assert ring["thinned"].value == pytest.approx(1)
    assert ring["whole"].value == pytest.approx(1)
    assert 2 < ring["longer"].value <= 4


def test_a_hash_costs_what_balls_in_bins_say() -> None:
    shown = collisions.one_hash(shape="16x16", block=64e6, spread="ecmp")
    assert shown["mean"].value == pytest.approx(shown["closed"].value, rel=0.2)
    assert min(row["times"] for row in shown.rows) >= 2 * (1 - 1e-3)
    assert collisions.one_hash(shape="16x16", block=64e6, spread="spray")["longer"].value == pytest.approx(1)
    one = collisions.one_collision(shape="16x16", block=64e6)
    assert one["longer"].value == 2
    assert one["idle"].value == pytest.approx(1 / 256)


def test_what_was_shown_is_shown_again() -> None:
    for instrument, inputs in (
        (wired.same_money, ASKED),
        (exchange.collectives, {**ASKED, "message": 64e6}),
        (placement.ring_on_leaves, {"shape": "4x16", "ratio": 4, "algorithm": "ring", "gradient": 1e9, "draw": 3}),
        (collisions.one_hash, {"shape": "8x8", "block": 16e6, "spread": "ecmp"}),
    ):
        first = instrument(**inputs)
        assert differences(first, instrument(**inputs)) == []
        assert all(np.isfinite(reading.value) for reading in first.readings.values())


def test_a_mistake_names_what_is_allowed() -> None:
    with pytest.raises(CourseError, match=r"parts: 'copper'.*roce"):
        wired.same_money(**{**ASKED, "parts": "copper"})
    with pytest.raises(CourseError, match="shape: '3x3'"):
        placement.ring_on_leaves(shape="3x3", ratio=4, algorithm="ring", gradient=1e9, draw=1)
    with pytest.raises(CourseError, match="spread: 'luck'"):
        collisions.one_hash(shape="8x8", block=1e6, spread="luck")


def test_every_fabric_has_a_routing() -> None:
    assert set(fabrics.ROUTING) == set(THREE)
