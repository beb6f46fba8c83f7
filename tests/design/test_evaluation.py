"""The four examples and small designs: no orphans, known answers, conservation, and choices that are told."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from navarch.catalog import load
from navarch.core.explain import explain
from navarch.core.formula import formula
from navarch.design.errors import DesignError
from navarch.design.evaluation import Evaluation, evaluate
from navarch.design.reader import read_design
from navarch.design.spec import Design

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("llama3-405b", "gpt3-175b", "frontier", "lab-cluster")
DAY = 86400.0


@pytest.fixture(scope="module")
def catalog():
    return load()


@pytest.fixture(scope="module")
def evaluations(catalog):
    return {name: evaluate(read_design(EXAMPLES / f"{name}.yaml"), catalog) for name in NAMES}


def small(catalog, **sections) -> Evaluation:
    return evaluate(Design.of({"name": "Small", "workload": {"model": "llama3.1-8b"}, **sections}), catalog)


@pytest.mark.parametrize("name", NAMES)
def test_no_number_is_an_orphan(evaluations, name):
    assert [(o.title, o.value) for o in evaluations[name].ledger.orphans()] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_leaf_is_a_fact_a_field_a_choice_or_was_observed(evaluations, name):
    found = evaluations[name]
    for value in found.quantities.values():
        for leaf in value.entry.leaves():
            assert leaf.kind in ("fact", "field", "choice", "observation"), leaf
            assert leaf.fact is None or (leaf.fact.source and leaf.fact.kind)
            assert leaf.kind != "observation" or (leaf.source and leaf.note)


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_calculation_prints(evaluations, name):
    for entry in evaluations[name].ledger.entries:
        if entry.kind == "calculation":
            for dialect in ("text", "latex", "typst", "mathml"):
                assert formula(entry, dialect)
                assert formula(entry, dialect, numbers=True)


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_result_is_that_of_its_equation(evaluations, name):
    for entry in evaluations[name].ledger.entries:
        if entry.equation is not None:
            with np.errstate(all="ignore"):
                again = float(entry.equation.function(*(np.float64(i.entry.value) for i in entry.inputs)))
            assert math.isclose(again, entry.value, rel_tol=1e-12) or again == entry.value


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_hidden_in_a_warning(evaluations, name):
    exceeded = {e.title for e in evaluations[name].ledger.exceeded()}
    told = " ".join(evaluations[name].warnings)
    assert all(title in told for title in exceeded)


def test_llama3_reaches_catalog_facts_and_the_published_range(evaluations):
    found = evaluations["llama3-405b"]
    told = found.explain("training.step_time")
    assert "no origin" not in told
    assert "accelerator/h100-sxm/bf16" in told and "model/llama3.1-405b/hidden" in told
    assert 0.38 <= found.quantities["training.mfu"] <= 0.46, "published: 38 to 43 %, by an unstated count of attention"


def test_llama3_interruptions_in_54_days(evaluations):
    found = evaluations["llama3-405b"]
    assert 54 * DAY / found.quantities["faults.job_mttf"] == pytest.approx(419, rel=1e-9)
    assert found.quantities["faults.job_mttf"] == pytest.approx(3.093 * 3600, rel=1e-3)


def test_llama3_and_gpt3_compute(evaluations):
    assert evaluations["llama3-405b"].quantities["workload.dense_compute"] == pytest.approx(3.8e25, rel=0.01)
    assert evaluations["gpt3-175b"].quantities["workload.dense_compute"] == pytest.approx(3.14e23, rel=0.01)


def test_gpt3_for_a_hundred_users(catalog):
    serving = {
        "requests": "1 request/s", "prompt_tokens": 1748, "output_tokens": 300, "concurrent_requests": 100,
        "node": "dgx-a100-640", "precision": "fp16", "kv_precision": "fp16",
    }  # fmt: skip
    found = small(catalog, workload={"model": "gpt3-175b"}, serving=serving).quantities
    assert found["serving.kv_per_token"] == 4_718_592
    assert found["serving.concurrent_cache"] == pytest.approx(966.4e9, rel=1e-3)
    assert found["serving.weights"] == pytest.approx(350e9, rel=0.005)
    assert found["serving.accelerators_to_hold"] == 18


@pytest.mark.parametrize("name", NAMES)
def test_parts_sum_to_wholes(evaluations, name):
    q = evaluations[name].quantities
    if "training.step_time" in q:
        step = sum(v for k, v in q.items() if k.startswith("step."))
        assert step == pytest.approx(q["training.step_time"])
        parts = ("weights", "gradients", "optimiser", "activations", "logits", "workspace")
        memory = sum(q[f"memory.{k}"] for k in parts)
        assert memory == pytest.approx(q["memory.peak"])
        shares = sum(q[f"faults.{k}"] for k in ("goodput", "checkpoint_share", "rework_share", "restart_share"))
        assert shares == pytest.approx(1)
    lines = sum(v for k, v in q.items() if k.startswith("cost.line_"))
    assert lines - q["cost.residual"] == pytest.approx(q["cost.owned"])
    assert q["carbon.operational"] + q["carbon.embodied"] == pytest.approx(q["carbon.total"])


@pytest.mark.parametrize("name", NAMES)
def test_intervals_hold_the_medians_of_their_samples(evaluations, name):
    found = evaluations[name]
    for key, value in found.headlines.items():
        low, high = found.uncertainty.interval(value.entry)
        assert low <= high, key
        assert low * 0.8 <= value <= high * 1.25 or low == high == value, key


def test_uncertainty_is_the_same_for_the_same_seed(catalog, evaluations):
    again = evaluate(read_design(EXAMPLES / "lab-cluster.yaml"), catalog)
    first = evaluations["lab-cluster"]
    for key, value in first.headlines.items():
        other = again.quantities[key]
        assert first.uncertainty.interval(value.entry) == again.uncertainty.interval(other.entry)


def test_frontier_headlines_have_three_contributors(evaluations):
    found = evaluations["frontier"]
    for key in ("training.duration", "cost.tco", "carbon.total", "serving.accelerators", "faults.goodput"):
        assert len(found.uncertainty.contributions(found.quantities[key].entry, 3)) == 3, key


def test_a_training_only_design_chooses_what_is_left_out(catalog):
    found = small(catalog, workload={"model": "llama3.1-8b", "tokens": "1T tokens", "deadline": "30 days"})
    assert found.quantities["training.duration"] <= 30 * DAY
    assert found.decisions["parallelism"].by == "navarch"
    assert found.quantities["cluster.nodes"].entry.kind == "choice"
    assert not found.ledger.orphans()
    assert "serving.replicas" not in found.quantities


def test_a_serving_only_design(catalog):
    found = small(catalog, serving={"requests": "20 requests/s"})
    assert "training.step_time" not in found.quantities
    assert found.quantities["serving.replicas"] >= 1 and found.quantities["cost.tco"] > 0
    assert not found.ledger.orphans()


def test_a_mixture_of_experts_with_latent_attention(catalog):
    found = small(
        catalog,
        workload={"model": "deepseek-v3", "tokens": "14.8T tokens", "sequence_length": 4096, "global_batch": 15360},
        cluster={"node": "dgx-h200", "nodes": 256}, serving={"requests": "100 requests/s", "node": "dgx-h200"},
    )  # fmt: skip
    assert found.quantities["workload.parameters"] == pytest.approx(671e9, rel=0.01)
    assert found.quantities["workload.active_parameters"] == pytest.approx(37e9, rel=0.02)
    assert not found.ledger.orphans()


def test_impossible_parallelism_names_the_field(catalog):
    with pytest.raises(DesignError, match=r"parallelism\.tensor: 3"):
        small(catalog, cluster={"node": "dgx-h100", "nodes": 4}, parallelism={"tensor": 3})


def test_a_model_that_does_not_fit_says_by_how_much(catalog):
    with pytest.raises(DesignError, match=r"legal plans fits in [\d.]+ GB .* too much"):
        small(catalog, workload={"model": "gpt3-175b"}, cluster={"node": "dgx-h100", "nodes": 1})


def test_renting_needs_no_price_of_a_node(catalog):
    found = small(
        catalog, workload={"model": "llama3.1-8b", "tokens": "100B tokens"}, cluster={"node": "dgx-h100", "nodes": 4},
        cost={"ownership": "cloud"},
    )  # fmt: skip
    assert found.quantities["cost.tco"] == found.quantities["cost.rented_for_work"]
    assert found.decisions["cost"].chosen == "rent"


def test_more_bandwidth_never_slows_a_step(catalog):
    steps = []
    for link in (1, 2, 4):
        cluster = {"node": "dgx-h100", "nodes": 8, "oversubscription": link}
        found = small(catalog, cluster=cluster, parallelism={"tensor": 1})
        steps.append(float(found.quantities["training.step_time"]))
    assert steps == sorted(steps)


def test_an_unknown_quantity_is_answered_with_its_nearest(evaluations):
    with pytest.raises(DesignError, match=r"training\.step_time"):
        evaluations["frontier"].entry("training.steptime")


def test_explain_has_no_repeated_subtree(evaluations):
    found = evaluations["frontier"]
    told = explain(found.entry("cost.tco"))
    assert told.count("«training.step_time»") <= told.count("derived above") + 1
