"""The design challenge: every task can be met, the search is the best, and the lights say what is missed."""

from __future__ import annotations

import numpy as np
import pytest

from navarch.course.interconnect_wall import challenge
from navarch.course.interconnect_wall.variant import Task, menu, quantities, variant_of
from navarch.course.variant import Student, seed_of

SEEDS = [seed_of(Student(f"student-{n}", "spring"), "02") for n in range(300)]
TASKS = {variant_of(seed).task: seed for seed in SEEDS}


def test_these_students_draw_every_task() -> None:
    told = menu()["challenge"]
    assert len(TASKS) == len(told["budget"]) * len(told["tasks"])


@pytest.mark.parametrize("task", TASKS, ids=lambda t: f"{t.model}-{t.node}-{t.budget:.0f}")
def test_every_task_can_be_met_and_the_search_is_the_fastest(task: Task) -> None:
    best = challenge.search(TASKS[task])
    assert best is not None
    steps = [np.where(challenge.met(task, found), found.step, np.inf) for found, _ in challenge.searched(task)]
    assert best.step == min(float(each.min()) for each in steps)
    assert sum(int(np.isfinite(each).sum()) for each in steps) >= 20
    start = challenge.score(seed=TASKS[task], **challenge.start())
    assert not all(row["met"] for row in start.rows if "constraint" in row)


def test_a_design_alone_is_judged_as_in_the_search() -> None:
    seed = SEEDS[0]
    task = variant_of(seed).task
    found, degree = challenge.searched(task)[1]
    row, column = 17, 2
    shown = challenge.score(seed=seed, servers=challenge.SERVERS[row], cards=challenge.CARDS[column], tensor=degree)
    assert shown["score"].value == pytest.approx(float(found.step[row, column]))
    assert shown["exposed"].value == pytest.approx(float(found.exposed[row, column]))
    assert shown["cost"].value == pytest.approx(float(found.cost[row, column]))


def test_the_best_meets_every_constraint_as_scored_alone() -> None:
    shown = challenge.best(seed=SEEDS[3])
    lights = [row for row in shown.rows if "constraint" in row]
    assert len(lights) == 3
    assert all(row["met"] for row in lights)
    assert shown["score"].value == pytest.approx(challenge.search(SEEDS[3]).step)


def test_more_cards_wait_less_and_cost_more() -> None:
    found = [challenge.score(seed=SEEDS[0], servers=16, cards=cards, tensor=1) for cards in challenge.CARDS]
    waits = [each["exposed"].value for each in found]
    costs = [each["cost"].value for each in found]
    assert waits == sorted(waits, reverse=True)
    assert costs == sorted(costs)
    assert waits[0] > 4 * waits[-1]


def test_more_servers_wait_longer() -> None:
    rows = [row for row in challenge.landscape(seed=SEEDS[0], tensor=1).rows if row["cards"] == 1]
    exposed = [row["exposed"] for row in rows if row["servers"] in (1, 4, 16, 64)]
    assert exposed == sorted(exposed)


def test_parts_of_a_step_add_up_to_it() -> None:
    shown = challenge.score(seed=SEEDS[0], servers=16, cards=2, tensor=2)
    parts = {row["part"]: row["time"] for row in shown.rows if "part" in row}
    assert sum(parts.values()) == pytest.approx(shown["score"].value)
    waiting = sum(parts.get(key, 0.0) for key in challenge.COMMUNICATION)
    assert shown["waiting"].value == pytest.approx(waiting)


def test_budgets_of_the_menu_are_those_of_the_tasks() -> None:
    assert {task.budget for task in TASKS} == set(quantities(menu()["challenge"]["budget"], "USD"))
