"""The design challenge: every task can be met, the search is the best, and the lights say what is missed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from navarch.course.scale_wall import challenge
from navarch.course.scale_wall.variant import menu, variant_of
from navarch.course.variant import Student, seed_of

SEEDS = [seed_of(Student(f"student-{n}", "spring"), "01") for n in range(400)]


def _seed_of_each_task() -> list[int]:
    """One seed for every task of the menu that these students draw."""
    return list({variant_of(seed).task: seed for seed in SEEDS}.values())


def test_these_students_draw_every_task() -> None:
    told = menu()["challenge"]
    every = len(told["compute"]) * len(told["deadline"]) * len(menu()["rented"])
    assert len(_seed_of_each_task()) == every


def _slider_designs(seed: int) -> np.ndarray:
    """Rent of every design of the sliders, infinite where it misses a constraint."""
    terms = challenge.plain_terms(seed)
    size = np.asarray(challenge.sizes())[:, None, None]
    tokens = np.asarray(challenge.amounts())[None, :, None]
    fleet = np.asarray(challenge.fleets())[None, None, :]
    found = challenge.judged(terms, size, tokens, fleet)
    met = (
        (found.compute <= terms.compute)
        & (found.loss <= terms.loss)
        & (found.time <= terms.deadline)
        & (fleet >= found.least)
        & (fleet <= found.most)
    )
    return np.where(met, found.cost, np.inf)


@pytest.mark.parametrize("seed", _seed_of_each_task()[::6])
def test_the_sliders_can_meet_every_task_and_never_beat_the_search(seed: int) -> None:
    best = challenge.search(seed)
    cost = _slider_designs(seed)
    assert best.cost <= cost.min() <= 1.1 * best.cost
    assert np.isfinite(cost).sum() >= 20
    place = np.unravel_index(int(np.argmin(cost)), cost.shape)
    names = [of[i] for of, i in zip((challenge.sizes(), challenge.amounts(), challenge.fleets()), place, strict=True)]
    shown = challenge.score(seed=seed, parameters=names[0], tokens=names[1], accelerators=names[2])
    assert all(row["met"] for row in shown.rows)
    assert shown["score"].value == pytest.approx(cost.min())


@pytest.mark.slow
@pytest.mark.parametrize("seed", _seed_of_each_task())
def test_every_task_can_be_met(seed: int) -> None:
    assert np.isfinite(_slider_designs(seed)).sum() >= 20


def test_the_best_meets_every_constraint_as_scored_alone() -> None:
    shown = challenge.best(seed=SEEDS[0])
    assert all(row["met"] for row in shown.rows)
    assert {row["constraint"] for row in shown.rows} >= {"Compute", "Time, failures included"}


def test_random_designs_never_beat_the_search() -> None:
    seed, random = SEEDS[1], np.random.default_rng(0)
    terms, best = challenge.plain_terms(seed), challenge.search(SEEDS[1])
    size, tokens = (10 ** random.uniform(low, high, 200_000) for low, high in ((10, 12), (12, 14)))
    fleet = 8.0 * random.integers(1, challenge.NODES, 200_000)
    found = challenge.judged(terms, size, tokens, fleet)
    met = (found.compute <= terms.compute) & (found.loss <= terms.loss) & (found.time <= terms.deadline)
    assert met.any()
    assert found.cost[met].min() >= best.cost * (1 - 1e-3)  # sizes of the search are spaced by 2 %


def test_each_light_goes_out_by_itself() -> None:
    seed = SEEDS[0]
    best = challenge.search(seed)
    good = {"parameters": best.parameters, "tokens": best.tokens, "accelerators": best.accelerators}

    def missed(**changed: float) -> set[str]:
        shown = challenge.score(seed=seed, **{**good, **changed})
        return {row["constraint"] for row in shown.rows if not row["met"]}

    assert missed() == set()
    assert missed(tokens=best.tokens * 0.9) == {"Loss above the irreducible"}
    assert missed(accelerators=best.accelerators - 80) == {"Time, failures included"}
    assert "Compute" in missed(tokens=best.tokens * 2)
    assert "Fleet that holds the model" in missed(accelerators=8.0)
    assert missed(accelerators=9e6) >= {"Fleet over which the batch divides"}


def test_failures_and_the_floor_are_in_the_time() -> None:
    terms = challenge.plain_terms(SEEDS[0])
    small, large = (challenge.judged(terms, 1e11, 1e13, n) for n in (1024.0, 32768.0))
    assert small.time / large.time < 32
    assert large.goodput < small.goodput < 1
    assert large.cost > small.cost


def test_sliders_ascend_and_fleets_are_whole_nodes() -> None:
    for values in (challenge.sizes(), challenge.amounts(), challenge.fleets()):
        assert all(a < b for a, b in itertools.pairwise(values))
    assert all(fleet % 8 == 0 for fleet in challenge.fleets())
