"""The design challenge: every task can be met, the search is the best, and placement decides as the lab says."""

from __future__ import annotations

import itertools

import pytest

from navarch.course.communication_topologies import challenge
from navarch.course.communication_topologies.challenge import Design
from navarch.course.communication_topologies.variant import menu, variant_of
from navarch.course.errors import CourseError
from navarch.course.variant import Student, seed_of

SEEDS = [seed_of(Student(f"student-{n}", "spring"), "03") for n in range(300)]
TASKS = {variant_of(seed).task: seed for seed in SEEDS}


def test_these_students_draw_every_task() -> None:
    told = menu()["challenge"]
    assert len(TASKS) == len(told["mixes"]) * len(told["slack"])
    for mix in told["mixes"]:
        assert mix["training"] + mix["experts"] + mix["search"] <= told["hosts"]


def test_every_task_can_be_met_and_no_fabric_is_always_best() -> None:
    best = {challenge.search(seed)[0].fabric for seed in TASKS.values()}
    assert len(best) >= 3


@pytest.mark.parametrize("seed", list(TASKS.values())[::7])
def test_no_design_that_meets_every_limit_is_cheaper_than_the_best(seed: int) -> None:
    jobs = challenge.jobs_of(seed)
    designs = itertools.product(challenge.fabric_names(), challenge.placements(), challenge.orders())
    met = [
        challenge.price_of(fabric)
        for fabric, placement, order in designs
        if all(challenge.times_of(Design(fabric, placement, order), jobs)[job.name] <= job.limit for job in jobs)
    ]
    assert min(met) == challenge.search(seed)[1] == challenge.best(seed=seed)["score"].value
    assert all(row["met"] for row in challenge.best(seed=seed).rows)


def test_packed_jobs_do_not_notice_missing_uplinks_and_scattered_ones_do() -> None:
    seed = next(seed for task, seed in TASKS.items() if menu()["challenge"]["mixes"][task.mix]["experts"] == 8)
    jobs = challenge.jobs_of(seed)
    order = next(iter(challenge.orders()))
    packed = [challenge.times_of(Design(f"leaves-{ratio}", "packed", order), jobs) for ratio in (1, 8)]
    random = [challenge.times_of(Design(f"leaves-{ratio}", "random", order), jobs) for ratio in (1, 8)]
    for job in jobs:
        assert packed[1][job.name] == pytest.approx(packed[0][job.name])
    assert random[1]["training"] > 4 * random[0]["training"]


def test_a_job_alone_takes_at_least_its_bound() -> None:
    for seed in list(TASKS.values())[:4]:
        jobs = challenge.jobs_of(seed)
        times = challenge.times_of(Design("leaves-1", "packed", next(iter(challenge.orders()))), jobs)
        for job in jobs:
            assert times[job.name] >= challenge.alone(job.name, job.hosts, job.message)


def test_score_has_a_light_for_each_job() -> None:
    start = challenge.start()
    shown = challenge.score(seed=SEEDS[0], fabric=start.fabric, placement=start.placement, order=start.order)
    assert {row["constraint"] for row in shown.rows} == set(challenge.JOBS.values())
    assert shown["score"].value == pytest.approx(challenge.price_of(start.fabric))


def test_a_design_that_is_none_is_refused_in_words() -> None:
    order = next(iter(challenge.orders()))
    with pytest.raises(CourseError, match="fabric: 'string'"):
        challenge.score(seed=SEEDS[0], fabric="string", placement="packed", order=order)
    with pytest.raises(CourseError, match="placement: 'stacked'"):
        challenge.score(seed=SEEDS[0], fabric="leaves-1", placement="stacked", order=order)
