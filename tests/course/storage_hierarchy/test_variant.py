"""Every student's numbers hold the surprise; the keys are computed, and stand nowhere."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

import navarch.course.storage_hierarchy as room
from navarch import load_catalog
from navarch.course.storage_hierarchy.surprise import PARTS, answers, keys, surprises
from navarch.course.storage_hierarchy.variant import Variant, menu, variant_of
from navarch.course.variant import Student, seed_of
from navarch.fleet.storage.parts import Choice, Parts, Workload
from navarch.fleet.storage.simulate import simulate

HOME = Path(room.__file__).parent
NOTEBOOK = HOME.parent / "labs" / "lab_04.py"
SEEDS = [seed_of(Student(f"student-{n}", "autumn"), "04") for n in range(1000)]


def test_each_storage_that_may_be_bought_has_its_surprises() -> None:
    by_system = {variant_of(seed).bought.system: seed for seed in SEEDS}
    assert len(by_system) == len(menu()["bought"])
    for seed in by_system.values():
        assert all(surprises(variant_of(seed)).values()), variant_of(seed)


@pytest.mark.slow
def test_every_one_of_a_thousand_seeds_has_its_surprises() -> None:
    """Parts are drawn from a pool of cases, each of which is worked out once."""
    assert [variant_of(seed) for seed in SEEDS if not all(surprises(variant_of(seed)).values())] == []


def test_a_thousand_seeds_draw_many_variants() -> None:
    variants = [variant_of(seed) for seed in SEEDS]
    assert len(set(variants)) > 950
    for name in ("accelerators", "rate", "sample", "bought", "saved", "pod", "task"):
        assert len({getattr(each, name) for each in variants}) > 2, name


def test_a_seed_always_draws_the_same() -> None:
    seed = SEEDS[0]
    before = variant_of(seed)
    variant_of.cache_clear()
    assert variant_of(seed) == before


def test_there_are_four_keys() -> None:
    assert tuple(keys(variant_of(SEEDS[0]))) == PARTS


@pytest.mark.slow
def test_keys_of_a_hundred_seeds_are_recomputed_another_way() -> None:
    parts = Parts(load_catalog())
    for seed in SEEDS[:100]:
        variant = variant_of(seed)
        found = keys(variant)
        assert found["bytes"] == pytest.approx(variant.accelerators * variant.rate * variant.sample)
        assert found["starved"] == pytest.approx(_stood_still(parts, variant))
        assert found["checkpoint"] == pytest.approx(_written_in(parts, variant))
        opened = variant.pod * variant.rate / float(parts.constant("metadata-rate"))
        assert found["files"] == pytest.approx(opened)
        assert answers(variant)["files"]["shared"].value == pytest.approx(opened, rel=0.06), variant


def _stood_still(parts: Parts, variant: Variant) -> float:
    """By the library alone: the storage, its readers, and a run."""
    bought, batch = variant.bought, int(menu()["batch"])
    demand = variant.accelerators * variant.rate * variant.sample
    units = math.ceil(demand * bought.supply / float(parts.unit(bought.system).read) - 1e-9)
    workload = Workload(
        variant.accelerators, variant.rate, batch, variant.sample, 1e9, request=batch * variant.sample / 2,
        workers=8, prefetch=bought.prefetch,
    )  # fmt: skip
    assert workload.readers.requests == 2
    steps = min(max(int(48_000 / (2 * variant.accelerators)), 20), 40)
    run = simulate(parts.store(workload, Choice(bought.system, units)), workload.readers, steps)
    waited = np.diff(run.began)[run.warm :] - workload.readers.step
    assert (waited > -1e-9).all()
    return run.stalled


def _written_in(parts: Parts, variant: Variant) -> float:
    """By hand: bytes over the rate of as many units as hold the tokens."""
    saved = variant.saved
    unit = parts.unit(saved.system)
    held = saved.tokens * 4 / float(parts.constant("fill"))
    units = math.ceil(held / float(unit.capacity) - 1e-9)
    return 405e9 * float(parts.constant("checkpoint-bytes-per-parameter")) / (units * float(unit.write))


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
