"""A strategy on a pair: as the library's search has it, never better than the best, and why it does not run."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from navarch.core.ledger import Ledger
from navarch.course.parallelism_puzzle.outcome import estimated, outcome_of, plan_of
from navarch.course.parallelism_puzzle.pairs import FORMS, Pair, plain_machine, searched
from navarch.course.parallelism_puzzle.strategy import CONTEXT, EXPERT, PIPELINE, RECOMPUTATIONS, TENSOR, Strategy
from navarch.distributed.training.forms import COMMON
from navarch.distributed.training.strategy import choose

DENSE = Pair("llama3.1-70b", "dgx-h100", 256, 512, 8192)
SPARSE = Pair("mixtral-8x7b", "gcp-a3-highgpu-8g", 256, 1024, 4096)
SMALL = Pair("gemma2-9b", "univ-4xl40s", 256, 512, 8192)
PAIRS = (DENSE, SPARSE, SMALL)

cards = some.builds(
    Strategy,
    tensor=some.sampled_from(TENSOR),
    pipeline=some.sampled_from(PIPELINE),
    context=some.sampled_from(CONTEXT),
    expert=some.sampled_from(EXPERT),
    zero_stage=some.sampled_from((0, 1, 2, 3)),
    recomputation=some.sampled_from(RECOMPUTATIONS),
)


@given(cards, some.sampled_from(PAIRS))
@settings(max_examples=60)
def test_a_strategy_is_as_the_search_with_its_fields_fixed_has_it(card: Strategy, pair: Pair) -> None:
    outcome = outcome_of(card, pair)
    assert outcome.over >= 1.0 and 0.0 <= outcome.lost <= 1.0
    machine = plain_machine(pair)
    if not outcome.runs:
        assert outcome.over == float("inf") and outcome.lost == 1.0 and outcome.why
        return
    sizes = (pair.accelerators, pair.global_batch, pair.sequence_length)
    found = choose(
        machine.shape, machine.hardware, machine.runtime, *sizes, card.fixed(machine.has_experts), 0, forms=FORMS
    )
    assert found.best.step_time == outcome.step_time
    assert found.best.memory == outcome.memory
    assert outcome.memory <= machine.hardware.memory
    assert outcome_of(outcome.tuned, pair).step_time == outcome.step_time


@pytest.mark.parametrize("pair", PAIRS)
def test_the_best_is_at_least_as_fast_as_that_of_the_librarys_usual_search(pair: Pair) -> None:
    machine = plain_machine(pair)
    sizes = (pair.accelerators, pair.global_batch, pair.sequence_length)
    usual = choose(machine.shape, machine.hardware, machine.runtime, *sizes, losers=0, forms=COMMON).best
    best = searched(pair).best
    assert best.step_time <= usual.step_time
    assert best.step_time > 0.8 * usual.step_time


@pytest.mark.parametrize(
    ("card", "pair", "said"),
    [
        (Strategy(tensor=8), SMALL, "tensor = 8: only 4 accelerators are joined closely here; allowed: 1 to 4"),
        (Strategy(tensor=16, pipeline=32), DENSE, "allowed: 1 to 8"),
        (Strategy(zero_stage=0), DENSE, "does not fit: needs "),
        (Strategy(expert=64), SPARSE, "must divide the 8 experts"),
        (Strategy(pipeline=64, context=8), SMALL, "must divide"),
        (Strategy(microbatch=16), DENSE, "microbatch"),
    ],
)
def test_what_does_not_run_says_why_in_one_line(card: Strategy, pair: Pair, said: str) -> None:
    outcome = outcome_of(card, pair)
    assert not outcome.runs
    assert said in outcome.why and "\n" not in outcome.why


def test_experts_count_where_there_are_experts_alone() -> None:
    assert outcome_of(Strategy(expert=8, zero_stage=3, recomputation="full"), DENSE).step_time == (
        outcome_of(Strategy(zero_stage=3, recomputation="full"), DENSE).step_time
    )


def test_a_wider_choice_of_microbatch_is_never_slower() -> None:
    open_ = outcome_of(Strategy(zero_stage=3, recomputation="full"), DENSE)
    fixed = outcome_of(Strategy(zero_stage=3, recomputation="full", microbatch=1), DENSE)
    assert open_.step_time <= fixed.step_time


def test_the_estimate_under_a_ledger_is_the_searchs_and_rests_on_facts() -> None:
    card = searched(SMALL).best.strategy
    with Ledger() as ledger:
        plan, made = estimated(card, SMALL, ledger)
    assert float(made.step_time) == pytest.approx(searched(SMALL).best.step_time, rel=1e-12)
    assert plan == plan_of(card, SMALL)
    leaves = made.step_time.entry.leaves()
    assert {entry.kind for entry in leaves} <= {"fact", "field"}
    assert any(entry.fact is not None and "l40s" in entry.fact.id for entry in leaves)
