"""The planner: only legal plans, the true optimum, reasons, and refusals that say what is allowed."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from navarch.core.ledger import Ledger
from navarch.distributed.training import estimate
from navarch.distributed.training.legality import InfeasibleError, divisors, enumerate_plans
from navarch.distributed.training.strategy import STRATEGY, choose, evaluate_plans, pareto

LLAMA = (16384, 2048, 8192)


def every_plan(shape, hardware, request, fixed=None):
    """All plans of an enumeration, one by one."""
    for plans in enumerate_plans(shape, hardware, *request, fixed):
        names = ("tensor", "pipeline", "data", "context", "expert", "virtual_stages", "microbatch")
        for row in zip(*(getattr(plans, n) for n in names), strict=True):
            yield replace(plans, **dict(zip(names, row, strict=True)))


@pytest.mark.parametrize("accelerators", [8, 12, 96, 250])
def test_every_plan_is_legal(llama8b, h100, accelerators) -> None:
    count = 0
    for plan in every_plan(llama8b, h100, (accelerators, 3000, 4096)):
        count += 1
        assert plan.tensor * plan.pipeline * plan.data * plan.context == accelerators
        assert 32 % plan.tensor == 0 and plan.tensor <= 8
        assert plan.pipeline * plan.virtual_stages <= 32 + plan.pipeline
        assert 3000 % (plan.data * plan.microbatch) == 0
        microbatches = 3000 / (plan.data * plan.microbatch)
        assert plan.virtual_stages == 1 or (plan.pipeline > 1 and microbatches % plan.pipeline == 0)
        assert plan.zero_stage < 2 or plan.pipeline == 1
        assert plan.expert == 1
    assert count > 20


def test_experts_divide_evenly(deepseek_v3, h100) -> None:
    for plan in every_plan(deepseek_v3, h100, (256, 1024, 4096)):
        assert 256 % plan.expert == 0
        assert (plan.tensor * plan.data * plan.context) % max(plan.tensor, plan.expert) == 0


def test_the_choice_is_the_optimum_by_brute_force(llama8b, h100, runtime) -> None:
    request = (32, 64, 8192)
    best, count, fitting = None, 0, 0
    for plan in every_plan(llama8b, h100, request):
        made = estimate(llama8b, h100, plan, runtime)
        count += 1
        if made.memory.peak <= h100.memory:
            fitting += 1
            best = min(best or (np.inf,), (float(made.step_time),))
    chosen = choose(llama8b, h100, runtime, *request)
    assert (chosen.considered, chosen.feasible) == (count, fitting)
    assert chosen.best.step_time == pytest.approx(best[0])
    assert estimate(llama8b, h100, chosen.best.plan, runtime).step_time == pytest.approx(best[0])


def test_the_runner_up_is_another_strategy_and_slower(llama405b, h100, runtime) -> None:
    chosen = choose(llama405b, h100, runtime, *LLAMA)
    assert chosen.best.fits and chosen.best.why_lost == ""
    strategies = [tuple(getattr(c.plan, n) for n in STRATEGY) for c in (chosen.best, chosen.runner_up)]
    assert strategies[0] != strategies[1]
    assert chosen.runner_up.step_time >= chosen.best.step_time
    assert all(c.why_lost for c in chosen.losers)
    over = [c for c in chosen.losers if not c.fits]
    assert over and all("more than the accelerator has" in c.why_lost for c in over)
    assert chosen.binding == "accelerator memory"


def test_the_published_degrees_of_llama_3_win(llama405b, h100, runtime) -> None:
    plan = choose(llama405b, h100, runtime, *LLAMA).best.plan
    assert (plan.tensor, plan.pipeline, plan.data) == (8, 16, 128)


def test_the_front_is_not_dominated(llama8b, h100, runtime) -> None:
    chosen = choose(llama8b, h100, runtime, 32, 64, 8192)
    times, memories = [c.step_time for c in chosen.front], [c.memory for c in chosen.front]
    assert times == sorted(times) and memories == sorted(memories, reverse=True)
    rows = evaluate_plans(llama8b, h100, runtime, enumerate_plans(llama8b, h100, 32, 64, 8192))
    for candidate in chosen.front:
        assert not np.any((rows.step_time < candidate.step_time) & (rows.memory < candidate.memory))


def test_pareto_of_a_few_points() -> None:
    time, memory = np.array([1.0, 2.0, 3.0, 2.0, 4.0]), np.array([5.0, 4.0, 4.5, 3.0, 3.0])
    assert list(pareto(memory, time)) == [0, 3]


def test_what_is_fixed_is_kept(llama405b, h100, runtime) -> None:
    for field, value in (("tensor", 4), ("pipeline", 32), ("data", 64), ("microbatch", 2), ("zero_stage", 0)):
        chosen = choose(llama405b, h100, runtime, *LLAMA, {field: value})
        assert getattr(chosen.best.plan, field) == value


def test_a_tensor_group_wider_than_the_domain_is_the_users_right(llama405b, h100, runtime) -> None:
    assert all(np.all(p.tensor <= 8) for p in enumerate_plans(llama405b, h100, *LLAMA))
    wide = choose(llama405b, h100, runtime, *LLAMA, {"tensor": 16})
    assert wide.best.step_time > choose(llama405b, h100, runtime, *LLAMA).best.step_time


@pytest.mark.parametrize(
    ("fixed", "said"),
    [
        ({"tensor": 12}, "tensor = 12: must divide 16,384 accelerators and the 128 attention heads"),
        ({"tensor": 2.5}, "tensor = 2.5: is not a whole number"),
        ({"tensor": 0}, "tensor = 0: is not a whole number of at least 1"),
        ({"pipeline": 256}, "not exceed 126 layers"),
        ({"tensor": 8, "context": 3}, "does not divide 16,384 accelerators"),
        ({"data": 3}, "data = 3"),
        ({"microbatch": 5}, "must divide the global batch of 2,048 sequences"),
        ({"virtual_stages": 500}, "virtual_stages = 500"),
        ({"expert": 8}, "the model has no experts"),
        ({"zero_stage": 4}, "allowed: 0, 1, 2, 3"),
        ({"recomputation": "some"}, "allowed: none, selective, full"),
        ({"tensors": 8}, "is not a field of a plan"),
        ({"tensor": 1, "recomputation": "none"}, "fits in 80 GB an accelerator; the leanest"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(llama405b, h100, runtime, fixed, said) -> None:
    with pytest.raises(InfeasibleError, match=said.replace("(", r"\(")) as raised:
        choose(llama405b, h100, runtime, *LLAMA, fixed)
    assert raised.value.field and raised.value.allowed


def test_a_search_under_a_ledger_records_nothing(llama8b, h100, runtime) -> None:
    with Ledger() as ledger:
        memory = ledger.field("node.memory", h100.memory, "byte", "Memory")
        choose(llama8b, replace(h100, memory=memory), runtime, 32, 64, 8192)
    assert len(ledger.entries) == 1


def test_divisors() -> None:
    for number in (1, 2, 12, 36, 97, 16384):
        assert divisors(number) == [d for d in range(1, number + 1) if number % d == 0]


def test_order_of_categories_does_not_matter(llama8b, h100, runtime) -> None:
    free = choose(llama8b, h100, runtime, 32, 64, 8192).best.step_time
    each = []
    for zero, recomputation in itertools.product(range(4), ("none", "selective", "full")):
        fixed = {"zero_stage": zero, "recomputation": recomputation}
        if zero >= 2:
            fixed["pipeline"] = 1
        each.append(choose(llama8b, h100, runtime, 32, 64, 8192, fixed).best.step_time)
    assert min(each) == pytest.approx(free)
