"""The search against brute force with scalars, and its answers where nothing fits."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.catalog import load
from navarch.deployment.serving import Objectives, Plan, choose, hardware_of, precisions_of, replica, shape_of
from navarch.deployment.serving.choose import batch_grid, tensor_splits


def brute_force(case: Any, traffic: Any, objectives: Objectives, precisions: Any) -> float:
    """Fewest accelerators over every design, one scalar evaluation at a time."""
    fewest = math.inf
    for precision in precisions:
        for experts in (False, True) if case.shape.mixture else (False,):
            for split in tensor_splits(case.shape, case.hardware):
                for batch in batch_grid(float(case.engine.largest_batch)):
                    one = replica(
                        case.shape, case.hardware, case.engine, traffic, Plan(split, batch, precision, experts)
                    )
                    legal = (
                        batch <= one.memory.largest_batch
                        and one.latency.ttft_tail <= objectives.ttft
                        and one.latency.tpot_tail <= objectives.tpot
                    )
                    if legal:
                        replicas = math.ceil(traffic.peak_rate / (one.pace.rate * objectives.target))
                        fewest = min(fewest, replicas * split)
    return fewest


@settings(max_examples=5, deadline=None)
@given(
    prompt=st.floats(64, 4096),
    output=st.floats(16, 1024),
    peak=st.floats(1, 2000),
    ttft=st.floats(0.2, 3),
    tpot=st.floats(0.015, 0.1),
)
def test_choice_is_the_fewest_accelerators(
    llama: Any, prompt: float, output: float, peak: float, ttft: float, tpot: float
) -> None:
    traffic = replace(llama.traffic, prompt=prompt, output=output, peak_rate=peak)
    case = replace(llama, engine=replace(llama.engine, largest_batch=160.0))
    objectives = Objectives(ttft, tpot, 0.8)
    found = choose(case.shape, case.hardware, case.engine, traffic, objectives, [llama.precision])
    fewest = brute_force(case, traffic, objectives, [llama.precision])
    assert found.met == math.isfinite(fewest)
    if found.met:
        assert found.chosen.accelerators == fewest
        assert found.chosen.ttft_tail <= ttft
        assert found.chosen.tpot_tail <= tpot
        assert all(o.reason for o in found.lost)
        assert all(o.accelerators >= fewest for o in found.lost if o.meets)
    else:
        assert found.missed


def test_choice_says_why_the_others_lost(llama: Any) -> None:
    catalog = load()
    precisions = precisions_of(catalog.get("accelerator", "h100-sxm"), catalog)
    assert [p.name for p in precisions] == ["bf16", "fp8"]
    found = choose(llama.shape, llama.hardware, llama.engine, llama.traffic, Objectives(1.0, 0.05, 0.8), precisions)
    reasons = {o.label: o.reason for o in found.lost}
    assert found.met
    assert found.chosen.label == "TP 4, FP8"
    assert reasons["TP 1, FP8"] == "ttft"  # 70 GB of weights leave 5 GB for the cache
    assert reasons["TP 1, BF16"] == "memory"
    assert reasons["TP 2, BF16"] == reasons["TP 8, FP8"] == "accelerators"
    assert found.runner_up is not None
    assert found.runner_up.label == "TP 8, FP8"
    assert found.considered == 8 * len(batch_grid(1024))


def test_nearest_where_an_objective_cannot_be_met(llama: Any) -> None:
    found = choose(
        llama.shape, llama.hardware, llama.engine, llama.traffic, Objectives(5.0, 0.001, 0.8), [llama.precision]
    )
    assert not found.met
    assert found.missed == "tpot"
    assert found.chosen.plan.tensor_parallel == 8


def test_nearest_where_the_model_fits_nowhere(llama: Any) -> None:
    small = replace(llama.hardware, memory=4e9)
    found = choose(llama.shape, small, llama.engine, llama.traffic, Objectives(5.0, 1.0, 0.8), [llama.precision])
    assert (found.met, found.missed, found.runner_up) == (False, "memory", None)


def test_a_mixture_may_place_experts_whole() -> None:
    catalog = load()
    chip = catalog.get("accelerator", "h200-sxm")
    shape = shape_of(catalog.get("model", "deepseek-v3"), catalog)
    hardware = hardware_of(chip, catalog, node=catalog.get("node", "dgx-h200"))
    from navarch.deployment.serving import Traffic, engine_of

    found = choose(
        shape,
        hardware,
        engine_of(catalog),
        Traffic(1000.0, 1000.0, 50.0, 0.96, 0.77, 1.09),
        Objectives(2.0, 0.1, 0.8),
        precisions_of(chip, catalog),
    )
    assert found.met
    assert found.chosen.plan.tensor_parallel == 8
    assert {o.plan.expert_parallel for o in (found.chosen, *found.lost)} == {False, True}


def test_splits_divide_the_heads(llama: Any) -> None:
    np.testing.assert_array_equal(tensor_splits(llama.shape, llama.hardware), [1, 2, 4, 8])
    assert tensor_splits(replace(llama.shape, heads=12.0), replace(llama.hardware, domain=72.0))[-1] == 4


@pytest.mark.parametrize("largest", [1, 7, 1024])
def test_batch_grid_spans_to_the_largest(largest: float) -> None:
    grid = batch_grid(largest)
    assert grid[0] == 1
    assert grid[-1] == largest
    assert np.all(np.diff(grid) > 0)
