"""The design challenge: every task can be met, the search is the best, and the lights say what is missed."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from navarch.course.allreduce_physics import challenge
from navarch.course.allreduce_physics.variant import Task, menu, variant_of
from navarch.course.errors import CourseError
from navarch.course.variant import Student, seed_of

SEEDS = [seed_of(Student(f"student-{n}", "spring"), "06") for n in range(200)]
TASKS = {variant_of(seed).task: seed for seed in SEEDS}


def test_these_students_draw_every_task() -> None:
    told = menu()["challenge"]
    assert len(TASKS) == len(told["memory"]) * len(told["tasks"])


@pytest.mark.parametrize("task", TASKS, ids=lambda t: f"{t.model}-{t.ranks}-{t.memory:.0f}")
def test_every_task_can_be_met_by_the_sliders_and_none_beats_the_search(task: Task) -> None:
    asked = challenge.plain_asked(TASKS[task])
    _, best = challenge.search(TASKS[task])
    axes = np.meshgrid(challenge.BUCKETS, challenge.LASTS, challenge.SHARES, indexing="ij")
    least, many = np.inf, 0
    for one, other in product(challenge.SHOWN, repeat=2):
        found = challenge.judged(asked, challenge.Design(axes[0], axes[1], one, other, axes[2]))
        added = np.where(challenge.met(asked, found), found.added, np.inf)
        least, many = min(least, float(added.min())), many + int(np.isfinite(added).sum())
    assert many >= 20
    assert best <= least < 1.3 * best


def test_a_design_alone_is_judged_as_in_the_search() -> None:
    shown = challenge.best(seed=SEEDS[0])
    design, added = challenge.search(SEEDS[0])
    assert shown["score"].value == pytest.approx(added)
    assert shown["bucket"].value == design.bucket
    assert all(row["met"] for row in shown.rows)


def test_the_design_that_the_controls_begin_with_misses_something() -> None:
    for seed in TASKS.values():
        start = {"algorithm": challenge.SHOWN[0], "last_algorithm": challenge.SHOWN[0], "overlap": True}
        shown = challenge.score(seed=seed, **challenge.start(), **start)
        assert not all(row["met"] for row in shown.rows)


def test_without_overlap_nothing_is_hidden_and_nothing_slowed() -> None:
    inputs = {**challenge.start(), "algorithm": "ring", "last_algorithm": "ring", "seed": SEEDS[0]}
    shown = challenge.score(**inputs, overlap=False)
    assert shown["hidden"].value == pytest.approx(0)
    assert shown["score"].value == pytest.approx(shown["all"].value)
    beside = challenge.score(**inputs, overlap=True)
    assert beside["backward"].value > shown["backward"].value


def test_one_size_of_bucket_is_best_and_the_ends_are_worse() -> None:
    asked = challenge.around({**challenge.start(), "last_algorithm": "ring", "overlap": True})
    rows = challenge.by_bucket(seed=SEEDS[0], **{**asked, "share": 0.12}).rows
    ring = [row["added"] for row in rows if row["algorithm"] == "ring"]
    assert min(ring) < ring[0] / 2
    assert min(ring) < ring[-1]


def test_the_task_is_told() -> None:
    shown = challenge.task(seed=SEEDS[0])
    assert shown["backward"].value > 0
    with pytest.raises(CourseError):
        challenge.task(seeds=1)
