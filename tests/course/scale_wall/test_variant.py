"""Every student's numbers hold the surprise; the keys are computed, and stand nowhere."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import navarch.course.scale_wall
from navarch.catalog import load
from navarch.course.scale_wall.surprise import PARTS, answers, keys, surprises
from navarch.course.scale_wall.variant import Variant, menu, variant_of
from navarch.course.variant import Student, seed_of
from navarch.fleet.scale.fits import parametric_constants
from navarch.fleet.scale.plan import plan_scale
from navarch.fleet.scale.question import Question

HOME = Path(navarch.course.scale_wall.__file__).parent
NOTEBOOK = HOME.parent / "labs" / "lab_01.py"
CATALOG = load()
SEEDS = [seed_of(Student(f"student-{n}", "autumn"), "01") for n in range(1000)]


def test_every_one_of_a_thousand_seeds_has_its_four_surprises() -> None:
    without = [(seed, told) for seed in SEEDS if not all((told := surprises(variant_of(seed))).values())]
    assert without == []


def test_a_thousand_seeds_draw_many_variants() -> None:
    variants = [variant_of(seed) for seed in SEEDS]
    assert len(set(variants)) > 950
    for name in ("run", "accelerator", "deadline", "fleet", "period", "training", "money", "price"):
        assert len({getattr(v, name) for v in variants}) > 3, name


def test_a_seed_always_draws_the_same() -> None:
    seed = SEEDS[0]
    before = variant_of(seed)
    variant_of.cache_clear()
    assert variant_of(seed) == before


def test_keys_of_a_hundred_seeds_are_recomputed_another_way() -> None:
    catalog = load()
    utilisation = float(catalog.fact("constant", "scale.utilisation"))
    table = catalog.table("training_facts")
    record = catalog.get("failure", str(menu()["record"]))
    rate = float(record.count.value) / (float(record.accelerators.value) * float(record.period.value))
    for seed in SEEDS[:100]:
        variant = variant_of(seed)
        found = keys(variant)
        compute = float(table.filter(table["model"] == variant.run)["flop_total"][0])
        peak = float(catalog.get("accelerator", variant.accelerator).bf16.value)
        assert found["years"] == pytest.approx(compute / (peak * utilisation))
        assert found["interruptions"] == pytest.approx(rate * variant.fleet * variant.period)
        assert 1 <= found["sixteen"] <= 16
        assert found["loss"] == pytest.approx(_gain(variant), rel=1e-6)


def _gain(variant: Variant) -> float:
    """The fourth key, written out."""
    catalog = CATALOG
    e, a, b, alpha, beta = (float(x) for x in parametric_constants(catalog, "besiroglu2024"))
    rate = float(catalog.get("accelerator", variant.rented).bf16.value)
    rate *= float(catalog.fact("constant", "scale.utilisation")) * float(
        catalog.fact("constant", "design.planned-goodput")
    )

    def loss(money: float) -> float:
        compute = money / float(catalog.fact("price", variant.price)) * rate
        g = (alpha * a / (beta * b)) ** (1 / (alpha + beta))
        size, tokens = g * (compute / 6) ** (beta / (alpha + beta)), (compute / 6) ** (alpha / (alpha + beta)) / g
        return e + a / size**alpha + b / tokens**beta

    return loss(variant.money) - loss(10 * variant.money)


def test_the_loss_is_the_planners() -> None:
    variant = variant_of(SEEDS[2])
    question = Question(budget=variant.money, accelerator=variant.rented, price=variant.price)
    plan = plan_scale(question, load())
    shown = answers(variant)["loss"]["loss"]
    assert shown.value == pytest.approx(float(plan.optimum.loss))
    low, high = plan.uncertainty.interval(plan.optimum.loss.entry)
    assert (shown.low, shown.high) == pytest.approx((low, high))


def test_the_third_key_is_the_fastest_of_all_plans_up_to_sixteen_times_the_fleet() -> None:
    from navarch.distributed.training.inputs import hardware_of, scaleout_bandwidth, shape_of
    from navarch.distributed.training.runtime import runtime_of
    from navarch.distributed.training.strategy import choose

    variant, catalog = variant_of(SEEDS[1]), load()
    t = variant.training
    node = catalog.get("node", t.node)
    hardware = hardware_of(catalog, node, "bf16", scaleout_bandwidth(node))
    runtime = runtime_of(catalog, node.accelerator, "bf16", "megatron-core")
    shape = shape_of(catalog, catalog.get("model", t.model))
    steps = [
        choose(shape, hardware, runtime, t.accelerators * k, t.sequences, t.sequence, losers=0).best.step_time
        for k in (1, 2, 4, 8, 16)
    ]
    assert keys(variant)["sixteen"] == pytest.approx(steps[0] / min(steps))


def test_no_key_stands_in_the_source() -> None:
    written = sorted(set(_numbers()))
    for seed in SEEDS[:100]:
        for part, key in keys(variant_of(seed)).items():
            near = [number for number in written if math.isclose(number, key, rel_tol=2e-3)]
            assert near == [], (part, key)
    year = 365 * 86400.0
    for seed in SEEDS[:100]:
        key = keys(variant_of(seed))["years"] / year
        assert not [number for number in written if math.isclose(number, key, rel_tol=2e-3)]


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
    assert set(keys(variant_of(SEEDS[0]))) == set(PARTS)
