"""The design challenge: every task can be met, the search is the best, and enough on average does not pass."""

from __future__ import annotations

import pytest

from navarch.course.errors import CourseError
from navarch.course.storage_hierarchy import challenge, cluster
from navarch.course.storage_hierarchy.challenge import Design
from navarch.course.storage_hierarchy.variant import menu, variant_of
from navarch.course.variant import Student, seed_of
from navarch.fleet.storage.search import search

SEEDS = [seed_of(Student(f"student-{n}", "spring"), "04") for n in range(300)]
TASKS = {variant_of(seed).task: seed for seed in SEEDS}


def test_these_students_draw_every_task() -> None:
    assert sorted(TASKS) == list(range(len(menu()["challenge"]["tasks"])))


@pytest.mark.slow
def test_every_task_can_be_met_and_no_storage_is_always_best() -> None:
    best = [challenge.search(seed)[0] for seed in TASKS.values()]
    assert len({design.system for design in best}) >= 3
    assert {design.drives > 0 for design in best} == {True, False}
    for seed, design in zip(TASKS.values(), best, strict=True):
        shown = challenge.score(seed=seed, system=design.system, units=design.units, drives=design.drives)
        assert all(row["met"] for row in shown.rows)


@pytest.mark.slow
def test_no_design_of_the_controls_that_meets_every_limit_is_cheaper() -> None:
    for seed in list(TASKS.values())[::2]:
        _, least = challenge.search(seed)
        _, needs = challenge.task_of(seed)
        cheaper = [design for cost, design in challenge.by_cost(seed) if cost < least]
        assert all(challenge.starved(seed, design) > needs.starvation for design in cheaper)
        assert challenge.best(seed=seed)["score"].value == pytest.approx(least)


def test_the_librarys_own_search_finds_nothing_cheaper() -> None:
    seed = TASKS[0]
    workload, needs = challenge.task_of(seed)
    told = menu()["challenge"]
    found = search(cluster.parts(), workload, needs, told["systems"], tuple(told["drives"]))
    assert found.best is not None
    assert challenge.search(seed)[1] <= found.best.cost * (1 + 1e-9)


def test_enough_on_average_does_not_pass() -> None:
    """Two appliances hold, write and feed on average what this task asks; while a checkpoint is written they starve."""
    seed = TASKS[1]
    shown = challenge.score(seed=seed, system="ddn-ai400x2", units=2, drives=0)
    missed = [row["constraint"] for row in shown.rows if not row["met"]]
    assert missed == ["Starve while one is written"]
    assert shown["fed"].value == 1
    assert shown["starved"].value > 0.1


def test_score_is_the_cost_of_what_is_bought() -> None:
    shown = challenge.score(seed=TASKS[0], system="deepseek-3fs", units=1, drives=1)
    assert shown["score"].value == pytest.approx(246 * 250 + 64 * 3.84 * 100)
    assert shown["kept"].value == 1  # of 1.15 TB on 196 TB
    assert len(shown.rows) == 5


def test_start_is_a_design_and_misses_something() -> None:
    start = challenge.start()
    for seed in TASKS.values():
        shown = challenge.score(seed=seed, system=start.system, units=start.units, drives=start.drives)
        assert not all(row["met"] for row in shown.rows)


def test_what_is_sold_in_eights_is_not_bought_in_ones() -> None:
    shown = challenge.score(seed=TASKS[0], system="wekapod-nitro", units=7, drives=0)
    assert "Units sold at once" in [row["constraint"] for row in shown.rows if not row["met"]]


def test_needs_are_what_units_each_asks_for() -> None:
    rows = challenge.what_asks_for_most(seed=TASKS[5], drives=0).rows
    told = {(row["system"], row["need"]): row["units"] for row in rows}
    name = challenge.systems()["ddn-ai400x2"]
    assert told[name, "checkpoints"] > told[name, "samples, on average"]  # checkpoints, not samples


def test_a_design_that_is_none_is_refused_in_words() -> None:
    with pytest.raises(CourseError, match="system: 'string'"):
        challenge.score(seed=SEEDS[0], system="string", units=1, drives=0)
    assert challenge.starved(TASKS[0], Design("deepseek-3fs", 1, 1)) == 0
