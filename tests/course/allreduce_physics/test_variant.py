"""Every student's numbers hold the surprise; the keys are computed, and stand nowhere."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import navarch.course.allreduce_physics
from navarch.catalog import load
from navarch.course.allreduce_physics.surprise import PARTS, answers, felt, keys, surprises
from navarch.course.allreduce_physics.variant import Variant, menu, variant_of
from navarch.course.variant import Student, seed_of

HOME = Path(navarch.course.allreduce_physics.__file__).parent
NOTEBOOK = HOME.parent / "labs" / "lab_06.py"
SEEDS = [seed_of(Student(f"student-{n}", "autumn"), "06") for n in range(1000)]
SCALES = {"thousand": (1e-3,), "crossing": (1e6, 1e9), "bus": (1e9,), "compressed": ()}
"""Other units than SI in which a key might stand in the source; whole numbers there are layout."""


def test_every_one_of_a_thousand_seeds_has_its_four_surprises() -> None:
    without = [(seed, told) for seed in SEEDS if not all((told := surprises(variant_of(seed))).values())]
    assert without == []


def test_what_is_felt_is_what_the_instruments_show() -> None:
    for seed in SEEDS[:12]:
        readings = {
            key: told.value for shown in answers(variant_of(seed)).values() for key, told in shown.readings.items()
        }
        few = answers(variant_of(seed))["compressed"]["few"].value
        for name, value in felt(variant_of(seed)).items():
            assert value == pytest.approx(few if name == "few" else readings[name]), name


def test_a_thousand_seeds_draw_many_variants() -> None:
    variants = [variant_of(seed) for seed in SEEDS]
    assert len(set(variants)) > 950
    for name in ("link", "message", "many", "pair", "bus_ranks", "bus_message", "model", "ranks", "task"):
        assert len({getattr(v, name) for v in variants}) > 2, name


def test_a_seed_always_draws_the_same() -> None:
    before = variant_of(SEEDS[0])
    variant_of.cache_clear()
    assert variant_of(SEEDS[0]) == before


def test_keys_of_a_hundred_seeds_are_recomputed_another_way() -> None:
    catalog = load()
    alpha = float(catalog.fact("constant", "collectives.scaleout-latency").value)
    share = float(catalog.fact("constant", "collectives.scaleout-efficiency").value)
    memory = float(catalog.get("accelerator", str(menu()["accelerator"])).memory_bandwidth.value)
    stem = "collectives.compression-top-k-passes"
    once, each = (float(catalog.fact("constant", f"{stem}{more}").value) for more in ("", "-each"))
    for seed in SEEDS[:100]:
        v, found = variant_of(seed), keys(variant_of(seed))
        bandwidth = share * float(catalog.fact("fabric", v.link, "bandwidth").value)
        assert _bus(v, alpha, bandwidth, memory) == pytest.approx(found["bus"])
        gradient = 4 * float(catalog.get("model", v.model).params_total.value)
        plain = 2 * (v.ranks - 1) / v.ranks * gradient / bandwidth
        kept = (v.ranks - 1) * gradient / v.fewer / bandwidth + (once + each * v.ranks) * gradient / memory
        assert plain / kept == pytest.approx(found["compressed"], rel=1e-6)
        assert 2 * (v.many - 1) / v.many * v.message / bandwidth < found["thousand"]
        assert found["thousand"] < 2 * (v.many - 1) * (v.message / v.many / bandwidth + alpha)


def _bus(v: Variant, alpha: float, bandwidth: float, memory: float) -> float:
    """The third key, written out round by round."""
    part, n = v.bus_message / v.bus_ranks, v.bus_ranks
    adding = part / (memory / 3)
    time = (n - 1) * (alpha + part / bandwidth + adding) + (n - 1) * (alpha + part / bandwidth)
    return 2 * (n - 1) * part / time


def test_on_either_side_of_the_second_key_the_other_algorithm_wins() -> None:
    from navarch.course.allreduce_physics.desk import RING, TREE, plain_link
    from navarch.distributed.collectives.choice import candidates

    for seed in SEEDS[:100]:
        v, at = variant_of(seed), keys(variant_of(seed))["crossing"]
        for message, first, second in ((at / 1.01, TREE, RING), (at * 1.01, RING, TREE)):
            times = {c.algorithm: c.time for c in candidates("all_reduce", v.pair, message, plain_link(v.link))}
            assert times[first] < times[second]


def test_no_key_stands_in_the_source() -> None:
    written = sorted(set(_numbers()))
    for seed in SEEDS[:100]:
        for part, key in keys(variant_of(seed)).items():
            near = [number for number in written if math.isclose(number, key, rel_tol=2e-3)]
            broken = [number for number in written if not number.is_integer()]
            told = [key / scale for scale in SCALES[part]]
            near += [number for number in broken for each in told if math.isclose(number, each, rel_tol=2e-3)]
            assert near == [], (part, key)


def _numbers() -> Iterator[float]:
    """Every number of the lab's source, its notebook and its menu."""
    for file in [*HOME.glob("*.py"), NOTEBOOK]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and type(node.value) in (int, float):
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


def test_there_are_four_keys() -> None:
    assert set(keys(variant_of(SEEDS[0]))) == set(PARTS) == set(answers(variant_of(SEEDS[0])))
