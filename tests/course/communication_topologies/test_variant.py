"""Every student's numbers hold the surprise; the keys are computed, and stand nowhere."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

import navarch.course.communication_topologies as room
from navarch.course.communication_topologies import exchange, fabrics, measured, ranks
from navarch.course.communication_topologies.surprise import PARTS, answers, keys, surprises
from navarch.course.communication_topologies.variant import Variant, menu, variant_of
from navarch.course.variant import Student, seed_of
from navarch.fleet.fabric import clos_graph, traffic
from navarch.fleet.fabric.bisection import theory_of
from navarch.fleet.fabric.graph import Wires
from navarch.fleet.fabric.placement import wires_of

HOME = Path(room.__file__).parent
NOTEBOOK = HOME.parent / "labs" / "lab_03.py"
SEEDS = [seed_of(Student(f"student-{n}", "autumn"), "03") for n in range(1000)]
SMALL = [seed for seed in SEEDS if variant_of(seed).exchange.hosts == exchange.HOSTS[0]]


def test_a_seed_of_each_size_has_its_four_surprises() -> None:
    for seed in SMALL[:6]:
        assert all(surprises(variant_of(seed)).values()), variant_of(seed)


@pytest.mark.slow
def test_every_one_of_a_thousand_seeds_has_its_four_surprises() -> None:
    """Parts are drawn from a pool of cases, each of which is worked out once."""
    assert [seed for seed in SEEDS if not all(surprises(variant_of(seed)).values())] == []


def test_a_thousand_seeds_draw_many_variants() -> None:
    variants = [variant_of(seed) for seed in SEEDS]
    assert len(set(variants)) > 950
    for name in ("wired", "money", "exchange", "leaves", "gradient", "hashed", "order", "task"):
        assert len({getattr(each, name) for each in variants}) > 2, name


def test_a_seed_always_draws_the_same() -> None:
    seed = SEEDS[0]
    before = variant_of(seed)
    variant_of.cache_clear()
    assert variant_of(seed) == before


def test_there_are_four_keys() -> None:
    assert tuple(keys(variant_of(SMALL[0]))) == PARTS


@pytest.mark.slow
def test_keys_of_a_hundred_seeds_are_recomputed_another_way() -> None:
    for seed in SEEDS[:100]:
        variant = variant_of(seed)
        found = keys(variant)
        assert found["bisection"] == pytest.approx(_bisections(variant))
        assert found["placement"] == pytest.approx(_crowding(variant))
        assert found["collision"] == pytest.approx(_collisions(variant))
        shown = answers(variant)["exchange"]
        ring = _rate(variant, "fat-tree") / _rate(variant, "torus")
        assert shown["ring_torus"].value == pytest.approx(ring, rel=0.05)  # rates alone, but for the latency
        assert found["exchange"] > 2.5 * ring / 1.45


def _rate(variant: Variant, family: str) -> float:
    asked = variant.exchange
    bill = fabrics.bill(family, asked.hosts, asked.dimensions, variant.wired.parts)
    return (variant.money * asked.hosts - bill.fixed) / bill.by_rate


def _bisections(variant: Variant) -> float:
    """By the closed forms and the bills, the money left out: it divides away."""
    asked = variant.wired
    found = []
    for family in ("fat-tree", "torus"):
        network = fabrics.fabric(family, asked.hosts, asked.dimensions, asked.parts, 1.0)
        bill = fabrics.bill(family, asked.hosts, asked.dimensions, asked.parts)
        links = theory_of(network)
        assert links is not None
        found.append(links * (variant.money * asked.hosts - bill.fixed) / bill.by_rate)
    return found[0] / found[1]


def _crowding(variant: Variant) -> float:
    """By hand: a step waits for the flows that share the uplinks of the busiest leaf, and for the way across."""
    asked = variant.leaves
    hosts = asked.leaves * asked.hosts
    order = np.random.default_rng(asked.draw).permutation(hosts) // asked.hosts
    crossing = order != np.roll(order, -1)
    out = np.bincount(order[crossing], minlength=asked.leaves)
    into = np.bincount(np.roll(order, -1)[crossing], minlength=asked.leaves)
    crowd = max(1.0, max(out.max(), into.max()) / -(-asked.hosts // asked.ratio))
    wires = wires_of(fabrics.parts_named("roce"))
    latency, step = 2 * wires.near + 2 * wires.far, variant.gradient / hosts / wires.bandwidth
    return float((latency + crowd * step) / (latency + step))


def _collisions(variant: Variant) -> float:
    asked = variant.hashed
    wires = wires_of(fabrics.parts_named("roce"))
    network = clos_graph.leaf_spine(asked.leaves, asked.hosts, asked.hosts, asked.hosts, wires)
    even = traffic.run(network, "bisection", variant.block, "modulo").time
    draws = range(int(menu()["draws"]))
    hashed = [traffic.run(network, "bisection", variant.block, "ecmp", seed).time for seed in draws]
    return float(np.mean(hashed)) / even


def test_orders_that_may_be_measured_cross_the_uplink_often_enough() -> None:
    told = menu()["measured"]
    count = int(told["ranks"])
    leaf = ranks.leaf_of(count)
    for draw in told["orders"]:
        orders = ranks.orders_of(count, draw)
        assert ranks.crossings(orders["in order"], leaf) == 1
        assert ranks.crossings(orders["at random"], leaf) >= told["least_crossings"]
        assert ranks.crossings(orders["every step across"], leaf) == count // 2
    assert measured.inputs(1)["rate"] == pytest.approx(25e6)


@pytest.mark.slow
def test_no_key_stands_in_the_source() -> None:
    written = sorted(set(_numbers()))
    for seed in SEEDS[:100]:
        for part, key in keys(variant_of(seed)).items():
            near = [number for number in written if math.isclose(number, key, rel_tol=1e-4)]
            assert near == [], (part, key)


def _numbers() -> Iterator[float]:
    """Every number of the lab's source, its notebook and its menu."""
    for file in [*HOME.glob("*.py"), NOTEBOOK]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
                yield float(node.value)
    yield from _numbers_of(yaml.safe_load((HOME / "menu.yaml").read_text("utf-8")))


def _numbers_of(content: object) -> Iterator[float]:
    if isinstance(content, dict):
        for value in content.values():
            yield from _numbers_of(value)
    elif isinstance(content, list):
        for value in content:
            yield from _numbers_of(value)
    elif isinstance(content, int | float):
        yield float(content)


def test_wires_of_the_menu_are_of_the_catalog() -> None:
    for name in menu()["parts"]:
        assert float(fabrics.parts_named(name).link_bandwidth) > Wires().bandwidth
