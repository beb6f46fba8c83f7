"""The planner: only legal plans, the true optimum, reasons, and refusals that say what is allowed."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from navarch.core.ledger import Ledger
from navarch.distributed.training import estimate
from navarch.distributed.training.forms import EVERYTHING
from navarch.distributed.training.legality import InfeasibleError, divisors, enumerate_plans
from navarch.distributed.training.search import NUMERIC, search, task_of
from navarch.distributed.training.strategy import STRATEGY, choice_of, choose

LLAMA = (16384, 2048, 8192)


def every_plan(shape, hardware, request, fixed=None):
    """All plans of an enumeration, one by one."""
    for plans in enumerate_plans(shape, hardware, *request, fixed):
        for row in zip(*(getattr(plans, n) for n in NUMERIC), strict=True):
            yield replace(plans, **dict(zip(NUMERIC, row, strict=True)))


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
    best, count, fitting = np.inf, 0, 0
    for plan in every_plan(llama8b, h100, request):
        made = estimate(llama8b, h100, plan, runtime)
        count += 1
        if made.memory.peak <= h100.memory:
            fitting += 1
            best = min(best, float(made.step_time))
    chosen = choose(llama8b, h100, runtime, *request)
    assert (chosen.considered, chosen.feasible) == (count, fitting)
    assert chosen.best.step_time == pytest.approx(best)
    assert estimate(llama8b, h100, chosen.best.plan, runtime).step_time == pytest.approx(best)


def test_the_runner_up_is_another_strategy_and_slower(llama405b, h100, runtime) -> None:
    chosen = choose(llama405b, h100, runtime, *LLAMA)
    assert chosen.best.fits and chosen.best.why_lost == ""
    strategies = [tuple(getattr(c.plan, n) for n in STRATEGY) for c in (chosen.best, chosen.runner_up)]
    assert strategies[0] != strategies[1]
    assert chosen.runner_up.step_time >= chosen.best.step_time
    assert all(c.why_lost for c in chosen.losers)
    over = [c for c in chosen.losers if not c.fits]
    assert over and all("more than the accelerator has" in c.why_lost for c in over)
    assert over[0].step_time < chosen.best.step_time
    assert chosen.binding == "accelerator memory"


def test_the_published_degrees_of_llama_3_win(llama405b, h100, runtime) -> None:
    # Llama 3 2024, table 4, among the forms that its software had
    plan = choose(llama405b, h100, runtime, *LLAMA).best.plan
    assert (plan.tensor, plan.pipeline, plan.data) == (8, 16, 128)


def test_the_front_is_not_dominated(llama8b, h100, runtime) -> None:
    request = (32, 64, 8192)
    chosen = choose(llama8b, h100, runtime, *request)
    times, memories = [c.step_time for c in chosen.front], [c.memory for c in chosen.front]
    assert times == sorted(times) and memories == sorted(memories, reverse=True)
    assert chosen.front[0].step_time == chosen.best.step_time
    for plans in enumerate_plans(llama8b, h100, *request):
        made = estimate(llama8b, h100, plans, runtime)
        for time, memory in zip(times, memories, strict=True):
            assert not np.any((made.step_time < time) & (made.memory.peak < memory))


def test_more_forms_are_never_slower(llama8b, h100, runtime) -> None:
    common = choose(llama8b, h100, runtime, 32, 64, 8192)
    every = choose(llama8b, h100, runtime, 32, 64, 8192, forms=EVERYTHING)
    assert every.considered > 10 * common.considered
    assert every.best.step_time <= common.best.step_time
    assert min(c.memory for c in every.front) < min(c.memory for c in common.front)


def test_what_is_fixed_is_kept(llama405b, h100, runtime) -> None:
    every = (("tensor", 4), ("pipeline", 32), ("data", 64), ("microbatch", 2), ("zero_stage", 0))
    for field, value in every:
        chosen = choose(llama405b, h100, runtime, *LLAMA, {field: value})
        assert getattr(chosen.best.plan, field) == value
    words = (("schedule", "zero-bubble"), ("recomputation", "full"), ("offload", "both"), ("sequence_parallel", False))
    for field, word in words:
        chosen = choose(llama405b, h100, runtime, *LLAMA, {field: word, "tensor": 8})
        assert getattr(chosen.best.plan, field) == word


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
        ({"schedule": "backwards"}, "allowed: 1f1b, gpipe, zero-bubble, zero-bubble-2, zero-bubble-v, dualpipe"),
        ({"context_kind": "star"}, "allowed: ring, ulysses"),
        ({"offload": "weights"}, "allowed: none, optimiser, activations, both"),
        ({"attention_kernel": "quick"}, "allowed: flash, unfused"),
        ({"shard": 0}, "shard = 0: is not a whole number of at least 1"),
        ({"shard": 3, "data": 128, "context": 1}, "shard = 3: no legal plan has it; it must divide the replicas"),
        ({"schedule": "dualpipe", "pipeline": 1}, "schedule = dualpipe: no legal plan has it; only 1f1b runs without"),
        ({"context_kind": "ulysses", "context": 256, "tensor": 8}, "must divide the attention heads for ulysses"),
        ({"tensors": 8}, "is not a field of a plan"),
        ({"tensor": 1, "recomputation": "none"}, "legal plans fits in .* an accelerator; the leanest"),
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


def test_as_many_losers_as_asked_for(llama8b, h100, runtime) -> None:
    task = task_of(llama8b, h100, runtime, 32, 64, 8192)
    found = search(task)
    for losers in (1, 3, 50):
        assert len(choice_of(task, found, losers).losers) <= losers
    strategies = choice_of(task, found, 1000).losers
    assert sum(c.fits for c in strategies) == len(found.strategies) - 1
