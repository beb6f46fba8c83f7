"""A question about scale answered: every way of asking agrees with the others, and nothing is an orphan."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.catalog import Catalog, load
from navarch.catalog.errors import CatalogError
from navarch.core.plot import to_svg
from navarch.fleet.scale import estimate, strong_scaling
from navarch.fleet.scale.plan import ScalePlan, plan_scale
from navarch.fleet.scale.question import Question, ScaleError
from navarch.fleet.scale.runs import published_runs

DAY, YEAR = 86_400.0, 365 * 86_400.0
EVERYTHING = Question(
    compute=3.8e25, deadline=90 * DAY, price=2.5 / 3600, unique_tokens=5e12, inference_tokens=1e13,
    serving_utilisation=0.1,
)  # fmt: skip


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


@pytest.fixture(scope="module")
def plan(catalog: Catalog) -> ScalePlan:
    return plan_scale(EVERYTHING, catalog)


def value(plan: ScalePlan, name: str) -> float:
    return plan.entry(name).value


def test_every_number_rests_on_facts_and_the_question(plan: ScalePlan) -> None:
    assert plan.ledger.orphans() == []
    assert plan.ledger.exceeded() == []
    for found in plan.quantities.values():
        assert {leaf.kind for leaf in found.entry.leaves()} <= {"fact", "field", "choice"}


def test_the_ways_of_asking_agree(catalog: Catalog) -> None:
    """Compute, fleet for a time, money, loss and a given run lead to the same plan where they mean the same."""
    given = plan_scale(Question(compute=1e24, price=2 / 3600, accelerators=1024), catalog, samples=50)
    time, cost, loss = (value(given, n) for n in ("fleet.time", "fleet.cost", "laws.besiroglu2024.loss"))
    same = [
        Question(accelerators=1024, duration=time),
        Question(budget=cost, price=2 / 3600),
        Question(loss=loss),
        Question(
            parameters=value(given, "laws.besiroglu2024.parameters"), tokens=value(given, "laws.besiroglu2024.tokens")
        ),
    ]
    for question in same:
        found = plan_scale(question, catalog, samples=50)
        assert value(found, "compute") == pytest.approx(1e24, rel=1e-6), question.way
    assert value(found, "run.loss_above_optimum") == pytest.approx(0, abs=1e-9)
    assert value(found, "run.overtraining") == pytest.approx(1)


def test_gpt3_takes_355_years_on_a_v100(catalog: Catalog) -> None:
    """The often quoted 355 years: 3.14e23 FLOP at 28 TFLOP/s of a V100's 125."""
    found = plan_scale(Question(compute=3.14e23, accelerator="v100-sxm2-32gb", precision="fp16", utilisation=28 / 125),
                       catalog, samples=50)  # fmt: skip
    assert value(found, "wall.time_one") / YEAR == pytest.approx(355, rel=0.01)


def test_llama3_fleet_takes_about_the_published_time(catalog: Catalog) -> None:
    """Llama 3 team 2024: 3.8e25 FLOP on 16,384 H100 at 38 to 43 % MFU, 90 % of the time; 30.84M GPU hours in all."""
    question = Question(compute=3.8e25, accelerators=16384, utilisation=0.40, availability=0.9)
    found = plan_scale(question, catalog, samples=50)
    assert value(found, "fleet.accelerator_time") / 3600 == pytest.approx(30.84e6, rel=0.06)
    assert value(found, "fleet.time") / DAY == pytest.approx(78, rel=0.06)


def test_the_smallest_fleet_keeps_the_deadline_and_one_node_less_does_not(plan: ScalePlan) -> None:
    time, fleet = value(plan, "fleet.time"), value(plan, "fleet.accelerators")
    assert time <= 90 * DAY
    assert time * fleet / (fleet - 8) > 90 * DAY
    assert fleet % 8 == 0
    assert 0.3 < plan.chance_of_deadline < 0.7
    low, high = plan.interval("wall.accelerators_for_deadline")
    assert low < fleet < high


def test_the_point_at_which_one_machine_is_not_enough(plan: ScalePlan) -> None:
    """A node of eight H100 does some 2e22 FLOP in 90 days, a best model of about 13B; eighty gigabytes hold 4.4B."""
    assert value(plan, "wall.compute_of_one_node") == pytest.approx(2.04e22, rel=0.01)
    assert value(plan, "wall.parameters_of_one_node") == pytest.approx(13e9, rel=0.05)
    assert value(plan, "memory.parameters_of_one") == pytest.approx(80e9 / 18)
    assert value(plan, "memory.accelerators") == math.ceil(value(plan, "memory.states") / 80e9)


def test_more_accelerators_give_less_and_less(plan: ScalePlan) -> None:
    gains = [value(plan, f"batch.x{n}.speedup") for n in (2, 4, 16)]
    assert 1 < gains[0] < 2 < gains[1] < 4 < gains[2] < 16
    half = value(plan, "batch.half_wasted_fleet")
    assert value(plan, "fleet.accelerators") < half < value(plan, "batch.most_accelerators")


def test_serving_makes_the_model_smaller(plan: ScalePlan) -> None:
    assert value(plan, "lifetime.parameters") < value(plan, "laws.besiroglu2024.parameters")
    assert value(plan, "lifetime.tokens") > value(plan, "laws.besiroglu2024.tokens")
    assert value(plan, "lifetime.training_compute") > 3.8e25
    assert value(plan, "lifetime.change") < 0


def test_short_data_are_repeated_and_cost_loss(plan: ScalePlan) -> None:
    assert 1 < value(plan, "repeated.epochs") < 10
    assert value(plan, "repeated.loss_above_endless") > 0
    assert value(plan, "repeated.effective_tokens") < value(plan, "repeated.tokens")


def test_every_face_of_the_answer(plan: ScalePlan) -> None:
    frame = plan.to_frame()
    assert frame.columns == ["name", "value", "unit", "low", "high", "title", "source"]
    assert frame.height == len(plan.quantities)
    assert "table" in plan._repr_html_()
    told = plan.explain("fleet.time")
    assert "T_fleet = " in told and "scale.utilisation" in told
    data = json.loads(json.dumps(plan.as_data()))
    assert data["question"]["compute"] == 3.8e25
    assert data["quantities"]["fleet.time"]["low95"] < data["quantities"]["fleet.time"]["low"]
    assert {law["law"] for law in data["laws"]} >= {"besiroglu2024", "kaplan2020", "rule"}


@pytest.mark.parametrize("kind", ["isoflop", "wall"])
@pytest.mark.parametrize("question", [EVERYTHING, Question(compute=1e20), Question(loss=2.2)])
def test_figures_draw(kind: str, question: Question, catalog: Catalog) -> None:
    svg = to_svg(plan_scale(question, catalog, samples=200).plot(kind))
    assert svg.startswith("<svg")
    assert {"isoflop": "Loss by model size", "wall": "Time of the run"}[kind] in svg
    assert "NaN" not in svg


def test_a_law_of_ones_own_answers(catalog: Catalog, tmp_path) -> None:
    """A law in a user's file, with its covariance, answers in place of the published one, which stays beside it."""
    told = {"E": 1.8, "A": 480, "B": 2000, "alpha": 0.35, "beta": 0.36}
    ends = {"A": (400, 580), "alpha": (0.34, 0.36)}
    entries = "".join(
        f"  - {{id: own.{k}, value: {v}, unit: '1', source: ours"
        + (f", low: {ends[k][0]}, high: {ends[k][1]}" if k in ends else "") + "}\n"
        for k, v in told.items()
    )  # fmt: skip
    covariance = {"lnA.lnA": 0.02, "lnA.alpha": 0.00109, "alpha.alpha": 0.00006}
    entries += "".join(f"  - {{id: own.cov.{k}, value: {v}, unit: '1', source: ours}}\n" for k, v in covariance.items())
    (tmp_path / "own.yaml").write_text(f"collection: law\nentries:\n{entries}")
    found = plan_scale(Question(compute=1e24, law="own"), load((tmp_path / "own.yaml",)), samples=500)
    assert found.optimum.law == "own"
    assert [o.law for o in found.optima][1] == "besiroglu2024"
    low, high = found.interval("laws.own.parameters")
    assert low < value(found, "laws.own.parameters") < high
    with pytest.raises(CatalogError, match="no E, A, B, alpha, beta"):
        plan_scale(Question(compute=1e24, law="kaplan2020"), catalog, samples=10)


def test_an_unknown_name_is_told(plan: ScalePlan) -> None:
    with pytest.raises(ScaleError, match=r"did you mean fleet\.time"):
        plan.explain("fleet.tme")
    with pytest.raises(ScaleError, match="there are: isoflop, wall"):
        plan.plot("pie")


def test_a_loss_that_few_samples_reach_says_so(catalog: Catalog) -> None:
    found = plan_scale(Question(loss=1.83), catalog, samples=2000)
    assert 0.5 < found.chance_of_loss < 0.9
    assert math.isnan(found.interval("compute")[0])
    assert plan_scale(Question(loss=2.2), catalog, samples=2000).chance_of_loss == 1


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "nothing fixes the compute"),
        ({"compute": 1e24, "loss": 2.0}, "compute and loss each fix"),
        ({"compute": 1e24, "accelerators": 8, "duration": DAY}, "compute and duration each fix"),
        ({"budget": 1e6}, "budget: needs price too"),
        ({"duration": DAY}, "duration: needs accelerators too"),
        ({"parameters": 1e9}, "parameters: needs tokens too"),
        ({"compute": 1e24, "tokens": 1e12}, "tokens: go with parameters"),
        ({"compute": -1.0}, "compute: -1 is not allowed"),
        ({"compute": 1e24, "utilisation": 1.4}, "utilisation: 140 % is not allowed"),
        ({"compute": 1e24, "accelerators": 2.5}, "accelerators: 2.5 is not allowed; it must be a whole number"),
        ({"compute": 1e24, "accelerators": 8, "deadline": DAY}, "leave accelerators out"),
        ({"compute": 1e24, "serving_utilisation": 0.1}, "give inference_tokens too"),
    ],
)
def test_a_question_without_one_answer_is_refused(asked: dict[str, float], told: str) -> None:
    with pytest.raises(ScaleError, match=told):
        Question(**asked)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"loss": 1.5}, "no run comes below 1.817"),
        ({"compute": 1e24, "precision": "fp3"}, "it has: fp64"),
        ({"compute": 1e24, "node": "gb200-nvl72"}, "gb200-nvl72 holds gb200"),
        ({"compute": 1e24, "price": "hgx-h100-2025"}, "not a price of accelerator time"),
    ],
)
def test_what_the_catalog_does_not_have_is_refused(asked: dict[str, object], told: str, catalog: Catalog) -> None:
    with pytest.raises(ScaleError, match=told):
        plan_scale(Question(**asked), catalog, samples=10)


# Strong scaling


@pytest.mark.parametrize(
    ("sequences", "steps"),
    [(6144, {3072: 29.02, 6144: 14.78, 8192: 12.24, 12288: 8.57}),
     (6144, {3072: 23.66, 6144: 12.21, 8192: 9.56, 12288: 6.34}),
     (768, {256: 40.0, 512: 21.2, 768: 15.2, 1024: 11.9}), (768, {256: 32.0, 512: 16.5, 768: 11.5, 1024: 8.9})],
)  # fmt: skip
def test_work_and_a_floor_describe_a_fixed_batch(sequences: int, steps: dict[int, float], catalog: Catalog) -> None:
    """MegaScale 2024, table 2 (Megatron-LM and MegaScale): through the two ends, the fleets between come within 5 %."""
    least, most = min(steps), max(steps)
    work = (steps[least] - steps[most]) / (1 / least - 1 / most)
    floor = steps[most] - work / most
    fact = catalog.fact("constant", "scale.step-floor")
    assert fact.low * 0.95 < floor < fact.high * 1.05
    for count, seconds in steps.items():
        assert strong_scaling.step_time_with_floor(work, count, 1.0, 1.0, floor) == pytest.approx(seconds, rel=0.05)


def test_batch_and_steps_trade_off() -> None:
    """McCandlish et al. 2018, equation 2.11: (S / S_min - 1) (E / E_min - 1) = 1; twice each at the critical batch."""
    batches = np.geomspace(1e4, 1e8, 9)
    steps = strong_scaling.steps_over_least(batches, 2e6)
    compute = strong_scaling.compute_over_least(batches, 2e6)
    assert (steps - 1) * (compute - 1) == pytest.approx(1)
    assert strong_scaling.compute_over_least(2e6, 2e6) == 2


@settings(max_examples=60)
@given(st.floats(1e18, 1e21), st.floats(1, 1e5), st.floats(0.1, 0.6), st.floats(0.01, 3))
def test_the_floor_is_taken_out_and_put_back(work: float, count: float, utilisation: float, floor: float) -> None:
    """The utilisation of the dividing part, put back with the floor, gives the step that was started from."""
    peak = 1e15
    whole = estimate.time_at_utilisation(work, count, peak, utilisation)
    if floor > 0.9 * whole:
        return
    dividing = strong_scaling.dividing_utilisation(utilisation, work, count, peak, floor)
    assert strong_scaling.step_time_with_floor(work, count, peak, dividing, floor) == pytest.approx(whole)
    half = strong_scaling.half_wasted_fleet(work, peak, dividing, floor)
    assert strong_scaling.step_time_with_floor(work, half, peak, dividing, floor) == pytest.approx(2 * floor)
    twice = strong_scaling.step_time_with_floor(work, 2 * count, peak, dividing, floor)
    assert whole / 2 <= twice * (1 + 1e-9) and twice <= whole


@given(st.floats(1e20, 1e26), st.floats(1, 1e5), st.floats(1e3, 1e6), st.floats(1e5, 1e8))
def test_a_growing_batch_never_slows_and_has_a_limit(least: float, count: float, share: float, critical: float) -> None:
    times = strong_scaling.time_at_growing_batch(least, count * np.array([1, 2, 1e9]), 1e15, 0.4, share, critical)
    assert times[0] > times[1] > times[2] * (1 - 1e-9)
    assert times[2] == pytest.approx(least * share / critical / 4e14, rel=1e-3)


# Published runs


def test_the_planning_utilisation_is_that_of_published_runs(catalog: Catalog) -> None:
    """Median, 10th and 90th percentile of the language models since 2021 whose MFU is in the table."""
    table = catalog.table("training_facts").to_dicts()
    known = [r["mfu"] for r in table if r["mfu"] is not None and r["year"] >= 2021 and not r["model"].startswith("ViT")]
    fact = catalog.fact("constant", "scale.utilisation")
    assert len(known) == 16
    assert (fact.value, fact.low, fact.high) == tuple(
        pytest.approx(np.quantile(known, q), abs=0.005) for q in (0.5, 0.1, 0.9)
    )


def test_one_node_stopped_being_enough_with_t5(catalog: Catalog) -> None:
    """In 90 days a node of eight H100 does not do T5-11B of 2019, nor nearly any run since; one does BERT."""
    runs = published_runs(catalog, 90 * DAY)
    beyond = {run.model for run in runs.beyond(8)}
    assert {"T5-11B", "GPT-3 175B", "GPT-4", "Llama 3.1 405B"} <= beyond
    assert "BERT large" not in {run.model for run in runs.beyond(1)}
    assert runs.to_frame().height == len(runs.runs) > 40
    assert "Training runs" in to_svg(runs.plot())


def test_the_trend_of_frontier_compute(catalog: Catalog) -> None:
    """Epoch AI 2024: 4.1 a year, so that nine years make a factor of 3e5."""
    growth = float(catalog.fact("law", "epoch_trends.training_compute_growth_notable_2010_2024"))
    assert estimate.compute_after(1e18, growth, 0) == 1e18
    assert estimate.compute_after(1e18, growth, 9) / 1e18 == pytest.approx(3.3e5, rel=0.05)
