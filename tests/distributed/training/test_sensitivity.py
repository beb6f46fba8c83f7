"""Sensitivity: the plan kept and the best one then, under half and twice the hardware and the batch."""

from __future__ import annotations

import pytest

from navarch.distributed.training import estimate
from navarch.distributed.training.search import search, task_of
from navarch.distributed.training.sensitivity import TITLES, changed_hardware, changed_task, sensitivity_of
from navarch.distributed.training.strategy import STRATEGY, choice_of, choose

BETTER = [(what, 2.0) for what in ("scaleout", "scaleup", "memory-bandwidth", "memory")]
ROUNDING = 1e-12


@pytest.fixture(scope="module")
def task(llama405b, h100, runtime):
    return task_of(llama405b, h100, runtime, 4096, 1024, 8192)


@pytest.fixture(scope="module")
def best(task):
    return choice_of(task, search(task)).best


@pytest.fixture(scope="module")
def changes(task, best):
    return {(change.what, change.factor): change for change in sensitivity_of(task, best)}


def test_every_change_is_tried(changes) -> None:
    assert set(changes) == {(what, factor) for what in TITLES for factor in (0.5, 2.0)}
    assert changes["scaleout", 0.5].title == "half the network bandwidth"


def test_better_hardware_is_never_slower_and_worse_never_faster(changes) -> None:
    for what, factor in BETTER:
        better, worse = changes[what, factor], changes[what, 0.5]
        assert better.moved <= ROUNDING and (better.kept is None or better.kept <= ROUNDING)
        assert worse.best is None or worse.moved >= -ROUNDING
        assert worse.kept is None or worse.kept >= -ROUNDING


def test_the_best_is_no_worse_than_the_plan_kept(changes) -> None:
    for change in changes.values():
        if change.kept is not None and change.best is not None:
            assert change.moved <= change.kept + ROUNDING


def test_each_is_what_a_search_of_its_own_finds(changes, task, best, llama405b, runtime) -> None:
    before = best.step_time / task.request.global_batch
    for (what, factor), change in changes.items():
        then = changed_task(task, what, factor)
        batch = then.request.global_batch
        chosen = choose(llama405b, then.request.hardware, runtime, 4096, batch, 8192).best
        assert change.best.plan == chosen.plan
        assert change.moved == pytest.approx(chosen.step_time / batch / before - 1, abs=1e-12)
        assert change.flips == any(getattr(chosen.plan, n) != getattr(best.plan, n) for n in STRATEGY)


def test_the_plan_kept_is_estimated_on_the_changed_hardware(changes, best, llama405b, h100, runtime) -> None:
    for what in ("scaleout", "scaleup", "memory-bandwidth"):
        made = estimate(llama405b, changed_hardware(h100, what, 0.5), best.plan, runtime)
        assert changes[what, 0.5].kept == pytest.approx(float(made.step_time) / best.step_time - 1)


def test_a_plan_that_does_not_fit_says_so(changes) -> None:
    half = changes["memory", 0.5]
    assert half.kept is None and half.why == "the plan does not fit"
    assert half.best is not None and half.best.memory <= 0.5 * 86e9


def test_nothing_fits_is_an_answer(llama405b, h100, runtime) -> None:
    task = task_of(llama405b, h100, runtime, 512, 1024, 8192)
    best = choice_of(task, search(task)).best
    (tiny,) = sensitivity_of(task, best, ("memory",), (0.1,))
    assert tiny.best is None and tiny.moved is None and not tiny.flips
    assert "legal plans fits" in tiny.why


def test_an_odd_batch_has_no_half(llama8b, h100, runtime) -> None:
    task = task_of(llama8b, h100, runtime, 9, 9, 8192)
    best = choice_of(task, search(task)).best
    (half,) = sensitivity_of(task, best, ("batch",), (0.5,))
    assert half.best is None and "not a whole number" in half.why
