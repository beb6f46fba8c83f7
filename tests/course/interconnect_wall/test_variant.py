"""Every student's numbers hold the surprise; the keys are computed, and stand nowhere."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import navarch.course.interconnect_wall
from navarch.catalog import load
from navarch.course.interconnect_wall import tensor
from navarch.course.interconnect_wall.surprise import PARTS, keys, surprises
from navarch.course.interconnect_wall.variant import Variant, menu, quantities, variant_of
from navarch.course.variant import Student, seed_of

HOME = Path(navarch.course.interconnect_wall.__file__).parent
NOTEBOOK = HOME.parent / "labs" / "lab_02.py"
CATALOG = load()
SEEDS = [seed_of(Student(f"student-{n}", "autumn"), "02") for n in range(1000)]


def test_every_one_of_a_thousand_seeds_has_its_four_surprises() -> None:
    without = [(seed, told) for seed in SEEDS if not all((told := surprises(variant_of(seed))).values())]
    assert without == []


def test_a_thousand_seeds_draw_many_variants() -> None:
    variants = [variant_of(seed) for seed in SEEDS]
    assert len(set(variants)) > 950
    for name in ("server", "message", "family", "group", "pod", "task"):
        assert len({getattr(v, name) for v in variants}) > 3, name


def test_the_keys_differ_from_student_to_student() -> None:
    found = [keys(variant_of(seed)) for seed in SEEDS[:100]]
    for part in PARTS:
        assert len({each[part] for each in found}) >= 3, part


def test_a_seed_always_draws_the_same() -> None:
    before = variant_of(SEEDS[0])
    variant_of.cache_clear()
    assert variant_of(SEEDS[0]) == before


def _bandwidth(variant: Variant, place: int) -> float:
    """Bandwidth of the link that is asked about, of one generation, from the catalog."""
    told = menu()["families"][variant.family]
    chip = CATALOG.get("accelerator", told["accelerators"][place])
    if variant.link == "network":
        node = CATALOG.get("node", told["nodes"][place])
        return float(node.nics) * float(node.nic_bandwidth) / float(node.accelerators)
    if variant.link == "bus":
        return float(CATALOG.fact("fabric", f"pcie{chip.pcie_generation}-x16", "bandwidth"))
    return float(chip.scaleup_bandwidth)


def test_keys_of_a_hundred_seeds_are_recomputed_another_way() -> None:
    link = float(CATALOG.fact("fabric", menu()["pod"]["link"], "bandwidth"))
    for seed in SEEDS[:100]:
        variant = variant_of(seed)
        found = keys(variant)
        hall = float(CATALOG.fact("fabric", variant.server.hall, "bandwidth"))
        assert found["message"] == pytest.approx(variant.message / hall, rel=1e-3)  # but for some microseconds
        told = menu()["families"][variant.family]
        peak = float(CATALOG.fact("accelerator", told["accelerators"][-1], told["precision"]))
        assert found["generations"] == pytest.approx(1e6 * _bandwidth(variant, -1) / peak)
        half, rest = divmod(variant.pod.leaves, 2)
        cut = half * min(variant.pod.down, variant.pod.up) + rest * variant.pod.down / 2
        assert found["bisection"] == pytest.approx(cut * link)
        assert found["degree"] in (4, 8, 16, 32, 64)


def test_the_degree_is_where_the_ratio_of_the_training_model_passes_one() -> None:
    from navarch.distributed.training.ratios import ratios_by_degree

    for group in tensor.groups():
        shape, hardware, runtime = tensor.trained_on(group.model, group.node)
        batch, most = menu()["batch"], menu()["degrees"]
        every = ratios_by_degree(shape, hardware, runtime, most, batch, group.sequence)
        told = {each.degree: each.ratio for each in every if each.form.key == "tensor"}
        shown = tensor.tensor_parallel(
            model=group.model, node=group.node, sequence=group.sequence, domain=tensor.domain_of(group.node)
        )
        assert {row["degree"]: row["ratio"] for row in shown.rows} == pytest.approx(told)
        assert shown["degree"].value == min(degree for degree, ratio in told.items() if ratio > 1)


def test_the_degree_moves_with_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third key is a small whole number, which stands in any source: so it must follow what it is computed from."""
    variant = variant_of(SEEDS[0])
    before = keys(variant)["degree"]
    real = tensor.trained_on

    def slower(model: str, node: str) -> object:
        shape, hardware, runtime = real(model, node)
        links = {name: getattr(hardware, name) / 100 for name in ("scaleup_bandwidth", "scaleout_bandwidth")}
        return shape, replace(hardware, **links), runtime

    monkeypatch.setattr(tensor, "trained_on", slower)
    tensor._alone.cache_clear()
    group = variant.group
    after = tensor.tensor_parallel(model=group.model, node=group.node, sequence=group.sequence, domain=8)
    tensor._alone.cache_clear()
    assert float(after["degree"].value) < before


def test_no_key_stands_in_the_source() -> None:
    written = sorted(set(_numbers()))
    for seed in SEEDS[:100]:
        for part, key in keys(variant_of(seed)).items():
            if part == "degree":
                continue
            near = [number for number in written if math.isclose(number, key, rel_tol=2e-3)]
            assert near == [], (part, key)


def test_messages_and_budgets_are_quantities() -> None:
    assert quantities(menu()["message"], "byte")[1] == 1e9
    assert all(budget > 1e6 for budget in quantities(menu()["challenge"]["budget"], "USD"))


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
